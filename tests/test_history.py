"""The ring of the last day."""

from __future__ import annotations

from smtpq_exporter.history import History, moment
from smtpq_exporter.model import Moment
from tests.states import NOW, snapshot, stats, tally


def test_one_moment_a_minute() -> None:
    """Readings in between are left out; the ring is bounded and keeps the newest."""
    history = History(step=60.0, length=5)
    for second in range(0, 1200, 15):
        history.record(NOW + second, snapshot(deferred=stats(second)), None)
    assert [one.time - NOW for one in history.moments()] == [900, 960, 1020, 1080, 1140]
    assert [one.messages for one in history.moments()] == [900, 960, 1020, 1080, 1140]


def test_what_is_not_known_stays_unknown() -> None:
    """A queue that cannot be read is None in the history; a minute without any knowledge has no moment."""
    assert moment(NOW, None, tally()) == Moment(NOW, None, 1200, 900_000, 80)
    assert moment(NOW, snapshot(hold=stats(3)), None) == Moment(NOW, 3, None, None, None)
    history = History()
    history.record(NOW, None, None)
    assert history.moments() == ()


def test_a_clock_set_back_drops_the_future() -> None:
    """Times in the history only grow."""
    history = History(step=60.0)
    for second in (0, 60, 120):
        history.record(NOW + second, snapshot(), tally())
    history.record(NOW + 70, snapshot(), None)
    times = [one.time for one in history.moments()]
    assert times == sorted(times)
    assert times[-1] <= NOW + 70
