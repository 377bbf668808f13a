"""Tables of results in Markdown, and the page they stand on, one section for each benchmark program.

A benchmark writes its own section of docs/benchmarks.md and leaves the others as they are, so the programs
can be run one by one: `write_section(PAGE, "queue", text)`.
"""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "benchmarks.md"
RESULTS = ROOT / "benchmarks" / "results"
#: Sections in the order in which they stand on the page.
SECTIONS = ("queue", "logs", "exim", "sendmail", "opensmtpd")
HEAD = """# Benchmarks

What this program costs, beside what others cost for the same work on the same machine in the same run.
Written by `make bench`; every section says when and where it was measured. Another machine has other numbers
and about the same ratios.
"""


@dataclass(slots=True)
class Table:
    """Rows of cells under a heading; a cell is text, None is "not measured"."""

    title: str
    columns: Sequence[str]
    note: str = ""
    rows: list[Sequence[str | None]] = field(default_factory=list)

    def add(self, *cells: str | None) -> None:
        """Append one row."""
        assert len(cells) == len(self.columns), cells
        self.rows.append(cells)

    def markdown(self) -> str:
        """The table, its columns aligned: the first to the left, numbers to the right."""
        lines = [self.columns, *(["-" if c is None else c for c in row] for row in self.rows)]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.columns))]

        def line(cells: Sequence[str]) -> str:
            padded = [f"{c:>{w}}" for c, w in zip(cells, widths, strict=True)]
            return "| " + " | ".join([f"{cells[0]:<{widths[0]}}", *padded[1:]]) + " |"

        rule = "|" + "|".join("-" * (w + 1) + "-:"[i > 0] for i, w in enumerate(widths)) + "|"
        parts = [f"### {self.title}", "", line(lines[0]), rule, *map(line, lines[1:])]
        if self.note:
            parts += ["", self.note]
        return "\n".join(parts) + "\n"


@dataclass(frozen=True, slots=True)
class Goal:
    """Something to reach: what, the limit in words, the measured value, and whether it holds."""

    what: str
    limit: str
    value: str
    reached: bool | None
    """None: not measured."""


def goals(found: Sequence[Goal]) -> Table:
    """The goals and what became of them."""
    table, words = Table("Goals", ("goal", "limit", "measured", "reached")), {True: "yes", False: "**no**"}
    for goal in found:
        table.add(goal.what, goal.limit, goal.value, None if goal.reached is None else words[goal.reached])
    return table


def seconds(value: float | None) -> str | None:
    """A time, with the unit in which it is easy to read: three digits."""
    if value is None:
        return None
    for unit, factor in (("s", 1.0), ("ms", 1e3), ("µs", 1e6)):
        scaled = value * factor
        if scaled >= 1 or unit == "µs":
            return f"{scaled:.3g} {unit}" if scaled < 1000 else f"{scaled:,.0f} {unit}"
    return None


def mebibytes(value: float | None) -> str | None:
    """A size in bytes as MiB."""
    return None if value is None else f"{value / 2**20:.0f} MiB"


def times(value: float | None, of: float | None) -> str | None:
    """How many times `of` the value is."""
    if value is None or not of:
        return None
    ratio = value / of
    return f"{ratio:.2g} times" if ratio < 10 else f"{ratio:,.0f} times"


def conditions() -> str:
    """Date, machine, versions and load, in one paragraph."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    system = platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True,
                         check=False)
    commit = git.stdout.strip() or "unknown"
    return (f"Measured on {dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC at commit {commit}: "
            f"{system}, {os.cpu_count()} x {model[1] if model else platform.machine()}, {memory:.0f} GiB, "
            f"CPython {platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end.")


def write_section(page: Path, name: str, text: str) -> None:
    """Replace the section `name` of the page, or put it in its place."""
    old = page.read_text() if page.exists() else HEAD
    parts = dict(re.findall(r"<!-- begin (\w+) -->\n(.*?)<!-- end \1 -->", old, re.DOTALL))
    parts[name] = text.strip() + "\n"
    order = [n for n in SECTIONS if n in parts] + sorted(set(parts) - set(SECTIONS))
    blocks = [f"<!-- begin {n} -->\n{parts[n]}<!-- end {n} -->\n" for n in order]
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(HEAD + "\n" + "\n".join(blocks))
