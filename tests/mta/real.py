"""What the tests against real servers have in common: one reading, readings during work, the sink's book."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.readers import QueueReader, open_reader
from smtpq_exporter.model import LogTally, QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier
from tests.servers.inject import Mail
from tests.servers.overlay import OverlayServer
from tests.servers.replies import Reply
from tests.servers.sink import Sink

BODY = b"Subject: x\r\n\r\nx\r\n"
#: Every kind of answer that the sink has, by domain.
EVERY_ANSWER = {
    "ok1": 8, "ok2": 4, "greylist": 4, "greylist2": 2, "tempblock": 2, "zen": 2, "unknown": 3, "full": 2,
    "content": 3, "dmarc": 2, "size": 1, "local": 2, "relay": 1, "bigmail": 5, "yahooish": 3, "outlookish": 3,
    "forge": 2,
}


def odd_mail(*, many: int) -> list[Mail]:
    """Four messages: the null sender, names in both cases, `many` recipients, replies that imitate a log."""
    return [
        Mail("", ("nobody@greylist.example",), BODY),
        Mail("x@Sender.Example", ("X@GreyList.Example", "y@greylist.example"), BODY),
        Mail("many@sender.example", tuple(f"user{i}@greylist.example" for i in range(many)), BODY),
        Mail("forge@sender.example", tuple(f"f{i}@forge.example" for i in range(12)), BODY),
    ]


def reader_of(instance: Instance) -> QueueReader:
    """A reader of this instance by its source."""
    reader = open_reader(instance, classifier=Classifier())
    assert reader.source == instance.source
    return reader


def read(instance: Instance, now: float) -> QueueSnapshot:
    """One reading by a reader of its own."""
    reader = reader_of(instance)
    try:
        return again(reader, now)
    finally:
        reader.close()


def again(reader: QueueReader, now: float | None = None) -> QueueSnapshot:
    """One more reading by this reader, with a deadline."""
    return reader.read(time.time() if now is None else now, time.monotonic() + 60)


def total(found: QueueSnapshot) -> int:
    """Messages in all queues."""
    return sum(queue.messages for queue in found.queues.values())


def keep_everything(sink: Sink) -> None:
    """From now on nothing leaves the queue by itself."""
    for domain in sink.tables:
        sink.answer(domain, Reply("rcpt", "450 4.2.1 later"))


def as_nobody(server: OverlayServer, program: str) -> Path:
    """A command that runs `program` in the server's world as a user without any right."""
    made = server.directory / "as-nobody"
    argv = server.argv("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program)
    made.write_text(f'#!/bin/sh\nexec {" ".join(argv)} "$@"\n')
    made.chmod(0o755)
    return made


def readings_during(work: Callable[[], None], readers: Sequence[QueueReader]) -> Iterator[QueueSnapshot]:
    """Read by all readers in turn while `work` is done beside; faults are left out. More than three readings."""
    done, failures = threading.Event(), []

    def working() -> None:
        try:
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            done.set()

    worker = threading.Thread(target=working)
    worker.start()
    readings, deadline = 0, time.monotonic() + 60
    try:
        while not done.is_set() and time.monotonic() < deadline:
            for reader in readers:
                try:
                    found = again(reader)
                except SourceError:
                    continue
                readings += 1
                yield found
    finally:
        worker.join(60)
    assert not failures
    assert readings > 3


def equals_the_book(found: LogTally, sink: Sink, *, without: Collection[str] = ("bounces",)) -> None:
    """Domain by domain, what the log counts is what the sink accepted, deferred (or cut off) and refused."""
    for domain, entry in sink.book.items():
        if domain in without:
            continue
        name = f"{domain}.example"
        counted = [found.destinations.get((name, status), 0) for status in ("sent", "bounced", "deferred")]
        assert counted == [entry.accepted, entry.refused, entry.deferred + entry.dropped], name
    assert not any("forged" in domain for domain, _ in found.destinations)
