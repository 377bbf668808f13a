"""Heads of HTTP requests, good and bad."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.web.request import HttpError, Request, parse

SCRAPE = (
    b"GET /metrics?collect[]=postfix&collect[]=host HTTP/1.1\r\nHost: mail.example:10125\r\n"
    b"User-Agent: Prometheus/2.42.0\r\nAccept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n"
    b"Accept-Encoding: gzip\r\nX-Prometheus-Scrape-Timeout-Seconds: 10"
)


def test_a_scrape_is_understood() -> None:
    """Method, path, repeated query fields and headers in lower case."""
    request = parse(SCRAPE)
    assert (request.method, request.path, request.keep_alive, request.body_length) == (
        "GET",
        "/metrics",
        True,
        0,
    )
    assert request.query == {"collect[]": ["postfix", "host"]}
    assert request.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("head", "keep_alive"),
    [
        (b"GET / HTTP/1.1", True),
        (b"GET / HTTP/1.1\r\nConnection: close", False),
        (b"GET / HTTP/1.0", False),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive", True),
        (b"GET / HTTP/1.1\nConnection: Close", False),
    ],
)
def test_keep_alive(head: bytes, keep_alive: bool) -> None:
    """HTTP/1.1 stays, HTTP/1.0 goes, unless the client says otherwise."""
    assert parse(head).keep_alive is keep_alive


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"", 400),
        (b"GET /", 400),
        (b"GET / HTTP/2.0", 400),
        (b"GET  / HTTP/1.1", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400),
        (b"GET / HTTP/1.1\r\nno colon", 400),
        (b"GET / HTTP/1.1\r\nA B: c", 400),
        (b"GET / HTTP/1.1\r\nA: b\0c", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: ten", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: -1", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1, 2", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 70000", 413),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked", 501),
        (b"GET /?" + b"a=1&" * 200 + b" HTTP/1.1", 400),
        (b"GET //[ HTTP/1.1", 400),
        (b"GET / HTTP/1.1\r\n" + b"\r\n".join(b"A%d: b" % i for i in range(101)), 431),
        (b"GET /" + b"a" * 5000 + b" HTTP/1.1", 400),
    ],
)
def test_what_is_refused(head: bytes, status: int) -> None:
    """Malformed or oversized heads get a status of their own."""
    with pytest.raises(HttpError) as caught:
        parse(head)
    assert caught.value.status == status


def test_cut_anywhere() -> None:
    """A head cut at any byte is a request or an HttpError, nothing else."""
    for end in range(len(SCRAPE)):
        with contextlib.suppress(HttpError):
            assert isinstance(parse(SCRAPE[:end]), Request)


@given(st.binary(max_size=300))
def test_garbage(data: bytes) -> None:
    """No bytes raise anything but HttpError."""
    for head in (data, b"GET / HTTP/1.1\r\n" + data, b"GET /" + data + b" HTTP/1.1"):
        with contextlib.suppress(HttpError):
            parse(head)
