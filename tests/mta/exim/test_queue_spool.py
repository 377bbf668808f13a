"""Exim's spool: both layouts at once, named queues, journals, reasons, freezing; what cannot be read is a
fault.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import once
from smtpq_exporter.io import spool as engine
from smtpq_exporter.io.files import FaultyFiles
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.exim import queue_spool
from smtpq_exporter.reasons import Classifier
from tests.mta.exim.eximspool import CAME, LOG, Spool, message_id, read, rest


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path / "exim4")


def test_both_layouts_and_both_ids_at_once(spool: Spool) -> None:
    """Ids of 16 and 23 characters, flat and split: each message counts once, its arrival is in its name."""
    for number in range(40):
        spool.add(message_id(number, new=number % 2 == 0), "r@x.example", split=number % 3 == 0)
    found = read(spool.reader()).queues
    assert tuple(found) == ("default",)
    stats = found["default"]
    assert (stats.messages, stats.recipients, stats.held, stats.oldest_arrival) == (40, 40, 0, CAME)
    assert stats.bytes == 40 * (14 + 10 + 1)
    assert stats.retry_due is None


def test_named_queues_are_found_also_when_they_come_later(spool: Spool) -> None:
    """<spool>/<name>/input, flat and split; known ones are shown as 0, new ones appear."""
    (spool.root / "bulk" / "input").mkdir(parents=True)
    reader = spool.reader(queues=("bulk", "known"))
    assert {name: q.messages for name, q in read(reader).queues.items()} == {
        "default": 0,
        "bulk": 0,
        "known": 0,
    }
    spool.add(message_id(1), "r@x.example", queue="bulk")
    spool.add(message_id(2), "r@x.example", queue="bulk", split=True)
    spool.add(message_id(3), "r@x.example", queue="slow", split=True)
    spool.add(message_id(4), "r@x.example")
    assert {name: q.messages for name, q in read(reader).queues.items()} == {
        "default": 1,
        "bulk": 2,
        "known": 0,
        "slow": 1,
    }
    rest(spool.root)
    read(reader)
    for path in (spool.root / "slow").rglob("*-H"):  # exim -MG moves a message to another queue
        for suffix in ("H", "D"):
            path.with_name(path.name[:-1] + suffix).rename(
                spool.root / "bulk" / "input" / (path.name[:-1] + suffix)
            )
    assert {name: q.messages for name, q in read(reader).queues.items()} == {
        "default": 1,
        "bulk": 3,
        "known": 0,
        "slow": 0,
    }


def test_queues_without_end_have_a_bound(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Queues named after what strangers send are counted together beyond the bound."""
    monkeypatch.setattr(queue_spool, "MOST_QUEUES", 3)
    for number in range(8):
        spool.add(message_id(number), "r@x.example", queue=f"q{number}")
    found = {name: q.messages for name, q in read(spool.reader()).queues.items()}
    assert len(found) == 5
    assert found["other"] == 5
    assert sum(found.values()) == 8


def test_recipients_that_are_done_do_not_wait(spool: Spool) -> None:
    """What waits is the list without the tree and without the journal of a running delivery, which is read
    anew each time.
    """
    name = message_id(1)
    spool.add(
        name, "a@x.example", "b@x.example", "c@y.example", "d@z.example", tree=b"NN a@x.example\n", split=True
    )
    reader = spool.reader()
    assert read(reader).queues["default"].recipients == 3
    rest(spool.root)
    journal = spool.place(name, split=True) / f"{name}-J"
    journal.write_text("b@x.example\n")
    assert read(reader).queues["default"].recipients == 2
    with journal.open("a") as file:
        file.write("c@y.example\n")  # the directory does not change
    rest(spool.root, 30)
    found = read(reader)
    assert (found.queues["default"].recipients, found.destinations) == (1, (("z.example", 1),))
    journal.unlink()
    assert read(reader).queues["default"].recipients == 3
    assert not found.skipped


def test_freezing_and_thawing_is_seen(spool: Spool) -> None:
    """A -H that is replaced is read again; the others are not."""
    for number in range(5):
        spool.add(message_id(number), "r@x.example")
    files = FaultyFiles()
    reader = spool.reader(files)
    assert read(reader).queues["default"].held == 0
    rest(spool.root)
    read(reader)
    files.opened.clear()
    spool.add(message_id(3), "r@x.example", frozen=True)
    stats = read(reader).queues["default"]
    assert (stats.held, stats.messages) == (1, 5)
    assert [path for path in files.opened if path.endswith(b"-H")] == [
        os.fsencode(spool.root / "input" / f"{message_id(3)}-H")
    ]
    spool.add(message_id(3), "r@x.example")
    assert read(reader).queues["default"].held == 0


def test_reasons_follow_the_message_log(spool: Spool) -> None:
    """The last deferral of each recipient counts; a retry adds to the log alone and is seen all the same."""
    name = message_id(1)
    first = LOG.format(to="a@x.example", text="450 4.2.0 Greylisted") + LOG.format(
        to="b@y.example", text="452 4.2.2 Mailbox full"
    )
    spool.add(name, "a@x.example", "b@y.example", "c@z.example", split=True, log=first)
    reader = spool.reader()
    assert dict(read(reader).reasons) == {"greylisted": 1, "mailbox_full": 1}
    rest(spool.root)
    read(reader)
    with (spool.place(name, split=True, kind="msglog") / name).open("a") as log:
        log.write(LOG.format(to="a@x.example", text="421 4.7.28 rate limited, too many messages"))
        log.write(
            "2026-11-24 03:19:28 b@y.example R=mx T=t defer (-54): retry time not reached for any host\n"
        )
    assert dict(read(reader).reasons) == {"rate_limited": 1, "mailbox_full": 1}


def test_a_dead_destination_has_the_reason_of_its_last_attempt(spool: Spool) -> None:
    """Mail that was never tried itself, because its host waits, is explained by the mail that was."""
    spool.add(
        message_id(1),
        "a@x.example",
        log="2026-11-24 03:19:27 a@x.example R=mx T=t defer (111): Connection refused\n",
    )
    reader = spool.reader()
    assert dict(read(reader).reasons) == {"connection_refused": 1}
    waiting = "2026-11-24 03:19:27 b@x.example R=mx T=t defer (-54) DT=0s: retry time not reached\n"
    spool.add(message_id(2), "b@x.example", log=waiting)
    assert dict(read(reader).reasons) == {"connection_refused": 2}


def test_a_remote_server_cannot_write_a_line_of_the_log(spool: Spool) -> None:
    """Only what stands at the beginning of a line, behind its time, names a recipient."""
    forged = (
        "450 4.2.0 Greylisted\\n2026-11-24 03:19:28 b@y.example R=mx T=t defer (-44): 450 4.2.0 Greylisted"
    )
    spool.add(message_id(1), "a@x.example", "b@y.example", log=LOG.format(to="a@x.example", text=forged))
    assert dict(read(spool.reader()).reasons) == {"greylisted": 1}


def deferred(spool: Spool, count: int) -> list[Path]:
    """So many messages, written some time ago, each with a reason in its log."""
    text = LOG.format(to="a@x.example", text="450 4.2.0 Greylisted")
    heads = [spool.add(message_id(number), "a@x.example", log=text) for number in range(count)]
    past = time.time() - 100
    for path in heads:
        os.utime(path, (past, past))
    return heads


def bounds(monkeypatch: pytest.MonkeyPatch, whole: int, finished: int, meanwhile: int) -> None:
    """So many messages are read whole at first, later, and later where something changed."""
    monkeypatch.setattr(engine, "WHOLE", whole)
    monkeypatch.setattr(engine, "FINISHED", finished)
    monkeypatch.setattr(engine, "MEANWHILE", meanwhile)


def test_reasons_of_a_long_queue_come_little_by_little(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first reading opens a bounded number of message logs; later ones go on, less where something changed, and none
    is lost.
    """
    bounds(monkeypatch, 10, 6, 3)
    deferred(spool, 40)
    reader = spool.reader()
    assert [read(reader).reasons["greylisted"] for _ in range(3)] == [3, 6, 9]  # the directory is young: listed anew
    rest(spool.root)
    found = [read(reader) for _ in range(8)]
    assert [one.reasons["greylisted"] for one in found] == [12, 18, 24, 30, 36, 40, 40, 40]
    assert [one.skipped.get("reason_unread") for one in found] == [28, 22, 16, 10, 4, None, None, None]


def test_a_short_queue_tells_all_its_reasons_at_once(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to the first bound, and one more is a long queue."""
    bounds(monkeypatch, 10, 6, 3)
    deferred(spool, 10)
    assert read(spool.reader()).reasons["greylisted"] == 10
    spool.add(message_id(10), "a@x.example")
    assert read(spool.reader()).reasons["greylisted"] == 3


def test_a_queue_whose_mail_never_stays_fills_no_memory(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages that are gone before their logs were read are forgotten."""
    bounds(monkeypatch, 2, 1, 2)
    reader = spool.reader()
    for number in range(5):
        heads = [spool.add(message_id(1000 * number + each), "a@x.example") for each in range(10)]
        found = read(reader)
        assert (found.queues["default"].messages, found.skipped) == (10, {"reason_unread": 8})
        for head in heads:
            head.unlink()
        found = read(reader)
        assert (found.queues["default"].messages, found.skipped) == (0, {})


def test_a_program_that_reads_once_reads_more_logs(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no later reading."""
    bounds(monkeypatch, 10, 6, 3)
    monkeypatch.setattr(once, "WHOLE", 25)
    deferred(spool, 30)
    instance = Instance("exim", "exim", queue_directory=str(spool.root), source="spool")
    for more in ({"once": True}, {"again": False}):
        reader = open_reader(instance, classifier=Classifier(), **more)
        found = reader.read(time.time(), time.monotonic() + 60)
        assert (found.reasons["greylisted"], found.skipped) == (25, {"reason_unread": 5})


def test_what_was_read_half_is_opened_again_once(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """When it changes, or when its turn comes; -H files of any length are read half."""
    bounds(monkeypatch, 0, 0, 0)
    heads = deferred(spool, 6)
    heads[0].write_bytes(heads[0].read_bytes() + b"40001  X: " + b"x" * 39997 + b"\n")
    os.utime(heads[0], (time.time() - 100, time.time() - 100))
    reader = spool.reader(files := FaultyFiles())
    rest(spool.root)
    assert not read(reader).reasons
    os.utime(heads[1])  # as if it were written anew
    rest(spool.root)
    assert read(reader).reasons["greylisted"] == 1
    bounds(monkeypatch, 100, 100, 100)
    files.opened.clear()
    assert read(reader).reasons["greylisted"] == 6
    assert len(files.opened) == 10
    files.opened.clear()
    assert read(reader).reasons["greylisted"] == 6
    assert not files.opened


def test_half_read_messages_never_fail_a_reading(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are only read while there is time, and are not missed when they are gone."""
    bounds(monkeypatch, 0, 100, 100)
    heads = deferred(spool, 20)
    reader = spool.reader(files := FaultyFiles())
    now, deadline = time.time(), time.monotonic() + 60
    bounds(monkeypatch, 0, 0, 0)
    reader.read(now, deadline)
    bounds(monkeypatch, 100, 100, 100)
    with monkeypatch.context() as patch:
        patch.setattr(engine.time, "monotonic", lambda: deadline)
        found = reader.read(now, deadline)
    assert (found.queues["default"].messages, dict(found.reasons)) == (20, {})
    files.before = lambda path: path.endswith(heads[7].name.encode()) and heads[7].unlink()
    assert read(reader).reasons["greylisted"] == 19
    files.before = len
    assert read(reader).queues["default"].messages == 19


def test_message_logs_may_be_missing_or_closed(spool: Spool) -> None:
    """Without message logs the queue is read all the same, only without reasons."""
    spool.add(message_id(1), "a@x.example", log=LOG.format(to="a@x.example", text="450 4.2.0 Greylisted"))
    logs = os.fsencode(spool.root / "msglog")
    for faults in (
        {logs + b"/" + message_id(1).encode(): PermissionError(13, "denied")},
        {logs: PermissionError(13, "denied")},
    ):
        found = read(spool.reader(FaultyFiles(faults)))
        assert (found.queues["default"].messages, dict(found.reasons)) == (1, {})


def test_an_unreadable_directory_in_the_middle_of_a_walk_is_a_fault(spool: Spool) -> None:
    """A sub-directory or a named queue that may not be read fails the reading; it is never a smaller
    number.
    """
    for number in range(30):
        spool.add(message_id(number), "r@x.example", split=True)
    spool.add(message_id(99), "r@x.example", queue="bulk")
    some = next(path for path in (spool.root / "input").iterdir())
    for place in (some, spool.root / "input", spool.root / "bulk" / "input", spool.root / "bulk", spool.root):
        reader = spool.reader(files := FaultyFiles({os.fsencode(place): PermissionError(13, "denied")}))
        with pytest.raises(SourceError) as caught:
            read(reader)
        assert caught.value.kind == "permission"
        files.faults.clear()
        assert sum(q.messages for q in read(reader).queues.values()) == 31


def test_a_directory_that_is_no_spool_is_a_fault(tmp_path: Path) -> None:
    """No input/ means: this is not Exim's spool; an empty input/ means: no mail."""
    spool = Spool(tmp_path / "spool")
    assert read(spool.reader()).queues["default"].messages == 0
    (spool.root / "input").rmdir()
    with pytest.raises(SourceError) as caught:
        read(spool.reader())
    assert caught.value.kind == "unavailable"


def test_what_is_no_message_is_left_aside(spool: Spool) -> None:
    """Broken -H files are told; what Exim is still writing, bodies without -H and strangers' files count
    nothing.
    """
    place = spool.root / "input"
    spool.add(message_id(1), "r@x.example")
    (place / f"{message_id(2)}-H").write_bytes(b"garbage")
    (place / f"{message_id(3)}-D").write_bytes(b"x")
    (place / "hdr.123").write_bytes(b"x")
    (place / "core").write_bytes(b"x")
    (place / "1xVh43-0006zd-0-H").write_bytes(b"x")
    (spool.root / "exim-process.info").write_bytes(b"x")
    (spool.root / "notes").write_bytes(b"x")
    found = read(spool.reader())
    assert found.queues["default"].messages == 1
    assert found.skipped == {"corrupt_record": 1, "foreign_name": 2}


def test_bodies_are_not_remembered(spool: Spool) -> None:
    """Only the -H files are kept in mind: half of the names."""
    for number in range(50):
        spool.add(message_id(number), "r@x.example")
    reader = spool.reader()
    read(reader)
    directory = reader._census.directories[os.fsencode(spool.root / "input")]
    assert len(directory.ledger) == 50
    assert not directory.aside


def test_ids_of_another_clock_do_not_tell_the_time(spool: Spool) -> None:
    """Where id and -H contradict each other (base 36), the -H is right."""
    spool.add(message_id(1, came=CAME + 10**9), "r@x.example")
    assert read(spool.reader()).queues["default"].oldest_arrival == CAME


def test_a_quiet_spool_is_not_listed_again(spool: Spool) -> None:
    """Directories that did not change are not listed, messages not opened."""
    for number in range(20):
        spool.add(message_id(number), "r@x.example", split=True)
    rest(spool.root)
    reader = spool.reader(files := FaultyFiles())
    before = read(reader)
    files.opened.clear()
    files.listed.clear()
    time_of_first = before.taken_at
    again = read(reader)
    assert again.taken_at >= time_of_first
    assert again.queues["default"].messages == 20
    assert files.listed == []
    assert files.opened == []


def test_faults_of_the_clock_do_not_end_a_reading_half(spool: Spool) -> None:
    """A reading that runs out of time is a fault, and the next one goes on."""
    for number in range(20):
        spool.add(message_id(number), "r@x.example")
    reader = spool.reader()
    with pytest.raises(SourceError) as caught:
        reader.read(time.time(), time.monotonic() - 1)
    assert caught.value.kind == "timeout"
    assert read(reader).queues["default"].messages == 20
