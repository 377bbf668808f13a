"""`smtpq events FILE...`: log lines as understood events, one JSON object a line, for jq and the like.

Only lines that are understood are printed; the last line on stderr says how many were not. A time is ISO 8601
in UTC, null if the line does not tell it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from smtpq_exporter.errors import SourceError
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import STAGES, LogEvent
from smtpq_exporter.report import detect, span
from smtpq_exporter.report.files import chunks, segments
from smtpq_exporter.report.part import Span, Wanted, make_parser

_HELP = """\
Prints what log lines say, one JSON object for each line that is understood: event, time, program, instance,
daemon, queue_id, status, dsn, delay, delays, relay, recipient_domain, reason, suspended, text, and where they
apply kind, client and repeat.

  smtpq events /var/log/mail.log | jq -r 'select(.status == "deferred") | .reason' | sort | uniq -c
  smtpq events --since 1h /var/log/mail.log | jq 'select(.queue_id == "4jYSJS1Q1vz1QPZB")'
  tail -F /var/log/mail.log | smtpq events - | jq -r 'select(.event == "attempt") | .reason'
"""


def add(subparsers: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser = subparsers.add_parser(
        "events",
        help="log lines as understood events, one JSON object a line",
        description=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Exit code: 0 all was read, 1 a file could not be read or holds no mail log, 2 wrong usage.",
    )
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help="log files, also .gz .xz .bz2; - is standard input"
    )
    parser.add_argument(
        "--event", action="append", default=[], metavar="NAME", help="only events of this name"
    )
    detect.add_options(parser)
    span.add_options(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the events of all files in their order; 0, or 1 if something could not be read."""
    now = time.time()
    failed = 0
    counts: Counter[str] = Counter()
    for path in args.files:
        before = counts.copy()
        try:
            wanted = detect.wanted(args, [path], span.of(args, now))
            for event in _events(path, wanted, now, counts):
                if not args.event or event.event in args.event:
                    print(json.dumps(describe(event), ensure_ascii=False), flush=path == "-")
            told = counts - before
            if detect.in_vain(args, [path], told["lines"], told["understood"]):
                raise detect.nothing([path])
        except SourceError as error:
            sys.stdout.flush()
            print(f"smtpq events: {error}", file=sys.stderr)
            failed = 1
    sys.stdout.flush()
    if sys.stderr.isatty() or counts["unparsed"]:
        print(
            f"smtpq events: {counts['lines']:,} lines: {counts['understood']:,} understood, "
            f"{counts['lines'] - counts['understood']:,} of other programs or not understood",
            file=sys.stderr,
        )
    return failed


def _events(path: str, wanted: Wanted, now: float, counts: Counter[str]) -> Iterator[LogEvent]:
    """Yield the events of one file, and count its lines."""
    for segment in segments(path, now):
        parser = make_parser(wanted, Tally(), None, segment.mtime)
        inside = Span(wanted, segment.mtime)
        for chunk in chunks(segment):
            lines = inside.lines(chunk)
            counts["lines"] += len(lines)
            for line in lines:
                event = parser.event(line)
                if event is None:
                    continue
                counts["understood"] += 1
                yield event


def describe(event: LogEvent) -> dict[str, Any]:
    """Return an event as JSON-able values; delays by stage, null where the line tells none."""
    when = datetime.fromtimestamp(event.time, UTC).isoformat() if event.time is not None else None
    said: dict[str, Any] = {
        "event": event.event,
        "time": when,
        "program": event.program,
        "instance": event.instance,
        "daemon": event.daemon,
        "queue_id": event.queue_id,
        "status": event.status,
        "dsn": event.dsn,
        "delay": event.delay,
        "delays": dict(zip(STAGES, event.delays, strict=True)) if event.delays else None,
        "relay": event.relay,
        "recipient_domain": event.recipient_domain,
        "reason": event.reason,
        "suspended": event.suspended,
        "text": event.text,
    }
    if event.kind:
        said["kind"] = event.kind
    if event.client:
        said["client"] = event.client
    if event.repeat != 1:
        said["repeat"] = event.repeat
    return said
