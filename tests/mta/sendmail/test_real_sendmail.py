"""A real Sendmail with more than 500 messages of many kinds: every reader, its own tool, its log, the sink's
book.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.discovery import HostProbe
from smtpq_exporter.io.liveness import Liveness
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally, QueueSnapshot
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.sendmail import SENDMAIL
from smtpq_exporter.mta.sendmail.log import SendmailLog
from smtpq_exporter.mta.sendmail.settings import settle
from smtpq_exporter.reasons import Classifier
from tests.mta.real import BODY, again, as_nobody, equals_the_book, keep_everything, odd_mail, read, reader_of, total
from tests.mta.sendmail.manyqueues import ManyQueues
from tests.servers.inject import Mail
from tests.servers.sendmail import SendmailServer
from tests.servers.sink import Sink
from tests.wait import wait_for

pytestmark = pytest.mark.server("sendmail")
SOURCES = ("spool", "mailq")
MINUTE = 60


@pytest.fixture(scope="module")
def server() -> Iterator[SendmailServer]:
    """A Sendmail whose queue holds every kind of message that a monitor must understand."""
    with Sink() as sink, SendmailServer(sink) as server:
        server.inject(
            560, {"greylist": 5, "greylist2": 3, "tempblock": 2, "local": 2, "relay": 2, "refused": 2}
        )
        server.inject(
            60, {"greylist": 1, "ok1": 1}, seed=2
        )  # partly delivered where there are several recipients
        server.inject(120, "mixed", seed=3)
        server.send(
            *odd_mail(many=90),
            Mail('"x> y"@sender.example', ('"a, b> c"@greylist.example',), BODY),
            Mail("two@sender.example", ("a@refused.example", "b@greylist.example"), BODY),
            Mail("big@sender.example", ("a@greylist.example",), BODY + b"y" * 70 * 30000 + b"\r\n"),
        )
        server.wait_idle()
        keep_everything(sink)
        for name in queued(server)[:20]:
            server.run("sendmail", "-Qtest, (odd) reason", f"-qI{name}")
        for name in queued(server)[:5]:
            (server.spool / f"qf{name}").rename(server.spool / f"Qf{name}")
        yield server


def queued(server: SendmailServer) -> list[str]:
    """Ids that wait."""
    return sorted(path.name[2:] for path in server.spool.glob("qf*"))


def instance_of(server: SendmailServer, source: str = "auto") -> Instance:
    """The server as discovery completes it, its commands and files found in its world."""
    options = (
        ("sendmail_path", str(server.bin / "sendmail")),
        ("client_queue_directory", str(server.root / "var/spool/clientmqueue")),
        ("pid_file", str(server.root / "run/sendmail/mta/sendmail.pid")),
    )
    made = Instance(
        "sendmail",
        "",
        config_directory=str(server.root / "etc/mail"),
        queue_directory=str(server.spool),
        source=source,
        options=options,
    )
    return settle(made, HostProbe())[0]


def compare(spool: QueueSnapshot, listing: QueueSnapshot) -> None:
    """Both readers agree in everything that a listing can show: ages to its minutes, texts to its columns."""
    for name, shown in listing.queues.items():
        stats = spool.queues[name]
        assert (stats.messages, stats.recipients, stats.bytes, stats.held, stats.sizes) == (
            shown.messages,
            shown.recipients,
            shown.bytes,
            shown.held,
            shown.sizes,
        ), name
        if stats.oldest_arrival is not None and shown.oldest_arrival is not None:
            assert shown.oldest_arrival == stats.oldest_arrival // MINUTE * MINUTE
    assert (spool.destinations, spool.senders) == (listing.destinations, listing.senders)
    assert sum(spool.reasons.values()) == sum(listing.reasons.values())
    assert not spool.skipped
    assert not listing.skipped


def test_both_sources_give_the_same_read(server: SendmailServer) -> None:
    """Spool and mailq agree on a queue of more than 500 messages, quarantined and lost ones included."""
    now = time.time()
    spool, listing = (read(instance_of(server, source), now) for source in SOURCES)
    assert spool.queues["mqueue"].messages > 500
    assert (spool.queues["quarantined"].messages, spool.queues["quarantined"].held) == (20, 20)
    assert (spool.queues["lost"].messages, spool.queues["mqueue"].held) == (5, 0)
    compare(spool, listing)
    assert len(spool.reasons) > 4
    assert spool.reasons == listing.reasons


def test_they_agree_with_sendmails_own_tool(server: SendmailServer) -> None:
    """Messages, recipients, bytes and the oldest are what mailq prints, counted by hand; held what mailq -qQ
    prints.
    """
    found = read(instance_of(server, "spool"), time.time())
    for name, words in (("mqueue", ()), ("quarantined", ("-qQ",)), ("lost", ("-qL",))):
        text, stats = server.run("mailq", *words), found.queues[name]
        heads = re.findall(r"(?m)^[0-9A-Za-z]{14}[ *X?-] *(\d+) (\w+ \w+ [\d ]\d \d\d:\d\d) ", text)
        assert stats.messages == int(text.rsplit("Total requests: ", 1)[1]) == len(heads)
        assert stats.recipients == len(re.findall(r"(?m)^\t{5} ", text))
        assert stats.bytes == sum(int(size) for size, _ in heads)
        assert stats.oldest_arrival is not None
        oldest = time.strftime("%b %d %H:%M", time.localtime(stats.oldest_arrival))
        assert oldest in {when[4:] for _, when in heads}


def counted(log: Path) -> LogTally:
    """What the parser makes of a log."""
    tally = Tally(top=100)
    SendmailLog(tally, Classifier()).feed(log.read_bytes().splitlines())
    return tally.freeze(time.time())


def test_the_log_counts_what_the_sink_answered(server: SendmailServer) -> None:
    """For each domain, accepted, deferred and refused recipients are those of the sink's book; nothing
    forged.
    """
    found = counted(server.log)
    assert found.lines["unparsed"] == 0
    book = server.sink.book
    equals_the_book(found, server.sink, without=("refused", "bounces", "drop", "busy", "closed"))
    accepted = sum(entry.accepted for entry in book.values())
    assert found.deliveries["sent"] == accepted
    assert found.destinations["forge.example", "deferred"] == 12
    assert found.received == 747
    assert found.latency is not None
    assert 0 < found.latency.count <= found.removed


def test_the_layouts_of_many_queues_and_the_submission_queue() -> None:
    """Several directories, qf/ and df/ apart, and clientmqueue: both readers and mailq agree."""
    with Sink() as sink, ManyQueues(sink) as server:
        server.inject(80, "greylist,refused")
        server.wait_idle()
        for number in range(3):
            server.run(
                "sendmail",
                "-Ac",
                "-i",
                "-f",
                "me@sender.example",
                f"bob{number}@greylist.example",
                text="hi\n",
            )
        name = next(server.spool.glob("q2/qf/qf*")).name[2:]
        server.run("sendmail", "-Qwhy", f"-qI{name}")
        instance = replace(instance_of(server), queue_directory="")
        options = dict(instance.options) | {"queue_directories": f"{server.spool}/q*"}
        instance = replace(instance, queue_directory=str(server.spool), options=tuple(options.items()))
        spool, listing = (read(replace(instance, source=source), time.time()) for source in SOURCES)
        compare(spool, listing)
        assert {name: stats.messages for name, stats in spool.queues.items()} == {
            "mqueue": 79,
            "clientmqueue": 3,
            "quarantined": 1,
            "lost": 0,
        }
        assert tuple(listing.queues) == tuple(spool.queues)
        assert spool.queues["clientmqueue"].oldest_arrival is not None
        found = settle(Instance("sendmail", "", config_directory=str(server.root / "etc/mail")), HostProbe())[
            0
        ]
        assert found.queue_directory == "/var/spool/mqueue"
        assert dict(found.options)["queue_directories"] == "/var/spool/mqueue/q*"
        assert dict(found.options)["client_queue_directory"] == "/var/spool/clientmqueue"
        assert dict(found.options)["submission"] == "yes"


def test_whoever_may_not_see_the_queue_gets_a_fault(server: SendmailServer) -> None:
    """For a user without the group of the queue directory, mailq fails, and that is a missing permission."""
    nobody = as_nobody(server, "/usr/libexec/sendmail/sendmail")
    options = dict(instance_of(server).options) | {"sendmail_path": str(nobody)}
    with pytest.raises(SourceError) as caught:
        read(replace(instance_of(server, "mailq"), options=tuple(options.items())), time.time())
    assert caught.value.kind == "permission"


def test_up_and_version_come_from_the_daemon(server: SendmailServer) -> None:
    """The pid file tells whether it runs, through its second line too; the program its version."""
    discovery = replace(SENDMAIL.discovery, version=(str(server.bin / "sendmail"), "-d0.1", "-bt"))
    liveness = Liveness(instance_of(server), discovery)
    assert liveness.up() is True
    assert (liveness.version() or "").startswith("8.")


def test_what_happens_while_it_is_read_never_gives_a_wrong_number(server: SendmailServer) -> None:
    """Queue runs, quarantine, deletions, stop and restart during readings: each number is one that was true,
    or a Fault.
    """
    readers = [reader_of(instance_of(server, source)) for source in SOURCES]
    first = again(readers[0])
    most = total(first)
    doomed, marked = queued(server)[:30], queued(server)[30:60]
    seen: dict[str, list[int]] = {source: [] for source in SOURCES}
    errors: list[str] = []
    done = threading.Event()

    def sample() -> None:
        while not done.is_set():
            for source, reader in zip(SOURCES, readers, strict=True):
                try:
                    found = again(reader)
                except SourceError as fault:
                    errors.append(fault.kind)
                else:
                    seen[source].append(total(found))

    def more(number: int) -> None:
        counts = [len(numbers) for numbers in seen.values()]
        wait_for(
            lambda: all(len(now) > then + number for now, then in zip(seen.values(), counts, strict=True)), 60
        )

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        server.run("sendmail", "-q", timeout=120)
        for name in marked[:15]:
            server.run("sendmail", "-Qbusy", f"-qI{name}")
        for name in doomed:
            for kind in ("qf", "df"):
                (server.spool / f"{kind}{name}").unlink(missing_ok=True)
        server.stop()
        more(1)
        server.start()
        server.run("sendmail", "-q", timeout=120)
        server.wait_idle(120)
        more(1)
    finally:
        done.set()
        thread.join(60)
        for reader in readers:
            reader.close()
    assert set(errors) <= {"unavailable", "parse", "timeout"}
    for numbers in seen.values():  # nothing comes, 30 are deleted: what is true can only fall
        assert (numbers[0], numbers[-1]) == (most, most - 30)
        assert numbers == sorted(numbers, reverse=True)
    now = time.time()
    spool, listing = (read(instance_of(server, source), now) for source in SOURCES)
    compare(spool, listing)
    assert total(spool) == most - 30
