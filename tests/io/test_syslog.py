"""Sources that keep nothing: an own syslog socket, and standard input."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.lines import LINE_LIMIT
from smtpq_exporter.io.stdin import Stdin
from smtpq_exporter.io.syslog import SyslogSocket, unwrap
from tests.wait import wait_for

MANY = 1 << 20


@pytest.fixture
def sender() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        yield made


@pytest.mark.parametrize(
    ("datagram", "line"),
    [
        (b"<22>Nov 24 06:50:01 mx postfix/smtp[12]: x", b"Nov 24 06:50:01 mx postfix/smtp[12]: x"),
        (b"<22>Nov  4 06:50:01 postfix/smtp[12]: x\n", b"Nov  4 06:50:01 localhost postfix/smtp[12]: x"),
        (b"<22>Nov  4 06:50:01 mx sendmail: x\0", b"Nov  4 06:50:01 mx sendmail: x"),
        (
            b"<22>1 2026-11-24T06:50:01Z mx postfix/smtp 12 - - x",
            b"2026-11-24T06:50:01Z mx postfix/smtp[12]: x",
        ),
        (
            b'<22>1 2026-11-24T06:50:01.5+01:00 mx exim - ID [a@1 b="c\\"]"][d] \xef\xbb\xbfx y',
            b"2026-11-24T06:50:01.5+01:00 mx exim: x y",
        ),
        (b"<22>1 2026-11-24T06:50:01Z mx app 12 - -", b"2026-11-24T06:50:01Z mx app[12]: "),
        (
            b"2026-11-24T06:50:01Z mx postfix/smtp[12]: no priority",
            b"2026-11-24T06:50:01Z mx postfix/smtp[12]: no priority",
        ),
        (b"<22>Nov 24 06:50:01 mx a[1]: two\nNov 24 mx postfix/smtp[1]: forged", None),
        (b"\n", b""),
    ],
)
def test_unwrap(datagram: bytes, line: bytes | None) -> None:
    """A datagram is one line without its priority, in the older form, with a host."""
    got = unwrap(datagram)
    assert b"\n" not in got
    assert line is None or got == line


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"<22>1 t h a p m " + data))
def test_unwrap_anything(data: bytes) -> None:
    """Whatever is sent is one line."""
    assert b"\n" not in unwrap(data)


def test_unix_socket(tmp_path: Path, sender: socket.socket) -> None:
    """Everyone may write into the socket, each datagram is a line, and its name goes away with the source."""
    path = tmp_path / "log"
    source = SyslogSocket(str(path))
    assert stat.S_IMODE(path.stat().st_mode) == 0o666
    assert source.poll(MANY) == []
    for number in range(5):
        sender.sendto(b"<22>Nov 24 06:50:01 mx a[1]: %d" % number, str(path))
    assert source.poll(MANY) == [b"Nov 24 06:50:01 mx a[1]: %d" % number for number in range(5)]
    source.close()
    assert not path.exists()


def test_work_of_a_poll_is_bounded(tmp_path: Path, sender: socket.socket) -> None:
    """A flood is taken in portions; a long line is cut and counted."""
    source = SyslogSocket(str(tmp_path / "log"))
    for _ in range(5):
        sender.sendto(b"x" * 300, str(tmp_path / "log"))
    assert len(source.poll(600)) == 2
    assert source.behind
    assert len(source.poll(MANY)) == 3
    assert not source.behind
    sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * LINE_LIMIT)
    sender.sendto(b"y" * (LINE_LIMIT + 1), str(tmp_path / "log"))
    assert source.poll(MANY) == [b"y" * LINE_LIMIT]
    assert source.cut == 1
    source.close()


def test_abandoned_socket_is_replaced(tmp_path: Path, sender: socket.socket) -> None:
    """A socket left by a killed process is taken over; one that is in use, or a file, is not."""
    path = str(tmp_path / "log")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(path)
    source = SyslogSocket(path)
    with pytest.raises(SourceError, match="another process"):
        SyslogSocket(path)
    sender.sendto(b"still ours", path)
    assert source.poll(MANY) == [b"still ours"]
    source.close()
    Path(path).write_text("a file")
    with pytest.raises(SourceError, match="no socket"):
        SyslogSocket(path)
    assert Path(path).read_text() == "a file"


@pytest.mark.parametrize("where", ["0", "127.0.0.1:0", "[::1]:0"])
def test_udp(where: str) -> None:
    """Datagrams to a port on loopback are lines."""
    if "::1" in where and not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    source = SyslogSocket(where)
    family, host = (socket.AF_INET6, "::1") if "::" in where else (socket.AF_INET, "127.0.0.1")
    with socket.socket(family, socket.SOCK_DGRAM) as made:
        made.sendto(b"<22>hello", (host, source.port))
        assert wait_for(lambda: source.poll(MANY)) == [b"hello"]
    source.close()


@pytest.mark.parametrize(
    "where", ["0.0.0.0:5514", "192.0.2.1:5514", "[::]:5514", "nowhere", "127.0.0.1:99999", ""]
)
def test_only_loopback(where: str) -> None:
    """Syslog has no authentication, so only loopback is allowed; what is no address is said to be none."""
    with pytest.raises(SourceError) as caught:
        SyslogSocket(where)
    assert caught.value.hint


def test_stdin_lines() -> None:
    """Lines come as they are written; the last one may lack its newline; the end is told after it."""
    out, into = os.pipe()
    source = Stdin(out)
    assert source.poll(MANY) == []
    os.write(into, b"one\ntw")
    assert source.poll(MANY) == [b"one"]
    os.write(into, b"o\nlast")
    assert source.poll(MANY) == [b"two"]
    os.close(into)
    assert source.poll(MANY) == [b"last"]
    assert source.fileno() is None
    for _ in range(2):
        with pytest.raises(SourceError, match="has ended"):
            source.poll(MANY)
    source.close()
    os.close(out)


def test_stdin_is_a_file(tmp_path: Path) -> None:
    """A redirected file works as well."""
    (tmp_path / "log").write_bytes(b"a\nb\n")
    with (tmp_path / "log").open("rb") as file:
        source = Stdin(file.fileno())
        assert source.poll(2) == [b"a"]
        assert source.poll(MANY) == [b"b"]
        with pytest.raises(SourceError):
            source.poll(MANY)
        source.close()
