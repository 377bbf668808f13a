"""The last day of one mail server, about one Moment a minute: enough for a sparkline and for "is it
growing?".

Pure: `now` is given. It lives in memory only; a restart begins a new one.
"""

from __future__ import annotations

from collections import deque

from smtpq_exporter.model import LogTally, Moment, QueueSnapshot

#: Seconds between two moments, and how many are kept.
STEP, LENGTH = 60.0, 24 * 60


class History:
    """A ring of moments, oldest first."""

    def __init__(self, step: float = STEP, length: int = LENGTH) -> None:
        self._step = step
        self._moments: deque[Moment] = deque(maxlen=length)
        self._frozen: tuple[Moment, ...] = ()

    def record(self, now: float, queue: QueueSnapshot | None, log: LogTally | None) -> None:
        """Keep this moment if a step has passed since the last one; what is not known stays None.

        A clock that was set back drops what then lies in the future.
        """
        while self._moments and self._moments[-1].time > now:
            self._moments.pop()
        if self._moments and now - self._moments[-1].time < self._step:
            return
        if queue is None and log is None:
            return
        self._moments.append(moment(now, queue, log))
        self._frozen = tuple(self._moments)

    def moments(self) -> tuple[Moment, ...]:
        """All moments, oldest first; the tuple is shared and never changed."""
        return self._frozen


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
