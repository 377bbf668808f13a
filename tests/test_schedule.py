"""When a source is read next: the pure decisions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter import schedule
from smtpq_exporter.model import FAULT_KINDS, Fault
from smtpq_exporter.schedule import Course, Pace

PACE = Pace(interval=15.0, timeout=10.0, duty=0.05)
FAULT = Fault("timeout", "too slow")


def good(course: Course, duration: float, started: float = 0.0, pace: Pace = PACE) -> Course:
    """One more good reading."""
    return schedule.succeeded(
        course, pace, started=started, duration=duration, truncated=False, seen=started + duration
    )


def test_a_cheap_source_keeps_its_interval() -> None:
    """Readings below their share of time come at the configured interval."""
    course = good(good(schedule.begin("spool", PACE), 0.1), 0.1)
    assert course.state.interval == 15.0
    assert schedule.next_start(course, 100.0, 100.1) == 115.0


def test_a_dear_source_is_read_less_often() -> None:
    """A reading of 3 s may take 5 % of the time: one each minute."""
    course = good(good(schedule.begin("spool", PACE), 3.0), 3.0)
    assert course.state.interval == pytest.approx(60.0)
    assert course.state.configured_interval == 15.0


def test_one_dear_reading_is_no_habit() -> None:
    """The first reading of a queue, or one on a busy machine, slows nothing down; a second does."""
    course = good(schedule.begin("spool", PACE), 16.0)
    assert course.state.interval == 15.0
    assert schedule.next_start(course, 0.0, 16.0) == 32.0  # but it rests as long as it worked
    assert good(course, 0.1).state.interval == 15.0
    assert good(course, 10.0).state.interval == pytest.approx(200.0)


def test_it_recovers_its_pace() -> None:
    """A source that became cheap again is read at its interval again."""
    course = good(good(good(schedule.begin("spool", PACE), 3.0), 3.0), 0.1)
    assert course.state.interval == 15.0


def test_a_failure_is_counted_by_kind_and_keeps_the_last_success() -> None:
    """All kinds are there from the beginning, at 0."""
    course = schedule.begin("spool", PACE)
    assert course.state.errors == dict.fromkeys(FAULT_KINDS, 0)
    course = schedule.failed(good(course, 0.1, 50.0), PACE, FAULT, started=65.0, duration=10.0)
    assert course.state.errors == {**dict.fromkeys(FAULT_KINDS, 0), "timeout": 1}
    assert (course.state.success, course.state.fault) == (False, FAULT)
    assert course.state.last_success == pytest.approx(50.1)
    healed = good(course, 0.1, 130.0)
    assert (healed.state.success, healed.state.fault, healed.state.errors["timeout"]) == (True, None, 1)


def test_a_failing_source_is_asked_again_within_a_minute() -> None:
    """A long timeout is mostly waiting: it keeps the source away for a minute; a quick failure does not."""
    course = good(schedule.begin("showq", PACE), 0.1)
    for duration, interval in ((10.0, schedule.RETRY_SECONDS), (0.01, PACE.interval)):
        course = schedule.failed(course, PACE, FAULT, started=0.0, duration=duration)
        assert course.state.interval == interval


def test_a_queue_that_is_being_learnt_goes_on_soon() -> None:
    """When the first reading did not end in time, the next one goes on after an interval."""
    course = schedule.failed(schedule.begin("spool", PACE), PACE, FAULT, started=0.0, duration=40.0)
    assert course.state.interval == PACE.interval
    assert schedule.next_start(course, 0.0, 40.0) == 40.0 + PACE.interval


def test_a_slow_source_stays_slow_when_it_fails() -> None:
    """The duty limit holds for failures too."""
    course = schedule.begin("spool", PACE)
    for _ in range(2):
        course = good(course, 10.0)
    assert schedule.failed(course, PACE, FAULT, started=0.0, duration=0.01).state.interval == 200.0


def test_the_first_reading_may_take_longer() -> None:
    """It learns the whole queue."""
    course = schedule.begin("spool", PACE)
    assert schedule.timeout(course, PACE) == 40.0
    assert schedule.timeout(good(course, 1.0), PACE) == 10.0


def test_samples_expire_after_three_intervals() -> None:
    """The default of max_staleness."""
    course = good(schedule.begin("spool", PACE), 0.0, started=100.0)
    assert not schedule.expired(course, PACE, 145.0)
    assert schedule.expired(course, PACE, 145.1)
    assert schedule.expired(schedule.begin("spool", PACE), PACE, 0.0)


def test_samples_expire_after_the_configured_staleness() -> None:
    """max_staleness is kept to the second, failures or not."""
    pace = Pace(interval=15.0, max_staleness=20.0)
    course = good(schedule.begin("spool", pace), 0.0, started=100.0, pace=pace)
    course = schedule.failed(course, pace, FAULT, started=115.0, duration=1.0)
    assert not schedule.expired(course, pace, 120.0)
    assert schedule.expired(course, pace, 120.1)


def test_a_slowed_source_is_not_absent_between_its_readings() -> None:
    """What the duty limit reads less often stays visible until its next reading is due."""
    pace = Pace(interval=15.0, timeout=30.0, max_staleness=20.0)
    course = schedule.begin("spool", pace)
    for started in (0.0, 15.0):
        course = good(course, 5.0, started, pace)
    assert course.state.interval == pytest.approx(100.0)
    assert not schedule.expired(course, pace, 20.0 + 100.0)


@given(st.floats(0.001, 1000), st.floats(1, 600), st.floats(0.01, 1))
def test_the_duty_limit_holds(duration: float, interval: float, duty: float) -> None:
    """In the long run readings never take more than their share of time."""
    pace = Pace(interval=interval, duty=duty)
    course = good(good(schedule.begin("spool", pace), duration, pace=pace), duration, pace=pace)
    due = schedule.next_start(course, 0.0, duration)
    assert duration / due <= duty * 1.000001 or (duration / due <= 0.5 + 1e-9 and duty > 0.5)
    assert due >= interval
