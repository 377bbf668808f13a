"""Queue files: every form of section "where the recipients are", edits by milters, damage."""

from __future__ import annotations

import pytest

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.postfix import queue_file as module
from smtpq_exporter.mta.postfix.queue_file import read_envelope
from smtpq_exporter.mta.postfix.write import maildrop_file, queue_file, record
from tests.mta.spooled import File

T = 1_795_500_000


def envelope(data: bytes, head: int = 2048) -> module.Envelope:
    """What is read of a file."""
    return read_envelope(data[:head], len(data), File(data).more)


@pytest.mark.parametrize("head", [60, 200, 2048, 100_000])
@pytest.mark.parametrize("count", [1, 2, 60, 3000])
def test_recipients_before_the_content(count: int, head: int) -> None:
    """However much is read at first, all recipients come with the offsets of their records."""
    recipients = [b"user%d@relay.example" % i for i in range(count)]
    made = queue_file(T + 0.5, b"s@sender.example", recipients, 5028)
    size, arrival, sender, found, offsets, unread = envelope(made.data, max(head, 60))
    assert (size, arrival, sender, unread) == (5028, T, b"s@sender.example", 0)
    assert found == recipients
    assert tuple(offsets) == made.offsets
    assert all(made.data[offset : offset + 1] == b"R" for offset in offsets)


@pytest.mark.parametrize("behind", [[0], [1], [0, 1, 2]])
def test_recipients_behind_the_content(behind: list[int]) -> None:
    """Mail by sendmail -t and always_bcc has recipients between X and E; some or all stand there."""
    recipients = [b"a@x.example", b"b@x.example", b"c@x.example"]
    made = queue_file(T, b"", recipients, 40_000, behind=behind)
    size, _, sender, found, offsets, _ = envelope(made.data)
    assert (size, sender) == (40_000, b"")
    assert sorted(found) == recipients
    assert dict(zip(found, offsets, strict=True)) == dict(zip(recipients, made.offsets, strict=True))


def test_done_and_cancelled_recipients_do_not_wait() -> None:
    """D and / are counted as seen: nothing is searched behind the content for them."""
    made = queue_file(T, b"s@x", [b"a@x", b"b@x", b"c@x"], 900, done=[0], body=False)
    at = made.offsets[1]
    data = made.data[:at] + b"/" + made.data[at + 1 :]
    assert envelope(data)[3] == [b"c@x"]


@pytest.mark.parametrize("fields", [4, 5, 6])
def test_size_records_of_older_versions(fields: int) -> None:
    """C has four fields, since 2.4 five, in 3.x six: they are read by position."""
    made = queue_file(T, b"s@x", [b"a@x"], 900)
    words = [made.data[2 + 16 * i : 17 + 16 * i] for i in range(fields)]
    cut = 97 - 2 - (16 * fields - 1)
    words[1] = b"%15d" % (int(words[1]) - cut)
    data = record(b"C", b" ".join(words)) + made.data[97:]
    assert envelope(data)[:4] == (900, T, b"s@x", [b"a@x"])


def test_addresses_are_raw() -> None:
    """Quotes are not written in queue files; anything may stand in a local part."""
    addresses = [
        b"x> y@relay.example", b"noat", b"a@b@relay.example", b"\xff\xfe@relay.example", b"x" * 5000 + b"@x"]
    made = queue_file(T, b"x> y@s", addresses)
    assert envelope(made.data)[3] == addresses


def test_pointers_lead_to_records_elsewhere() -> None:
    """A milter that adds a recipient leaves a pointer to the end of the file and one back."""
    made = queue_file(T, b"s@x", [b"a@x.example"], 900)
    data = bytearray(made.data)
    at = made.offsets[0]
    gone = record(b"R", b"a@x.example")
    end = len(data)
    data[at : at + len(gone)] = record(b"p", b"%*d" % (len(gone) - 2, end))
    back = at + len(gone)
    data += record(b"R", b"new@x.example") + record(b"p", b"%15d" % 0) + record(b"p", b"%15d" % back)
    found = envelope(bytes(data))
    assert found[3] == [b"new@x.example"]
    assert found[4] == [end]


def test_pointers_in_a_circle_end() -> None:
    """A loop is damage, not a hang."""
    made = queue_file(T, b"s@x", [b"abcdefghijk@x"], 900)
    at = made.offsets[0]
    data = made.data[:at] + record(b"p", b"%013d" % 97) + made.data[at + 15 :]
    with pytest.raises(ParseError):
        envelope(data)


def test_a_long_tail_is_read_up_to_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipients behind the content beyond the limit are counted as not read."""
    monkeypatch.setattr(module, "LONGEST", 3000)
    recipients = [b"user%d@relay.example" % i for i in range(500)]
    made = queue_file(T, b"s@x", recipients, 900, behind=range(500))
    *_, found, _, unread = envelope(made.data)
    assert len(found) + unread == 500
    assert unread > 300


def test_maildrop() -> None:
    """No sizes, no create_time; the message size is that of the file; -t leaves no recipient."""
    data = maildrop_file(T, b"root@x", [b"a@x", b"b@x"], [b"Subject: x", b"", b"x"])
    assert envelope(data)[:4] == (len(data), T, b"root@x", [b"a@x", b"b@x"])
    assert envelope(maildrop_file(T, b"root", []))[3] == []


@pytest.mark.parametrize("data", [
    b"", b"C", b"garbage", b"C" * 100, b"T\x03abcM\x00", b"\x00" * 200, b"C\x5f" + b"9" * 95,
    b"C\x5f" + b"%15d %15d %15d" % (-1, 100, 1) + b" " * 50,
    b"C\x5f" + b"%15d %15d %15d" % (1, 0, 1) + b" " * 50 + b"M\x00",
    b"T\x0c1795500000 0" + b"R" + b"\xff" * 10,
])
def test_damage_is_a_parse_error(data: bytes) -> None:
    """Whatever is no queue file is said to be none."""
    with pytest.raises(ParseError):
        envelope(data)


def test_a_file_cut_at_every_record_is_damage_until_the_content() -> None:
    """Before M every cut is a ParseError; within the content, which is not read, a cut does not matter."""
    made = queue_file(T, b"s@sender.example", [b"a@x.example", b"b@x.example"], 900)
    start = int(made.data[18:33])
    for end in range(start):
        with pytest.raises(ParseError):
            envelope(made.data[:end])
    assert envelope(made.data[: start + 10])[3] == [b"a@x.example", b"b@x.example"]
