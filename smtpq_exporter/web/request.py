"""Bytes of an HTTP request head -> Request, or the HttpError that answers it.

Pure: no socket. Strict and bounded, for everybody may connect. Source: RFC 9112 (HTTP/1.1), sections 2 to 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

#: Largest request head and body, bytes. Prometheus sends about 300 and 0.
LARGEST_HEAD = 16 * 1024
LARGEST_BODY = 64 * 1024
_MOST_HEADERS = 100
_MOST_QUERY_FIELDS = 100

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (\S{1,4096}) HTTP/1\.([01])")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", re.DOTALL)


class HttpError(Exception):
    """A request that gets only a status and a sentence."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        """`text` is for people; `headers` go beside it."""
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks. Header names are lower case; a header that stands twice is joined by a comma."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    keep_alive: bool
    body_length: int = 0


def parse(head: bytes) -> Request:
    """Understand a head up to and without its empty line; raises HttpError."""
    first, *rest = head.replace(b"\r\n", b"\n").lstrip(b"\n").split(b"\n")
    line = _LINE.fullmatch(first)
    if line is None:
        raise HttpError(400, "This is not an HTTP/1.1 request.")
    headers = _headers(rest)
    if "transfer-encoding" in headers:
        raise HttpError(501, "Send a body with Content-Length, or none.")
    path, query = _target(line[2].decode("latin-1"))
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if line[3] == b"1" else "keep-alive" in connection
    return Request(line[1].decode("ascii"), path, query, headers, keep_alive, _length(headers))


def _headers(lines: list[bytes]) -> dict[str, str]:
    if len(lines) > _MOST_HEADERS:
        raise HttpError(431, f"More than {_MOST_HEADERS} header lines.")
    headers: dict[str, str] = {}
    for line in lines:
        if not line:
            continue
        field = _FIELD.fullmatch(line)
        if field is None or b"\0" in line or b"\r" in line:
            raise HttpError(400, "A header line is malformed.")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _target(target: str) -> tuple[str, dict[str, list[str]]]:
    try:
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True, max_num_fields=_MOST_QUERY_FIELDS)
    except ValueError:
        raise HttpError(400, "The address is malformed.") from None
    return unquote(parts.path) or "/", query


def _length(headers: dict[str, str]) -> int:
    text = headers.get("content-length", "0")
    if not text.isascii() or not text.isdecimal():
        raise HttpError(400, "Content-Length is no number.")
    if len(text) > 9 or int(text) > LARGEST_BODY:
        raise HttpError(413, "The body is too large.")
    return int(text)
