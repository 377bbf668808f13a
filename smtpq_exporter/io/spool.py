"""The spool engine: reads a queue from its files, each of them once, and then only what changed.

It knows directories, stamps and moves; what names and bytes mean is told by a layout
(mta.base.SpoolLayout). Laws: a directory whose mtime did not change since it was listed has the same names
(unless its mtime was so young that a second change in the same tick of the clock would not show: GUARD). A
message whose mtime and mode did not change is the same. An id is counted once, wherever it is found. An
unreadable directory fails the whole reading; what was learnt so far stays true, for index and counts change
together, message by message.

Names of changed directories are compared by `stat`. Up to EXACT messages in the queue all of them are; in
longer queues all whose next retry has come, and a rotating sample of the others: a retry ahead of time
(flush) changes whole directories, which the sample shows at once, and a single message flushed by hand is
noticed some readings later. Apart from that every message is looked at once in PASS seconds, for what no
directory tells (force-expire).

A layout may know how to read a message half, without the file that its pulse names. Then a reading reads WHOLE new
messages to the end and the others half; the readings that follow take these up again, FINISHED in each, until all
are whole. How many are not yet is told among what was skipped, as UNREAD: so long reasons are lower bounds.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import once
from smtpq_exporter.io.census import Carried, Census
from smtpq_exporter.io.directory import Directory
from smtpq_exporter.io.files import Files, fault, readable
from smtpq_exporter.io.intake import GUARD, GUARD_NS, UNREAD, Found, Intake
from smtpq_exporter.io.liveness import Liveness
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Place, SpoolLayout

#: Up to this many messages every name of a changed directory is compared; SAMPLE names a reading beyond.
EXACT, SAMPLE = 10_000, 4_000
#: Where a layout can read less (mta.base.Plain.half), up to so many new messages are read to the end in one reading.
#: Of more, and of those that follow in a reading that had directories to list, only the last number: a start is long
#: enough. In other readings so many follow as the second number says.
WHOLE, FINISHED, MEANWHILE = 1_000, 1_000, 300
#: Every message is looked at and every directory listed once in this time, seconds; up to SMALL each time.
PASS, SMALL = 3600.0, 1000
#: A directory in which names change while it is looked at is looked at so many times more.
_LOOKS = 3
#: Names between two looks at the deadline.
_STRIDE = 256


class SpoolReader:
    """Reads one instance's queue directories again and again. One thread at a time."""

    source = "spool"

    def __init__(
        self, layout: SpoolLayout, *, top: int = 20, why: str = "", liveness: Liveness | None = None,
        files: Files | None = None, again: bool = True,
    ) -> None:
        """Nothing is read yet. Not `again`: one reading that leaves nothing to later ones."""
        self.why = why
        self._layout, self._liveness, self._files = layout, liveness, files or Files()
        name: bytes | None = getattr(layout, "message_name", None)
        self._are_messages = name and re.compile(rb"(?:(?:" + name + rb")\0)*+").fullmatch
        """Whether all names, a NUL behind each, are those of messages."""
        self._sum = Aggregator(layout.queues, top)
        self._census = Census(self._files, self._sum)
        self._intake = Intake(layout, self._files, self._sum)
        self._messages = self._vanished = 0
        self._quiet, self._again = True, again
        self._deadline = 0.0

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """The queue at `now`. After an error the next reading goes on where this one ended."""
        self._deadline = deadline
        self._census.departed.clear()
        self._vanished, self._quiet, self._intake.whole = 0, True, WHOLE if self._again else once.WHOLE
        self._messages = len(self._census)
        clock = min(now, self._files.clock())  # compared with stamps of files, never ahead of them
        try:
            self._update(clock)
            self._finish(clock)
        except OSError as error:
            raise fault(error, os.fsencode(error.filename or "queue directory")) from error
        finally:
            self._census.departed.clear()
            self._intake.folders.close()
        return self._sum.snapshot(
            now, self.source, retries=self._layout.retries, holds=getattr(self._layout, "holds", True),
            skipped={"vanished": self._vanished, UNREAD: self._census.half(), **self._census.aside()},
        )

    def up(self) -> bool | None:
        """Whether the mail system runs."""
        return self._liveness.up() if self._liveness else None

    def version(self) -> str | None:
        """The mail server's version."""
        return self._liveness.version() if self._liveness else None

    def close(self) -> None:
        """Nothing is held open between readings."""

    def _update(self, now: float) -> None:
        """Bring index and sums up to date."""
        found = {directory.place.path for root in self._layout.roots() for directory in self._walk(root, now)}
        census = self._census
        for path in [path for path in census.directories if path not in found]:
            census.forget(path)
        for directory in list(census.directories.values()):
            # the other file of an id that was in two places is gone; or names are gone that nobody has
            # welcomed yet: they may have moved, meanwhile, to a place that was looked at before
            lively = directory.place.lively and not directory.place.folders
            if directory.revived or (census.departed and lively):
                self._visit(directory, now)
            for _ in range(_LOOKS):
                if directory.revived and directory.place.renaming:
                    self._visit(directory, now)

    def _finish(self, now: float) -> None:
        """Read some of the messages whole that were read half; no reading fails because there are many."""
        left = min(self._intake.whole, FINISHED if self._quiet else MEANWHILE)
        enough = (time.monotonic() + self._deadline) / 2
        for directory in self._census.directories.values():
            half = directory.still_half()
            while half and left > 0 and time.monotonic() < enough:
                some = half[-min(left, _STRIDE) :]
                self._refresh(directory, some, now, changed=True)
                del half[-len(some) :]
                left -= len(some)

    def _walk(self, place: Place, now: float) -> Iterator[Directory]:
        """Visit a place and what is under it, in order."""
        directory = self._census.of(place)
        if not self._visit(directory, now):
            return
        yield directory
        for child in directory.children:
            yield from self._walk(child, now)

    def _visit(self, directory: Directory, now: float) -> bool:
        """Bring one directory up to date; False if it is not there."""
        place, files = directory.place, self._files
        self._look_at_the_clock()
        try:
            stamp = files.stat(place.path).st_mtime_ns
            if stamp == directory.stamp and not place.lively and now - directory.listed < PASS:
                at_least = SMALL if self._messages <= SMALL else 1
                self._compare(directory, directory.share(now, PASS, at_least), now)
                return True
            self._quiet = False
            names = files.listdir(place.path)
            for _ in range(_LOOKS if place.renaming else 0):
                after = files.stat(place.path).st_mtime_ns
                if after == stamp:
                    break
                stamp, names = after, files.listdir(place.path)  # no name was between two others meanwhile
        except (FileNotFoundError, NotADirectoryError) as error:
            if place.optional:
                return False
            raise SourceError(
                "unavailable", f"{readable(place.path)}: no such directory", "is this the queue directory?",
            ) from error
        except OSError as error:
            raise fault(error, place.path) from error
        if now - directory.listed >= PASS:
            directory.start_again(now)
        directory.stamp, directory.revived = None, False
        names, busy = self._layout.pick(place, names)
        worked_on = {*busy, *directory.busy}
        directory.busy = busy
        self._reconcile(directory, names, worked_on, now)
        directory.listed = now
        if not directory.unfinished and now - stamp / 1e9 > GUARD:
            directory.stamp = stamp
        return True

    def _reconcile(self, directory: Directory, names: list[bytes], worked_on: set[bytes], now: float) -> None:
        """Take up names that are new, drop those that are gone, compare the others."""
        gone, new = directory.difference(names)
        for name in gone:
            self._census.drop(directory, name)
        if directory.ledger.rows:
            again = [name for name in worked_on if name in directory.ledger.rows]
            self._refresh(directory, again, now, changed=True)
            self._compare(directory, directory.suspects(now, self._messages, EXACT, SAMPLE), now)
        if new:
            elsewhere = self._census.elsewhere(directory)
            sort_of = self._layout.sort
            alone = not (elsewhere or self._census.departed or directory.place.folders)
            fresh: list[bytes] = []
            if alone and self._are_messages and self._are_messages(b"\0".join(new) + b"\0"):
                fresh, new = new, []  # what is learnt of all at once costs half of what `sort` costs
            for count, name in enumerate(new):
                sort = sort_of(directory.place, name)
                if sort is None and alone:
                    fresh.append(name)
                elif sort is None:
                    if not count % _STRIDE:
                        self._look_at_the_clock()
                    counts, carried = self._census.claim(directory, name, elsewhere)
                    if counts:
                        self._take_up(directory, name, carried)
                elif isinstance(sort, str):
                    directory.aside[name] = sort
                else:
                    if sort.queue >= len(self._sum.queues):
                        self._sum.widen(self._layout.queues)
                    directory.adopt(name, sort)
            if self._again and len(fresh) > WHOLE:  # a long queue that is met for the first time
                self._intake.whole = min(self._intake.whole, MEANWHILE)
            self._intake.all(directory, fresh, self._look_at_the_clock, self._take_up)

    def _take_up(
        self, directory: Directory, name: bytes, carried: Carried | None = None,
    ) -> None:
        """Enter a message; its file is opened unless it was carried here unchanged."""
        if carried is not None:
            try:
                at = self._intake.folders.at(directory.place.path)
                status = self._files.stat(name, dir_fd=at, follow_symlinks=False)
            except FileNotFoundError:
                self._vanished += 1
                directory.revived = directory.revived or directory.place.renaming
                return
            if status.st_mtime_ns ^ status.st_mode == carried[1]:
                moved = self._layout.moved(directory.place, carried[0], status)
                self._intake.enter(directory, name, (moved, carried[1]))
                return
        result = self._intake.load(directory, name, carried[0][4] if carried else None)
        if result is None:
            self._vanished += 1
            directory.revived = directory.revived or directory.place.renaming
        else:
            self._intake.enter(directory, name, result)

    def _compare(self, directory: Directory, names: list[bytes], now: float) -> None:
        """Look whether these known messages changed; if many did ahead of their time, look at all."""
        early = self._refresh(directory, names, now)
        if early > 1 and early * 8 > len(names) and len(names) < len(directory.ledger):
            self._refresh(directory, list(directory.ledger.rows), now)

    def _refresh(self, directory: Directory, names: list[bytes], now: float, *, changed: bool = False) -> int:
        """Read those of these messages again that changed; how many did before their next retry had come."""
        early = 0
        if not names:
            return early
        ledger, status_of = directory.ledger, self._files.stat
        at = self._intake.folders.keep(directory.place.path)
        pulse_of = self._layout.pulse
        rows, stamps = ledger.rows, ledger.stamps
        read: list[tuple[bytes, Found]] = []
        try:
            for count, name in enumerate(dict.fromkeys(names)):  # one that is due may be in the sample, too
                if not count % _STRIDE:
                    self._look_at_the_clock()
                try:
                    status = status_of(name, dir_fd=at, follow_symlinks=False)
                except FileNotFoundError:
                    self._lose(directory, name)
                    continue
                row = rows[name]
                known, retry, pulse = stamps[row], ledger.retries[row], pulse_of(directory.place, name)
                stamp = status.st_mtime_ns ^ status.st_mode
                if not changed:
                    if known < 0 and status.st_mtime_ns < -known - GUARD_NS:  # not since it was read
                        if pulse is None:
                            stamps[row] = stamp
                        continue
                    if (stamp if pulse is None else stamp ^ self._intake.mtime(*pulse)) == known:
                        continue
                young = status.st_mtime_ns < -known  # perhaps not even changed
                early += not young and (retry > now + 1 or (not retry and pulse is None))  # nobody knew its time
                result = self._intake.load(directory, name, ledger.get(name)[4])
                if result is None:
                    self._lose(directory, name)
                else:
                    read.append((name, result))
        finally:  # all of them at once: sums settle once, not for each
            for name, _ in read:
                self._census.strike(directory, name)
            for name, result in read:
                self._intake.enter(directory, name, result)
        return early

    def _lose(self, directory: Directory, name: bytes) -> None:
        """A known message is gone."""
        self._census.drop(directory, name)
        directory.revived = directory.revived or directory.place.renaming

    def _look_at_the_clock(self) -> None:
        if time.monotonic() > self._deadline:
            raise SourceError(
                "timeout", f"the queue of {self._messages} messages or more was not read in time",
                "the next reading goes on from here; a longer timeout or faster storage helps",
            )
