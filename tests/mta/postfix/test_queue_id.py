"""Queue ids: the vectors of the documentation, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.mta.postfix.queue_id import hash_path, is_queue_id, long_id, moment, short_id, split


def test_vectors() -> None:
    """A long id seen in public, and a moment with its id, agree in both directions."""
    assert split(b"4cDCnd66Hyz1XPWFF") == (1756507045, 860702)
    assert long_id(1700000000, 123456, 1).startswith(b"4SVLCh0sf8z")
    assert split(b"4SVLCh0sf8zB") == (1700000000, 123456)
    assert hash_path(b"4jYYY51k2vzJBf7", 1) == b"3/"


@given(st.integers(1, 2**32 - 1), st.integers(0, 999_999), st.integers(0, 2**64))
def test_long_ids_come_back(seconds: int, microseconds: int, inode: int) -> None:
    """What is written into a long id is read out of it, and its name is a queue id."""
    name = long_id(seconds, microseconds, inode)
    assert split(name) == (seconds, microseconds)
    assert is_queue_id(name)


@given(st.integers(0, 999_999), st.integers(1, 2**64))
def test_short_ids_tell_no_time(microseconds: int, inode: int) -> None:
    """A short id is a queue id without a moment, hashed by its first characters."""
    name = short_id(microseconds, inode)
    assert is_queue_id(name)
    assert split(name) is None
    assert moment(name, 2e9) is None
    assert hash_path(name, 2) == name[:1] + b"/" + name[1:2] + b"/"


def test_a_moment_of_the_future_is_none() -> None:
    """An id that decodes to the future, beyond the skew of a clock, tells nothing."""
    name = long_id(1_800_000_000, 5, 77)
    assert moment(name, 1_800_000_000 - 3600) == 1_800_000_000
    assert moment(name, 1_700_000_000) is None
    assert moment(long_id(2**40, 5, 77), 1e15) is None


@pytest.mark.parametrize("name", [
    b"", b"core", b"lost+found", b".nfs000000000000001", b"README", b"4jYYY51k2vzJBf7.bak", b"abcdef",
    b"12345", b"../x", b"4jYYY51k2vzJBf7\n", b"A" * 41, b"z" * 30, b"\xff\xfe",
])
def test_names_that_are_none(name: bytes) -> None:
    """Words, dots, other alphabets and endless names are no queue ids."""
    assert not is_queue_id(name)


def test_depth_zero_is_flat() -> None:
    """Without hashing there is no sub-directory."""
    assert hash_path(b"4jYYY51k2vzJBf7", 0) == b""
