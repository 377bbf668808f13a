"""A real HTTP server on loopback that answers like an exporter, or as badly as a test wants."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, Self

Answer = bytes | Callable[[socket.socket, bytes], None]


class FakeExporter:
    """Answers each request with `answer`: a sample, a whole response, or a function (link, request)."""

    def __init__(self, answer: dict[str, Any] | Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer: Answer = http(json.dumps(answer).encode()) if isinstance(answer, dict) else answer
        self.requests: list[bytes] = []
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.done = threading.Event()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        # A blocked accept() does not notice that its socket is closed elsewhere.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        try:
            link.settimeout(20)
            if self._tls:
                link = self._tls.wrap_socket(link, server_side=True)
            with link:
                request = b""
                while b"\r\n\r\n" not in request:
                    part = link.recv(4096)
                    if not part:
                        return
                    request += part
                self.requests.append(request)
                if callable(self.answer):
                    self.answer(link, request)
                else:
                    link.sendall(self.answer)
        except OSError:
            link.close()  # the plugin went away first


def http(body: bytes, status: str = "200 OK", date: float | None = None, length: int | None = None) -> bytes:
    """A whole response; by default its date is not sent, so that the sample's own time counts."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json",
             f"Content-Length: {len(body) if length is None else length}"]
    if date is not None:
        lines.append(f"Date: {formatdate(date, usegmt=True)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def silence(done: threading.Event) -> Callable[[socket.socket, bytes], None]:
    """An answer that never comes."""
    return lambda _link, _request: done.wait(30) and None


def trickle(link: socket.socket, _request: bytes) -> None:
    """An answer that comes a byte at a time and never ends."""
    link.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        link.sendall(b" ")
        time.sleep(0.05)
