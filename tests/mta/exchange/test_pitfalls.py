"""Twelve ways in which PowerShell writes one and the same queue."""

from __future__ import annotations

import json
from typing import Any

import pytest

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.exchange import queue_value as values
from smtpq_exporter.mta.exchange.queue_json import parse
from smtpq_exporter.mta.exchange.queue_text import complaint, document
from smtpq_exporter.mta.report import Report
from smtpq_exporter.reasons import Classifier

CLASSIFIER = Classifier()
NOW = 1795510800.0
RETRY = 1795510680.0


def queue(**changes: Any) -> dict[str, Any]:
    """One delivery queue in retry, as our script writes it."""
    return {
        "Identity": "EX01\\301", "DeliveryType": "DnsConnectorDelivery", "NextHopDomain": "bulk.example",
        "NextHopCategory": "External", "Status": "Retry", "MessageCount": 17,
        "LastError": "[{LRT=15-01-21 23:50:05};{LED=450 4.2.2 mailbox full};{FQDN=mx.bulk.example};{IP=b}]",
        "NextRetryTime": "2026-11-24T08:58:00.000Z", "IncomingRate": 0.5, "OutgoingRate": 0.25, **changes,
    }


def read(value: Any) -> Report:
    """A report of a value or of bytes."""
    return parse(value if isinstance(value, bytes) else json.dumps(value).encode(), CLASSIFIER, NOW)


PLAIN = read([queue()]).rows[0]


def test_the_plain_queue_is_understood() -> None:
    """What the other tests compare with."""
    assert (PLAIN.queue, PLAIN.messages, PLAIN.domain, PLAIN.category, PLAIN.state) == (
        "retry", 17, "bulk.example", "external", "retry")
    assert (PLAIN.reason, PLAIN.next_retry) == ("mailbox_full", RETRY)
    assert (PLAIN.incoming, PLAIN.outgoing) == (0.5, 0.25)
    assert PLAIN.held is None


def test_j1_nothing_one_or_many() -> None:
    """An object is one queue, an array is many, no output is an error, an explicit nothing an empty queue."""
    assert read(queue()).rows == read([queue()]).rows == (PLAIN,)
    assert len(read([queue(), queue(Identity="EX01\\302")]).rows) == 2
    for nothing in (b"", b"\r\n", b"null"):
        with pytest.raises(ParseError):
            read(nothing)
    assert read({"queues": []}).rows == ()
    assert read({"queues": queue()}).rows == (PLAIN,)
    with pytest.raises(ParseError):
        read({"queues": None})


@pytest.mark.parametrize("number", [3, "3"])
def test_j2_j4_integers_of_enums_are_never_guessed(number: Any) -> None:
    """Numbers say nothing about state, kind and place; the identity still tells the special queues."""
    assert values.word(number) == "unknown_3"
    numbers = {"Status": number, "DeliveryType": number, "NextHopCategory": number}
    row = read([queue(**numbers)]).rows[0]
    assert (row.queue, row.state, row.category, row.messages) == ("other", "other", "other", 17)
    for name, kind in (("Submission", "submission"), ("Poison", "poison"), ("Unreachable", "unreachable"),
                       ("Shadow\\7", "shadow")):
        assert read([queue(Identity=f"EX01\\{name}", **numbers)]).rows[0].queue == kind


@pytest.mark.parametrize("pair", ['{"value":3,"Value":"Retry"}', '{"Value":"Retry","value":3}'])
def test_j3_keys_that_differ_in_case(pair: str) -> None:
    """Of the two values of a deserialised enum the word counts."""
    text = json.dumps([queue()]).replace('"Retry"', pair).encode()
    assert read(text).rows == (PLAIN,)


@pytest.mark.parametrize("written", [
    "/Date(1795510680000)/", "/Date(1795510680000+0100)/", "2026-11-24T08:58:00.0000000Z",
    "2026-11-24T09:58:00.0000000+01:00", "2026-11-24T08:58:00Z",
    {"value": "/Date(1795510680000)/", "DateTime": "Dienstag, 24. November 2026 09:58:00", "DisplayHint": 2},
])
def test_j5_every_form_of_a_time(written: Any) -> None:
    """Milliseconds, ISO with seven digits, with extended properties: the same moment."""
    assert read([queue(NextRetryTime=written)]).rows == (PLAIN,)
    raw = json.dumps([queue(NextRetryTime=written)]).replace("/", "\\/").encode()
    assert read(raw).rows == (PLAIN,)


@pytest.mark.parametrize("written", [
    "24.11.2026 09:58:00", "11/24/2026 8:58:00 AM", "2026-11-24T08:58:00", "0001-01-01T00:00:00Z",
    "/Date(-62135596800000)/", "/Date(99999999999999)/", 1795510680, True, {}, [],
])
def test_a_time_that_does_not_tell_its_zone_is_not_known(written: Any) -> None:
    """Local texts, times without a zone and DateTime.MinValue are no moments."""
    assert read([queue(NextRetryTime=written)]).rows[0].next_retry is None


def test_j6_timespans_unlimited_and_identities() -> None:
    """Objects with Ticks are seconds; other members change nothing; an identity may be an object."""
    span = {"Ticks": 61800000000, "Days": 0, "Hours": 1, "Minutes": 43, "TotalSeconds": 6180}
    assert values.seconds({"ticks": 61800000000, "days": 0}) == 6180
    assert values.seconds("PT1H43M2.5S") == 6182.5
    assert values.seconds("1.01:43:02") == 92582
    assert values.seconds("soon") is None
    extra = {"MaxIdle": span, "Limit": {"IsUnlimited": True, "Value": None},
             "QueueIdentity": {"RowId": 301, "Type": 1, "ServerName": "EX01"}}
    assert read([queue(**extra)]).rows == (PLAIN,)
    assert read([queue(Identity={"RowId": 301, "Type": 1})]).rows == (PLAIN,)


@pytest.mark.parametrize("name", ["System.Object[]", "System.String[]", "Microsoft.Exchange.Data.X"])
def test_j7_names_of_types_are_no_values(name: str) -> None:
    """What the depth cut off is not told: no error text, no domain, no state is made of it."""
    row = read([queue(LastError=name, NextHopDomain=name, Status=name)]).rows[0]
    assert (row.reason, row.domain, row.state) == ("", "", "other")


def test_j8_members_of_remoting_are_ignored() -> None:
    """PSComputerName and its kin change nothing."""
    extra = {"PSComputerName": "ex01", "RunspaceId": "0", "PSShowComputerName": True, "PSSource": 1}
    assert read([queue(**extra)]).rows == (PLAIN,)


BODY = json.dumps({"queues": [queue(NextHopDomain="bücher.example")]}, ensure_ascii=False)


@pytest.mark.parametrize("data", [
    BODY.encode(), b"\xef\xbb\xbf" + BODY.encode(), b"\xff\xfe" + BODY.encode("utf-16-le"),
    b"\xfe\xff" + BODY.encode("utf-16-be"), BODY.encode("utf-16-le"), BODY.encode("cp1252"),
    b"Welcome to [EX01]\r\n[PS] C:\\>\r\n{\r\n[1]\r\n" + BODY.encode() + b"\r\nbye {\r\n",
    b"\x1b[?1h\x1b]0;title\x07" + BODY.encode(), b"#< CLIXML\r\n" + BODY.encode(),
    b'#< CLIXML\r\n<Objs Version="1.1.0.1"><Obj S="progress">[{"queues":[]}]</Obj></Objs>' + BODY.encode(),
], ids=["utf8", "utf8bom", "utf16le", "utf16be", "utf16 without mark", "cp1252", "banner", "escapes",
        "clixml", "progress"])
def test_j9_encodings_and_noise(data: bytes) -> None:
    """In every encoding and between all noise the document is found."""
    row = read(data).rows[0]
    assert (row.messages, row.domain) == (17, "bücher.example")


def test_j9_a_part_is_never_taken_for_the_whole() -> None:
    """An object inside a cut document is not a document, pretty or not."""
    for indent in (None, 4):
        text = json.dumps({"queues": [queue(), queue(Identity="b")]}, indent=indent).encode()
        for end in range(len(text)):
            with pytest.raises(ParseError):
                read(text[:end])


def test_j10_numbers_of_another_culture() -> None:
    """A decimal comma, a minus sign of typography, a number in quotes: the same number."""
    assert read([queue(IncomingRate="0,5", OutgoingRate="0.25", MessageCount="17")]).rows == (PLAIN,)
    assert values.number("\u22120,85") == -0.85
    assert values.number("1.234,5") is None
    assert values.number("NaN") is None


def test_j11_wrapped_arrays() -> None:
    """An array that came with its Count is an array."""
    assert read({"value": [queue()], "Count": 1}).rows == (PLAIN,)
    assert read({"queues": {"value": [queue()], "Count": 1}}).rows == (PLAIN,)


@pytest.mark.parametrize("nothing", [None, "", [], {}])
def test_j12_no_error_in_every_form(nothing: Any) -> None:
    """Null, empty and missing are the same: no error is known."""
    missing = {name: value for name, value in queue().items() if name != "LastError"}
    for one in (missing, queue(LastError=nothing)):
        assert read([one]).rows[0].reason == ""
    assert read([queue(NextRetryTime=nothing)]).rows[0].next_retry is None


@pytest.mark.parametrize("broken", [
    b'{"queues": 1}', b'{"queues": ["x"]}', b"[1]", b'{"a": 1}', b'{"queues": [{}]}',
    b'{"schema": 2, "queues": []}', b"[" * 5000, b'{"queues": [{"MessageCount": -1}]}',
    b'{"queues": [{"MessageCount": 1.5}]}',
    b'{"queues": [{"MessageCount": null}]}', b'{"queues": [{"MessageCount": NaN}]}',
    b'{"queues": [{"MessageCount": true}]}', b'{"queues": [{"MessageCount": 1e400}]}',
])
def test_what_is_no_report_is_an_error(broken: bytes) -> None:
    """A count that is not told is never 0."""
    with pytest.raises(ParseError):
        read(broken)


def test_an_error_of_the_script_is_told_and_is_no_queue() -> None:
    """{"error": ..} has no rows; words of missing rights are known."""
    report = read({"error": "The term 'Get-Queue' is not recognized\r\nas the name", "service": "Stopped"})
    assert (report.rows, report.denied, report.up) == ((), True, False)
    assert report.error == "The term 'Get-Queue' is not recognized as the name"
    assert not read({"error": "The Microsoft Exchange Transport service is not running"}).denied


def test_a_page_that_is_exactly_full_may_not_be_all() -> None:
    """1000 queues without our script are the default -ResultSize; with it they are all."""
    many = [queue(Identity=f"EX01\\{n}") for n in range(1000)]
    assert read(many).truncated
    assert not read(many[:999]).truncated
    assert not read({"queues": many}).truncated
    assert read({"queues": many[:1], "truncated": True}).truncated


def test_a_queue_shown_twice_counts_once() -> None:
    """The later of two with one identity counts; that is told."""
    report = read([queue(), queue(MessageCount=9)])
    assert ([row.messages for row in report.rows], report.skipped) == ([9], {"duplicate": 1})


def test_standard_error_is_said_in_words() -> None:
    """CLIXML becomes the error it holds, progress is dropped, the rest is one printable line."""
    data = (b'#< CLIXML\r\n<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">'
            b'<Obj S="progress" RefId="0"><MS><PR N="Record"><AV>Loading</AV></PR></MS></Obj>'
            b'<S S="Error">Access is denied &lt;here&gt;_x000D__x000A_</S></Objs>')
    assert complaint(data) == "Access is denied <here>"
    assert complaint(data[:-12]) == "" or "Loading" not in complaint(data[:-12])
    assert complaint("Zugriff verweigert\x1b[0m\r\n\x07x".encode("utf-16-le")) == "Zugriff verweigert ?x"


def test_documents_have_bounds() -> None:
    """A deep document is refused without an exception of another kind."""
    deep = b'{"queues":' + b'{"value":' * 40 + b"[]" + b"}" * 40 + b"}"
    with pytest.raises(ParseError):
        document(deep)
