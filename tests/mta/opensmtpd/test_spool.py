"""The spool of OpenSMTPD on disk, beyond the golden one: compressed, encrypted, broken, changing."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io.files import FaultyFiles
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.mta.opensmtpd.queue_envelope import read_envelope
from smtpq_exporter.mta.opensmtpd.queue_spool import UNREADABLE, OpensmtpdSpool
from tests.mta.spooled import Class

TEXT = (
    "version: 3\ndispatcher: other\ntype: {kind}\nsmtpname: m\nhelo: h\nhostname: localhost\n"
    "{error}sockaddr: 192.0.2.1\n"
    "sender: {sender}\nrcpt: {rcpt}\ndest: {rcpt}\nctime: {ctime}\nlast-try: 0\nlast-bounce: 0\n"
    "ttl: 0\nretry: 0\ndsn-notify: 0\n"
)


def envelope(
    rcpt: str = "b@r.example",
    sender: str = "a@s.example",
    error: str = "",
    kind: str = "mta",
    ctime: int = 1795500000,
) -> bytes:
    """An envelope as smtpd writes it."""
    said = f"errorline: {error}\n" if error else ""
    return TEXT.format(rcpt=rcpt, sender=sender, error=said, kind=kind, ctime=ctime).encode()


class Spool:
    """A spool directory that a test writes, and one reader of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "queue").mkdir()
        self.files = FaultyFiles()
        self.reader = SpoolReader(OpensmtpdSpool(str(root), Class()), files=self.files)

    def put(self, message: str, *envelopes: bytes, size: int = 100) -> Path:
        """A message with these envelopes."""
        folder = self.root / "queue" / message[:2] / message
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "message").write_bytes(b"x" * size)
        for number, data in enumerate(envelopes):
            (folder / f"{message}{number:08x}").write_bytes(data)
        return folder

    def read(self):
        """One reading."""
        return self.reader.read(time.time(), time.monotonic() + 60)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path)


def test_a_message_is_its_envelopes(spool: Spool) -> None:
    """Recipients, domains, reasons, the oldest arrival and the first queue of mta, mda, bounce."""
    spool.put(
        "00000001",
        envelope(error="450 later", ctime=1795500005),
        envelope("c@box.example", kind="mda"),
        size=10,
    )
    spool.put("0000000f", envelope(sender="@", kind="bounce"), size=5)
    found = spool.read()
    mta, bounce = found.queues["mta"], found.queues["bounce"]
    assert (mta.messages, mta.recipients, mta.bytes, mta.oldest_arrival) == (1, 2, 10, 1795500000)
    assert (bounce.messages, bounce.recipients, bounce.bytes) == (1, 1, 5)
    assert dict(found.destinations) == {"r.example": 2, "box.example": 1}
    assert dict(found.senders) == {"<>": 1, "s.example": 1}
    assert dict(found.reasons) == {"450": 1}
    assert (mta.held, mta.held_arrivals, mta.retry_due) == (None, None, None)


def test_compressed_envelopes_are_read_and_encrypted_ones_are_counted(spool: Spool) -> None:
    """Compression is undone; encryption leaves names: a message, its recipients, and when it came."""
    spool.put("00000001", gzip.compress(envelope(error="450 x")))
    folder = spool.put("00000002", b"\x01" + os.urandom(200), b"\x01" + os.urandom(200), size=7)
    os.utime(folder / "message", (1795400000, 1795400000))
    found = spool.read()
    mta = found.queues["mta"]
    assert (mta.messages, mta.recipients, mta.bytes, mta.oldest_arrival) == (2, 3, 107, 1795400000)
    assert dict(found.destinations) == {"r.example": 1, UNREADABLE: 1}
    assert dict(found.senders) == {"s.example": 1, UNREADABLE: 1}
    assert sum(found.reasons.values()) == 1


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        b"version: 3\n",
        envelope()[:-1],
        envelope().replace(b"ctime", b"ztime"),
        b"\x1f\x8bxx",
        gzip.compress(envelope())[:-9],
        envelope(ctime=1).replace(b"ctime: 1", b"ctime: x"),
        gzip.compress(b"a" * 200_000),
    ],
)
def test_what_is_no_envelope_is_an_error(data: bytes, spool: Spool) -> None:
    """Cut, broken or blown up: a ParseError, and the message is left aside and told of."""
    with pytest.raises(ParseError):
        read_envelope(data)
    spool.put("00000001", data)
    spool.put("00000002", envelope())
    found = spool.read()
    assert found.queues["mta"].messages == 1
    assert found.skipped == {"corrupt_record": 1}


def test_changes_within_a_message_are_seen(spool: Spool) -> None:
    """A new error, an envelope that is done, one that is added (a bounce), the end of the message."""
    folder = spool.put("00000001", envelope(), envelope("c@q.example"))
    assert spool.read().queues["mta"].recipients == 2
    new = spool.root / "new"
    new.write_bytes(envelope(error="450 later"))
    new.rename(folder / "0000000100000000")
    assert dict(spool.read().reasons) == {"450": 1}
    (folder / "0000000100000001").unlink()
    assert dict(spool.read().destinations) == {"r.example": 1}
    (folder / "0000000100000002").write_bytes(envelope(kind="bounce"))
    assert spool.read().queues["mta"].recipients == 2
    for path in folder.glob("0*"):
        path.unlink()
    found = spool.read()
    assert (found.queues["mta"].messages, found.skipped) == (0, {"incomplete": 1})
    (folder / "message").unlink()
    folder.rmdir()
    assert spool.read().skipped == {}


def test_what_did_not_change_is_not_opened_again(spool: Spool) -> None:
    """After the moment in which a change could hide, no file of a quiet message is opened."""
    folders = [spool.put(f"0000{n:04x}", envelope(), envelope("c@q.example")) for n in range(40)]
    for folder in folders:
        os.utime(folder, (1795400000, 1795400000))
    assert spool.read().queues["mta"].recipients == 80
    spool.files.opened.clear()
    assert spool.read().queues["mta"].recipients == 80
    assert spool.files.opened == []


def test_what_lies_beside_the_queue_is_told_of(spool: Spool) -> None:
    """offline/ and corrupt/ are seen and left aside; names that are none are foreign; incoming/ is not queued
    yet.
    """
    for place, name in (
        ("offline", "1795507434.XXXXt9MhdM"),
        ("corrupt", "0a0b0c0d"),
        ("incoming", "0a0b0c0e"),
        ("queue", "envelope.tmp"),
        ("queue/0a", "x"),
        ("queue/0a", "0A0B0C0D"),
    ):
        (spool.root / place).mkdir(parents=True, exist_ok=True)
        (spool.root / place / name).write_bytes(b"x")
    spool.put("0a0b0c0f", envelope())
    (spool.root / "queue/0a/0a0b0c10").write_bytes(b"a file where a directory should be")
    found = spool.read()
    assert sum(q.messages for q in found.queues.values()) == 1
    assert found.skipped == {"offline": 1, "corrupt_record": 1, "foreign_name": 4}


def test_a_directory_that_may_not_be_read_is_a_fault(spool: Spool) -> None:
    """No part of the queue is shown as the whole."""
    folder = spool.put("00000001", envelope())
    spool.files.faults[os.fsencode(folder)] = PermissionError(13, "Permission denied", str(folder))
    with pytest.raises(SourceError) as caught:
        spool.read()
    assert caught.value.kind == "permission"
