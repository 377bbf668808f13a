"""The end of a log, from a moment on: what the exporter would have counted since then.

A log is in the order of time, so the place where the window begins is found by halving, not by reading. If
the file begins later (it was rotated), the file before it is read first; if that is not there, the window is
as long as the file, and says so by the time of its beginning. Where there is no file, the journal is asked.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.sources import choose, kind
from smtpq_exporter.logs.moment import moment
from smtpq_exporter.logs.prefix import stamp_of
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.reasons import Classifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from smtpq_exporter.mta.base import Instance, LogParser
    from smtpq_exporter.mta.mail_server import Mta

#: Bytes that are read at once; also how near the place must be before reading begins.
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Told:
    """What a log told: its counters, the empty counters with the moment at which they began, and the path."""

    log: LogTally
    before: LogTally
    path: str


def read(
    mta: Mta, instance: Instance, paths: Sequence[str], since: float, now: float, deadline: float
) -> Told:
    """Count the lines from `since` (epoch) on; raises SourceError if there is no log that may be read.

    `paths` are files of which the first that is there is read, or ``journal[:WORDS]`` as in the configuration; where
    there are none, the usual ones of this mail server, then the journal.
    """
    if mta.log is None:
        raise SourceError("unavailable", f"logs of {mta.name} cannot be read without an exporter", "")
    tally = Tally()
    parser = mta.log(tally, Classifier(), instance.syslog_names)
    path = paths[0] if paths and kind(paths[0]) == "journal" else _choose(paths, mta.discovery.logs)
    if kind(path) == "journal":
        from smtpq_exporter.checks.journalwindow import feed

        first = feed(path.partition(":")[2].split(), parser, since, deadline)
        return Told(tally.freeze(now, lag_bytes=0), Tally().freeze(max(first, since)), "the journal")
    begun = _begin(path, now)
    files = [path]
    if (begun is None or begun > since) and os.path.exists(f"{path}.1"):  # noqa: PTH110
        files.insert(0, f"{path}.1")
        begun = _begin(files[0], now) or begun
    if begun is None:
        raise SourceError("unavailable", f"{path} holds no line with a time", "name the right file by --log")
    for name in files:
        _feed(name, parser, since, now, deadline)
    return Told(tally.freeze(now, lag_bytes=0), Tally().freeze(max(begun, since)), path)


def _choose(paths: Sequence[str], usual: Sequence[str]) -> str:
    for path in paths or usual:
        if os.path.isfile(path):  # noqa: PTH113
            if os.access(path, os.R_OK):
                return path
            if paths:
                raise SourceError("permission", f"may not read {path}", "add this user to group adm")
    if paths:
        raise SourceError("unavailable", f"no log file: none of {', '.join(paths)}",
                          "name it by --log, or ask an exporter")
    return choose(usual)[0]


def _begin(path: str, now: float) -> float | None:
    """The time of the first line that has one."""
    with _open(path) as file:
        return _when(file, 0, now)


def _feed(path: str, parser: LogParser, since: float, now: float, deadline: float) -> None:
    """Feed the lines from `since` on."""
    with _open(path) as file:
        place = _find(file, since, now)
        file.seek(place)
        if place:
            file.readline()  # the rest of a line that is older
        rest, early = b"", True
        while data := file.read(CHUNK):
            if time.monotonic() > deadline:
                raise SourceError("timeout", f"{path} was not read in time", "a shorter --window helps")
            lines = (rest + data).split(b"\n")
            rest = lines.pop()
            if early:
                early = not lines or _stamp(lines[0], now, since) < since
                lines = [line for line in lines if _stamp(line, now, since) >= since]
            parser.feed(lines)
        if rest and not (early and _stamp(rest, now, since) < since):
            parser.feed([rest])


def _open(path: str) -> BinaryIO:
    try:
        return open(path, "rb")  # noqa: PTH123
    except OSError as error:
        kind = "permission" if isinstance(error, PermissionError) else "unavailable"
        hint = "add this user to group adm"
        raise SourceError(kind, f"cannot read {path}: {error.strerror}", hint) from None


def _find(file: BinaryIO, since: float, now: float) -> int:
    """A place in the file before which all lines are older than `since`, at most CHUNK too early."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > CHUNK:
        middle = (low + high) // 2
        found = _when(file, middle, now)
        if found is not None and found < since:
            low = middle
        else:
            high = middle
    return low


def _when(file: BinaryIO, place: int, now: float) -> float | None:
    """The time of the first line with one behind `place`."""
    file.seek(place)
    data = file.read(CHUNK)
    lines = data.split(b"\n")
    for line in lines[1 if place else 0 :]:
        when = moment(stamp_of(line), now)
        if when is not None:
            return when
    return None


def _stamp(line: bytes, now: float, otherwise: float) -> float:
    """The time of a line; a line without one goes with the others."""
    when = moment(stamp_of(line), now)
    return otherwise if when is None else when
