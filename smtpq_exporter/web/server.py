"""The HTTP server: a thread for each connection, bounded; nobody can delay another.

A client that says nothing, speaks slowly or reads slowly holds one thread for a bounded time. When all places
are taken, the connection that has waited longest without a complete request is closed for the new one. TLS is
negotiated in the connection's own thread: prometheus_client does it in accept(), where one silent client
stops all.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Protocol

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.web import request as requests
from smtpq_exporter.web.request import HttpError, Request
from smtpq_exporter.web.response import Response, text, wire

log = logging.getLogger(__name__)

#: Places for connections; Prometheus needs one.
MOST_CONNECTIONS = 128
#: Seconds for a complete request head and for the handshake, for an idle kept connection, for sending an
#: answer.
HEAD_SECONDS, IDLE_SECONDS, SEND_SECONDS = 5.0, 120.0, 15.0
_TLS_HANDSHAKE = b"\x16"


class Guard(Protocol):
    """What the operator's web.config.file asks of every connection (web/toolkit.py)."""

    def context(self) -> ssl.SSLContext | None:
        """TLS as configured now; None for plain HTTP."""

    def admit(self, request: Request, peer: ssl.SSLSocket | None) -> None:
        """Raise HttpError unless this client may ask."""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers that every answer carries."""


class Open:
    """The Guard of a server without web.config.file: everybody may ask, in plain HTTP."""

    def context(self) -> None:
        """Plain HTTP."""

    def admit(self, request: Request, peer: ssl.SSLSocket | None) -> None:
        """Everybody may ask."""

    def headers(self) -> tuple[tuple[str, str], ...]:
        """None are added."""
        return ()


class _Connection:
    """A connected client and since when it has made us wait, None while it is being answered."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.waiting_since: float | None = time.monotonic()
        self.begun = time.monotonic()

    def shut(self) -> None:
        """Wake its thread, which then ends."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class Server:
    """Listens on some addresses and answers with `answer`. `start` returns at once; `stop` ends it."""

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        answer: Callable[[Request], Response],
        guard: Guard | None = None,
        *,
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self._sockets = tuple(sockets)
        self._answer, self._guard, self._most = answer, guard if guard is not None else Open(), most
        self._connections: set[_Connection] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of each socket."""
        return tuple(sock.getsockname()[:2] for sock in self._sockets)

    def start(self) -> None:
        """Accept connections in the background."""
        for sock in self._sockets:
            threading.Thread(target=self._accept, args=(sock,), name="accept", daemon=True).start()

    def stop(self, seconds: float = 2.0) -> None:
        """Accept no more, let answers in progress finish for `seconds`, close all."""
        self._stopping.set()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        deadline = time.monotonic() + seconds
        while True:
            with self._lock:
                connections = tuple(self._connections)
            for connection in connections:
                if connection.waiting_since is not None or time.monotonic() >= deadline:
                    connection.shut()
            if not connections or time.monotonic() >= deadline:
                return
            time.sleep(0.01)

    def _accept(self, sock: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                client, _ = sock.accept()
            except OSError as error:
                if self._stopping.is_set():
                    return
                # Too many open files, or the client has gone: the next may do better, but not at full speed.
                log.debug("accept: %s", error)
                self._stopping.wait(0.05)
                continue
            connection = _Connection(client)
            self._make_room(connection)
            try:
                threading.Thread(target=self._serve, args=(connection,), name="http", daemon=True).start()
            except RuntimeError:  # no thread to be had (TasksMax=)
                self._forget(connection)

    def _make_room(self, connection: _Connection) -> None:
        with self._lock:
            if len(self._connections) >= self._most:
                waiting = [c for c in self._connections if c.waiting_since is not None]
                oldest = min(waiting, key=lambda c: c.waiting_since or 0.0, default=None)
                # All are being answered: the one that takes longest is reading slowly.
                oldest = oldest or min(self._connections, key=lambda c: c.begun)
                oldest.shut()
                self._connections.discard(oldest)
            self._connections.add(connection)

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._connections.discard(connection)
        with contextlib.suppress(OSError):
            connection.sock.close()

    def _serve(self, connection: _Connection) -> None:
        try:
            connection.sock.settimeout(HEAD_SECONDS)
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._secure(connection):
                self._converse(connection)
        except (OSError, ValueError) as error:  # it left, was too slow, or was closed for another
            log.debug("connection: %s", error)
        finally:
            self._forget(connection)

    def _secure(self, connection: _Connection) -> bool:
        try:
            context = self._guard.context()
        except ConfigError as error:
            log.error("web.config.file: %s", error)  # noqa: TRY400  (the text says it all)
            return False
        if context is None:
            return True
        if connection.sock.recv(1, socket.MSG_PEEK) not in (_TLS_HANDSHAKE, b""):
            self._send(
                connection,
                text(400, "This server speaks HTTPS; you sent plain HTTP."),
                None,
                keep_alive=False,
            )
            return False
        connection.sock = context.wrap_socket(
            connection.sock, server_side=True, do_handshake_on_connect=False
        )
        connection.sock.do_handshake()
        return True

    def _converse(self, connection: _Connection) -> None:
        received = b""
        patience = HEAD_SECONDS
        while not self._stopping.is_set():
            connection.waiting_since = time.monotonic()
            request: Request | None = None
            try:
                head, received = _read_head(connection.sock, received, connection.waiting_since + patience)
                if head is None:
                    return
                request = requests.parse(head)
                received = _skip_body(connection.sock, received, request.body_length)
                connection.begun, connection.waiting_since = time.monotonic(), None
                response = self._respond(request, connection.sock)
            except HttpError as error:
                response = text(error.status, error.text, error.headers)
            keep_alive = request is not None and request.keep_alive and not self._stopping.is_set()
            self._send(connection, response, request, keep_alive=keep_alive)
            if not keep_alive:
                return
            patience = IDLE_SECONDS

    def _respond(self, request: Request, sock: socket.socket) -> Response:
        try:
            self._guard.admit(request, sock if isinstance(sock, ssl.SSLSocket) else None)
            return self._answer(request)
        except HttpError:
            raise
        except Exception:  # a fault in one page must not end the server; it is logged with its place
            log.exception("cannot answer", extra={"path": request.path})
            raise HttpError(500, "This is an error in smtpq_exporter; its log says more.") from None

    def _send(
        self, connection: _Connection, response: Response, request: Request | None, *, keep_alive: bool
    ) -> None:
        data = wire(
            response,
            date=formatdate(usegmt=True),
            keep_alive=keep_alive,
            extra=self._guard.headers(),
            body=request is None or request.method != "HEAD",
        )
        connection.sock.settimeout(SEND_SECONDS)  # for all of the answer, not for each piece
        connection.sock.sendall(data)
        if request is None:
            _drain(connection.sock)


def _drain(sock: socket.socket) -> None:
    """Read what a refused client still sends: closing on unread bytes would reset its connection, and with it
    the answer that it has not read yet.
    """
    deadline = time.monotonic() + 1.0
    socket.socket.shutdown(sock, socket.SHUT_WR)
    with contextlib.suppress(TimeoutError):
        for _ in range(32):
            if not _receive(sock, deadline):
                return


def _read_head(sock: socket.socket, received: bytes, deadline: float) -> tuple[bytes | None, bytes]:
    """A request head without its empty line, and what came after it; None if the client has gone."""
    while True:
        for end in (b"\r\n\r\n", b"\n\n"):
            head, found, rest = received.lstrip(b"\r\n").partition(end)
            if found:
                return head, rest
        if len(received) > requests.LARGEST_HEAD:
            raise HttpError(431, "The request head is too large.")
        piece = _receive(sock, deadline)
        if not piece:
            return None, b""
        received += piece


def _skip_body(sock: socket.socket, received: bytes, length: int) -> bytes:
    """Read past a body, which no address here needs."""
    deadline = time.monotonic() + HEAD_SECONDS
    while len(received) < length:
        piece = _receive(sock, deadline)
        if not piece:
            raise ConnectionError("the client left in the middle of its body")
        received += piece
    return received[length:]


def _receive(sock: socket.socket, deadline: float) -> bytes:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the client was too slow")
    sock.settimeout(left)
    return sock.recv(65536)
