"""The two ways of reading a log, of any mail server: fed in batches, and as the sum of its events."""

from __future__ import annotations

import lzma
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.model import LogTally
from smtpq_exporter.mta.base import LogParser
from smtpq_exporter.mta.exim.log import EximLog
from smtpq_exporter.mta.opensmtpd.log import OpensmtpdLog
from smtpq_exporter.mta.postfix.log import PostfixLog
from smtpq_exporter.mta.sendmail.log import SendmailLog
from smtpq_exporter.reasons import Classifier
from tests.logs import golden

CLASSIFIER = Classifier()
NOW = 1.8e9
#: What only following knows.
_FOLLOWED = frozenset({"lines", "last_line", "taken_at"})


@dataclass(frozen=True)
class Reading:
    """A mail server's log parser and its golden logs."""

    mta: str
    parser: Callable[..., LogParser]
    fed_only: frozenset[str] = frozenset()
    """What several lines tell together, and no sum of events does."""
    put: Sequence[bytes] = ()
    """What is put into lines to damage them, beside what means something in any log."""

    @cached_property
    def paths(self) -> list[Path]:
        """The golden logs."""
        return sorted((golden.GOLDEN / self.mta / "log").glob("*.log"))

    @cached_property
    def lines(self) -> list[bytes]:
        """All golden lines."""
        return golden.lines(self.mta)

    @cached_property
    def real(self) -> list[bytes]:
        """A whole log that a real server wrote, where it is kept."""
        place = golden.GOLDEN / self.mta / "real" / "mixed.log.xz"
        return lzma.decompress(place.read_bytes()).splitlines() if place.exists() else []

    def golden(self, name: str) -> list[bytes]:
        """The lines of one golden log."""
        return [line for _, line in golden.cases(golden.GOLDEN / self.mta / "log" / f"{name}.log")]

    def counted(self, lines: Sequence[bytes], *, by: int | None = None) -> LogTally:
        """What feeding comes to, in batches of `by` lines."""
        return self._fed(Tally(), lines, by).freeze(NOW)

    def restarted(self, lines: Sequence[bytes], at: int) -> LogTally:
        """The same, with the counters saved and restored after `at` lines."""
        first = self._fed(Tally(), lines[:at])
        return self._fed(Tally.restore(first.state()), lines[at:]).freeze(NOW)

    def summed(self, lines: Sequence[bytes]) -> LogTally:
        """What the events come to, one by one."""
        tally = Tally()
        parser = self.parser(tally, CLASSIFIER, now=NOW)
        for line in lines:
            event = parser.event(line)
            if event is not None:
                tally.add(event)
        return tally.freeze(NOW)

    def both_ways(self, lines: Sequence[bytes], *, by: int | None = None) -> LogTally:
        """What feeding comes to; it is the sum of the events."""
        fed = self.counted(lines, by=by)
        assert facts(fed, without=self.fed_only) == facts(self.summed(lines), without=self.fed_only)
        return fed

    def _fed(self, tally: Tally, lines: Sequence[bytes], by: int | None = None) -> Tally:
        parser = self.parser(tally, CLASSIFIER, now=NOW)
        step = by or max(len(lines), 1)
        for start in range(0, len(lines), step):
            parser.feed(lines[start : start + step])
        return tally


def facts(tally: LogTally, *, without: frozenset[str] = frozenset()) -> dict[str, object]:
    """Everything but what only following knows."""
    names = set(LogTally.__dataclass_fields__) - _FOLLOWED - without
    return {name: getattr(tally, name) for name in sorted(names)}


POSTFIX = Reading("postfix", PostfixLog, put=(b")", b"to=<", b", "))
EXIM = Reading("exim", EximLog, put=(b"\r", b")", b" => ", b" defer (1)", b' C="', b" QT=1s", b"/"))
SENDMAIL = Reading(
    "sendmail", SendmailLog, fed_only=frozenset({"removed", "latency", "delays", "destinations"}),
    put=(b", ", b", stat=", b", reject=", b"to=<", b"\\"),
)
OPENSMTPD = Reading(
    "opensmtpd", OpensmtpdLog, fed_only=frozenset({"removed", "latency", "delays"}),
    put=(b' result="Ok"', b" to=<x@y>", b"\n", b"event=", b"0"),
)
READINGS: Mapping[str, Reading] = {each.mta: each for each in (POSTFIX, EXIM, SENDMAIL, OPENSMTPD)}
