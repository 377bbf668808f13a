"""The last day of one mail server, about one Moment a minute: enough for a sparkline and for "is it
growing?".

The log counters are kept whole for fewer moments, for "what failed in the last quarter of an hour?".
Pure: `now` is given. It lives in memory only; a restart begins a new one.
"""

from __future__ import annotations

from collections import deque

from smtpq_exporter.model import LogTally, Moment, QueueSnapshot

#: Seconds between two moments, and how many are kept.
STEP, LENGTH = 60.0, 24 * 60
#: Whole tallies: each minute of the last hour, then one in ten minutes; some kilobytes each.
FINE, COARSE_STEP, COARSE = 61, 600.0, 138


class History:
    """A ring of moments, oldest first."""

    def __init__(self, step: float = STEP, length: int = LENGTH) -> None:
        self._step = step
        self._moments: deque[Moment] = deque(maxlen=length)
        self._frozen: tuple[Moment, ...] = ()
        self._fine: deque[LogTally] = deque(maxlen=FINE)
        self._coarse: deque[LogTally] = deque(maxlen=COARSE)

    def record(self, now: float, queue: QueueSnapshot | None, log: LogTally | None) -> None:
        """Keep this moment if a step has passed since the last one; what is not known stays None.

        A clock that was set back drops what then lies in the future.
        """
        while self._moments and self._moments[-1].time > now:
            self._moments.pop()
            self._frozen = tuple(self._moments)
        for kept in (self._fine, self._coarse):
            while kept and kept[-1].taken_at > now:
                kept.pop()
        if self._moments and now - self._moments[-1].time < self._step:
            return
        if queue is None and log is None:
            return
        self._moments.append(moment(now, queue, log))
        self._frozen = tuple(self._moments)
        if log is not None:
            self._keep(log)

    def _keep(self, log: LogTally) -> None:
        if len(self._fine) == FINE:
            oldest = self._fine[0]
            if not self._coarse or oldest.taken_at - self._coarse[-1].taken_at >= COARSE_STEP:
                self._coarse.append(oldest)
        self._fine.append(log)

    def moments(self) -> tuple[Moment, ...]:
        """All moments, oldest first; the tuple is shared and never changed."""
        return self._frozen

    def tallies(self) -> tuple[LogTally, ...]:
        """The log counters as they stood at earlier moments, oldest first."""
        return (*self._coarse, *self._fine)


def moment(now: float, queue: QueueSnapshot | None, log: LogTally | None) -> Moment:
    """What is known at this moment in five numbers."""
    messages = None if queue is None else sum(stats.messages for stats in queue.queues.values())
    if log is None:
        return Moment(now, messages, None, None, None)
    deliveries = log.deliveries
    return Moment(
        now,
        messages,
        deliveries.get("deferred", 0),
        deliveries.get("sent", 0),
        deliveries.get("bounced", 0) + deliveries.get("expired", 0),
    )
