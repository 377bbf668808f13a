"""Log files as a source: one path, or all that fit a pattern, each followed through its rotations.

A container's files are named anew at each start, so a pattern is looked up again and again. A file that
appears after the first look is read from its beginning; predecessors (FILE.1, FILE-20241124.gz) belong to the
file that they were, even if the pattern fits them.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import rotated
from smtpq_exporter.io.container import DECODERS, Decoder
from smtpq_exporter.io.follow import LINGER, Tail
from smtpq_exporter.io.lines import LINE_LIMIT
from smtpq_exporter.io.source import Position

#: Seconds between two looks for files that fit the pattern.
LOOK_SECONDS = 10.0
#: Longest line of a container engine: 16 KiB of text, each byte of it perhaps escaped as \\u0000.
ENVELOPED_LIMIT = 131072
#: More files than that are not followed: a pattern that fits so many fits too much.
MAX_FILES = 256


class LogFiles:
    """Follows `path`, which may be a pattern of glob(7). `kind` is file, docker or cri; see LogSource."""

    def __init__(
        self,
        path: str,
        position: Position | None = None,
        start: str = "end",
        kind: str = "file",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path, self.kind, self._clock = path, kind, clock
        self.behind = False
        self._start = start if position is None else "beginning"
        self._tails: dict[str, Tail] = {}
        self._decoders: dict[str, Decoder] = {}
        self._gone_rotations = self._gone_lost = self._gone_cut = 0
        self._next_look = 0.0
        self._first = 0
        for name, stored in (position or {}).get("files", {}).items():
            self._add(name, stored)
        if not self._is_pattern and path not in self._tails:
            self._add(path, None)

    @property
    def rotations(self) -> int:
        """Files that were ended by rotation or truncation."""
        return self._gone_rotations + sum(tail.rotations for tail in self._tails.values())

    @property
    def lost(self) -> int:
        """Times that lines may have been lost."""
        return self._gone_lost + sum(tail.lost for tail in self._tails.values())

    @property
    def cut(self) -> int:
        """Lines that were cut."""
        decoders = sum(decoder.cut for decoder in self._decoders.values())
        return self._gone_cut + decoders + sum(tail.cut for tail in self._tails.values())

    def poll(self, max_bytes: int) -> list[bytes]:
        """Complete lines of all files, each file in its turn. SourceError only if there are none."""
        if self._is_pattern and self._clock() >= self._next_look:
            self._look()
        lines: list[bytes] = []
        errors: list[SourceError] = []
        names = list(self._tails)
        self.behind = False
        for turn in range(len(names)):
            name = names[(self._first + turn) % len(names)]
            tail = self._tails[name]
            try:
                new = tail.poll(max_bytes)
            except SourceError as reason:
                # A file that fitted the pattern and went away is no failure while there are others.
                if reason.kind != "unavailable" or len(names) == 1:
                    errors.append(reason)
                continue
            self.behind = self.behind or tail.behind
            max_bytes -= sum(map(len, new))
            lines += self._decoders[name].decode(new) if name in self._decoders else new
            if max_bytes <= 0:
                self._first = (self._first + turn + 1) % len(names)
                self.behind = True
                break
        if not lines and not names:
            hint = "is the pattern right, and may this user list the directory?"
            raise SourceError("unavailable", f"no file fits {self.path}", hint)
        if not lines and errors:
            raise errors[0]
        return lines

    def position(self) -> Position:
        """The position in each file."""
        files = {}
        for name, tail in self._tails.items():
            files[name] = tail.position()
            if name in self._decoders:
                files[name]["parts"] = self._decoders[name].state()
        return {"files": files}

    def lag(self) -> int | None:
        """Bytes that were seen and not read yet."""
        return sum(tail.lag() for tail in self._tails.values())

    def fileno(self) -> int | None:
        """Files are looked at."""
        return None

    def close(self) -> None:
        """Close all files."""
        for tail in self._tails.values():
            tail.close()

    @property
    def _is_pattern(self) -> bool:
        return glob.has_magic(self.path)

    def _add(self, name: str, position: Position | None) -> None:
        if self.kind in DECODERS:
            decoder = DECODERS[self.kind]()
            if position is not None:
                decoder.restore(position["parts"])
            self._decoders[name] = decoder
        limit = LINE_LIMIT if self.kind == "file" else ENVELOPED_LIMIT
        self._tails[name] = Tail(name, position, self._start, self._clock, limit)

    def _look(self) -> None:
        """Follow what fits now and did not before; let go of files that are gone and read."""
        names = {name for name in glob.glob(self.path) if os.path.isfile(name)}
        live = sorted(name for name in names if not rotated.is_predecessor(name, names))
        for name in live[:MAX_FILES]:
            if name not in self._tails and len(self._tails) < MAX_FILES:
                self._add(name, None)
        for name, tail in list(self._tails.items()):
            if name not in live and tail.gone(LINGER):
                self._forget(name)
        self._start = "beginning"
        self._next_look = self._clock() + LOOK_SECONDS

    def _forget(self, name: str) -> None:
        tail = self._tails.pop(name)
        self._gone_rotations += tail.rotations
        self._gone_lost += tail.lost
        self._gone_cut += tail.cut
        if name in self._decoders:
            self._gone_cut += self._decoders.pop(name).cut
        tail.close()
