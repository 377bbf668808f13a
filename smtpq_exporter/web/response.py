"""An answer: status, body, headers; and its bytes on the wire. Pure: the date is given."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Response:
    """What is sent back. `headers` are added to those that every answer has."""

    status: int
    body: bytes
    content_type: str = PLAIN
    headers: tuple[tuple[str, str], ...] = ()


def text(status: int, sentence: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """A sentence for people."""
    return Response(status, f"{sentence}\n".encode(), PLAIN, headers)


def wire(
    response: Response,
    *,
    date: str,
    keep_alive: bool,
    body: bool,
    extra: tuple[tuple[str, str], ...] = (),
) -> bytes:
    """Head and body in one piece, so that one send carries both; `body` is False for HEAD."""
    fields = (
        ("Date", date),
        ("Content-Type", response.content_type),
        ("Content-Length", str(len(response.body))),
        ("X-Content-Type-Options", "nosniff"),
        ("Connection", "keep-alive" if keep_alive else "close"),
    )
    merged = {name.lower(): (name, value) for name, value in (*fields, *extra, *response.headers)}
    phrase = HTTPStatus(response.status).phrase
    lines = [
        f"HTTP/1.1 {response.status} {phrase}",
        *(f"{name}: {value}" for name, value in merged.values()),
        "",
        "",
    ]
    return "\r\n".join(lines).encode("latin-1") + (response.body if body else b"")
