"""The four laws of every parser, for every mail server in MTAS, from tests/golden/<mta>/ alone.

tests/golden/<mta>/<source>/* are listings of one and the same queue, whose sums are in expect.json, or of
an empty queue ("empty" in the name); spool/ is a tree of queue files with manifest.json (mode and mtime of
each).
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import ParseError
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.model import Message, QueueSnapshot
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance, Place, SpoolLayout
from smtpq_exporter.mta.mail_server import Listing, Mta
from tests.mta.spooled import Class, File, Status, copy_spool

GOLDEN = Path(__file__).parents[1] / "golden"
pytestmark = pytest.mark.usefixtures("utc")
NOW = 1795510000.0
WITH_LISTING = [(mta, listing) for mta in MTAS.values() for listing in mta.listings]
WITH_SPOOL = [mta for mta in MTAS.values() if mta.layout is not None]
listings = pytest.mark.parametrize(
    ("mta", "listing"), WITH_LISTING, ids=[f"{mta.name}-{listing.source}" for mta, listing in WITH_LISTING])
spools = pytest.mark.parametrize("mta", WITH_SPOOL, ids=[mta.name for mta in WITH_SPOOL])


def files(mta: Mta, listing: Listing) -> list[Path]:
    """The golden listings of a source."""
    found = sorted((GOLDEN / mta.name / listing.source).iterdir())
    assert found, f"{mta.name} has no golden input for {listing.source}"
    return found


def expect(mta: Mta) -> dict[str, Any]:
    """The sums of the golden queue."""
    return json.loads((GOLDEN / mta.name / "expect.json").read_text())


def parse(listing: Listing, *pieces: bytes) -> list[Message]:
    """All messages of a listing that comes in these pieces."""
    parser = listing.parser(Class(), NOW)
    found = [message for piece in pieces for message in parser.feed(piece)]
    return found + list(parser.close())


def total(mta: Mta, messages: list[Message]) -> QueueSnapshot:
    """Their snapshot."""
    aggregator = Aggregator(mta.queues)
    for message in messages:
        aggregator.add(message)
    return aggregator.snapshot(NOW, "golden")


@listings
def test_law_1_empty_input_is_an_empty_queue_or_an_error(mta: Mta, listing: Listing) -> None:
    """No bytes give no message or a ParseError; a listing of an empty queue gives no message."""
    with contextlib.suppress(ParseError):
        assert parse(listing, b"") == []
    for path in files(mta, listing):
        if "empty" in path.name:
            assert parse(listing, path.read_bytes()) == [], path.name


@listings
def test_law_2_a_cut_listing_is_an_error_or_a_valid_part(mta: Mta, listing: Listing) -> None:
    """Cut at any byte a listing gives a ParseError or messages of the whole one, and nothing else."""
    for path in files(mta, listing):
        whole = path.read_bytes()
        messages = parse(listing, whole)
        for end in range(len(whole)):
            try:
                part = parse(listing, whole[:end])
            except ParseError:
                continue
            same = messages[: len(part)]
            if listing.doubt is not None:  # a message may have several lines, and lack the last of them
                same = [replace(cut, queue_id=one.queue_id, domains=one.domains[: len(cut.domains)])
                        for one, cut in zip(same, part, strict=True)]
            assert part == same, f"{path.name} cut at {end}"


@listings
def test_a_listing_may_come_in_any_pieces(mta: Mta, listing: Listing) -> None:
    """Byte by byte, or in two pieces split anywhere, the result is that of the whole."""
    for path in files(mta, listing):
        whole = path.read_bytes()
        messages = parse(listing, whole)
        assert parse(listing, *(whole[i : i + 1] for i in range(len(whole)))) == messages
        for end in range(0, len(whole), 7):
            assert parse(listing, whole[:end], whole[end:]) == messages


@listings
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_law_3_only_parse_errors_whatever_the_bytes(mta: Mta, listing: Listing, data: st.DataObject) -> None:
    """Random bytes and golden listings with random damage raise ParseError or nothing."""
    whole = data.draw(st.sampled_from(files(mta, listing))).read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    damage = data.draw(st.binary(max_size=40))
    for text in (whole[:start] + damage + whole[end:], damage):
        try:
            messages = parse(listing, text)
        except ParseError:
            continue
        found = total(mta, messages)
        assert sum(queue.messages for queue in found.queues.values()) == len(messages)


@listings
def test_law_4_sums_of_listings_agree(mta: Mta, listing: Listing) -> None:
    """Every golden listing has the messages, recipients, bytes and queues of expect.json."""
    wanted = expect(mta)
    for path in files(mta, listing):
        if "empty" in path.name:
            continue
        messages = parse(listing, path.read_bytes())
        found = total(mta, messages)
        assert len(messages) == wanted["messages"], path.name
        queues = {name: q.messages for name, q in found.queues.items() if q.messages}
        assert queues == wanted["queues"], path.name
        assert sum(q.recipients or 0 for q in found.queues.values()) == wanted["recipients"], path.name
        if listing.sizes:
            assert sum(q.bytes or 0 for q in found.queues.values()) == wanted["bytes"], path.name
        assert sum(sum(q.ages.counts) for q in found.queues.values() if q.ages) == wanted["messages"]
        assert sum(sum(q.sizes.counts) for q in found.queues.values() if q.sizes) == wanted["messages"]


def layout_of(mta: Mta, root: Path) -> SpoolLayout:
    """The layout for a spool at `root`."""
    assert mta.layout is not None
    return mta.layout(Instance(mta.name, "golden", queue_directory=str(root)), Class())


def entries(mta: Mta, root: Path) -> Iterator[tuple[SpoolLayout, Place, bytes, Status, File]]:
    """Every message file of a spool, with what lies beside it, in memory."""
    layout = layout_of(mta, root)
    others = {bytes(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    todo = list(layout.roots())
    while todo:
        place = todo.pop()
        for path in sorted(Path(place.path.decode()).glob("*")):
            sort = layout.sort(place, path.name.encode())
            if isinstance(sort, Place):
                todo.append(sort)
            elif sort is None:
                status = path.stat()
                file = File(b"", others, bytes(path)) if place.folders else File(path.read_bytes(), others)
                yield (layout, place, path.name.encode(),
                       Status(status.st_mode, status.st_size, status.st_mtime_ns), file)


def inside(file: File) -> list[bytes]:
    """Paths of the files in a message that is a directory."""
    return sorted(file.folder + b"/" + name for name in file.names()) if file.folder else []


@spools
def test_law_1_an_empty_spool_is_an_empty_queue(mta: Mta, tmp_path: Path) -> None:
    """Directories without files give explicit zeros."""
    for place in layout_of(mta, tmp_path).roots():
        Path(place.path.decode()).mkdir(parents=True, exist_ok=True)
    found = SpoolReader(layout_of(mta, tmp_path)).read(NOW, time.monotonic() + 30)
    assert tuple(found.queues) == mta.queues
    for queue in found.queues.values():
        assert (queue.messages, queue.recipients, queue.bytes, queue.oldest_arrival) == (0, 0, 0, None)


@spools
def test_law_2_a_cut_queue_file_is_an_error_or_a_valid_message(mta: Mta, tmp_path: Path) -> None:
    """A message file, or what lies beside it, cut at any byte gives a ParseError or an entry of the same
    message.
    """
    root = copy_spool(GOLDEN / mta.name / "spool", tmp_path)
    for layout, place, name, status, file in entries(mta, root):
        whole = layout.read(place, name, status, file.data[: layout.head], file, None)
        assert not isinstance(whole, str)
        for end in range(len(file.data)):
            part = File(file.data[:end], file.others)
            cut = Status(status.st_mode, end, status.st_mtime_ns)
            try:
                found = layout.read(place, name, cut, part.data[: layout.head], part, None)
            except ParseError:
                continue
            assert isinstance(found, str) or found[:2] == whole[:2], f"{name!r} cut at {end}"
        for path in inside(file):
            for end in range(len(file.others[path])):
                part = File(b"", {**file.others, path: file.others[path][:end]}, file.folder)
                try:
                    found = layout.read(place, name, status, b"", part, None)
                except ParseError:
                    continue
                assert isinstance(found, str) or found[:2] == whole[:2], f"{path!r} cut at {end}"
        for path, log in file.others.items():
            if path.rpartition(b"/")[2] == name:
                for end in range(len(log)):
                    part = File(file.data, {**file.others, path: log[:end]})
                    found = layout.read(place, name, status, part.data[: layout.head], part, None)
                    assert not isinstance(found, str)
                    assert len(found[4][2]) <= len(found[4][1])


@spools
@settings(max_examples=300, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_law_3_only_parse_errors_from_queue_files(
    mta: Mta, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject,
) -> None:
    """Random damage to a message file gives a ParseError, an entry that can be counted, or a reason to
    leave it.
    """
    root = GOLDEN / mta.name / "spool"
    layout, place, name, status, file = data.draw(st.sampled_from(list(entries(mta, root))))
    path = data.draw(st.sampled_from(inside(file))) if file.folder else b""
    text = file.others[path] if path else file.data
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 30)))
    text = text[:start] + data.draw(st.binary(max_size=30)) + text[end:]
    damaged = File(b"", {**file.others, path: text}, file.folder) if path else File(text, file.others)
    status = Status(0o100700, len(damaged.data), status.st_mtime_ns)
    try:
        found = layout.read(place, name, status, damaged.data[: layout.head], damaged, None)
    except ParseError:
        return
    if not isinstance(found, str):
        aggregator = Aggregator(mta.queues)
        aggregator.put(found)
        aggregator.take(found)
        assert sum(queue.messages for queue in aggregator.snapshot(NOW, "x").queues.values()) == 0


@spools
def test_law_4_sums_of_the_spool_agree(mta: Mta, tmp_path: Path) -> None:
    """The golden spool has the messages, recipients, bytes and queues of expect.json, and of every
    listing.
    """
    root = copy_spool(GOLDEN / mta.name / "spool", tmp_path)
    for place in layout_of(mta, root).roots():
        Path(place.path.decode()).mkdir(parents=True, exist_ok=True)
    wanted = expect(mta)
    found = SpoolReader(layout_of(mta, root)).read(NOW, time.monotonic() + 30)
    assert {name: q.messages for name, q in found.queues.items() if q.messages} == wanted["queues"]
    assert sum(q.recipients or 0 for q in found.queues.values()) == wanted["recipients"]
    assert sum(q.bytes or 0 for q in found.queues.values()) == wanted["bytes"]
    assert not found.skipped
