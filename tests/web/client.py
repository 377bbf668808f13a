"""A client that does what it is told: http.client is too polite for some of these tests."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from smtpq_exporter.web.listening import listen
from smtpq_exporter.web.request import Request
from smtpq_exporter.web.response import Response, text
from smtpq_exporter.web.server import Guard, Server

#: No client waits longer than this for anything, seconds.
PATIENCE = 20.0


def hello(request: Request) -> Response:
    """An answer that tells what was asked."""
    return text(200, f"{request.method} {request.path}")


@contextmanager
def serving(server: Server) -> Iterator[int]:
    """The port of a running server."""
    server.start()
    try:
        yield server.addresses[0][1]
    finally:
        server.stop()


def server(answer: object = hello, guard: Guard | None = None, **more: int) -> Server:
    """A server on a free port of the loopback interface."""
    return Server([listen("127.0.0.1", 0)], answer, guard, **more)  # type: ignore[arg-type]


def get(
    port: int,
    path: str = "/",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: bytes | None = None,
) -> http.client.HTTPResponse:
    """One request on a connection of its own; the body is read already."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request(method, path, body=body, headers={"Connection": "close", **(headers or {})})
    response = connection.getresponse()
    response.content = response.read()  # type: ignore[attr-defined]
    connection.close()
    return response


def connect(port: int) -> socket.socket:
    """A bare connection."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def exchange(port: int, data: bytes) -> bytes:
    """Send bytes and read until the server closes."""
    with connect(port) as sock:
        sock.sendall(data)
        received = b""
        while piece := sock.recv(65536):
            received += piece
        return received
