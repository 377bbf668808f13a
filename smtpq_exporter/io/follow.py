"""Following one log through its rotations by looking at its size and inode: no inotify, so network and
overlay file systems work too. Each line is delivered once.

The log is a row of files, oldest first. The last one is live: it stands at the path. When another file stands
there, or the live one was truncated, the directory is listed and the row is brought in line with it: what is
newer than the newest known file was never read. The same step finds the way back after a restart. A
predecessor is kept open for a while, because writers go on to write into it until they are told of the
rotation.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import rotated
from smtpq_exporter.io.generation import (
    Archive,
    Generation,
    PlainFile,
    TruncatedError,
    close_all,
    open_generation,
)
from smtpq_exporter.io.lines import LINE_LIMIT
from smtpq_exporter.io.mark import Mark
from smtpq_exporter.io.permission import denied, look, trace
from smtpq_exporter.io.plan import make_plan
from smtpq_exporter.io.source import Position

#: Seconds for which a predecessor without new lines is looked at.
LINGER = 60.0
#: Bytes of one reading.
CHUNK = 131072
#: Predecessors that are looked at beyond their end.
MAX_LINGERING = 8
#: Seconds for which nothing may stand at the path in the course of a rotation.
GAP = 5.0


class Tail:
    """Follows one path. `start`, one of source.STARTS, counts only without a position; `clock` is monotonic.

    Raises ValueError for a position that no Tail made.

    """

    def __init__(self, path: str, position: Position | None = None, start: str = "end",
                 clock: Callable[[], float] = time.monotonic, limit: int = LINE_LIMIT) -> None:
        self.path, self._start, self._clock, self._limit = path, start, clock, limit
        self.behind = False
        self.rotations = self.lost = self._cut = 0
        self._row: list[Generation] = []
        self._live: Generation | None = None
        self._blank: set[Generation] = set()  # in which nothing was seen when the row was arranged
        self._wanted: dict[Mark, bool] = {}  # read in part and not open; are lines lost if it is not found?
        self._finished: Mark | None = None  # the newest file that was read to its end and closed
        self._quiet_since: dict[Generation, float] = {}
        self._current = 0.0  # epoch: what was there before is in the row
        self._seen: tuple[int, ...] | None = None  # trace of the live file when it was read to its end
        self._missing_since: float | None = None
        self._begun = self._settled = self._in_motion = False
        if position is not None:
            self._current = float(position["at"])
            self._wanted = {Mark.from_json(mark): True for mark in position["files"]}
            self._finished = Mark.from_json(position["finished"]) if position["finished"] else None
            self._begun = True

    @property
    def cut(self) -> int:
        """Lines that were cut because they were too long."""
        return self._cut + sum(generation.splitter.cut for generation in self._row)

    def poll(self, max_bytes: int) -> list[bytes]:
        """Complete lines that came since, about `max_bytes`. SourceError only if there are none."""
        now, lines = time.time(), []
        self.behind = self._in_motion = False
        seen, error = self._look()
        try:
            self._arrange_if_needed(seen, now)
        except SourceError as reason:
            error = reason
        now_seen = trace(seen) if seen else None
        for generation in [generation for generation in self._row if generation not in self._blank]:
            try:
                unchanged = now_seen == self._seen if generation is self._live else not generation.grown()
                if generation.at_end and unchanged:
                    continue
                new, max_bytes = self._read(generation, max_bytes)
            except OSError as reason:
                self._put_back(generation)
                what = f"cannot read {self.path}: {reason.strerror}"
                error = SourceError("unavailable", what, "is its disk well?")
                continue
            lines += new
            if max_bytes <= 0 and self._row[-1:] != [generation]:
                self.behind = True
                break
        else:
            self._seen = now_seen
            self.behind = self._in_motion or not all(generation.at_end for generation in self._row)
        lines += self._let_go()
        if error and not lines:
            raise error
        return lines

    def position(self) -> Position:
        """Where reading stands in each file of the row in which something was seen."""
        marks = (generation.mark() for generation in self._row if generation not in self._blank)
        return {
            "at": self._current,
            "files": [mark.as_json() for mark in (*self._wanted, *marks)],
            "finished": self._finished.as_json() if self._finished else None,
        }

    def lag(self) -> int:
        """Bytes that were seen and not read yet."""
        return sum(generation.lag() for generation in self._row)

    def gone(self, seconds: float) -> bool:
        """Whether nothing has stood at the path for so long, and nothing is left to read."""
        missing = self._missing_since
        return missing is not None and self._clock() - missing > seconds and not self._row

    def close(self) -> None:
        """Close all files."""
        for generation in self._row:
            generation.close()
        self._row, self._live = [], None

    def _look(self) -> tuple[os.stat_result | None, SourceError | None]:
        """What stands at the path, or what is wrong there; neither while a rotation has just emptied it."""
        try:
            seen = look(self.path)
        except SourceError as reason:
            return None, reason
        now = self._clock()
        if seen is not None:
            self._missing_since = None
        elif self._missing_since is None:
            self._missing_since = now if self._row else now - GAP
        if self._missing_since is None or now - self._missing_since < GAP:
            return seen, None
        hint = "does the mail server log elsewhere? Set `logs` of this instance"
        return None, SourceError("unavailable", f"{self.path} does not exist", hint)

    def _arrange_if_needed(self, seen: os.stat_result | None, now: float) -> None:
        live = self._live = self._live if seen else None
        if not self._begun:
            self._begin(now)
        elif (
            not self._settled
            or (seen and (live is None or (live.dev, live.ino) != (seen.st_dev, seen.st_ino)))
            # What was blank may have been filled, copied and truncated since: the copy would tell.
            or any(
                generation.grown() or (seen and generation is live and trace(seen) != self._seen)
                for generation in self._blank
            )
        ):
            self._arrange(now)

    def _begin(self, now: float) -> None:
        """The first time: only what is newer than the newest predecessor of this moment will count."""
        real = os.path.realpath(self.path)
        files: list[rotated.LogFile] = []
        live: list[PlainFile] = []
        finished = None
        try:
            files = rotated.listing(self.path)
            for file in files:
                if file.live:
                    live = [PlainFile(file, real, None, self._limit)]
                elif finished is None:
                    predecessor = open_generation(file, real)
                    blank = not (predecessor.head or file.compression)
                    if not blank and not any(generation.begins_with(predecessor) for generation in live):
                        finished = replace(predecessor.mark(), offset=file.size)
                    predecessor.close()
            steady = rotated.agree(files, rotated.listing(self.path))
        except FileNotFoundError:
            steady = False  # renamed since it was listed
        except PermissionError:
            close_all(live)
            if files and files[0].live:
                raise denied(self.path) from None
            steady = True
        if not steady:
            close_all(live)
            self._in_motion = True
            return
        for generation in live:
            if self._start != "beginning":
                generation.seek_end()
            self._live = generation
        self._row, self._blank = [*live], {generation for generation in live if not generation.head}
        self._finished, self._current = finished, now
        self._begun = self._settled = True

    def _arrange(self, now: float) -> None:
        """Bring the row in line with the directory. All or nothing: what is in motion is left for later."""
        self._settled = False
        for generation in tuple(self._row):
            if not generation.intact():
                self._put_back(generation)
        bases = [mark.base for mark in self._wanted] + [generation.base for generation in self._row]
        bases += [self._finished.base] if self._finished else []
        opened: dict[int, Generation] = {}
        try:
            files = rotated.listing(self.path, bases)
            plan = make_plan(files, self._row, wanted=self._wanted, finished=self._finished,
                             blank=self._blank, since=self._current)
            plan.open(files, os.path.realpath(self.path), self._limit, opened)
            row = {**plan.kept, **opened}
            everything = (*self._row, *opened.values())
            blank: set[Generation] = {generation for generation in everything
                                      if isinstance(generation, PlainFile) and not generation.head}
            copies = plan.copies(row, self._blank)
            # What was truncated or begun since it was compared was compared in vain.
            steady = (all(generation.intact() for generation in everything)
                      and not any(generation.head for generation in blank)
                      and rotated.agree(files, rotated.listing(self.path, bases)))
        except FileNotFoundError:
            steady = False  # renamed, truncated or compressed since it was listed
        except SourceError:
            close_all(opened.values())
            raise
        if not steady:
            close_all(opened.values())
            self._in_motion = True
            return
        first = not (self._row or self._wanted or self._finished)
        new = [place for place in plan.unread if files[place].live or (place in row and row[place].head)]
        self.rotations += max(0, len(set(new) - copies) - first)
        self.lost += len(plan.resumed) + len(plan.unread) - len(opened)
        self.lost += sum(self._wanted[mark] for mark in plan.missing)
        self._row = [generation for generation in self._row if generation not in row.values()]
        self._row += [row[place] for place in sorted(row, reverse=True)]
        self._blank = blank
        for generation in (*plan.replaced, *(row[place] for place in copies)):
            self._close(generation)
        self._live = row.get(0) if files and files[0].live else None
        self._wanted, self._settled, self._current = {}, True, now

    def _read(self, generation: Generation, budget: int) -> tuple[list[bytes], int]:
        """Lines of one file, and what is left of the budget. Raises OSError."""
        lines: list[bytes] = []
        try:
            while budget > 0:
                lines += generation.read(min(budget, CHUNK))
                budget -= generation.taken
                self._quiet_since.pop(generation, None)
                if generation.at_end:
                    break
        except TruncatedError:
            self._put_back(generation)
            self._in_motion = True
        return lines, budget

    def _put_back(self, generation: Generation) -> None:
        """Close a file that is no longer what it was; what was not read of it may be found elsewhere."""
        if generation not in self._blank:
            self._wanted[generation.mark()] = not generation.at_end
        self._settled = False
        self._close(generation)

    def _let_go(self) -> list[bytes]:
        """Close predecessors that were read to their end long ago, the oldest first; return their last lines.

        A last line without its newline will not get it any more. The order makes that all that is older than
        the newest closed one was read.
        """
        now, lines = self._clock(), []
        old = [generation for generation in self._row if generation is not self._live]
        for generation in old:
            if generation.at_end:
                self._quiet_since.setdefault(generation, now)
        for number, generation in enumerate(old):
            quiet = now - self._quiet_since.get(generation, now)
            patient = (
                isinstance(generation, PlainFile) and quiet < LINGER and len(old) - number <= MAX_LINGERING
            )
            if patient or not generation.at_end:
                break
            lines += generation.splitter.end()
            self.lost += isinstance(generation, Archive) and generation.damaged
            self._finished = generation.mark() if generation.head else self._finished
            self._close(generation)
        return lines

    def _close(self, generation: Generation) -> None:
        self._cut += generation.splitter.cut
        self._quiet_since.pop(generation, None)
        self._row.remove(generation)
        self._blank.discard(generation)
        if generation is self._live:
            self._live = None
        generation.close()
