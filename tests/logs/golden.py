"""Golden logs: a log that reads like a document, with the expectation above each line.

#= {"event": "removed", "queue_id": "7E3F528BA0"} Nov 24 02:55:09 mail postfix/qmgr[703]: 7E3F528BA0: removed

An expectation is a JSON object with the fields of LogEvent that differ from their defaults (but time, program
and text), or "ignored" or "unparsed". `python -m tests.logs.golden MTA FILE...` writes the expectations anew:
read the difference before you commit it. Any mail server's log parser can be held to such files.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogEvent
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import LogParser
from smtpq_exporter.reasons import Classifier

GOLDEN = Path(__file__).parent.parent / "golden"
UNSAID = {"time", "program", "text"}
MARK = b"#= "
MakeParser = Callable[[Tally], LogParser]


def make_parser(mta: str) -> MakeParser:
    """Return what makes a log parser of this mail server for a tally."""
    make = MTAS[mta].log
    assert make is not None
    return lambda tally: make(tally, Classifier(), ())


def cases(path: Path) -> list[tuple[Any, bytes]]:
    """Return (expectation, line) of each line of a golden log."""
    found, expected = [], None
    for line in path.read_bytes().splitlines():
        if line.startswith(MARK):
            expected = json.loads(line[len(MARK) :])
        elif not line.startswith(b"# "):
            found.append((expected, line))
    return found


def lines(mta: str) -> list[bytes]:
    """Return all golden lines of one mail server."""
    return [line for path in sorted((GOLDEN / mta / "log").glob("*.log")) for _, line in cases(path)]


def describe(make: MakeParser, parser: LogParser, line: bytes) -> Any:
    """Return what the parser says about the line, in the form of an expectation."""
    event = parser.event(line)
    if event is not None:
        values = {
            field.name: getattr(event, field.name) for field in fields(LogEvent) if field.name not in UNSAID
        }
        plain = {field.name: field.default for field in fields(LogEvent)}
        said = {name: value for name, value in values.items() if value != plain[name]}
        return json.loads(json.dumps(said))
    tally = Tally()
    make(tally).feed([line])
    return next(result for result, count in tally.lines.items() if count)


def rewrite(mta: str, path: Path) -> None:
    """Write the expectations of a golden log anew; lines that begin with "# " stay."""
    make = make_parser(mta)
    parser = make(Tally())
    out = []
    for line in path.read_bytes().splitlines():
        if line.startswith(MARK):
            continue
        if not line.startswith(b"# "):
            out.append(MARK + json.dumps(describe(make, parser, line)).encode())
        out.append(line)
    path.write_bytes(b"\n".join(out) + b"\n")


if __name__ == "__main__":
    for name in sys.argv[2:]:
        rewrite(sys.argv[1], Path(name))
