"""What the generic laws cannot know about Postfix's listings: the strange texts that they carry."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import Message
from smtpq_exporter.mta.postfix.queue_json import JsonParser
from smtpq_exporter.mta.postfix.queue_showq import ShowqParser
from smtpq_exporter.mta.postfix.queue_text import TextParser
from tests.golden.postfix import framings
from tests.mta.spooled import Class

NOW = 1_795_510_000.0
NASTY = 'said: 450 "quoted" | bar, (paren) queue_name deferred ?? ' + "x" * 900 + " é"


def message(**changes: object) -> dict[str, object]:
    """One message as postqueue -j shows it."""
    return {
        "queue_name": "deferred", "queue_id": "A1B2C3D4", "arrival_time": int(NOW) - 100, "message_size": 700,
        "forced_expire": False, "sender": "a@sender.example",
        "recipients": [{"address": "b@relay.example", "delay_reason": "greylisted"}], **changes,
    }


def showq(data: bytes) -> list[Message]:
    """Messages of a whole stream."""
    parser = ShowqParser(Class(), NOW)
    return [*parser.feed(data), *parser.close()]


@pytest.fixture(params=["showq 3.1", "showq 3.6", "showq 3.11", "text", "json"])
def parse(request: pytest.FixtureRequest) -> object:
    """Each form: makes a listing of these messages and reads it."""
    form, _, version = request.param.partition(" ")

    def run(*messages: dict[str, object]) -> list[Message]:
        if form == "showq":
            return showq(framings.showq(messages, version))
        if form == "text":
            return showq(framings.text(messages))
        parser = JsonParser(Class(), NOW)
        return [*parser.feed(framings.json_lines(messages, "3.11")), *parser.close()]

    return run


def test_long_reasons_with_quotes_bars_and_odd_letters(parse: object) -> None:
    """A reason of 900 characters is one reason, whatever stands in it."""
    one = message(recipients=[{"address": "b@relay.example", "delay_reason": NASTY}])
    [found] = parse(one)  # type: ignore[operator]
    assert found.reasons == ("said:",)
    assert found.domains == ("relay.example",)


def test_addresses_of_every_kind(parse: object) -> None:
    """Null sender, quoted local parts, no domain, a literal, upper case: domains are closed values."""
    addresses = ['"a, b> c@d"@Relay.Example', "noat", "x@[192.0.2.1]", "X@RELAY.EXAMPLE."]
    one = message(sender="MAILER-DAEMON", recipients=[{"address": address} for address in addresses])
    [found] = parse(one)  # type: ignore[operator]
    assert found.sender_domain == ""
    assert found.domains == ("relay.example", "(none)", "(literal)", "relay.example")
    assert found.reasons == ()


def test_a_message_without_recipients(parse: object) -> None:
    """Mail of sendmail -t in maildrop has none yet."""
    [found] = parse(message(recipients=[]))  # type: ignore[operator]
    assert found.domains == ()


def test_only_some_recipients_have_a_reason() -> None:
    """A recipient that was not tried has no reason; the text form cannot tell, the others can."""
    one = message(recipients=[{"address": "a@x.example", "delay_reason": "why"}, {"address": "b@x.example"}])
    for version in framings.VERSIONS:
        assert showq(framings.showq([one], version))[0].reasons == ("why",)


@pytest.mark.parametrize("data", [
    b"protocol\0something_else\0\0\0",
    b"queue_name\0deferred\0\0\0",
    framings.showq([message(queue_name="elsewhere")], "3.6"),
    framings.showq([message(arrival_time="soon")], "3.6"),
    framings.showq([message(message_size=-5)], "3.6"),
    framings.showq([message()], "3.6") + b"\0",
    framings.showq([message()], "3.6") + b"queue_name\0",
    framings.showq([], "3.6") + framings.showq([], "3.6"),
    b"Mail queue is empty\nMail queue is empty\n",
    b"postqueue: fatal: something\n",
    b"-Queue ID- --Size--\nA1B2C3D4  700 Tue Nov 24 07:18:54 a@b\n  c@d\n\n-- 0 Kbytes in 2 Requests.\n",
    b"-Queue ID- --Size--\n  recipient@x\n",
])
def test_a_stream_that_is_not_a_listing_is_an_error(data: bytes) -> None:
    """A wrong announcement, a strange queue, numbers that are none, something after the end."""
    with pytest.raises(ParseError):
        showq(data)


def test_unknown_attributes_are_ignored() -> None:
    """A later version may add names."""
    data = framings.showq([message()], "3.6").replace(b"size\0700\0", b"size\0700\0colour\0blue\0")
    assert len(showq(data)) == 1


def test_values_without_end_are_given_up() -> None:
    """A stream that never ends a value does not fill the memory."""
    parser = ShowqParser(Class(), NOW)
    parser.feed(b"queue_name\0")
    with pytest.raises(ParseError):
        [parser.feed(b"x" * 100_000) for _ in range(100)]
    lines = JsonParser(Class(), NOW)
    with pytest.raises(ParseError):
        [lines.feed(b"x" * 1_000_000) for _ in range(100)]


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A place with summer time."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(("date", "now", "wanted"), [
    ("Tue Nov 24 08:18:54", 1_795_510_000, 1_795_504_734),  # this year, local time
    ("Thu Dec 31 23:59:59", 1_798_761_600, 1_798_757_999),  # read in the new year
    ("Sun Feb 29 12:00:00", 1_714_000_000, 1_709_204_400),  # the last leap day
    ("Tue Nov 24 09:00:00", 1_795_504_800, 1_795_507_200),  # an hour ahead: a clock that was set
])
def test_dates_without_a_year(date: str, now: int, wanted: int) -> None:
    """The newest moment of that date that is not in the future, in local time."""
    text = f"-Queue ID- --Size--\nA1B2C3D4       700 {date} a@b.example\n{' ' * 41}c@d.example\n\n"
    parser = TextParser(Class(), float(now))
    [found] = parser.feed((text + "-- 0 Kbytes in 1 Request.\n").encode())
    parser.close()
    assert found.arrival == wanted


def test_a_date_that_never_was_is_an_error() -> None:
    """31 April is no day of any year."""
    parser = TextParser(Class(), NOW)
    with pytest.raises(ParseError):
        parser.feed(b"A1B2C3D4       700 Tue Apr 31 08:18:54 a@b.example\n  c@d\n\n")


def test_marks_of_the_text() -> None:
    """* is active, ! hold, # forced expiry, nothing deferred; marks can stand together."""
    listing = framings.text(
        [message(queue_name="active"), message(queue_name="hold"), message(forced_expire=True), message()])
    found = showq(listing.replace(b"A1B2C3D4!  ", b"A1B2C3D4!# "))
    assert [(one.queue, one.held, one.forced_expiry) for one in found] == [
        ("active", False, False), ("hold", True, True), ("deferred", False, True), ("deferred", False, False)]
