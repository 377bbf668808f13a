"""When a source is read next, and what one more reading means for its state: the decisions of the sampler.

Pure: every moment is given. `started` and `finished` are seconds of one clock; the sampler uses wall time for
what is shown and a monotonic clock for what is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from smtpq_exporter.model import FAULT_KINDS, Fault, SourceState

#: Intervals for which the last good reading is kept when nothing else is configured.
STALE_INTERVALS = 3
#: A failing source is asked again after this many seconds at the latest: mostly it waited instead of working.
RETRY_SECONDS = 60.0
#: The first reading learns the whole queue and may take this many times as long as the later ones.
FIRST_READING = 4


@dataclass(frozen=True, slots=True)
class Pace:
    """How one source is to be read: seconds, and as `duty` the share of time that readings may take."""

    interval: float = 15.0
    timeout: float = 30.0
    duty: float = 0.05
    max_staleness: float | None = None


@dataclass(frozen=True, slots=True)
class Course:
    """How the reading of one source has gone so far.

    `durations` are those of the last two good readings; `seen` is when the last of them ended, on the clock
    that cannot be set back.
    """

    state: SourceState
    durations: tuple[float, ...] = ()
    seen: float | None = None


def begin(source: str, pace: Pace, why: str = "") -> Course:
    """The course of a source that was never read."""
    return Course(
        SourceState(
            source,
            interval=pace.interval,
            configured_interval=pace.interval,
            why=why,
            errors=dict.fromkeys(FAULT_KINDS, 0),
        )
    )


def timeout(course: Course, pace: Pace) -> float:
    """Seconds that the next reading may take."""
    return pace.timeout * (1 if course.state.last_success is not None else FIRST_READING)


def succeeded(
    course: Course, pace: Pace, *, started: float, duration: float, truncated: bool, seen: float
) -> Course:
    """The course after a good reading."""
    durations = (*course.durations[-1:], duration)
    state = replace(
        course.state,
        success=True,
        duration=duration,
        last_attempt=started,
        last_success=round(started + duration, 3),
        truncated=truncated,
        fault=None,
        interval=_interval(pace, durations),
    )
    return Course(state, durations, seen)


def failed(course: Course, pace: Pace, fault: Fault, *, started: float, duration: float) -> Course:
    """The course after a reading that failed or has not come back in time."""
    errors = dict(course.state.errors)
    errors[fault.kind] = errors.get(fault.kind, 0) + 1
    interval = _interval(pace, course.durations)
    if course.state.last_success is not None:  # until then a long queue is being learnt, piece by piece
        interval = max(interval, min(duration / pace.duty, RETRY_SECONDS))
    state = replace(
        course.state,
        success=False,
        duration=duration,
        last_attempt=started,
        fault=fault,
        errors=errors,
        truncated=False,
        interval=interval,
    )
    return replace(course, state=state)


def next_start(course: Course, started: float, finished: float) -> float:
    """When to read again: an interval after the last start, and after a rest as long as the reading was.

    A queue that is being learnt is not kept waiting that long: what was learnt is not read again.
    """
    rest = finished - started
    if course.state.last_success is None:
        rest = min(rest, course.state.interval)
    return max(started + course.state.interval, finished + rest)


def expired(course: Course, pace: Pace, now: float) -> bool:
    """Whether the last good reading is too old to be shown; `now` is on the same clock as `seen`.

    A source that the duty limit slows down keeps its samples until the next reading is due; without that it
    would be absent most of the time.
    """
    last = course.seen
    if last is None:
        return True
    interval = _interval(pace, course.durations)
    if pace.max_staleness is None:
        return now - last > STALE_INTERVALS * interval
    slowed = 0.0 if interval <= pace.interval else interval + pace.timeout
    return now - last > max(pace.max_staleness, slowed)


def _interval(pace: Pace, durations: tuple[float, ...]) -> float:
    """The configured interval, or longer where readings would take more than their share of the time.

    The shorter of the last two counts: the first reading of a queue, or one on a busy machine, says nothing
    yet.
    """
    if len(durations) < 2:
        return pace.interval
    return max(pace.interval, min(durations) / pace.duty)
