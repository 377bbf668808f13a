"""One control file of Sendmail: whose status is whose, what is not complete, what the quick way sees."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.sendmail.queue_file import USUAL, Envelope, further, read_envelope, shared
from smtpq_exporter.mta.sendmail.queue_id import is_control_file
from tests.mta.spooled import File

SPOOL = Path(__file__).parents[2] / "golden" / "sendmail" / "spool"
HEADER = b"H??Subject: x\n\tRPFD:<not@a.recipient>\n.\n"
FRONT = b"V8\nT1795507011\nK1795507031\nN3\nP32227\n"


def read(text: bytes, head: int = 4096) -> Envelope:
    """A whole file, whose first `head` bytes are handed over at once."""
    return read_envelope(text[:head], len(text), File(text).more)


def test_times_attempts_sender_and_recipients() -> None:
    """T, K, N, S and R are what they are; nothing behind the first header is a recipient."""
    found = read(
        FRONT + b"Fbs\n$_x [127.0.0.1]\nS<a@b.example>\nrRFC822; c@d.example\nRPFD:<c@d.example>\n" + HEADER
    )
    assert found == Envelope(1795507011, 1795507031, 3, b"a@b.example", [(b"c@d.example", b"")], b"")


def test_a_status_belongs_to_the_recipient_behind_it() -> None:
    """M before an R is that recipient's; the first M, of the message, is nobody's if it repeats one."""
    text = (
        FRONT + b"MDeferred: 450 one\nS<a@b.example>\nMDeferred: 450 one\nRPFD:<c@d.example>\n"
        b"RPFD:<e@f.example>\nMDeferred: 450 two\nRPFD:<g@h.example>\n" + HEADER
    )
    assert read(text).waiting == [
        (b"c@d.example", b"Deferred: 450 one"),
        (b"e@f.example", b""),
        (b"g@h.example", b"Deferred: 450 two"),
    ]


def test_a_failed_connection_is_everybodys_status() -> None:
    """If no recipient has a status, the message's tells why they wait; a bounce of another one does not."""
    recipients = b"S<a@b.example>\nRPFD:<c@d.example>\nRPFD:<e@f.example>\n" + HEADER
    refused = b"Deferred: Connection refused by d.example."
    assert [text for _, text in read(FRONT + b"M" + refused + b"\n" + recipients).waiting] == [
        refused,
        refused,
    ]
    assert [text for _, text in read(FRONT + b"MUser unknown\n" + recipients).waiting] == [b"", b""]


def test_local_addresses_old_versions_and_bounces() -> None:
    """Addresses may be bare, recipients of version 0 have no flags, the null sender is empty."""
    assert read(FRONT + b'S<>\nRPFD:root\nRP:"|/usr/bin/procmail, -t"\n' + HEADER).waiting == [
        (b"root", b""),
        (b'"|/usr/bin/procmail, -t"', b""),
    ]
    assert read(FRONT + b"S<>\n" + HEADER).sender == b""
    assert read(b"T1\nK0\nN0\nP1\nSme\nRyou@a.example\n" + HEADER).waiting == [(b"you@a.example", b"")]


def test_recipients_beyond_the_first_bytes_are_read() -> None:
    """Ten thousand recipients, the end of the envelope at any place against the first bytes read."""
    many = b"".join(b"RPFD:<user%d@a.example>\n" % n for n in range(10_000))
    assert len(read(FRONT + b"S<a@b.example>\n" + many + HEADER).waiting) == 10_000
    short = FRONT + b"S<a@b.example>\nRPFD:<c@d.example>\n" + HEADER
    for head in range(1, len(short)):
        assert read(short, head) == read(short)
    bare = FRONT + b"S<a@b.example>\nRPFD:<c@d.example>\n.\n"
    for head in range(1, len(bare)):
        assert read(bare, head).waiting == [(b"c@d.example", b"")]


def test_a_body_on_another_disk_is_told() -> None:
    """The d line names the directory of the body."""
    assert read(FRONT + b"dq3\nS<a@b.example>\nRPFD:<c@d.example>\n" + HEADER).data_directory == b"q3"


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"V8\n",
        FRONT,
        FRONT + b"S<a@b.example>\nRPFD:<c@d.example>\n",
        b"V8\nTx\nS<a>\n" + HEADER,
        b"V8\nK1\nS<a>\n" + HEADER,
        FRONT + b"RPFD:<c@d.example>\n" + HEADER,
    ],
)
def test_what_is_not_complete_is_an_error(text: bytes) -> None:
    """Without the end of the envelope, a creation time or a sender there is no message."""
    with pytest.raises(ParseError):
        read(text)


def same(text: bytes) -> bool:
    """Whether the quick way took a file, and then told the same as the whole grammar."""
    found = USUAL(text)
    if found is None:
        return False
    arrival, last, attempts, common, sender, own, address, domain, alone = found.groups()
    others = [] if alone else further(text, found.end())
    if others is None:
        return False
    whole, waiting = read(text), [(own, address, domain), *others]
    assert (whole.arrival, whole.last_attempt, whole.attempts) == (int(arrival), int(last), int(attempts))
    assert whole.waiting == shared(common or b"", [(one, own or b"") for own, one, _ in waiting])
    for _, one, domain in waiting:
        assert one.endswith(domain)
        assert domain_of(one) == domain_of(domain)
    assert bool(whole.sender) == bool(sender)
    assert domain_of(whole.sender) == domain_of(sender or b"")
    assert not whole.data_directory
    return True


def test_the_quick_way_sees_what_the_whole_grammar_sees() -> None:
    """The one-step pattern takes most golden files, those of several recipients, too, and tells the same of them."""
    texts = [path.read_bytes() for path in SPOOL.glob("qf*")]
    assert sum(map(same, texts)) >= 5
    assert any(same(text) and len(read(text).waiting) > 2 for text in texts)


@given(st.data())
def test_the_quick_way_agrees_on_damaged_files(data: st.DataObject) -> None:
    """Whatever the damage: what the pattern takes, the whole grammar reads in the same way."""
    text = data.draw(st.sampled_from(sorted(path.read_bytes() for path in SPOOL.glob("qf*"))))
    start = data.draw(st.integers(0, min(len(text), 600)))
    lines = st.sampled_from(
        [b"\nM", b"\nR", b"\nS<x>", b"\nH", b"\nT1", b"\nd/x", b"<", b">", b":", b"\n\n", b"\nq"]
    )
    damage = data.draw(st.one_of(lines, st.binary(max_size=6)))
    same(text[:start] + damage + text[data.draw(st.integers(start, min(len(text), start + 30))) :] + HEADER)


def test_which_files_are_envelopes() -> None:
    """qf, hf and Qf with an id; neither bodies nor transcripts nor what is being written."""
    ours = [b"qf6AO8DrHx000083", b"hf6AO8DrHx000083", b"Qf6AO8DrHx000083", b"qfSAA15929", b"qfe6GLUxP00881"]
    assert all(map(is_control_file, ours))
    others = [
        b"df6AO8DrHx000083",
        b"tf6AO8DrHx000083",
        b"xf6AO8DrHx000083",
        b"qf",
        b"qf6AO8DrHx000083.bak",
        b"qf6AO8DrHx00008300000",
        b"qf-x" * 4,
    ]
    assert not any(map(is_control_file, others))
