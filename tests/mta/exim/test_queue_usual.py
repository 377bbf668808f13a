"""The step for usual messages gives what the whole reading gives, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Place
from smtpq_exporter.mta.exim.message_id import arrival
from smtpq_exporter.mta.exim.queue_header import read_header
from smtpq_exporter.mta.exim.queue_spool import EximSpool
from smtpq_exporter.mta.exim.queue_usual import recipients_of, usual_messages
from tests.mta.exim.test_queue_header import HEADERS, ID, header
from tests.mta.spooled import Class

LAYOUT = EximSpool("/spool", Class())
NAME = ID + b"-H"
PLACE = Place(b"/spool/input", 0)
LONGEST = 4096
LINE = st.binary(max_size=60).map(lambda text: text.translate(None, b"\n"))
DOMAIN = st.sampled_from(
    [b"x.example", b"X.Example", b"[192.0.2.1]", b"x.example 7", b"1", b"", b"x.example\nXX\n1\na@b"]
)
LOCAL = st.one_of(st.from_regex(rb"[a-z]{1,12}", fullmatch=True), LINE, st.just(b'"a@b> "'))
ADDRESS = st.one_of(st.builds(lambda local, domain: local + b"@" + domain, LOCAL, DOMAIN), LINE)
HEADER = st.tuples(st.sampled_from(b"*FPTI "), LINE, st.booleans()).map(
    lambda parts: b"%03d%c %b\n%b" % (len(parts[1]) + 1 + 3 * parts[2], parts[0], parts[1], b"\t a"[: 3 * parts[2]])
)
OPTION = st.one_of(
    st.builds(lambda line: b"-helo_name %b\n" % line, LINE),
    st.sampled_from([
        b"-frozen 1790000100\n", b"-local\n", b"-aclm 0 18\nx\n-frozen 1\nXX\n1\na\n\n",
        b"--ident -frozen\n", b"-body_linecount 3\n", b"--aclc _x 3\n-fr\n", b"-N\n", b"--frozen 1\n", b"no option\n",
        b"-auth_id a@b\n", b"--(a)aclm 0 1\n\n\n", b"-\n", b"--\n",
    ]),
)


def usual(data: bytes, body: bytes = b"", name: bytes = NAME) -> Entry | None:
    """What the step makes of a message with this body."""
    return usual_messages(LONGEST)(PLACE, [name], [data[:LONGEST]], [len(name) + 1 + len(body)])[0]


def batch(data: bytes, body: bytes = b"") -> Entry | None:
    """What a first reading makes of it where it is one of many and no message logs are read."""
    plain = LAYOUT.plain(PLACE)
    assert plain is not None
    assert plain.bodies([NAME]) == [ID + b"-D"]
    return plain.understand(PLACE, [NAME], [data[:LONGEST]], [len(NAME) + 1 + len(body)])[0]


def whole(data: bytes, body: bytes = b"", name: bytes = NAME) -> Entry | None:
    """The same from the whole reading; None if that is none."""
    try:
        found = read_header(data[:LONGEST], len(data), lambda offset, length: data[offset : offset + length])
    except ParseError:
        return None
    left = [one for one in found.recipients if one not in found.done]
    came = arrival(name)
    facts = (domain_of(found.sender) if found.sender else "", tuple(map(domain_of, left)), (), found.frozen, False)
    near = -86400 < came - found.received < 86400
    return 0, min(came if near else found.received, 2**32 - 1), found.headers + 1 + len(body), 0, facts


def waiting(data: bytes) -> list[bytes]:
    """Recipients that wait, from the whole reading."""
    found = read_header(data, len(data), lambda _offset, _length: b"")
    return [one for one in found.recipients if one not in found.done]


def test_a_usual_message_is_one() -> None:
    """Not left to the whole reading: frozen or not, bounce or not, one recipient or several, done or not."""
    for data in (
        header(), header(sender=b""), header(options=b"-local\n-frozen 1790000100\n-x y\n"), header(options=b""),
        header(options=b"--ident x-frozen\n-auth_id acl\n"), header(recipients=()),
        header(recipients=(b"a@x.example", b'"b c"@y.example', b"nobody")),
        header(recipients=(b"a@x.example", b"b@y.example"), tree=b"NN a@x.example\n"),
        header(recipients=(b"a@x.example", b"b@y.example"), tree=b"YN b@y.example\nYY a@x.example\nNN c\nNN d\n"),
        header(message_id=b"1xVh43-0000000006z-0000"), header(sender=b"a@"), header(recipients=(b"a@",)),
        header(sender=b'"<a@b>"@s.example'), header(recipients=(b'"a@b 1"@s.example',)),
    ):
        assert usual(data, b"12345", name=data[: data.find(b"\n")]) is not None
        assert usual(data, b"12345", name=data[: data.find(b"\n")]) == whole(data, b"12345", data[: data.find(b"\n")])
        assert recipients_of(data) == waiting(data)


def test_what_is_not_usual_is_left_to_the_whole_reading() -> None:
    """Parameters, ACL variables, a file that is cut, broken or of another id, headers taken out or long ones."""
    for data in (
        header(recipients=(b"r@x.example  0,-1#1",)), header(recipients=(b"a@x.example", b"r@x.example 0")),
        header(recipients=(b"nobody", b"")), header(sender=b"root"), header().replace(b".example>", b".example"),
        header(options=b"-aclm 0 1\nx\n"), header(options=b"--aclc _x 1\nx\n"),
        header(options=b"--(lookup)aclm 0 1\nx\n"), header(options=b"-local\nno option\n-x y\n"),
        header(options=b"-frozen 1\n-frozen 2\n"), header(options=b"-acl 3 1\nx\n"),
        header()[:60], b"", header(headers=HEADERS * 200), header(message_id=b"1xVh43-0006zd-0x"),
        header().replace(b"-H\n", b"-Hx\n", 1), header().replace(b"1795", b"x795", 1),
        header().replace(b" 0\n", b"\n", 1),
        header(tree=b"YN a@x.example\n"), header(tree=b"NN a@x.example\nNN b@x.example\n"),
        header().replace(b"\n1\n", b"\n2\n", 1), header().replace(b"\n1\n", b"\n\n", 1),
        header(headers=b"014* From: <a@b.c>\n" + HEADERS), header(headers=b"1014F " + b"x" * 1013 + b"\n" + HEADERS),
    ):
        assert usual(data) is None


@pytest.mark.parametrize(
    "headers",
    [
        b"1014F " + b"x" * 1013 + b"\n" + HEADERS, b"014* From: <a@b.c>\n" + HEADERS, HEADERS + b"garbage\n",
        HEADERS.replace(b"\n", b"\r\n"), b"030F From: x\n012  Subject: forged\n\n" + HEADERS, HEADERS[:-5], b"999F x\n",
        b"000F " + HEADERS, b"",
    ],
)
def test_headers_are_counted_as_the_whole_reading_counts_them(headers: bytes) -> None:
    """Long ones, those that were taken out, and text that looks like the beginning of another one."""
    data = header(headers=headers)
    assert batch(data) == whole(data)


@settings(max_examples=600, deadline=None)
@given(
    sender=st.one_of(st.just(b""), ADDRESS), recipients=st.lists(ADDRESS, max_size=3).map(tuple),
    options=st.lists(OPTION, max_size=4).map(b"".join),
    tree=st.sampled_from([
        b"XX\n", b"NN a@x.example\n", b"XX\nXX\n", b"YN a@x.example\nNN \rb@x.example\n", b"NY a@x.example\n", b"YY\n",
    ]),
    headers=st.lists(HEADER, max_size=6).map(b"".join), cut=st.sampled_from([0, 0, 0, 5, 200]), body=LINE,
)
def test_it_agrees_with_the_whole_reading(
    sender: bytes, recipients: tuple[bytes, ...], options: bytes, tree: bytes, headers: bytes, cut: int, body: bytes,
) -> None:
    """Whatever strangers sent: the same entry, or None."""
    data = header(sender=sender, recipients=recipients, options=options, tree=tree, headers=headers)
    data = data[: len(data) - cut] if cut else data
    found = usual(data, body)
    assert found is None or found == whole(data, body)
    assert batch(data, body) == (whole(data, body) if len(data) < LONGEST else found)
