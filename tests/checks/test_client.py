"""The small HTTP client on real sockets: whatever comes back is a whole body or a SourceError, in time."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from smtpq_exporter.checks.acquire import acquire, decode
from smtpq_exporter.checks.client import LARGEST_ANSWER, AbsentError, Access, get
from smtpq_exporter.checks.options import Options
from smtpq_exporter.checks.url import split
from smtpq_exporter.errors import SourceError
from tests.checks.exporter import FakeExporter, http, silence, trickle
from tests.checks.samples import NOW, sample, server
from tests.checks.tls import certificate, server_context

BODY = sample(server())


def fetch(exporter: FakeExporter, seconds: float = 10.0, **access: Any) -> tuple[bytes, float | None]:
    """Ask the exporter."""
    return get(exporter.url, "/api/v1/sample", Access(**access), time.monotonic() + seconds)


def options(url: str, **given: object) -> Options:
    """What acquire needs."""
    return Options({"source": "exporter", "url": url, "credentials": "", "ca_file": "", "certificate": "",
                    "insecure": False, "min_age": None, "mta": None, "instance": [],
                    "config_dir": "", **given})


def test_body_and_date() -> None:
    """A whole answer gives its body, and the moment at which the server sent it."""
    with FakeExporter(http(b"{}", date=NOW)) as exporter:
        assert fetch(exporter) == (b"{}", NOW)
        assert exporter.requests[0].startswith(b"GET /api/v1/sample HTTP/1.0\r\nHost: 127.0.0.1:")


def test_frozen_sample_grows_old() -> None:
    """An exporter whose sampler stands still is seen by the date of its answer."""
    with FakeExporter(http(json.dumps(BODY).encode(), date=NOW + 900)) as exporter:
        got, whence = acquire(options(exporter.url), {}, frozenset(), time.monotonic() + 10)
    assert got["time"] == NOW + 900
    assert exporter.url in whence


@pytest.mark.parametrize(("answer", "kind", "text"), [
    (http(b"no", status="404 Not Found"), "unavailable", "answered 404 Not Found"),
    (http(b"no", status="503 Service Unavailable"), "unavailable", "answered 503"),
    (http(b"no", status="401 Unauthorized"), "permission", "refuses access (401 Unauthorized); name a file"),
    (http(b"half", length=400), "truncated", "broke off after 4 bytes"),
    (b"SSH-2.0-OpenSSH_9\r\n", "parse", "does not speak HTTP"),
    (b"", "parse", "does not speak HTTP"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "parse",
     "answered HTTP/1.0 with chunked"),
    (b"HTTP/1.1 200", "parse", "does not speak HTTP"),
])
def test_bad_answers(answer: bytes, kind: str, text: str) -> None:
    """Anything but a whole 200 is an error that says what was found."""
    with FakeExporter(answer) as exporter, pytest.raises(SourceError) as caught:
        fetch(exporter)
    assert caught.value.kind == kind
    assert text in str(caught.value)


def test_silence_and_trickle() -> None:
    """A server that says nothing, or one byte at a time for ever, costs no more than the deadline."""
    with FakeExporter(trickle) as exporter:
        exporters = [exporter]
        with FakeExporter(b"") as quiet:
            quiet.answer = silence(quiet.done)
            for asked in (*exporters, quiet):
                with pytest.raises(SourceError) as caught:
                    fetch(asked, seconds=0.4)
                assert caught.value.kind == "timeout"


def test_endless_answer() -> None:
    """An answer that never ends stops at a fixed size."""
    def flood(link: socket.socket, _request: bytes) -> None:
        link.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
        for _ in range(LARGEST_ANSWER // 65536 + 2):
            link.sendall(b"x" * 65536)

    with FakeExporter(flood) as exporter, pytest.raises(SourceError, match="larger than"):
        fetch(exporter, seconds=30)


def test_nobody_listens() -> None:
    """A closed port is its own error, so that `auto` may ask the mail server instead."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(AbsentError, match=r"no exporter listens at http://127\.0\.0\.1"):
        get(f"http://127.0.0.1:{port}", "/", Access(), time.monotonic() + 5)


def test_unknown_host() -> None:
    """A name that does not resolve is an error, not a crash."""
    with pytest.raises(SourceError, match="cannot be reached"):
        get("http://no.such.host.invalid", "/", Access(), time.monotonic() + 5)


def test_basic_authentication(tmp_path: Path) -> None:
    """Credentials come from a file, never from the command line."""
    secret = tmp_path / "secret"
    secret.write_text("monitor:p\u00e4ss\n", encoding="utf-8")
    with FakeExporter(http(b"{}")) as exporter:
        fetch(exporter, credentials=str(secret))
        assert b"Authorization: Basic bW9uaXRvcjpww6Rzcw==\r\n" in exporter.requests[0]
        with pytest.raises(SourceError, match=r"cannot read .*nothing: No such file"):
            fetch(exporter, credentials=str(tmp_path / "nothing"))


def test_https(tmp_path: Path) -> None:
    """TLS trusts the CA that was named and no other, unless told to trust any."""
    pem = certificate(tmp_path)
    with FakeExporter(http(b"{}"), tls=server_context(pem)) as exporter:
        assert fetch(exporter, ca_file=str(pem))[0] == b"{}"
        assert fetch(exporter, insecure=True)[0] == b"{}"
        with pytest.raises(SourceError, match=r"not trusted.*--ca-file"):
            fetch(exporter)
        with pytest.raises(SourceError, match="cannot load"):
            fetch(exporter, ca_file=str(tmp_path / "nothing.pem"))


@pytest.mark.parametrize(("url", "parts"), [
    ("http://127.0.0.1:10125", (False, "127.0.0.1", 10125, "/p")),
    ("http://mx", (False, "mx", 80, "/p")),
    ("https://mx/", (True, "mx", 443, "/p")),
    ("https://mx:1/a/b?c=d", (True, "mx", 1, "/a/b?c=d")),
    ("http://[::1]:8080", (False, "::1", 8080, "/p")),
])
def test_urls(url: str, parts: tuple[bool, str, int, str]) -> None:
    """A URL may leave out port and path."""
    assert split(url, "/p") == parts


@pytest.mark.parametrize("url", ["", "127.0.0.1:1", "http://", "http://a:b", "http://a:0", "http://u:p@a", "ftp://a",
                                 "http://a b", "http://a\r\nX: y", "http://\u00e4"])
def test_no_urls(url: str) -> None:
    """What cannot be one, or would put a header into the request, is refused."""
    with pytest.raises(ValueError, match="URL"):
        split(url, "/p")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"mtas": 1, "time": 2}', b'{"mtas": []}',
                                  b"\xff", b'{"mtas": [1], "time": 2}', b'{"mtas": [{}], "time": 2}',
                                  b"[" * 100000])
def test_no_sample(body: bytes) -> None:
    """A body that is no sample, such as another program's JSON, is refused before it is judged."""
    with pytest.raises(SourceError, match="no smtpq-exporter"):
        decode(body, "here")
