"""Logs for the tests of the report: excerpts of what a real Postfix 3.7 wrote, and a short day written by
hand.
"""

from __future__ import annotations

import lzma
from pathlib import Path

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.report.digest import Digest, merge
from smtpq_exporter.report.files import segments
from smtpq_exporter.report.part import Part, Wanted
from smtpq_exporter.report.pool import read_all
from tests.logs.golden import GOLDEN

REAL = GOLDEN / "postfix" / "real"
DAY = REAL / "day.log"
NAMES = ("mixed", "longids", "retries", "day")


def text(name: str) -> bytes:
    """The bytes of a log."""
    packed = REAL / f"{name}.log.xz"
    return lzma.decompress(packed.read_bytes()) if packed.exists() else (REAL / f"{name}.log").read_bytes()


def read_log(path: Path, *, divide: int = 1 << 30, workers: int = 1, wanted: Wanted | None = None) -> Part:
    """Read a file in parts of `divide` bytes and put them together."""
    whole = Part(Tally(), Digest())
    for _, part in read_all(segments(str(path), 1.8e9, divide), wanted or Wanted(), workers, lambda _: None):
        assert isinstance(part, Part)
        merge(whole.digest, whole.tally, part.digest, part.tally)
        whole.lines += part.lines
    return whole
