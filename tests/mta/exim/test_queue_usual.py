"""The step for usual messages gives what the whole reading gives, or nothing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Place
from smtpq_exporter.mta.exim import queue_spool
from smtpq_exporter.mta.exim.message_id import arrival
from smtpq_exporter.mta.exim.queue_header import read_header
from smtpq_exporter.mta.exim.queue_spool import EximSpool
from smtpq_exporter.mta.exim.queue_usual import recipient_of, usual_messages
from tests.mta.exim.test_queue_header import HEADERS, ID, header
from tests.mta.spooled import Class

with pytest.MonkeyPatch.context() as patch:
    patch.setattr(queue_spool, "LOGS", 0)
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
        b"--ident -frozen\n", b"-body_linecount 3\n",
    ]),
)


def usual(data: bytes, body: bytes = b"") -> Entry | None:
    """What the step makes of a message with this body."""
    return usual_messages(LONGEST)(PLACE, [NAME], [data[:LONGEST]], [len(NAME) + 1 + len(body)])[0]


def batch(data: bytes, body: bytes = b"") -> Entry | None:
    """What a first reading makes of it where it is one of many and no message logs are read."""
    plain = LAYOUT.plain(PLACE)
    assert plain is not None
    assert plain.bodies([NAME]) == [ID + b"-D"]
    return plain.understand(PLACE, [NAME], [data[:LONGEST]], [len(NAME) + 1 + len(body)])[0]


def whole(data: bytes, body: bytes = b"") -> Entry | None:
    """The same from the whole reading; None if that is none."""
    try:
        found = read_header(data[:LONGEST], len(data), lambda offset, length: data[offset : offset + length])
    except ParseError:
        return None
    waiting = [one for one in found.recipients if one not in found.done]
    came = arrival(NAME)
    facts = (domain_of(found.sender) if found.sender else "", tuple(map(domain_of, waiting)), (), found.frozen, False)
    near = -86400 < came - found.received < 86400
    return 0, min(came if near else found.received, 2**32 - 1), found.headers + 1 + len(body), 0, facts


def test_a_usual_message_is_one() -> None:
    """One recipient, nothing done: not left to the whole reading, frozen or not, bounce or not."""
    for data in (
        header(), header(sender=b""), header(sender=b"root"), header(options=b"-local\n-frozen 1790000100\n-x\n"),
        header(options=b"--ident x-frozen\n"), header(recipients=(b'"a@b c"@x.example',)),
    ):
        assert usual(data, b"12345") == whole(data, b"12345") is not None
        assert recipient_of(data).endswith(b"@x.example")


def test_what_is_not_usual_is_left_to_the_whole_reading() -> None:
    """A tree, several recipients, parameters, ACL variables, a file that is cut or belongs to another id."""
    for data in (
        header(tree=b"NN a@x.example\n"), header(recipients=(b"a@x.example", b"b@x.example")), header(recipients=()),
        header(recipients=(b"r@x.example  0,-1#1",)), header(recipients=(b"nobody",)),
        header(options=b"-aclm 0 1\nx\n"), header()[:60], b"", header(headers=HEADERS * 200),
        header(message_id=b"1xVh43-0006zd-0x"), header(options=b""),
    ):
        assert usual(data) is None


@settings(max_examples=600, deadline=None)
@given(
    sender=st.one_of(st.just(b""), ADDRESS), recipients=st.lists(ADDRESS, max_size=3).map(tuple),
    options=st.lists(OPTION, max_size=4).map(b"".join),
    tree=st.sampled_from([b"XX\n", b"NN a@x.example\n", b"XX\nXX\n"]),
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
