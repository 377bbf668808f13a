"""The totals of the report against those of pflogsumm, on logs of a real Postfix and on a day written by
hand.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from smtpq_exporter.report import report
from tests.report.logs import NAMES, read_log, text
from tests.servers import needs

#: Words of pflogsumm's grand totals -> our names. "recipient hosts/domains" means domains with a delivery
#: there.
WORDS = {
    "received": "received",
    "delivered": "delivered",
    "forwarded": "forwarded",
    "deferred": "deferred",
    "bounced": "bounced",
    "rejected": "rejected",
    "reject warnings": "reject_warnings",
    "held": "held",
    "discarded": "discarded",
    "bytes received": "bytes_received",
    "bytes delivered": "bytes_delivered",
    "senders": "senders",
}
_LINE = re.compile(r"^ *(\d+)([kmg ])  ([a-z /]+?)(?:  ?\(.*)?$", re.MULTILINE)
_DEFERRALS = re.compile(r"\((\d+) +deferrals\)")


def pflogsumm(path: Path) -> dict[str, tuple[int, str]]:
    """Its grand totals, (number, unit) by our names, and the number of deferrals."""
    program = needs.find("pflogsumm")
    assert program is not None
    told = subprocess.run([program, path], capture_output=True, text=True, check=True, timeout=60).stdout
    found = {WORDS[words]: (int(n), unit.strip()) for n, unit, words in _LINE.findall(told) if words in WORDS}
    deferrals = _DEFERRALS.search(told)
    return {**found, "deferrals": (int(deferrals[1]) if deferrals else 0, "")}


def in_unit(count: int, unit: str) -> int:
    """A number as pflogsumm prints it."""
    return int(count / {"": 1, "k": 1024, "m": 1 << 20, "g": 1 << 30}[unit])


@pytest.mark.server("pflogsumm")
@pytest.mark.parametrize("name", NAMES)
def test_totals_are_those_of_pflogsumm(tmp_path: Path, name: str) -> None:
    """Messages received, delivered, forwarded, deferred, bounced, rejected, held, bytes and senders agree."""
    path = tmp_path / "mail.log"
    path.write_bytes(text(name))
    theirs = pflogsumm(path)
    ours = report.make(read_log(path), "postfix", [str(path)], [], now=1.8e9).totals
    assert set(theirs) == {*WORDS.values(), "deferrals"}
    assert {key: in_unit(ours[key], unit) for key, (_, unit) in theirs.items()} == {
        key: count for key, (count, _) in theirs.items()
    }
