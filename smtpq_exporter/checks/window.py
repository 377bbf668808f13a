"""What the log of one mail server told in a window of time: the difference of two tallies.

Law: pure. A counter that fell (the state of the log was lost) counts from zero, never negative; a window too
short to judge is UNKNOWN, never a rate of 0.
"""

from __future__ import annotations

from smtpq_exporter.checks.evaluate import Finding, faults, title
from smtpq_exporter.checks.quantity import say_duration
from smtpq_exporter.checks.range import INFINITY
from smtpq_exporter.checks.result import UNKNOWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: A rate over less than this says nothing. Seconds.
SHORTEST = 55.0


class Window:
    """The counters that were added between `before` and `log`; `seconds` long."""

    __slots__ = ("_before", "_log", "seconds")

    def __init__(self, log: dict[str, Any], before: dict[str, Any] | None, seconds: float) -> None:
        self._log, self._before, self.seconds = log, before or {}, seconds

    def attempts(self) -> dict[str, int]:
        """Delivery attempts by status: sent, deferred, bounced, expired."""
        return self._added("deliveries")

    def reasons(self, field: str) -> dict[str, int]:
        """Deferrals or bounces by reason class; deferrals that were no attempt (suspended) are left out."""
        if field == "bounces":
            return self._added("bounces")
        rows = (self._log["deferrals"], self._before.get("deferrals", ()))
        now, then = ({reason: n for reason, suspended, n in side if not suspended} for side in rows)
        return _difference(now, then)

    def destinations(self, status: str) -> dict[str, int]:
        """Domains of the top N by attempts that ended with `status`."""
        rows = (self._log["destinations"], self._before.get("destinations", ()))
        now, then = ({domain: n for domain, state, n in side if state == status} for side in rows)
        return _difference(now, then)

    def latency(self) -> Distribution | None:
        """How long messages took from arrival to their final delivery; None if the log does not tell."""
        now, then = self._log["latency"], self._before.get("latency")
        if now is None:
            return None
        counts = now["counts"]
        if then is not None and then["bounds"] == now["bounds"] and sum(then["counts"]) <= sum(counts):
            counts = [max(0, a - b) for a, b in zip(counts, then["counts"], strict=True)]
        return Distribution(now["bounds"], counts)

    def _added(self, field: str) -> dict[str, int]:
        return _difference(self._log[field], self._before.get(field, {}))


def _difference(now: dict[str, int], then: dict[str, int]) -> dict[str, int]:
    added = {key: n - then.get(key, 0) if n >= then.get(key, 0) else n for key, n in now.items()}
    return {key: n for key, n in added.items() if n}


class Distribution:
    """Values in buckets: `counts[i]` were above the edge before, at most `bounds[i]`; the last has no end."""

    __slots__ = ("bounds", "count", "counts")

    def __init__(self, bounds: list[float], counts: list[int]) -> None:
        self.bounds, self.counts, self.count = [*bounds, INFINITY], counts, sum(counts)

    def quantile(self, share: float) -> float | None:
        """The value below which `share` of all lie, straight within its bucket; None if there is no value."""
        rank, below, low = share * self.count, 0.0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=True):
            if count and below + count >= rank:
                return low if bound == INFINITY else low + (bound - low) * max(0.0, rank - below) / count
            below += count
            low = bound if bound != INFINITY else low
        return None

    def above(self, limit: float) -> float:
        """How many values are above `limit`, straight within its bucket."""
        amount, low = 0.0, 0.0
        for bound, count in zip(self.bounds, self.counts, strict=True):
            if low >= limit:
                amount += count
            elif bound > limit:
                amount += count * (0.0 if bound == INFINITY else (bound - limit) / (bound - low))
            low = bound
        return amount


def seen(mta: dict[str, Any], sample: dict[str, Any], finding: Finding) -> Window | None:
    """The window of one mail server; where there is none, the finding says why (UNKNOWN)."""
    why = " and ".join(faults(mta, log=True))
    log, before = mta["log"], mta["before"]
    if log is None:
        remedy = "its log is not followed; name it under logs in the exporter's configuration"
        finding.say(why or remedy, UNKNOWN)
        return None
    if why:
        finding.say(why, UNKNOWN)
        return None
    seconds = float(sample["time"]) - float(before["time"]) if before else 0.0
    if seconds < SHORTEST:
        finding.say("its log was not followed long enough for a rate; ask again in a minute", UNKNOWN)
        return None
    return Window(log, before, seconds)


def unseen(mta: dict[str, Any]) -> Finding:
    """An empty finding for one mail server."""
    return Finding(title(mta))


def over(window: Window) -> str:
    """``in 15m``: how long the window really is."""
    return f"in {say_duration(round(window.seconds / 60) * 60)}"


def ranked(counts: dict[str, int], most: int) -> list[tuple[str, int]]:
    """The largest counts, largest first."""
    return sorted(((k, n) for k, n in counts.items() if n), key=lambda item: (-item[1], item[0]))[:most]
