"""One line of Postfix's log, prefix and all: whose it is, and what it says.

Pure. Everything about a line that is not frequent enough for the hot loop of log.py: names, prefixes,
repeats.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import KEPT, Prefix, repeated, split, unwrap
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta.postfix.log_grammar import DAEMONS
from smtpq_exporter.mta.postfix.log_words import Reasons, understand

#: So many names of programs and so many processes are remembered.
_TAGS, _HEADS = 1024, 8192


class LineReader:
    """Reads lines of one Postfix instance. `syslog_names` are its own names; without any, all of `postfix*`
    is.

    `now` dates stamps without a year; set it to the time of the file's last change when reading old files.
    `bare` takes a line without any prefix for the words alone, as `journalctl -o cat` prints them: only for a
    file that is known to be Postfix's, never for one that other programs write to.
    """

    def __init__(
        self,
        tally: Tally,
        reasons: Reasons,
        syslog_names: Sequence[str] = (),
        now: float | None = None,
        *,
        bare: bool = False,
    ) -> None:
        self.tally = tally
        self.now = now
        self._bare = bare
        self._reasons = reasons
        self._names = frozenset(name.encode() for name in syslog_names)
        self._offset = 16
        """Where the host begins in the lines of this log."""
        self._heads: set[bytes] = set()
        """Host, program and [pid] of Postfix lines, as they stand between the stamp and the words."""
        self._stems: set[bytes] = set()
        """The same without [pid]."""
        self._tags: dict[bytes, tuple[bytes, bytes] | None] = {}

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line; None if it is not this Postfix's or is not understood."""
        times = repeated(line)
        if not times:
            self.tally.previous = line[:KEPT]
        event, stamp = self._read(self.tally.previous if times else line)
        if event is not None:
            event.repeat *= times or 1
            event.time = moment(stamp, self.now) if stamp else None
        return event

    def end(self, lines: Sequence[bytes]) -> None:
        """Remember the last line's time, and the line itself in case syslog says that it was repeated."""
        last = next((line for line in reversed(lines) if not repeated(line)), None)
        if last is not None:
            self.tally.previous = last[:KEPT].rstrip(b"\n")
        for line in lines[:-4:-1]:  # lines without a time of their own are few
            prefix = split(line)
            if prefix is not None and prefix.stamp:
                self.tally.stamp = prefix.stamp
                return

    def _read(self, line: bytes) -> tuple[LogEvent | None, bytes | None]:
        """Understand one line: the event, still without its time, and the stamp; None if it is not this
        Postfix's.
        """
        prefix = split(line)
        if prefix is None:
            return (understand(line, b"", self._reasons) if self._bare else None), None
        own = self._own(prefix.tag)
        if own is None:
            return None, None
        self._learn(line, prefix)
        words, times = unwrap(line[prefix.start :].rstrip(b"\r\n\0"))
        event = understand(words, own[1], self._reasons)
        if event is not None:
            event.repeat = times
            event.program = prefix.tag.decode("utf-8", "replace")
            event.instance, event.daemon = (part.decode("utf-8", "replace") for part in own)
        return event, prefix.stamp

    def _own(self, tag: bytes) -> tuple[bytes, bytes] | None:
        """Return (instance, daemon) of a tag of this Postfix, None for others. The last "/" divides."""
        if tag in self._tags:
            return self._tags[tag]
        instance, slash, daemon = tag.rpartition(b"/")
        if not slash:
            instance, daemon = tag, b""
        known = daemon in DAEMONS if slash else True
        if self._names:
            mine = any(instance == name or instance.startswith(name + b"/") for name in self._names)
        else:
            mine = instance.startswith(b"postfix") if slash else tag == b"postfix"
        own = (instance, daemon) if known and mine else None
        if len(self._tags) >= _TAGS:
            self._tags.clear()
        self._tags[tag] = own
        return own

    def _learn(self, line: bytes, prefix: Prefix) -> None:
        """Remember where the host begins in this log, and this pair of host and program."""
        offset = line.find(prefix.stamp) + len(prefix.stamp) + 1
        colon = line.find(b": ")
        stem = line[offset : line.find(b"[", offset, colon)]
        if prefix.pid and prefix.stamp and stem.endswith(prefix.tag) and line[colon - 1 : colon] == b"]":
            if len(self._stems) >= _TAGS:
                self._stems.clear()
            self._stems.add(stem)
            self._offset = offset

    def known(self, head: bytes) -> bool:
        """Say whether `head`, what stands before the first ": ", is of a new process of a known program."""
        stem, bracket, pid = head[self._offset :].partition(b"[")
        if not bracket or stem not in self._stems or pid[-1:] != b"]" or not pid[:-1].isdigit():
            return False
        if len(self._heads) >= _HEADS:
            self._heads.clear()
        self._heads.add(head[self._offset :])
        return True
