"""Sendmail's queue directories: where messages lie, which queue they count in, when they are due."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.io.files import FaultyFiles
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Instance
from smtpq_exporter.mta.sendmail import SENDMAIL
from smtpq_exporter.mta.sendmail.queue_file import read_envelope
from smtpq_exporter.mta.sendmail.queue_spool import SendmailSpool
from tests.mta.sendmail.test_queue_file import SPOOL
from tests.mta.spooled import Class, File, Status

NOW = 1795510000.0
HEADER = b"H??Subject: x\n.\n"


def envelope(
    arrival: int = 1795507011, last: int = 1795507031, attempts: int = 1, *, more: bytes = b""
) -> bytes:
    """A control file with one recipient."""
    return (
        (b"V8\nT%d\nK%d\nN%d\nP1\n" % (arrival, last, attempts))
        + more
        + (b"S<a@b.example>\nMDeferred: 450 later\nrRFC822; c@d.example\nRPFD:<c@d.example>\n" + HEADER)
    )


def put(
    folder: Path,
    name: str,
    text: bytes | None = None,
    *,
    body: bytes | None = b"12345",
    bodies: Path | None = None,
) -> None:
    """A message: its control file and its body."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(envelope() if text is None else text)
    if body is not None:
        (bodies or folder).mkdir(parents=True, exist_ok=True)
        ((bodies or folder) / f"df{name[2:]}").write_bytes(body)


def reader_of(
    *directories: Path | str,
    client: Path | str = "",
    min_age: int | None = None,
    files: FaultyFiles | None = None,
) -> SpoolReader:
    """A reader of these directories."""
    return SpoolReader(
        SendmailSpool(list(map(str, directories)), str(client), Class(), min_age=min_age), files=files
    )


def read(reader: SpoolReader, now: float = NOW) -> QueueSnapshot:
    """One reading."""
    return reader.read(now, time.monotonic() + 30)


def counts(found: QueueSnapshot) -> dict[str, int]:
    """Messages of queues that have any."""
    return {name: stats.messages for name, stats in found.queues.items() if stats.messages}


def test_waiting_quarantined_and_lost_are_three_queues(tmp_path: Path) -> None:
    """Qf waits, hf is held, Qf is lost; bodies, transcripts and half-written files are no messages."""
    for name in ("qf6AO8DrHx000001", "qf6AO8DrHx000002", "hf6AO8DrHx000003", "Qf6AO8DrHx000004"):
        put(tmp_path, name)
    for name in ("tf6AO8DrHx000005", "xf6AO8DrHx000001", "df6AO8DrHx000009", ".nfs1", "sm-client.pid"):
        (tmp_path / name).write_bytes(b"x")
    found = read(reader_of(tmp_path))
    assert counts(found) == {"mqueue": 2, "quarantined": 1, "lost": 1}
    assert [stats.held for stats in found.queues.values()] == [0, 0, 1, 0]
    assert found.queues["mqueue"].bytes == 10
    assert found.queues["mqueue"].retry_due is None
    assert dict(found.reasons) == {"450": 4}
    assert not found.skipped
    (tmp_path / "something.else").write_bytes(b"")
    assert dict(read(reader_of(tmp_path)).skipped) == {"foreign_name": 1}


def test_what_sendmail_could_not_read_is_lost_and_not_forgotten(tmp_path: Path) -> None:
    """A Qf with any content counts; a qf with such content is skipped, an empty one is not finished."""
    put(tmp_path, "Qf6AO8DrHx000001", b"garbage")
    put(tmp_path, "qf6AO8DrHx000002", b"garbage")
    put(tmp_path, "qf6AO8DrHx000003", b"")
    os.utime(tmp_path / "Qf6AO8DrHx000001", (NOW - 500, NOW - 500))
    reader = reader_of(tmp_path)
    found = read(reader)
    assert counts(found) == {"lost": 1}
    assert found.queues["lost"].oldest_arrival == NOW - 500
    assert dict(found.skipped) == {"corrupt_record": 1, "incomplete": 1}
    put(tmp_path, "qf6AO8DrHx000003")
    assert counts(read(reader)) == {"lost": 1, "mqueue": 1}


def test_quarantine_and_release_are_seen_at_once(tmp_path: Path) -> None:
    """A message whose file gets another name is in one queue before and in another after, never in two or
    none.
    """
    put(tmp_path, "qf6AO8DrHx000001")
    reader = reader_of(tmp_path)
    for old, new, queue in (("qf", "hf", "quarantined"), ("hf", "qf", "mqueue"), ("qf", "Qf", "lost")):
        (tmp_path / f"{old}6AO8DrHx000001").rename(tmp_path / f"{new}6AO8DrHx000001")
        assert counts(read(reader)) == {queue: 1}


def test_a_name_that_changes_while_it_is_listed_is_found(tmp_path: Path) -> None:
    """Quarantined between being listed and being opened, or being compared: still one message in the same
    reading.
    """
    for number in range(4):
        put(tmp_path, f"qf6AO8DrHx00000{number}")

    def quarantine(path: bytes) -> None:
        target = path.replace(b"/qf", b"/hf")
        if path.endswith(b"000001") and os.path.exists(path):
            os.rename(path, target)

    files = FaultyFiles()
    files.before = quarantine
    assert counts(read(reader_of(tmp_path, files=files))) == {"mqueue": 3, "quarantined": 1}


def test_a_new_attempt_replaces_the_file_and_is_read(tmp_path: Path) -> None:
    """A new control file of the same name tells the recipients and reasons that are left."""
    put(tmp_path, "qf6AO8DrHx000001")
    reader = reader_of(tmp_path)
    read(reader)
    part = tmp_path / "tf6AO8DrHx000001"
    part.write_bytes(envelope(attempts=2).replace(b"450 later", b"421 busy"))
    part.rename(tmp_path / "qf6AO8DrHx000001")
    found = read(reader)
    assert counts(found) == {"mqueue": 1}
    assert dict(found.reasons) == {"421": 1}


def test_several_directories_and_divided_ones(tmp_path: Path) -> None:
    """All that match q* are queue directories, with and without qf/ and df/; nothing else beside them is."""
    put(tmp_path / "q1", "qf6AO8DrHx000001")
    put(tmp_path / "q2" / "qf", "qf6AO8DrHx000002", bodies=tmp_path / "q2" / "df")
    (tmp_path / "q2" / "xf").mkdir()
    put(tmp_path / "q3", "hf6AO8DrHx000003")
    put(tmp_path / "other", "qf6AO8DrHx000004")
    put(tmp_path, "qf6AO8DrHx000005")
    reader = reader_of(f"{tmp_path}/q*")
    found = read(reader)
    assert counts(found) == {"mqueue": 2, "quarantined": 1}
    assert found.queues["mqueue"].bytes == 10
    put(tmp_path / "q4" / "qf", "qf6AO8DrHx000006", bodies=tmp_path / "q4" / "df")
    assert counts(read(reader)) == {"mqueue": 3, "quarantined": 1}


def test_the_body_may_lie_in_another_queue_directory(tmp_path: Path) -> None:
    """The d line says where; without a body the size is 0."""
    put(tmp_path / "q1", "qf6AO8DrHx000001", envelope(more=b"dq9\n"), bodies=tmp_path / "q9")
    put(tmp_path / "q1", "qf6AO8DrHx000002", body=None)
    assert read(reader_of(tmp_path / "q1")).queues["mqueue"].bytes == 5


def test_the_submission_queue_counts_apart_and_may_be_missing(tmp_path: Path) -> None:
    """The submission queue counts apart; without one it is empty; the server's directory must be there."""
    put(tmp_path / "mqueue", "qf6AO8DrHx000001")
    layout = SENDMAIL.layout
    assert layout is not None
    reader = SpoolReader(layout(Instance("sendmail", "x", queue_directory=str(tmp_path / "mqueue")), Class()))
    assert counts(read(reader)) == {"mqueue": 1}
    put(tmp_path / "clientmqueue", "qf6AO8DrHx000002")
    assert counts(read(reader)) == {"mqueue": 1, "clientmqueue": 1}
    with pytest.raises(Exception, match="no such"):
        read(reader_of(tmp_path / "nothing"))


def test_a_message_is_due_when_min_queue_age_says_so(tmp_path: Path) -> None:
    """With MinQueueAge a message is due that long after its last attempt, or at once; without it nobody
    knows.
    """
    put(tmp_path, "qf6AO8DrHx000001", envelope(last=int(NOW) - 100))
    put(tmp_path, "qf6AO8DrHx000002", envelope(last=int(NOW) - 2000))
    put(tmp_path, "qf6AO8DrHx000003", envelope(last=0, attempts=0))
    put(tmp_path, "hf6AO8DrHx000004", envelope(last=int(NOW) - 2000))
    reader = reader_of(tmp_path, min_age=1800)
    assert read(reader).queues["mqueue"].retry_due == 2
    assert read(reader).queues["quarantined"].retry_due == 0
    assert read(reader, NOW + 1700).queues["mqueue"].retry_due == 3
    assert read(reader_of(tmp_path)).queues["mqueue"].retry_due is None


def test_a_queue_that_may_not_be_seen_is_a_fault(tmp_path: Path) -> None:
    """A closed directory is no empty queue, that of the submission program neither."""
    put(tmp_path / "mqueue", "qf6AO8DrHx000001")
    put(tmp_path / "clientmqueue", "qf6AO8DrHx000002")
    for closed in ("mqueue", "clientmqueue"):
        path = os.fsencode(tmp_path / closed)
        reader = reader_of(
            tmp_path / "mqueue",
            client=tmp_path / "clientmqueue",
            files=FaultyFiles({path: PermissionError(13, "denied")}),
        )
        with pytest.raises(Exception, match="permission denied"):
            read(reader)


def test_a_queue_run_over_a_long_queue_is_seen_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long queue only a sample is compared; when much of it was tried again, all of it is."""
    monkeypatch.setattr("smtpq_exporter.io.spool.EXACT", 50)
    monkeypatch.setattr("smtpq_exporter.io.spool.SAMPLE", 40)
    for number in range(200):
        put(tmp_path, f"qf6AO8DrHx{number:06d}")
    reader = reader_of(tmp_path)
    assert dict(read(reader).reasons) == {"450": 200}
    for number in range(200):
        part = tmp_path / f"tf6AO8DrHx{number:06d}"
        part.write_bytes(envelope(attempts=2).replace(b"450 later", b"421 busy"))
        part.rename(tmp_path / f"qf6AO8DrHx{number:06d}")
    assert dict(read(reader).reasons) == {"421": 200}


def test_a_message_tried_just_after_it_was_read_is_read_again(tmp_path: Path) -> None:
    """The stamps of usual messages are not asked when they are read: later ones tell, and so do those of a moment
    before; what is older is believed, and not opened again.
    """
    names = [f"qf6AO8DrHx00000{number}" for number in range(4)]
    for name in names:
        put(tmp_path, name)
        os.utime(tmp_path / name, (NOW - 100, NOW - 100))
    files = FaultyFiles()
    files.clock = lambda: NOW
    reader = reader_of(tmp_path, files=files)
    assert dict(read(reader).reasons) == {"450": 4}
    for name, age in zip(names, (100.0, 1.0, -1.0, 100.0), strict=True):
        (tmp_path / name).write_bytes(envelope(attempts=2).replace(b"450 later", b"421 busy"))
        os.utime(tmp_path / name, (NOW - age, NOW - age))
    assert dict(read(reader).reasons) == {"450": 2, "421": 2}
    os.utime(tmp_path / names[0], (NOW - 99, NOW - 99))  # from now on its stamp is known
    assert dict(read(reader).reasons) == {"450": 1, "421": 3}


def both(text: bytes, name: bytes) -> tuple[Entry | str | None, Entry | str | None]:
    """What one message is among many in a first reading, and what it is alone."""
    layout = SendmailSpool(["/mqueue"], "", Class(), min_age=60)
    (place,) = layout.roots()
    plain = layout.plain(place)
    assert plain is not None
    assert plain.bodies([name]) == [b"df" + name[2:]]
    (found,) = plain.understand(place, [name], [text[: layout.head]], [5])
    if found is not None:
        waiting = read_envelope(text, len(text), File(text, {}).more).waiting
        assert found[4][1] == tuple(domain_of(address) for address, _ in waiting)
        texts = [why.removeprefix(b"Deferred: ").replace(address or b"@", b"@") for address, why in waiting if why]
        assert found[4][2] == tuple(map(Class().reason, texts))
    file = File(text, {place.path + b"/df" + name[2:]: b"12345"})
    try:
        return found, layout.read(place, name, Status(0o100600, len(text), 0), text[: layout.head], file, None)
    except ParseError:
        return found, None


def test_golden_files_are_understood_many_at_once() -> None:
    """Those with several recipients, too."""
    told = [both(path.read_bytes(), path.name.encode()) for path in SPOOL.glob("qf*")]
    assert all(found == alone for found, alone in told if found is not None)
    assert sum(found is not None for found, _ in told) > len(told) / 2
    assert any(isinstance(found, tuple) and len(found[4][1]) > 1 for found, _ in told)


@given(st.data())
def test_many_at_once_and_alone_agree_on_damaged_files(data: st.DataObject) -> None:
    """Whatever the damage: what a first reading understands, reading the message alone understands so."""
    path = data.draw(st.sampled_from(sorted(SPOOL.glob("[qhQ]f*"))))
    text = path.read_bytes()
    start = data.draw(st.integers(0, min(len(text), 600)))
    lines = st.sampled_from([b"\nM", b"\nR", b"\nS<x>", b"\nH", b"\nT1", b"\nd/x", b"<", b">", b":", b"\n\n", b"\nq"])
    damage = data.draw(st.one_of(lines, st.binary(max_size=6)))
    end = data.draw(st.sampled_from([b"", HEADER]))
    rest = text[data.draw(st.integers(start, len(text))) :]
    found, alone = both(text[:start] + damage + rest + end, path.name.encode())
    assert found is None or found == alone
