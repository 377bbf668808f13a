"""The step for usual messages gives what the whole reading gives, or nothing."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.base import Entry, Place
from smtpq_exporter.mta.postfix.queue_spool import LOG_FIRST, PostfixSpool
from smtpq_exporter.mta.postfix.write import Deferral, defer_log, queue_file
from tests.mta.spooled import Class, File, Status

ROOT = "/spool"
NAME = b"4jYYY51k2vzJBf7"
PLACE = Place(b"/spool/deferred/3", 3)
T = 1_795_500_000
LOCAL = st.one_of(
    st.from_regex(rb"[a-zR]{1,12}", fullmatch=True),
    st.binary(min_size=0, max_size=150),
    st.sampled_from([b"R\x05a@b.c", b"x" * 200, b"RR", b"a@b"]),
)
DOMAIN = st.sampled_from([b"relay.example", b"R.example", b"RELAY.example", b"x" * 130 + b".example"])
ADDRESS = st.one_of(st.builds(lambda local, domain: local + b"@" + domain, LOCAL, DOMAIN), LOCAL)
REASON = st.one_of(
    st.just(b"greylisted, try later"),
    st.binary(max_size=300).map(lambda text: text.translate(None, b"\n\r\0")),
)


def both(data: bytes, log: bytes, mode: int = 0o100700) -> tuple[Entry | None, Entry | str | None]:
    """What the usual step and the whole reading make of a message; None from the latter is a ParseError."""
    layout = PostfixSpool(ROOT, Class())
    status = Status(mode, len(data), (T + 500) * 10**9)
    usual = layout.usual(3, mode, status.st_mtime_ns, data[: layout.head], log[:LOG_FIRST])
    others = {layout.company(PLACE) + b"/" + NAME: log} if log else {}  # type: ignore[operator]
    file = File(data, others)
    try:
        return usual, layout.read(PLACE, NAME, status, data[: layout.head], file, None)
    except ParseError:
        return usual, None


@settings(max_examples=400, deadline=None)
@given(
    sender=st.one_of(st.just(b""), ADDRESS), recipients=st.lists(ADDRESS, min_size=1, max_size=4),
    reasons=st.lists(REASON, max_size=4), done=st.sets(st.integers(0, 3)), behind=st.sets(st.integers(0, 3)),
    mode=st.sampled_from([0o100700, 0o100710, 0o100400, 0o100600]),
)
def test_it_agrees_with_the_whole_reading(
    sender: bytes, recipients: list[bytes], reasons: list[bytes], done: set[int], behind: set[int], mode: int,
) -> None:
    """Whatever the addresses, reasons, states and places of recipients: the same entry, or None."""
    behind = {index for index in behind if index < len(recipients)}
    made = queue_file(T, sender, recipients, 700, queue_id=NAME, done=done, behind=behind)
    log = defer_log([
        Deferral(recipients[i].translate(None, b"\n\r\0"), made.offsets[i], b"4.0.0", reasons[i])
        for i in range(min(len(recipients), len(reasons)))
    ])
    usual, whole = both(made.data, log, mode)
    assert usual is None or usual == whole


@settings(max_examples=300, deadline=None)
@given(start=st.integers(0, 700), length=st.integers(0, 20), damage=st.binary(max_size=20))
def test_damage_gives_no_other_recipient(start: int, length: int, damage: bytes) -> None:
    """A damaged file gives nothing, or the recipient that the log names at the offset of its record."""
    made = queue_file(T, b"s@sender.example", [b"r@relay.example"], 700, queue_id=NAME)
    data = made.data[:start] + damage + made.data[start + length :]
    usual, _ = both(data, defer_log([Deferral(b"r@relay.example", made.offsets[0], b"4.0.0", b"slow down")]))
    assert usual is None or usual[4][1] == ("relay.example",)


def test_no_address_passes_for_a_record() -> None:
    """A recipient that is done and whose address ends in what looks like a record is not taken for one that waits."""
    made = queue_file(T, b"s@sender.example", [b"R\x09a@relay.b"], 700, queue_id=NAME, done=[0])
    for log in (b"", defer_log([Deferral(b"a@relay.b", made.offsets[0], b"4.0.0", b"slow down")])):
        usual, whole = both(made.data, log)
        assert usual is None
        assert whole is not None


def test_it_takes_the_usual_message() -> None:
    """One recipient with a log, or several before the content, forced or not: no second look needed."""
    for count in (1, 3):
        recipients = [b"u%d@relay.example" % i for i in range(count)]
        made = queue_file(T, b"s@sender.example", recipients, 700, queue_id=NAME)
        log = defer_log(
            [Deferral(recipients[i], made.offsets[i], b"4.0.0", b"slow down") for i in range(count)])
        for mode in (0o100700, 0o100710):
            usual, whole = both(made.data, log, mode)
            assert usual == whole
            assert usual is not None
            assert usual[4][2] == ("slow",) * count
        assert (both(made.data, b"")[0] is None) == (count == 1)


def test_records_before_the_sender() -> None:
    """The sender is found where Postfix names no rewriting context, and where other attributes stand behind it."""
    made = queue_file(T, b"s@sender.example", [b"r@relay.example"], 700, queue_id=NAME)
    log = defer_log([Deferral(b"r@relay.example", made.offsets[0], b"4.0.0", b"slow down")])
    context, ident = b"A\x15rewrite_context=local", b"A\x19log_ident=" + NAME
    other = context + b"A\x19sasl_sender=" + b"S\x01" * 6 + b"x"
    for changed in (ident + context.replace(b"_context", b"_kontext"), other):
        data = made.data.replace(ident + context, changed)
        assert len(data) == len(made.data)
        assert changed in data
        usual, whole = both(data, log)
        assert usual == whole
        assert usual is not None
        assert usual[4][0] == "sender.example"
