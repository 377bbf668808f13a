"""JSON without package json: the same values, and the same texts refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.checks.scan import loads
from tests.checks.samples import busy

VALUES = st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
                      lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(VALUES, st.sampled_from([None, 1]), st.booleans())
def test_values(value: object, indent: int | None, escaped: bool) -> None:
    """Whatever json writes, in any form, is read as json reads it."""
    data = json.dumps(value, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(data)
    except UnicodeDecodeError:
        with pytest.raises(ValueError, match="decode"):
            loads(data)
    else:
        assert loads(b" \n" + data + b"\r\n\t") == expected


@given(st.binary(max_size=40) | st.text(alphabet='{}[]",:0123456789.eE+-tfnaulsr \n\\', max_size=12).map(str.encode))
def test_garbage(data: bytes) -> None:
    """What is UTF-8 and json refuses is refused with ValueError; the rest is the same value."""
    try:
        expected = json.loads(data.decode("utf-8"))
    except ValueError:
        with pytest.raises(ValueError, match=r".+"):
            loads(data)
    else:
        assert repr(loads(data)) == repr(expected)


def test_a_sample_cut_anywhere() -> None:
    """A sample is read whole or not at all."""
    data = json.dumps(busy()).encode()
    assert loads(data) == busy()
    for end in range(0, len(data), 97):
        with pytest.raises(ValueError, match=r".+"):
            loads(data[:end])


def test_depth() -> None:
    """A text nested too deeply is an error that the caller knows."""
    with pytest.raises(RecursionError):
        loads(b"[" * 100_000)
