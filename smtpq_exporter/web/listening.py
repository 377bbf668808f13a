"""The sockets that the server listens on: made here, or handed over by systemd. Errors say what to do."""

from __future__ import annotations

import errno
import os
import socket

from smtpq_exporter.errors import ConfigError

_FLAG = "--web.listen-address"
_BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; no host means all addresses, IPv6 too where there is any. Raises ConfigError."""
    try:
        if host == "" and socket.has_dualstack_ipv6():
            try:
                return socket.create_server(
                    ("", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
                )
            except OSError as error:
                if error.errno not in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):  # IPv6 is switched off
                    raise
        family = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        resolving = isinstance(error, socket.gaierror) or not error.errno
        what = error.strerror if resolving else os.strerror(error.errno)  # type: ignore[arg-type]
        told = f"cannot listen on {shown}: {what or error}; {_hint(error, port)}"
        raise ConfigError(_FLAG, told) from error


def _hint(error: OSError, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"another program listens there; see which with `ss -ltnp 'sport = :{port}'`, or choose another"
            f" with {_FLAG}"
        )
    if error.errno == errno.EACCES:
        return f"ports below 1024 need a privilege; choose another with {_FLAG}"
    return f"choose another with {_FLAG}"


def inherited() -> tuple[socket.socket, ...]:
    """The sockets that systemd handed over (sd_listen_fds(3))."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise ConfigError(
            "--web.systemd-socket", "systemd handed over no socket; is smtpq-exporter.socket in use?"
        )
    count = int(os.environ.get("LISTEN_FDS", "0"))
    return tuple(socket.socket(fileno=descriptor) for descriptor in range(3, 3 + count))
