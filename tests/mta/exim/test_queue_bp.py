"""The listing of exim -bp: marks, units, broken entries, hostile senders."""

from __future__ import annotations

import pytest

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.exim.queue_bp import BpParser
from tests.mta.spooled import Class

CAME = 1700000000
NOW = CAME + 3600.0


def parse(text: str, now: float = NOW, queue: str = "default") -> tuple[list[Message], BpParser]:
    """Messages of a listing, and the parser."""
    parser = BpParser(Class(), now, queue)
    return [*parser.feed(text.encode()), *parser.close()], parser


def entry(
    age: str = "60m", size: str = " 2.3K", name: str = "1r31eq-0002h4-0w", tail: str = "<u@s.example>"
) -> str:
    """One message with one recipient."""
    return f"{age:>3} {size} {name} {tail}\n          r@x.example\n\n"


def test_a_message_with_its_marks() -> None:
    """Delivered recipients do not wait; frozen is held; the null sender has no domain; the queue is the
    asked one.
    """
    text = (
        entry()
        + " 60m   197 1r31eq-000000002h4-0w00 <> *** frozen ***\n"
        + "        D a@ok.example\n          b@X.example\n\n"
    )
    (one, two), parser = parse(text, queue="bulk")
    assert (one.queue, one.queue_id, one.arrival, one.size, one.sender_domain) == (
        "bulk",
        "1r31eq-0002h4-0w",
        CAME,
        2355,
        "s.example",
    )
    assert (one.domains, one.held) == (("x.example",), False)
    assert (two.domains, two.held, two.sender_domain, two.size) == (("x.example",), True, "", 197)
    assert (two.queue_id, two.arrival) == ("1r31eq-000000002h4-0w00", CAME)
    assert parser.queues == ("bulk",)


@pytest.mark.parametrize(
    ("shown", "size"),
    [
        ("     ", 0),
        ("    7", 7),
        (" 1023", 1023),
        (" 1.0K", 1024),
        (" 9.9K", 10138),
        ("  10K", 10240),
        ("1023K", 1047552),
        (" 1.5M", 1572864),
        ("  12M", 12582912),
        ("   2G", 2 << 30),
    ],
)
def test_sizes_have_units(shown: str, size: int) -> None:
    """Bytes, K with and without a digit, M, G; no size is five blanks."""
    assert parse(entry(size=shown))[0][0].size == size


@pytest.mark.parametrize(
    ("age", "seconds"), [("0m", 0), ("90m", 5400), ("2h", 7200), ("72h", 259200), ("4d", 345600)]
)
def test_ages_are_rounded_and_the_id_is_exact(age: str, seconds: int) -> None:
    """The arrival is the id's, to the second, whatever unit the age is shown in."""
    assert parse(entry(age), CAME + seconds + 11.0)[0][0].arrival == CAME


def test_an_id_that_contradicts_its_age_does_not_count() -> None:
    """Builds without case count in base 36: there the age tells the arrival, with its precision."""
    assert parse(entry("5h", name="0LZ9ZZ-0002H4-0W"))[0][0].arrival == int(NOW) - 5 * 3600


@pytest.mark.parametrize(
    "tail",
    [
        '<"x> *** frozen ***"@s.example>',
        "<u@s.example> (www-data)",
        '<"a b"@s.example>',
        "<u@s.example> (x y)",
    ],
)
def test_a_sender_cannot_look_frozen(tail: str) -> None:
    """What stands in quotes or parentheses is the sender's."""
    message = parse(entry(tail=tail))[0][0]
    assert (message.held, message.sender_domain) == (False, "s.example")
    assert parse(entry(tail=tail + " *** frozen ***"))[0][0].held


def test_broken_entries_are_told_and_left_out() -> None:
    """Messages whose spool file Exim could not read are skipped as corrupt."""
    text = (
        " 4d  2.3K 1r31eq-0002h4-0w\n    *** spool format error: size=12 ***\n\n"
        "      1r31eq-0002h4-0x\n    *** spool read error: Permission denied ***\n\n" + entry()
    )
    messages, parser = parse(text)
    assert len(messages) == 1
    assert parser.skipped == {"corrupt_record": 2}


@pytest.mark.parametrize(
    "text",
    [
        "exim: permission denied\n",
        "          r@x.example\n\n",
        entry()[:-1],
        entry()[:-12],
        entry() + "garbage\n\n",
        "<html>\n",
        entry().replace("\n\n", "\n") + entry(),
        entry()[:30],
        "\0" * 50,
    ],
)
def test_what_is_no_listing_is_an_error(text: str) -> None:
    """Other words, a recipient without its message, a cut entry: ParseError, never fewer messages."""
    with pytest.raises(ParseError):
        parse(text)


def test_thousands_of_lines_without_an_end_are_refused() -> None:
    """A line that never ends does not fill the memory."""
    parser = BpParser(Class(), NOW)
    with pytest.raises(ParseError):
        list(map(parser.feed, [b"x" * 65536] * 100))
