"""The sampler with threads, over readers that succeed, fail, hang and recover."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io.fake import FakeReader
from smtpq_exporter.io.reader import QueueReader
from smtpq_exporter.model import LogTally, QueueSnapshot, Sample, SourceState, State
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.sampler import Sampler, Watch
from smtpq_exporter.schedule import Pace
from smtpq_exporter.source import QueueSource
from smtpq_exporter.worker import Worker
from tests.states import snapshot, stats, tally
from tests.wait import wait_for

FAST = Pace(interval=0.05, timeout=0.1, duty=1.0, max_staleness=0.4)


def full(now: float) -> QueueSnapshot:
    """A queue with five messages."""
    return snapshot(now, deferred=stats(5, 100.0))


class Scene:
    """A sampler with some fake readers, by the name of their instance."""

    def __init__(self, pace: Pace = FAST, **readers: FakeReader | SourceError) -> None:
        self.sampler = Sampler()
        self.published: list[State] = []
        self.sampler.listeners.append(self.published.append)
        self.opened: list[str] = []
        self.readers = readers
        self.watches = [self.watch(name, pace) for name in readers]

    def watch(self, name: str, pace: Pace) -> Watch:
        """Watch the instance `name`."""
        instance = Instance("postfix", name)
        source = QueueSource(instance, self._open)
        return Watch(instance, Worker(f"{name} queue", source, pace, self.sampler.publish), None)

    def _open(self, instance: Instance) -> QueueReader:
        self.opened.append(instance.name)
        reader = self.readers[instance.name]
        if isinstance(reader, SourceError):
            raise reader
        return reader

    def sample(self, name: str) -> Sample | None:
        """The newest sample of an instance."""
        return next((one for one in self.sampler.state().samples if one.instance == name), None)

    def source(self, name: str) -> SourceState:
        """How its queue source does."""
        found = self.sample(name)
        assert found is not None
        return found.sources[0]


@contextmanager
def scene(pace: Pace = FAST, **readers: FakeReader | SourceError) -> Iterator[Scene]:
    """A running scene, ended even when the test fails."""
    made = Scene(pace, **readers)
    made.sampler.start(made.watches, None)
    try:
        yield made
    finally:
        for reader in readers.values():
            if isinstance(reader, FakeReader):
                reader.gate.set()
        made.sampler.stop()


def failing(error: Exception) -> Callable[[float], QueueSnapshot]:
    """What a reader does that fails."""

    def make(_now: float) -> QueueSnapshot:
        raise error

    return make


def test_a_good_source_is_seen() -> None:
    """Counts, version, liveness and the source's own state arrive in one State."""
    with scene(a=FakeReader(full)) as here:
        found = wait_for(lambda: (one := here.sample("a")) and one.queue and one)
        assert isinstance(found, Sample)
        assert found.queue is not None
        assert found.queue.queues["deferred"].messages == 5
        assert (found.up, found.version) == (True, "1.0")
        assert found.sources[0].success
        assert found.sources[0].source == "fake"
        assert found.sources[0].why == "a test asked for it"
        assert here.sampler.ready()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (SourceError("permission", "no", "join the group"), "permission"),
        (SourceError("timeout", "slow"), "timeout"),
        (SourceError("unavailable", "gone"), "unavailable"),
        (SourceError("truncated", "too large"), "truncated"),
        (ParseError("line 1", "nonsense", b"\xff"), "parse"),
        (ZeroDivisionError("a fault in a reader"), "unavailable"),
    ],
)
def test_a_failure_is_data(error: Exception, kind: str) -> None:
    """Each failure becomes a Fault of its kind and is counted; no number is shown; the thread lives on."""
    reader = FakeReader(failing(error))
    with scene(a=reader) as here:
        wait_for(lambda: reader.readings >= 3)
        state = wait_for(lambda: here.source("a").errors[kind] >= 2 and here.source("a"))
        assert isinstance(state, SourceState)
        assert not state.success
        assert state.fault is not None
        assert state.fault.kind == kind
        found = here.sample("a")
        assert found is not None
        assert found.queue is None


def test_old_samples_are_kept_for_a_while_and_no_longer() -> None:
    """After a failure the last good reading stays until max_staleness, then its numbers are gone."""
    broken = threading.Event()

    def make(now: float) -> QueueSnapshot:
        if broken.is_set():
            raise SourceError("unavailable", "gone")
        return full(now)

    with scene(a=FakeReader(make)) as here:
        wait_for(lambda: (one := here.sample("a")) and one.queue)
        broken.set()
        wait_for(lambda: not here.source("a").success)
        last = here.source("a").last_success
        assert last is not None
        kept = [
            one
            for one in here.published
            if (s := one.samples[0]).queue is not None and not s.sources[0].success
        ]
        wait_for(lambda: (one := here.sample("a")) and one.queue is None)
        assert all(one.taken_at - last <= 0.4 + 0.01 for one in kept)
        assert here.sampler.state().taken_at - last > 0.4


def test_a_source_recovers_by_itself() -> None:
    """When the cause is gone the numbers come back."""
    broken = threading.Event()
    broken.set()

    def make(now: float) -> QueueSnapshot:
        if broken.is_set():
            raise SourceError("unavailable", "gone")
        return full(now)

    with scene(a=FakeReader(make)) as here:
        wait_for(lambda: here.sample("a") and here.source("a").fault)
        broken.clear()
        found = wait_for(lambda: (one := here.sample("a")) and one.queue and one)
        assert isinstance(found, Sample)
        assert found.sources[0].success
        assert found.sources[0].fault is None
        assert found.sources[0].errors["unavailable"] >= 1


@pytest.mark.parametrize(("configured", "opened"), [("auto", 2), ("spool", 1)])
def test_another_way_is_looked_for_after_two_failures(configured: str, opened: int) -> None:
    """One failure does not throw away what a reader has learnt, and a fixed way stays."""
    readers: list[FakeReader] = []

    def open_reader(_instance: Instance) -> QueueReader:
        readers.append(FakeReader(failing(SourceError("unavailable", "gone"))))
        return readers[-1]

    source = QueueSource(Instance("postfix", "a", source=configured), open_reader)
    for _ in range(3):
        with pytest.raises(SourceError):
            source.read(1.0, 1e12)
    assert len(readers) == opened
    assert readers[0].readings == (2 if opened == 2 else 3)
    assert readers[0].closed is (opened == 2)


def test_a_reader_that_cannot_be_opened_is_a_fault() -> None:
    """Without a way to read, the configured name of the source carries the fault."""
    with scene(a=SourceError("permission", "no way", "join postdrop")) as here:
        state = wait_for(lambda: here.sample("a") and here.source("a").fault and here.source("a"))
        assert isinstance(state, SourceState)
        assert state.source == "auto"
        assert state.fault is not None
        assert state.fault.hint == "join postdrop"


def test_a_hanging_reader_blocks_nobody() -> None:
    """It is counted as a timeout, the other source goes on, and the sampler can be stopped."""
    hanging, lively = FakeReader(full), FakeReader(full)
    hanging.gate.clear()
    with scene(bad=hanging, good=lively) as here:
        bad = here.watches[0].queue
        assert bad is not None
        wait_for(lambda: here.sample("good") and lively.readings >= 2)
        assert not here.sampler.ready()
        assert not bad.check(time.monotonic())  # not yet late
        assert bad.check(time.monotonic() + 60.0)
        assert not bad.check(time.monotonic() + 61.0)  # counted once
        here.sampler.publish()
        state = here.source("bad")
        assert state.fault is not None
        assert state.fault.kind == "timeout"
        assert state.errors["timeout"] == 1
        before = lively.readings
        wait_for(lambda: lively.readings > before)
        begun = time.monotonic()
        here.sampler.stop(seconds=0.3)
        assert time.monotonic() - begun < 30.0
        assert hanging.readings == 0


def test_a_late_answer_is_still_used() -> None:
    """A reading that hung and came back counts again as success."""
    reader = FakeReader(full)
    reader.gate.clear()
    with scene(a=reader) as here:
        worker = here.watches[0].queue
        assert worker is not None
        wait_for(lambda: worker.busy)
        assert worker.check(time.monotonic() + 60.0)
        reader.gate.set()
        wait_for(lambda: worker.state().success)
        assert worker.state().errors["timeout"] == 1


def test_each_reading_is_published_once() -> None:
    """Rendering happens once for each reading, and a State never changes afterwards."""
    reader = FakeReader(full)
    with scene(a=reader) as here:
        wait_for(lambda: len(here.published) >= 5)
        first = here.published[0]
        assert first is not here.published[1]
        taken = [one.samples[0].queue.taken_at for one in here.published if one.samples[0].queue is not None]
        assert taken == sorted(set(taken))


def test_a_listener_that_fails_does_not_stop_the_readings() -> None:
    """A fault in rendering is logged and the sampler goes on."""
    reader = FakeReader(full)
    made = Scene(FAST, a=reader)

    def broken(_state: State) -> None:
        raise ZeroDivisionError

    made.sampler.listeners.append(broken)
    made.sampler.start(made.watches, None)
    try:
        wait_for(lambda: len(made.published) >= 3)
    finally:
        made.sampler.stop()


def test_truncated_readings_say_so() -> None:
    """A snapshot that hit a limit is shown and marked."""

    def make(now: float) -> QueueSnapshot:
        return QueueSnapshot(now, "fake", {"deferred": stats(5, 1.0)}, truncated=True)

    with scene(a=FakeReader(make)) as here:
        wait_for(lambda: here.sample("a") and here.source("a").truncated)
        assert here.source("a").success


def test_change_keeps_what_is_the_same() -> None:
    """A reload does not open the reader of an unchanged watch again; the others are stopped and started."""
    first, second, third = FakeReader(full), FakeReader(full), FakeReader(full)
    with scene(a=first, b=second) as here:
        wait_for(here.sampler.ready)
        here.readers["c"] = third
        here.sampler.change([here.watches[0], here.watch("c", FAST)], None)
        wait_for(lambda: here.sample("c") and here.source("c").success)
        assert {one.instance for one in here.sampler.state().samples} == {"a", "c"}
        assert here.opened.count("a") == 1
        assert not first.closed
        wait_for(lambda: second.closed)


def test_the_way_of_reading_may_change() -> None:
    """When another way is chosen, its label appears and the counts of each way are its own."""
    ways = [
        FakeReader(failing(SourceError("permission", "no")), source="spool"),
        FakeReader(full, source="showq", why="the spool is closed"),
    ]
    made = Scene(FAST, a=ways[0])
    source = QueueSource(Instance("postfix", "a"), lambda _instance: ways.pop(0))
    made.watches = [Watch(Instance("postfix", "a"), Worker("a", source, FAST, made.sampler.publish), None)]
    made.sampler.start(made.watches, None)
    try:
        wait_for(lambda: made.sample("a") and made.source("a").success)
        assert made.source("a").source == "showq"
        assert made.source("a").why == "the spool is closed"
        assert made.source("a").errors["permission"] == 0
        assert {one.samples[0].sources[0].source for one in made.published} >= {"spool", "showq"}
    finally:
        made.sampler.stop()


class FakePump:
    """A log that is followed."""

    def __init__(self) -> None:
        self.closed = False

    def run(self, stop: threading.Event) -> None:
        """Follow nothing."""
        stop.wait(60.0)

    def tally(self, now: float) -> LogTally:
        """Always the same."""
        return tally()

    def states(self) -> tuple[SourceState, ...]:
        """One source."""
        return (SourceState("log", success=True, last_attempt=1.0),)

    def close(self) -> None:
        """Remember it."""
        self.closed = True


def test_logs_are_part_of_the_sample() -> None:
    """The tally and the state of the log stand beside the queue, and the pump is closed at the end."""
    pump = FakePump()
    made = Scene(FAST, a=FakeReader(full))
    made.watches[0].pump = pump
    made.sampler.start(made.watches, None)
    try:
        found = wait_for(lambda: (one := made.sample("a")) and one.log and one)
        assert isinstance(found, Sample)
        assert [one.source for one in found.sources] == ["fake", "log"]
        assert not made.sampler.behind()
    finally:
        made.sampler.stop()
    assert pump.closed
