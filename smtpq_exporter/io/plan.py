"""What has to be opened so that no line of a log is missed and none is read twice, given what is there and
what is known.

Files that were read to their end are only remembered by the newest of them. So whatever is newer than that
one and is not known was never read, unless it is a copy of what is newer still: copytruncate copies the live
file first and truncates it later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from smtpq_exporter.io.generation import Generation, open_generation
from smtpq_exporter.io.mark import Mark, find
from smtpq_exporter.io.permission import denied
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
    """Files to be opened at their beginning, unless they are copies of newer ones."""
    missing: list[Mark] = field(default_factory=list)
    """Marks whose file is not there any more."""

    def open(self, files: Sequence[LogFile], base: str, limit: int, opened: dict[int, Generation]) -> None:
        """Add to `opened` what is to be opened, as open_generation does; new files have been `base`.

        A predecessor that may not be read is left out; SourceError if it is the live file.
        """
        for place, mark in self.resumed.items():
            opened[place] = open_generation(files[place], mark.base, mark, limit)
        for place in self.unread:
            try:
                opened[place] = open_generation(files[place], base, None, limit)
            except PermissionError:
                if files[place].live:
                    raise denied(files[place].path) from None

    def copies(self, row: Mapping[int, Generation], blank: Collection[Generation]) -> set[int]:
        """Which of the files in `row` that would be read from their beginning are copies of newer ones.

        Such is what copytruncate writes before it truncates: its lines will be read, or were, from the file
        itself. `blank` is that of make_plan.
        """
        fresh = [place for place in row if place in self.unread or row[place] in blank]
        return {
            place for place in fresh
            if any(row[newer].begins_with(row[place]) for newer in row if newer < place)
        }


def make_plan(
    files: Sequence[LogFile],
    row: Sequence[Generation],
    *,
    wanted: Collection[Mark],
    finished: Mark | None,
    blank: Collection[Generation],
    since: float,
) -> Plan:
    """Compare the listing `files` (newest first) with the open files and the marks of others.

    `finished` is the newest file that was read to its end. `blank` are the open files in which nothing had
    been seen: they tell nothing about what is older, as the live one may have been filled, copied and emptied
    since. `since` is the epoch at which everything was known; it decides where nothing is known any more.
    """
    plan = Plan()
    heads: dict[int, bytes] = {}
    at = {(file.dev, file.ino): place for place, file in enumerate(files)}
    for generation in row:
        place = at.get((generation.dev, generation.ino))
        if place is not None:
            plan.kept[place] = generation
        elif generation.head and (place := find(files, generation.mark(), heads)) is not None:
            if files[place].live:
                plan.replaced.append(generation)
                plan.resumed[place] = generation.mark()
            else:
                plan.kept[place] = generation  # compressed meanwhile: what is open is still whole
    for mark in wanted:
        place = find(files, mark, heads)
        if place is None:
            plan.missing.append(mark)
        elif plan.kept.get(place) in (None, *blank):
            plan.resumed.setdefault(place, mark)
    last = find(files, finished, heads) if finished else None
    if last is not None and finished and last not in plan.kept and _more(files[last], finished):
        plan.resumed.setdefault(last, finished)
    plan.replaced += [plan.kept.pop(place) for place in plan.resumed if place in plan.kept]
    known = {place for place in plan.kept if plan.kept[place] not in blank} | set(plan.resumed)
    oldest = last if last is not None else max(known, default=None)
    for place, file in enumerate(files[: oldest if oldest is not None else len(files)]):
        recent = file.live or oldest is not None or file.mtime >= since - CLOCK_SLACK
        if recent and place not in plan.kept and place not in plan.resumed:
            plan.unread.append(place)
    return plan


def _more(file: LogFile, mark: Mark) -> bool:
    """Whether a file that was read to its end has to be opened again."""
    return file.live or (not file.compression and file.size > mark.offset)
