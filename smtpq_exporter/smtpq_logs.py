"""`smtpq logs FILE...`: what mail logs tell: totals, why mail was late or came back and what to do, where and
when.

Reads plain, gzip, xz and bzip2 files and standard input, great files with all processors. A progress bar is
shown on a terminal. The report is a value (report/report.py); here it is only asked for and printed.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from smtpq_exporter.errors import SourceError
from smtpq_exporter.report import detect, report, span, text
from smtpq_exporter.report.digest import merge
from smtpq_exporter.report.files import GREATEST, Segment, segments
from smtpq_exporter.report.part import DIVISIBLE, Part
from smtpq_exporter.report.pool import read_all

_HELP = """\
Reports on mail logs: totals, deferrals and bounces by reason with advice, destinations, hours, where the time
goes, top senders, who refuses our mail and whom we refuse.

  smtpq logs /var/log/mail.log
  smtpq logs /var/log/mail.log /var/log/mail.log.*.gz     (in any order; each file is read for itself)
  smtpq logs --since 2h /var/log/mail.log
  journalctl -o short-iso-precise -u 'postfix*' --since today | smtpq logs -
"""


def add(subparsers: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser = subparsers.add_parser(
        "logs",
        help="report of what log files tell",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 all was read, 1 a file could not be read or holds no mail log, 2 wrong usage.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="log files, also .gz .xz .bz2; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="rows in each table (default 10)")
    detect.add_options(parser)
    span.add_options(parser)
    parser.add_argument(
        "--jobs",
        type=int,
        default=len(os.sched_getaffinity(0)),
        metavar="N",
        help="processes (default: one per CPU)",
    )
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, report; 0, or 1 if something could not be read."""
    gc.disable()  # nothing here makes cycles, and looking for them takes a tenth of the time
    now = time.time()
    faults: list[str] = []
    parts = _parts(args.files, now, 0, faults)
    readable = list(dict.fromkeys(part.path for part in parts))
    wanted = detect.wanted(args, readable, span.of(args, now))
    if wanted.mta in DIVISIBLE and args.jobs > 1:
        parts = _parts(readable, now, args.jobs, faults)
    bar = _Bar(sum(part.size for part in parts), shown=sys.stderr.isatty() and not args.no_progress)
    whole: Part | None = None
    try:
        for _, answer in read_all(parts, wanted, args.jobs, bar.show):
            if isinstance(answer, SourceError):
                faults.append(str(answer))
            elif whole is None:
                whole = answer
            else:
                merge(whole.digest, whole.tally, answer.digest, answer.tally)
                whole.lines += answer.lines
    finally:
        bar.clear()
    if whole is not None and detect.in_vain(args, readable, whole.lines, whole.tally.lines["understood"]):
        raise detect.nothing(readable)
    if whole is not None:  # else there is nothing to tell; a report would say that nothing happened
        made = report.make(whole, wanted.mta, args.files, faults, now=now, top=max(1, args.top))
        print(
            json.dumps(report.as_dict(made), indent=1) if args.json else text.render(made),
            end="\n" if args.json else "",
        )
    for fault in faults:
        print(f"smtpq logs: {fault}", file=sys.stderr)
    return 1 if faults else 0


def _parts(files: Sequence[str], now: float, readers: int, faults: list[str]) -> list[Segment]:
    """Return all files, the oldest first, so that messages are followed from one into the next; each in parts for
    so many `readers`, or whole if there are none.
    """
    found: list[list[Segment]] = []
    for path in dict.fromkeys(files):
        try:
            found.append(segments(path, now, GREATEST if readers else 0, readers))
        except SourceError as error:
            faults.append(str(error))
    return [part for parts in sorted(found, key=lambda parts: parts[0].mtime) for part in parts]


class _Bar:
    """A progress bar on stderr: how much was read, how fast, how long it will take."""

    def __init__(self, size: int, *, shown: bool) -> None:
        self._size = size
        self._shown = shown and size > 0
        self._start = self._last = time.monotonic()

    def show(self, done: int) -> None:
        """Draw the bar, at most ten times a second, and not before half a second has passed."""
        now = time.monotonic()
        if not self._shown or now - self._last < 0.1 or now - self._start < 0.5:
            return
        self._last = now
        share = min(1.0, done / self._size)
        speed = done / (now - self._start)
        left = (self._size - done) / speed if speed else 0.0
        width = max(10, min(60, shutil.get_terminal_size().columns - 45))
        bar = "#" * int(width * share)
        sys.stderr.write(f"\r[{bar:<{width}}] {share:4.0%} {speed / 1e6:6.1f} MB/s, {left:3.0f} s left ")
        sys.stderr.flush()

    def clear(self) -> None:
        """Take the bar away."""
        if self._shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
