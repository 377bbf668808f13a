"""Exim's -H files and message ids: every form, and what strangers can put into them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import ParseError
from smtpq_exporter.mta.exim.message_id import arrival, is_message_id
from smtpq_exporter.mta.exim.queue_header import Envelope, read_header

ID = b"1xVh43-0006zd-0w"
HEADERS = b"014F From: <a@b.c>\n012  Subject: xx\n"


def header(
    *,
    message_id: bytes = ID,
    sender: bytes = b"a@s.example",
    options: bytes = b"-helo_name x\n",
    tree: bytes = b"XX\n",
    recipients: tuple[bytes, ...] = (b"r@x.example",),
    headers: bytes = HEADERS,
) -> bytes:
    """A -H file."""
    return b"".join(
        (
            message_id,
            b"-H\nDebian-exim 100 102\n<",
            sender,
            b">\n1795490367 0\n",
            options,
            tree,
            b"%d\n" % len(recipients),
            *(one + b"\n" for one in recipients),
            b"\n",
            headers,
        )
    )


def read(data: bytes, head: int = 1 << 20) -> Envelope:
    """What is read if the first `head` bytes are there at once."""
    return read_header(data[:head], len(data), lambda offset, length: data[offset : offset + length])


@pytest.mark.parametrize("name", [b"1xVh43-0006zd-0w", b"10HmaX-000000005vi-0000"])
def test_ids_of_both_lengths_are_ids(name: bytes) -> None:
    """16 and 23 characters, and nothing between or beside them."""
    assert is_message_id(name)
    for wrong in (
        name[:-1],
        name + b"0",
        name.replace(b"-", b"_"),
        name.replace(b"0", b"."),
        b"-" + name[1:],
        b"",
    ):
        assert not is_message_id(wrong)


def test_the_first_six_characters_are_the_arrival() -> None:
    """Base 62 in the order 0-9A-Za-z."""
    assert arrival(b"1r31eq-0006zd-0w") == 1700000000
    assert arrival(b"000000-000000-00") == 0
    assert arrival(b"zzzzzz-000000-00") == 62**6 - 1


def test_a_plain_message() -> None:
    """Id, time, sender, recipients, not frozen, the bytes of its headers."""
    found = read(header())
    assert found == (ID, 1795490367, b"a@s.example", False, frozenset(), [b"r@x.example"], 26)
    assert read(header(message_id=b"10HmaX-000000005vi-0000")).message_id == b"10HmaX-000000005vi-0000"
    assert read(header(sender=b"")).sender == b""


@pytest.mark.parametrize(
    "options", [b"-frozen 1795490268\n", b"-local\n-frozen 1795490268\n-manual_thaw\n", b"-frozen\n"]
)
def test_frozen_is_an_option(options: bytes) -> None:
    """Wherever it stands among the options."""
    assert read(header(options=options)).frozen


def test_values_of_acl_variables_are_not_options() -> None:
    """A value may hold line ends, options and whole envelopes: it is stepped over by its length."""
    hostile = b"x\n-frozen 1\nXX\n1\nforged@x.example\n\n"
    for name in (
        b"-aclm 0 %d\n",
        b"-aclc _sender %d\n",
        b"--aclm _x %d\n",
        b"--(lsearch)aclm _x %d\n",
        b"-acl 3 %d\n",
    ):
        found = read(header(options=b"-local\n" + name % len(hostile) + hostile + b"\n-body_linecount 3\n"))
        assert not found.frozen
        assert found.recipients == [b"r@x.example"]
    frozen = read(header(options=b"-aclm 0 3\nabc\n-frozen 12\n"))
    assert frozen.frozen
    with pytest.raises(ParseError):
        read(header(options=b"-aclm 0 99999\nabc\n"))


def test_addresses_that_are_done_are_known() -> None:
    """The tree of non-recipients, of any shape."""
    tree = b"YY m@x.example\nYN f@x.example\nNN a@x.example\nNY q@x.example\nNN z z@x.example\n"
    names = (b"m@x.example", b"f@x.example", b"left@x.example")
    found = read(header(tree=tree, recipients=names))
    assert found.done == {b"m@x.example", b"f@x.example", b"a@x.example", b"q@x.example", b"z z@x.example"}
    assert found.recipients == list(names)
    with pytest.raises(ParseError):
        read(header(tree=b"YY m@x.example\n"))


def test_what_stands_behind_an_address_is_no_part_of_it() -> None:
    """One-time parents, DSN parameters, older releases."""
    lines = {
        b"r@x.example rfc822;R@x.example 18,8  0,-1#3": b"r@x.example",
        b"r@x.example  0,8 err@s.example 13,-1#3": b"r@x.example",
        b"r@x.example err@s.example 13,4#1": b"r@x.example",
        b'"a 1"@x.example  0,0  0,-1#3': b'"a 1"@x.example',
        b"r@x.example 3": b"r@x.example",
        b"r@x.example 1,2,3": b"r@x.example",
        b"r@host1": b"r@host1",
        b"r@[192.0.2.1]": b"r@[192.0.2.1]",
    }
    assert read(header(recipients=tuple(lines))).recipients == list(lines.values())


def test_deleted_headers_are_not_counted() -> None:
    """Headers marked * are not sent; long ones have lengths of four digits; continuation lines belong to
    their header.
    """

    def made(*texts: bytes) -> bytes:
        return b"".join(
            b"%03d%b %b" % (len(text), kind, text)
            for kind, text in zip((b"T", b"*", b" "), texts, strict=False)
        )

    folded, old, long = (
        b"To: a@b.example,\n\tc@d.ex\n  e@f.ex\n",
        b"X-Old: abcd\n",
        b"X: " + b"y" * 1200 + b"\n",
    )
    assert read(header(headers=made(folded))).headers == len(folded)
    assert read(header(headers=made(folded, old))).headers == len(folded)
    assert read(header(headers=made(folded, old, long))).headers == len(folded) + len(long)
    assert read(header(headers=b"")).headers == 0


@given(st.integers(0, 400))
def test_a_file_longer_than_what_was_read_at_first(head: int) -> None:
    """How much is read at first changes nothing."""
    data = header(recipients=tuple(b"r%d@x.example" % i for i in range(300)))
    assert read(data, head) == read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        ID + b"-H\n",
        header()[:60],
        header().replace(b"\n1\n", b"\n2\n"),
        header().replace(b"\n1\n", b"\n0\n"),
        header().replace(b"<a@", b"a@"),
        header().replace(b"XX", b"XZ"),
        header(recipients=()).replace(b"\n0\n", b"\n99999999\n"),
    ],
)
def test_what_is_none_is_an_error(data: bytes) -> None:
    """A broken envelope is a ParseError, never half a message."""
    with pytest.raises(ParseError):
        read(data)
