"""The compact table of messages gives back what was put in."""

from __future__ import annotations

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.ledger import FactTable, Ledger
from smtpq_exporter.mta.base import Entry, Facts

FACTS: list[Facts] = [("s.example", ("d.example",), ("greylisted",), False, False), ("", (), (), True, True)]


def entry(number: int) -> Entry:
    """An entry that depends on its number alone."""
    return number % 6, 1_795_000_000 + number, number * 7, number % 3 * 1_795_000_500, FACTS[number % 2]


@given(st.lists(st.integers(0, 40), max_size=300))
def test_a_ledger_is_like_a_dictionary(numbers: list[int]) -> None:
    """Putting absent names and popping present ones in any order keeps every entry as it was put."""
    table = FactTable()
    ledger, model = Ledger(table), {}
    for number in numbers:
        name = b"%d" % number
        if name in model:
            assert ledger.pop(name) == model.pop(name)
        else:
            model[name] = entry(number)
            ledger.put(name, model[name], number)
    assert {name: ledger.get(name) for name in ledger.rows} == model
    assert list(ledger.entries()) == list(model.values())
    assert len(ledger) == len(model)
    assert len(table.senders) == len({one[4][0] for one in model.values()})
    assert len(table.rests) == len({one[4][1:] for one in model.values()})


@given(st.integers(0, 2500), st.integers(0, 3))
def test_many_at_once_are_like_one_after_another(count: int, gaps: int) -> None:
    """Entering a batch, into an empty ledger or one with gaps, gives what entering each gives."""
    ledgers = [Ledger(FactTable()) for _ in range(2)]
    names, entries = [b"%d" % n for n in range(count)], [entry(n) for n in range(count)]
    for ledger in ledgers:
        for number in range(gaps):
            ledger.put(b"old%d" % number, entry(number))
        for number in range(gaps):
            ledger.pop(b"old%d" % number)
    ledgers[0].put_all(names, entries, list(range(count)))
    for number, name in enumerate(names):
        ledgers[1].put(name, entries[number], number)
    assert [ledgers[0].get(name) for name in names] == [ledgers[1].get(name) for name in names] == entries
    assert [ledgers[0].stamps[ledgers[0].rows[name]] for name in names] == list(range(count))


def test_equal_facts_are_one_object() -> None:
    """Facts that many messages share are kept once and freed with the last of them."""
    table = FactTable()
    ledger = Ledger(table)
    for number in range(1000):
        ledger.put(b"%d" % number, (0, 1, 2, 3, ("s" + ".example", ("d",), (), False, False)))
    assert len(table.rests) == len(table.senders) == 1
    for number in range(1000):
        ledger.pop(b"%d" % number)
    assert len(table.rests) == len(table.senders) == 0
    with pytest.raises(KeyError):
        ledger.get(b"1")


def test_the_collector_has_little_to_look_at() -> None:
    """Ten thousand messages add hardly any object that the garbage collector follows."""
    gc.collect()
    before = len(gc.get_objects())
    ledger = Ledger(FactTable())
    for number in range(10_000):
        ledger.put(b"name%d" % number, entry(number))
    gc.collect()
    assert len(gc.get_objects()) - before < 200
    assert len(ledger) == 10_000
