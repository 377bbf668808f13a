"""An own syslog socket as a source, for hosts and containers without a log file: a unix datagram socket, or
UDP on loopback. One datagram is one line; priority is taken off, RFC 5424 is turned into the older form.

A socket keeps nothing for a process that is not there. Truth: RFC 3164, RFC 5424 section 6, RFC 5426.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
import stat

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.lines import LINE_LIMIT
from smtpq_exporter.io.permission import denied
from smtpq_exporter.io.source import Position

#: Room for a burst; the kernel may grant less. Senders to a unix socket wait when it is full.
RECEIVE_BUFFER = 4 * 1024 * 1024
#: Like /dev/log: whoever may write mail may write its log.
MODE = 0o666
_PRI = re.compile(rb"<\d{1,3}>")
_RFC5424 = re.compile(
    rb"1 (?P<time>\S{1,64}) (?P<host>\S{1,255}) (?P<app>\S{1,128}) (?P<pid>\S{1,128}) \S{1,128} "
    rb"(?:-|(?:\[(?:[^\]\"\\]|\"(?:[^\"\\]|\\.)*\")*\])+)(?: (?:\xef\xbb\xbf)?|$)",
    re.DOTALL,
)
#: What syslog(3) writes into a local socket has no host: the tag follows the time.
_NO_HOST = re.compile(rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (?=[^\s\[\]:]{1,128}(?:\[\d{1,10}\])?: )")


class SyslogSocket:
    """Receives at `where`: a path, a port, or HOST:PORT of a loopback address; see LogSource."""

    kind = "syslog"
    rotations = lost = 0

    def __init__(self, where: str) -> None:
        self.where, self.cut, self.behind = where, 0, False
        self._inode: int | None = None
        self._socket = self._unix(where) if where.startswith("/") else _udp(where)
        self._socket.setblocking(False)
        with contextlib.suppress(OSError):  # only a wish
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)

    def poll(self, max_bytes: int) -> list[bytes]:
        """One line for each datagram that came."""
        lines: list[bytes] = []
        self.behind = False
        while max_bytes > 0:
            try:
                data = self._socket.recv(2 * LINE_LIMIT)
            except BlockingIOError:
                return lines
            except OSError as reason:
                if lines:
                    return lines
                raise SourceError("unavailable", f"syslog socket {self.where}: {reason.strerror}") from None
            max_bytes -= len(data)
            if line := unwrap(data):
                self.cut += len(line) > LINE_LIMIT
                lines.append(line[:LINE_LIMIT])
        self.behind = True
        return lines

    def position(self) -> Position:
        """Nothing to go back to."""
        return {}

    def lag(self) -> int | None:
        """Not known."""
        return None

    def fileno(self) -> int | None:
        """The socket."""
        return self._socket.fileno()

    @property
    def port(self) -> int:
        """The UDP port, which the system chose if 0 was asked for; 0 for a unix socket."""
        name = self._socket.getsockname()
        return int(name[1]) if isinstance(name, tuple) else 0

    def close(self) -> None:
        """Close the socket, and take its name away if it is still ours."""
        self._socket.close()
        if self._inode is not None:
            with contextlib.suppress(OSError):
                if os.stat(self.where).st_ino == self._inode:
                    os.unlink(self.where)

    def _unix(self, path: str) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            _remove_abandoned(path)
            made.bind(path)
            os.chmod(path, MODE)
            self._inode = os.stat(path).st_ino
        except PermissionError:
            made.close()
            raise denied(path, "may not make the syslog socket") from None
        except OSError as reason:
            made.close()
            hint = "is something else, such as a syslog daemon, using it, and does its directory exist?"
            raise SourceError("unavailable", f"syslog socket {path}: {reason.strerror}", hint) from None
        except SourceError:
            made.close()
            raise
        return made


def unwrap(data: bytes) -> bytes:
    """One datagram as the line that a syslog daemon would have written into a file."""
    line = data.rstrip(b"\r\n\0").replace(b"\n", b" ")
    if priority := _PRI.match(line):
        line = line[priority.end() :]
        if new := _RFC5424.match(line):
            pid = b"[%s]" % new["pid"] if new["pid"].isdigit() else b""
            return b"%s %s %s%s: %s" % (new["time"], new["host"], new["app"], pid, line[new.end() :])
    if without := _NO_HOST.match(line):
        return line[: without.end()] + b"localhost " + line[without.end() :]
    return line


def _remove_abandoned(path: str) -> None:
    """Remove a socket that nobody receives from any more; anything else stays."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise SourceError("unavailable", f"{path} exists and is no socket", "choose another path")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise SourceError("unavailable", f"another process receives at {path}", "choose another path")


def _udp(where: str) -> socket.socket:
    host, _, port = where.rpartition(":")
    host = host.strip("[]") or "127.0.0.1"
    try:
        loopback, number = ipaddress.ip_address(host).is_loopback, int(port)
    except ValueError:
        loopback, number = False, -1
    if not 0 <= number < 65536:
        hint = "give a path, a port, or 127.0.0.1:PORT"
        raise SourceError("unavailable", f"syslog:{where} is no place to receive at", hint)
    if not loopback:
        hint = "syslog has no authentication: receive on 127.0.0.1 or [::1], and forward to it with rsyslog"
        raise SourceError("unavailable", f"syslog:{where} is not a loopback address", hint)
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.bind((host, number))
    except OSError as reason:
        made.close()
        hint = "is something else using the port? Below 1024 needs CAP_NET_BIND_SERVICE"
        kind = "permission" if isinstance(reason, PermissionError) else "unavailable"
        raise SourceError(kind, f"syslog:{where}: {reason.strerror}", hint) from None
    return made
