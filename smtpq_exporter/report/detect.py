"""Whose log is this? Asked of the options first, then of the beginning of the files themselves.

The mail server whose parser understands most of the first lines; a file in which no line has a prefix holds
the words alone, as `journalctl -o cat` prints them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from smtpq_exporter.errors import SourceError
from smtpq_exporter.logs.prefix import split
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta import MTAS
from smtpq_exporter.report.files import beginning
from smtpq_exporter.report.part import Wanted, make_parser
from smtpq_exporter.report.span import Span

#: So many lines of each file are looked at, if the first SOON leave a doubt.
LOOK, SOON = 400, 40
#: With more than this share of the lines understood nobody else is asked.
SURE = 0.9


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add --mta and --syslog-name."""
    parser.add_argument(
        "--mta",
        choices=("auto", *MTAS),
        default="auto",
        help="whose log it is (default: looked for in the files)",
    )
    parser.add_argument(
        "--syslog-name",
        action="append",
        default=[],
        metavar="NAME",
        help="name under which the mail server logs (Postfix: syslog_name; default postfix*)",
    )


def wanted(args: argparse.Namespace, files: Sequence[str], times: Span = (None, None)) -> Wanted:
    """Return what to read in the files; raise SourceError if no mail server's lines are found in them."""
    names = tuple(args.syslog_name)
    since, until = times
    heads = [beginning(path, LOOK) for path in files]
    lines = _first(heads, LOOK)
    bare = bool(lines) and all(split(line) is None for line in lines)
    mta = args.mta
    if mta == "auto":
        mta = _most(heads, names, bare=bare) if lines else "postfix"
    if not mta and "-" in files:  # what comes later may tell, or `in_vain` says so
        mta = "postfix"
    if not mta:
        raise nothing(files)
    return Wanted(mta, names, bare, since, until)


def in_vain(args: argparse.Namespace, files: Sequence[str], lines: int, understood: int) -> bool:
    """Say whether standard input, of which only the beginning was looked at, held no line of a mail server."""
    return args.mta == "auto" and "-" in files and lines > 0 and not understood


def nothing(files: Sequence[str]) -> SourceError:
    """Return the fault of files in which no line was understood."""
    return SourceError(
        "parse",
        f"no line of a mail server in {', '.join(files)}",
        "say whose log it is with --mta and --syslog-name",
    )


def _first(heads: Sequence[list[bytes]], most: int) -> list[bytes]:
    return [line for head in heads for line in head[:most] if line]


def _most(heads: Sequence[list[bytes]], names: tuple[str, ...], *, bare: bool) -> str:
    """Return the mail server that understands most of the lines, "" if none understands any."""
    for look in (SOON, LOOK):
        some = _first(heads, look)
        best, most = "", 0
        for name, mta in MTAS.items():
            if mta.log is None:
                continue
            parser = make_parser(Wanted(name, names, bare), Tally(), None, 0.0)
            understood = sum(parser.event(line) is not None for line in some)
            if understood > SURE * len(some):
                return name
            if understood > most:
                best, most = name, understood
    return best
