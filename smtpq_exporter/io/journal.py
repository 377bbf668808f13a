"""The systemd journal as a source: a `journalctl -o json --follow` child, and the cursor of its last entry.

No library is needed, and no more right than to be in group systemd-journal. To begin at the end means after
the newest entry of all, whose cursor is asked for first: then nothing that comes later can be missed, not
even by a crash. A child that ends is started again after a while, each time a longer one. Source of truth:
journalctl(1).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.child import Child
from smtpq_exporter.io.journal_entry import FIELDS, entry
from smtpq_exporter.io.lines import LINE_LIMIT, LineSplitter
from smtpq_exporter.io.source import Position

#: What is read if no matches are given: everything of facility mail.
MAIL = ("SYSLOG_FACILITY=2",)
#: Longest entry: a message of LINE_LIMIT bytes as an array of numbers, and the other fields.
ENTRY_LIMIT = 6 * LINE_LIMIT
#: Seconds before an ended child is started again: the first, and how long they get by doubling.
BACKOFF = (1.0, 60.0)
#: A child that has run for so many seconds without complaint is well.
SETTLE_SECONDS = 2.0
_GROUP = "add the service's user to group systemd-journal (systemd: SupplementaryGroups=systemd-journal)"


class Journal:
    """Follows the journal; see LogSource. `words` are matches (FIELD=value), directories or files."""

    kind = "journal"

    def __init__(
        self,
        words: Sequence[str] = (),
        position: Position | None = None,
        start: str = "end",
        program: str = "journalctl",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._argv = (program, *options(words))
        self._matches = tuple(word for word in words if not word.startswith("/")) or MAIL
        self._clock = clock
        self.behind = False
        self.rotations = self.cut = self.lost = 0
        self._cursor = ""
        self._micros = 0
        self._placed = start == "beginning"  # whether it is known after which entry to begin
        if position is not None:
            self._cursor, self._micros = str(position["cursor"]), int(position["micros"])
            self._placed = bool(position["placed"])
        self._cursor_refused = False
        self._child: Child | None = None
        self._splitter = LineSplitter(ENTRY_LIMIT)
        self._heard = False
        self._error: SourceError | None = None
        self._failures = 0
        self._start_at = self._begun_at = 0.0

    def poll(self, max_bytes: int) -> list[bytes]:
        """Lines of new entries. SourceError while there is no child, or while it may see nothing."""
        lines: list[bytes] = []
        self.behind = False
        if self._child is None and self._clock() >= self._start_at:
            self._begin()
        if self._child is not None:
            self._read(self._child, lines, max_bytes)
        if self._error and not lines:
            raise self._error
        return lines

    def position(self) -> Position:
        """The cursor of the last entry, and its time in case the cursor should be refused."""
        return {"cursor": self._cursor, "micros": self._micros, "placed": self._placed}

    def lag(self) -> int | None:
        """How much waits in the journal cannot be known."""
        return None

    def fileno(self) -> int | None:
        """The child's output."""
        return self._child.fileno() if self._child else None

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _begin(self) -> None:
        options = ["--output=json", "--all", f"--output-fields={','.join(FIELDS)}"]
        if not self._placed:
            argv = [*self._argv, *options, "--lines=1"]
        elif self._cursor_refused:
            # By time then; entries of that second that were delivered before are passed over.
            argv = [*self._argv, *options, "--follow", "--no-tail", f"--since=@{self._micros // 1_000_000}"]
        else:
            after = [f"--after-cursor={self._cursor}"] if self._cursor else []
            argv = [*self._argv, *options, "--follow", "--no-tail", *after]
        try:
            self._child = Child([*argv, *(self._matches if self._placed else ())])
        except SourceError as reason:
            self._error = reason
            self._wait()
            return
        self._splitter, self._heard, self._begun_at = LineSplitter(ENTRY_LIMIT), False, self._clock()

    def _read(self, child: Child, lines: list[bytes], max_bytes: int) -> None:
        data = child.read(max_bytes)
        self.behind = data is not None and len(data) == max_bytes
        for text in self._splitter.feed(data or b""):
            self._take(text, lines)
        if self._heard:
            self._failures, self._error = 0, None
        elif complaint := child.complaint:
            self._error = fault(complaint)
        elif self._clock() - self._begun_at > SETTLE_SECONDS:
            self._error = None  # it runs and does not complain: there is just no news
        if data is None:
            self._ended(child.complaint)

    def _take(self, text: bytes, lines: list[bytes]) -> None:
        try:
            cursor, micros, line = entry(text)
        except ValueError:
            if not text.startswith(b"-- "):  # some versions tell of reboots
                self._error = SourceError(
                    "parse", "journalctl wrote something that is no entry", "is it journalctl?"
                )
            return
        self._heard = True
        if self._cursor_refused and micros <= self._micros:
            return
        self._cursor, self._micros = cursor, micros
        if line and self._placed:
            if len(line) > LINE_LIMIT:
                self.cut += 1
            lines.append(line[:LINE_LIMIT])

    def _ended(self, complaint: str) -> None:
        """The child has ended: expected if it was asked for the newest entry only."""
        self.close()
        if not self._placed and (self._heard or not complaint):
            self._placed = self.behind = True
            return
        if self._placed and not self._heard and self._cursor and "cursor" in complaint.lower():
            self._cursor_refused = True
            self.lost += 1
        self._error = self._error or fault(complaint or "it said nothing")
        self._wait()

    def _wait(self) -> None:
        first, longest = BACKOFF
        self._start_at = self._clock() + min(longest, first * 2 ** min(self._failures, 10))
        self._failures += 1


def options(words: Sequence[str]) -> list[str]:
    """The options for the directories and files among the words of a source."""
    places = [word for word in words if word.startswith("/")]
    return [f"--{'directory' if os.path.isdir(place) else 'file'}={place}" for place in places]


def fault(complaint: str) -> SourceError:
    """What journalctl said on standard error, as an error with its remedy."""
    text = complaint.lower()
    if "permission" in text or "not seeing messages" in text:
        return SourceError("permission", "may not read the system's journal", _GROUP)
    if "no journal files" in text:
        hint = "is journald running here? In a container, mount the host's /var/log/journal and name it"
        return SourceError("unavailable", "there is no journal", hint)
    return SourceError(
        "unavailable", f"journalctl ended: {complaint[-300:]}", "try it by hand: journalctl -n 1"
    )
