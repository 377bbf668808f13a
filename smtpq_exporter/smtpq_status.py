"""smtpq status: the queues of a host at a glance in a terminal; what waits, how long, why, and what to do.

From the running exporter, else directly from the mail server. The table is made by `render`, which is pure;
colours and the clearing of the screen are decided here, by what stdout is.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import textwrap
import time
from typing import Any

from smtpq_exporter.checks.acquire import acquire
from smtpq_exporter.checks.evaluate import title
from smtpq_exporter.checks.options import Options
from smtpq_exporter.checks.quantity import parse_duration, say_duration, say_size
from smtpq_exporter.checks.window import Window
from smtpq_exporter.errors import SmtpqError

#: Upper edges in seconds of the age bar, with a word for each and its colour.
_BANDS = ((600, "under 10m", "32"), (3600, "to 1h", "33"), (14400, "to 4h", "33;1"), (86400, "to 1d", "31"),
          (float("inf"), "older", "31;1"))
_SHADES = ".:+*#"
#: So many reasons are explained.
_ADVISED = 3
_INDENT = " " * 10
#: What "lately" means for deliveries, seconds.
_LATELY = 900.0


def add(subparsers: Any) -> None:
    """Add the parser of this verb."""
    parser = subparsers.add_parser(
        "status",
        help="the queues of this host at a glance",
        description="Show the queues of this host: how many messages wait, how long, why, and what to do.",
        epilog="Exit code: 0 all mail servers could be seen and run, 1 not all of them, 2 wrong usage.",
    )
    parser.add_argument("--json", action="store_true", help="the sample as JSON, as /api/v1/sample gives it")
    parser.add_argument("--watch", nargs="?", type=_interval, const=2.0, metavar="SEC",
                        help="show it again every SEC seconds (default 2) until Ctrl-C")
    parser.add_argument("--source", choices=("auto", "exporter", "mta"), default="auto",
                        help="the running exporter, the mail server itself, or what there is (default)")
    parser.add_argument("--url", default="", help="the exporter (default http://127.0.0.1:10125)")
    parser.add_argument("--credentials", default="", metavar="FILE",
                        help="file with user:password for the exporter")
    parser.add_argument("--ca-file", default="", metavar="FILE", help="CA by which https is trusted")
    parser.add_argument("--timeout", type=_interval, default=30.0, metavar="SEC",
                        help="give up after SEC seconds (default 30)")


def _interval(word: str) -> float:
    try:
        seconds = parse_duration(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds < 0.1:
        raise argparse.ArgumentTypeError("write at least 0.1 seconds")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Show it once, or again and again."""
    while True:
        text, code = _once(args)
        if args.watch and sys.stdout.isatty():
            sys.stdout.write("\x1b[H\x1b[2J")
        sys.stdout.write(text)
        sys.stdout.flush()
        if not args.watch:
            return code
        time.sleep(args.watch)


def _once(args: argparse.Namespace) -> tuple[str, int]:
    options = Options({
        "source": args.source, "url": args.url, "credentials": args.credentials, "ca_file": args.ca_file,
        "certificate": "", "insecure": False, "config_dir": "", "mta": None, "instance": [],
    })
    try:
        deadline = time.monotonic() + args.timeout
        query = {} if args.json else {"window": _LATELY}
        sample, whence = acquire(options, query, frozenset({"queue"}), deadline)
    except SmtpqError as error:
        if not args.watch:
            raise
        return f"smtpq status: {error}\n", 1
    well = bool(sample["mtas"]) and all(mta["queue"] and mta["up"] is not False for mta in sample["mtas"])
    if args.json:
        return json.dumps(sample, indent=2) + "\n", 0 if well else 1
    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    width = shutil.get_terminal_size((100, 24)).columns
    return render(sample, whence, width, colours=colours), 0 if well else 1


def render(sample: dict[str, Any], whence: str, width: int, *, colours: bool = False) -> str:
    """The whole picture of a sample as lines of at most `width` characters."""
    paint = _Paint(colours)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(sample["time"]))
    lines = [f"{stamp}  from {whence}" + ("  (demo)" if sample["demo"] else "")]
    if not sample["mtas"]:
        lines += ["", "No mail server was found on this host."]
    for mta in sample["mtas"]:
        lines += ["", *_server(mta, sample["time"], max(width, 60), paint)]
    return "\n".join(_cut(line, width) for line in lines) + "\n"


class _Paint:
    """Colours, where they are wanted."""

    def __init__(self, wanted: bool) -> None:
        self._wanted = wanted

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._wanted and text else text


def _server(mta: dict[str, Any], now: float, width: int, paint: _Paint) -> list[str]:
    states = {True: paint("running", "32"), False: paint("DOWN", "31;1"), None: "running or not is not known"}
    version = f" {mta['version']}" if mta["version"] else ""
    queue = mta["queue"]
    lines = [f"{paint(title(mta), '1')}{version}, {states[mta['up']]}"]
    for source in mta["sources"]:
        fault = source["fault"]
        if fault:
            lines.append(paint(f"  cannot read {source['source']}: {fault['text']}", "31;1"))
            lines += [f"    what to do: {fault['hint']}"] if fault["hint"] else []
    if queue is None:
        return [*lines, "  the queue is not known (which does not mean that it is empty)"]
    if queue["truncated"]:
        lines.append(paint("  only a part could be read: all numbers are lower bounds", "31"))
    lines += _table(queue, width, paint)
    lines += _reasons(queue, width, paint)
    where = [f"{domain} {count}" for domain, count in queue["destinations"][:8]]
    lines += [f"  to: {', '.join(where)}"] if where else []
    lines += _lately(mta, now)
    age = say_duration(max(0.0, now - queue["taken_at"]))
    lines.append(paint(f"  read {age} ago by {queue['source']}", "2"))
    return lines


def _table(queue: dict[str, Any], width: int, paint: _Paint) -> list[str]:
    head = f"  {'queue':<14}{'messages':>9}{'oldest':>9}{'size':>10}{'held':>6}  age"
    lines = [paint(head, "2")]
    bar = min(40, width - len(head) - 1)
    for name, stats in queue["queues"].items():
        oldest, size, held = stats["oldest_age_seconds"], stats["bytes"], stats["held"]
        cells = (
            f"  {name[:14]:<14}{stats['messages']:>9}"
            f"{'-' if oldest is None else say_duration(oldest):>9}"
            f"{'?' if size is None else say_size(size):>10}{'?' if held is None else held:>6}  "
        )
        ages = _bar(stats["ages"], stats["messages"], bar, paint)
        lines.append(cells + ages if ages else paint(cells.rstrip(), "2"))
    if any(stats["messages"] for stats in queue["queues"].values()):
        legend = zip(_SHADES, _BANDS, strict=True)
        words = [paint(f"{shade} {word}", code) for shade, (_, word, code) in legend]
        lines.append(" " * (len(head) - 3) + "  ".join(words))
    return lines


def _bar(ages: dict[str, Any] | None, messages: int, width: int, paint: _Paint) -> str:
    if ages is None or not messages:
        return ""
    shares = [0] * len(_BANDS)
    for bound, count in zip([*ages["bounds"], float("inf")], ages["counts"], strict=True):
        shares[next(i for i, (edge, _, _) in enumerate(_BANDS) if bound <= edge)] += count
    # Every band that holds a message shows: one old message among thousands is what matters.
    cells = [max(1, round(share * width / messages)) if share else 0 for share in shares]
    while sum(cells) > width:
        cells[cells.index(max(cells))] -= 1
    bands = zip(_SHADES, cells, _BANDS, strict=True)
    return "".join(paint(shade * cell, code) for shade, cell, (_, _, code) in bands)


def _lately(mta: dict[str, Any], now: float) -> list[str]:
    """What the log told about the last minutes; nothing where no log is followed."""
    before = mta.get("before")
    if mta["log"] is None or not before or now - before["time"] < 60:
        return []
    attempts = Window(mta["log"], before, now - before["time"]).attempts()
    told = ", ".join(f"{attempts.get(status, 0)} {status}" for status in ("sent", "deferred", "bounced"))
    return [f"  in the last {say_duration(round((now - before['time']) / 60) * 60)}: {told}"]


def _reasons(queue: dict[str, Any], width: int, paint: _Paint) -> list[str]:
    """Why mail waits; the most frequent reasons with what they mean and what to do."""
    from smtpq_exporter.reasons import ADVICE

    ranked = sorted(queue["reasons"].items(), key=lambda item: (-item[1], item[0]))
    lines = [paint("  why mail waits (recipients)", "2")]
    for place, (reason, count) in enumerate([item for item in ranked if item[1]][:8]):
        lines.append(f"  {count:>7} {paint(reason, '1')}")
        advice = ADVICE.get(reason)
        if advice and place < _ADVISED:
            lines += textwrap.wrap(f"{advice.meaning} {advice.action}", width, initial_indent=_INDENT,
                                   subsequent_indent=_INDENT)
    return lines if len(lines) > 1 else []


def _cut(line: str, width: int) -> str:
    """Shorten a line to what a terminal shows; one with colours is left alone."""
    return line if len(line) <= width or "\x1b" in line else line[: width - 1] + "~"
