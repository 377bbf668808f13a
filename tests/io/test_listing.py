"""Asking the mail server: sockets and commands that behave, fail, hang, lie or repeat themselves."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io.listing import ListingReader, arguments
from smtpq_exporter.io.socket import stream
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from tests.golden.postfix import framings
from tests.mta.spooled import Class

POSTFIX = MTAS["postfix"]
SHOWQ, POSTQUEUE = POSTFIX.listings
NOW = 1_795_500_000.0
Serve = Callable[..., Path]


def message(queue_id: str, queue: str = "deferred", **changes: object) -> dict[str, object]:
    """One message as postqueue -j shows it."""
    return {
        "queue_name": queue, "queue_id": queue_id, "arrival_time": int(NOW) - 100, "message_size": 700,
        "forced_expire": False, "sender": "a@sender.example",
        "recipients": [{"address": "b@relay.example", "delay_reason": "greylisted"}], **changes,
    }


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a showq of our own: sends `data`, then closes, or hangs; returns the queue directory."""
    (tmp_path / "public").mkdir()
    server = socket.socket(socket.AF_UNIX)
    path = tmp_path / "public" / "showq"
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def work(data: bytes, hang: bool) -> None:
        client, _ = server.accept()
        with client, suppress(ConnectionError):  # a client may leave when it has enough
            for start in range(0, len(data), 1000):
                client.sendall(data[start : start + 1000])
            if hang:
                stop.wait(30)

    def start(data: bytes, *, hang: bool = False) -> Path:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=work, args=(data, hang), daemon=True)
        thread.start()
        threads.append(thread)
        return tmp_path

    yield start
    stop.set()
    for thread in threads:
        thread.join(10)
    server.close()


def read_socket(root: Path, seconds: float = 20.0) -> QueueSnapshot:
    """One reading of showq."""
    reader = ListingReader(POSTFIX, SHOWQ, Instance("postfix", "x", queue_directory=str(root)), Class())
    return reader.read(NOW, time.monotonic() + seconds)


def read_command(path: Path, text: str, seconds: float = 20.0) -> QueueSnapshot:
    """One reading of a postqueue that is this shell script."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    listing = replace(POSTQUEUE, argv=(str(path), "-c", "{config_directory}", "-j"))
    reader = ListingReader(POSTFIX, listing, Instance("postfix", "x", config_directory="/some/dir"), Class())
    try:
        return reader.read(NOW, time.monotonic() + seconds)
    finally:
        reader.close()


@pytest.mark.parametrize("version", framings.VERSIONS)
def test_a_showq_of_every_version_is_read(serve: Serve, version: str) -> None:
    """Counts come out; forced expiry is None where the version does not show it; no retry is ever shown."""
    found = read_socket(serve(framings.showq([message("A1B2C3D4"), message("B1B2C3D4", "hold")], version)))
    assert {name: queue.messages for name, queue in found.queues.items()} == {
        "maildrop": 0, "incoming": 0, "active": 0, "deferred": 1, "hold": 1}
    assert found.forced_expiry == (None if version == "3.1" else 0)
    assert found.queues["deferred"].retry_due is None
    assert found.source == "showq"


def test_the_old_text_shows_three_queues(serve: Serve) -> None:
    """Until 3.0 incoming and maildrop cannot be told apart: they are absent, not empty."""
    found = read_socket(serve(framings.text([message("A1B2C3D4"), message("B1B2C3D4", "active")])))
    assert {name: queue.messages for name, queue in found.queues.items()} == {
        "active": 1, "deferred": 1, "hold": 0}


def test_a_message_shown_twice_counts_once_as_shown_last(serve: Serve) -> None:
    """A message that moves during the listing is one message; what was said first is forgotten in every
    sum.
    """
    again = message("A1B2C3D4", "deferred", message_size=50)
    listing = [message("A1B2C3D4", "active"), message("B1B2C3D4"), again]
    found = read_socket(serve(framings.showq(listing, "3.6")))
    assert {name: queue.messages for name, queue in found.queues.items() if queue.messages} == {"deferred": 2}
    assert found.queues["deferred"].bytes == 750
    assert found.destinations == (("relay.example", 2),)
    assert found.skipped == {"duplicate": 1}


def test_a_cut_stream_is_a_failure(serve: Serve) -> None:
    """A server that closes early gives no number."""
    with pytest.raises(ParseError, match="cut"):
        read_socket(serve(framings.showq([message("A1B2C3D4")], "3.6")[:-1]))


def test_a_silent_server_is_a_failure(serve: Serve) -> None:
    """Closing without a byte is no empty queue."""
    with pytest.raises(ParseError):
        read_socket(serve(b""))


def test_a_hanging_server_is_a_timeout(serve: Serve) -> None:
    """A listing that does not end is given up at the deadline, even if it was complete."""
    with pytest.raises(SourceError) as caught:
        read_socket(serve(framings.showq([message("A1B2C3D4")], "3.6"), hang=True), 0.5)
    assert caught.value.kind == "timeout"


def test_no_socket_and_nobody_listening_are_unavailable(tmp_path: Path) -> None:
    """Both say that the mail system does not run."""
    (tmp_path / "public").mkdir()
    with pytest.raises(SourceError) as absent:
        read_socket(tmp_path)
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(tmp_path / "public" / "showq"))
    with pytest.raises(SourceError) as deaf:
        read_socket(tmp_path)
    assert absent.value.kind == deaf.value.kind == "unavailable"
    assert "running" in absent.value.hint


def test_a_stream_is_capped(serve: Serve) -> None:
    """A server that sends without end is given up."""
    root = serve(b"x" * 100_000)
    with pytest.raises(SourceError) as caught:
        list(stream(str(root / "public" / "showq"), time.monotonic() + 20, most=10_000))
    assert caught.value.kind == "truncated"


def test_a_socket_with_a_long_path_is_reached(tmp_path: Path) -> None:
    """Queue directories may be deeper than the address of a Unix socket is long."""
    folder = tmp_path / ("long" * 30) / "public"
    folder.mkdir(parents=True)
    here = os.open(folder, os.O_PATH)
    server = socket.socket(socket.AF_UNIX)
    try:
        server.bind(f"/proc/self/fd/{here}/showq")
        server.listen()
        def once() -> None:
            server.accept()[0].close()

        thread = threading.Thread(target=once, daemon=True)
        thread.start()
        assert list(stream(str(folder / "showq"), time.monotonic() + 20)) == []
        thread.join(10)
    finally:
        server.close()
        os.close(here)


def test_postqueue_is_read_line_by_line(tmp_path: Path) -> None:
    """Good lines count, broken ones are named, members that nobody knows are ignored."""
    lines = [
        json.dumps(message("A1B2C3D4", new_member={"x": [1]})),
        '{"queue_name": "deferred", "queue_id": "broken\x01',
        json.dumps(message("B1B2C3D4", "hold")),
        '{"queue_name": "deferred"}', "[1]", "null",
        json.dumps(message("C1B2C3D4", message_size=True)),
        json.dumps(message("D1B2C3D4", "somewhere")),
    ]
    (tmp_path / "listing").write_text("\n".join(lines) + "\n")
    found = read_command(tmp_path / "postqueue", f"cat {tmp_path}/listing")
    assert {name: queue.messages for name, queue in found.queues.items() if queue.messages} == {
        "deferred": 1, "hold": 1}
    assert found.skipped == {"corrupt_record": 6}


def test_postqueue_that_prints_nothing_good_is_a_failure(tmp_path: Path) -> None:
    """Lines of which none is a message are no queue."""
    with pytest.raises(ParseError):
        read_command(tmp_path / "postqueue", "echo hello; echo world")


@pytest.mark.parametrize(("code", "kind"), [
    (69, "unavailable"), (77, "permission"), (1, "unavailable"), (75, "unavailable"),
])
def test_exit_codes_of_postqueue(tmp_path: Path, code: int, kind: str) -> None:
    """69 is a stopped mail system, 77 a user who may not ask; the words of postqueue are passed on."""
    with pytest.raises(SourceError) as caught:
        read_command(tmp_path / "postqueue", f"echo 'postqueue: fatal: some words' >&2; exit {code}")
    assert caught.value.kind == kind
    assert "some words" in str(caught.value)


def test_a_failure_after_good_lines_gives_no_number(tmp_path: Path) -> None:
    """Half a listing and an exit code are a failure."""
    (tmp_path / "listing").write_text(json.dumps(message("A1B2C3D4")) + "\n")
    with pytest.raises(SourceError):
        read_command(tmp_path / "postqueue", f"cat {tmp_path}/listing; exit 69")


def test_a_hanging_postqueue_is_killed(tmp_path: Path) -> None:
    """The reading ends at its deadline."""
    started = time.monotonic()
    with pytest.raises(SourceError) as caught:
        read_command(tmp_path / "postqueue", "sleep 1000", 0.5)
    assert caught.value.kind == "timeout"
    assert time.monotonic() - started < 20


def test_the_configuration_directory_is_named_only_if_it_is_not_the_usual_one() -> None:
    """Users other than root may not name one, so the usual one is left out."""
    usual = Instance("postfix", "x", config_directory="/etc/postfix")
    assert arguments(POSTQUEUE, usual) == ["postqueue", "-j"]
    assert arguments(POSTQUEUE, Instance("postfix", "x", config_directory="/etc/postfix-out")) == [
        "postqueue", "-c", "/etc/postfix-out", "-j"]


def test_a_reader_can_be_used_again(tmp_path: Path) -> None:
    """Each reading starts from nothing: what was there before is not counted again."""
    (tmp_path / "listing").write_text(json.dumps(message("A1B2C3D4")) + "\n")
    for _ in range(2):
        found = read_command(tmp_path / "postqueue", f"cat {tmp_path}/listing")
        assert found.queues["deferred"].messages == 1
