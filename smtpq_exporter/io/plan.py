"""What has to be opened so that no line of a log is missed and none is read twice, given what is there and
what is known.

Files that were read to their end are only remembered by the newest of them. So whatever is newer than that
one and is not known was never read. Nothing is opened or closed here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from smtpq_exporter.io.generation import Generation, PlainFile
from smtpq_exporter.io.mark import HEAD, Mark, begins_like, find
from smtpq_exporter.io.rotated import LogFile

#: Clocks of file systems are coarse: a file that changed up to so many seconds before a moment may have
#: changed since.
CLOCK_SLACK = 1.0


@dataclass(slots=True)
class Plan:
    """Keys are places in the listing."""

    kept: dict[int, Generation] = field(default_factory=dict)
    """Open files that stay open."""
    replaced: list[Generation] = field(default_factory=list)
    """Open files in whose place a copy stands, which goes on from the same mark."""
    resumed: dict[int, Mark] = field(default_factory=dict)
    """Files to be opened at a mark."""
    unread: list[int] = field(default_factory=list)
    """Files to be opened at their beginning."""
    missing: list[Mark] = field(default_factory=list)
    """Marks whose file is not there any more."""


def make_plan(
    files: Sequence[LogFile],
    row: Sequence[Generation],
    *,
    wanted: Collection[Mark],
    finished: Mark | None,
    blank: Generation | None,
    since: float,
) -> Plan:
    """Compare the listing `files` (newest first) with the open files and the marks of others.

    `finished` is the newest file that was read to its end. `blank` is the open live file if nothing was seen
    in it yet: it may have been filled, copied and emptied since, so it tells nothing about what is older.
    `since` is the epoch until which everything was known; it decides where nothing is known any more.
    """
    plan = Plan()
    heads: dict[int, bytes] = {}
    at = {(file.dev, file.ino): place for place, file in enumerate(files)}
    for generation in row:
        place = at.get((generation.dev, generation.ino))
        if place is not None:
            plan.kept[place] = generation
        elif generation.begun() and (place := find(files, generation.mark(), heads)) is not None:
            if files[place].live:
                plan.replaced.append(generation)
                plan.resumed[place] = generation.mark()
            else:
                plan.kept[place] = generation  # compressed meanwhile: what is open is still whole
    for mark in wanted:
        place = find(files, mark, heads)
        if place is None:
            plan.missing.append(mark)
        elif place not in plan.kept:
            plan.resumed.setdefault(place, mark)
    last = find(files, finished, heads) if finished else None
    if last is not None and finished and last not in plan.kept and _more(files[last], finished):
        plan.resumed.setdefault(last, finished)
    known = {place for place in plan.kept if plan.kept[place] is not blank} | set(plan.resumed)
    oldest = last if last is not None else max(known, default=None)
    for place, file in enumerate(files[: oldest if oldest is not None else len(files)]):
        if place in known or place in plan.kept or not (file.live or file.size):
            continue
        recent = file.live or oldest is not None or file.mtime >= since - CLOCK_SLACK
        if recent and not _copied(plan, place, file):
            plan.unread.append(place)
    return plan


def _more(file: LogFile, mark: Mark) -> bool:
    """Whether a file that was read to its end has to be opened again."""
    return file.live or (not file.compression and file.size > mark.offset)


def _copied(plan: Plan, place: int, file: LogFile) -> bool:
    """Whether a predecessor is copytruncate's copy of the live file, which will be truncated any moment."""
    if place == 0 or file.compression:
        return False
    live = plan.kept.get(0)
    mark = live.mark() if isinstance(live, PlainFile) else plan.resumed.get(0)
    return mark is not None and mark.head_size == HEAD and begins_like(file, mark)
