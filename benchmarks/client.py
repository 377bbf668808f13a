"""A light HTTP client that scrapes as Prometheus does and notes how long each answer took.

Raw sockets and asyncio: on two cores the client must not cost more than the server that it measures.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from dataclasses import dataclass, field

from benchmarks.measure import quantile

HEADERS = ("Host: localhost\r\nUser-Agent: benchmark\r\nAccept-Encoding: gzip\r\n"
           "Accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n\r\n")


@dataclass(slots=True)
class Scrapes:
    """Latencies in seconds, failures, and the length of the last body in bytes."""

    latencies: list[float] = field(default_factory=list)
    failures: int = 0
    size: int = 0

    @property
    def p50(self) -> float:
        """The median."""
        return quantile(self.latencies, 0.5)

    @property
    def p99(self) -> float:
        """99 of 100 are not slower."""
        return quantile(self.latencies, 0.99)


def _length(head: bytes) -> int:
    """The body's length that a header names; raises ConnectionError for anything but a 200."""
    if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
        raise ConnectionError(head[:60])
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise ConnectionError("no content-length")


def _ask(connection: socket.socket, request: bytes) -> int:
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    length, got = _length(head), len(body)
    while got < length:
        got += len(_more(connection))
    return length


def _more(connection: socket.socket) -> bytes:
    part = connection.recv(1 << 18)
    if not part:
        raise ConnectionError("closed")
    return part


def paced(port: int, path: str, *, rate: float, seconds: float = 3600.0,
          stop: threading.Event | None = None) -> Scrapes:
    """One client on one connection, `rate` scrapes a second, for `seconds` or until `stop`."""
    found, request = Scrapes(), f"GET {path} HTTP/1.1\r\n{HEADERS}".encode()
    connection: socket.socket | None = None
    begin = time.perf_counter()
    for turn in range(int(rate * seconds)):
        wait = begin + turn / rate - time.perf_counter()
        if (stop or threading.Event()).wait(max(0.0, wait)):
            break
        start = time.perf_counter()
        try:
            connection = connection or socket.create_connection(("127.0.0.1", port), 10)
            found.size = _ask(connection, request)
            found.latencies.append(time.perf_counter() - start)
        except OSError:
            found.failures += 1
            connection = None
    if connection:
        connection.close()
    return found


def parallel(port: int, path: str, *, clients: int, requests: int) -> Scrapes:
    """Many clients at once, each on a connection of its own, each `requests` scrapes without a pause."""
    return asyncio.run(_parallel(port, path, clients, requests))


async def _parallel(port: int, path: str, clients: int, requests: int) -> Scrapes:
    found, request = Scrapes(), f"GET {path} HTTP/1.1\r\n{HEADERS}".encode()

    async def client() -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        except OSError:
            found.failures += requests
            return
        for turn in range(requests):
            start = time.perf_counter()
            try:
                writer.write(request)
                found.size = _length(await reader.readuntil(b"\r\n\r\n"))
                await reader.readexactly(found.size)
            except (OSError, asyncio.IncompleteReadError):
                found.failures += requests - turn
                break
            found.latencies.append(time.perf_counter() - start)
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return found
