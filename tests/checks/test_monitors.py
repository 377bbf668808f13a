"""A real Postfix queue grows, breaks, drains; Nagios 4, Icinga 2 and NRPE run all plugins and know each state.

The definitions are those that are shipped, with their default limits; only the intervals are seconds here. The
exporter's clock is set forward where a plugin looks at minutes; the queue lies on a disk with few inodes. One
state is missing: check_smtpq_exporter is never UNKNOWN while the exporter is gone, for that is its CRITICAL.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.checks.clock import AheadExporter
from tests.checks.monitors import Icinga, Monitor, Nagios, Nrpe, Seen
from tests.checks.nagios import PLUGINS
from tests.checks.readers import sensu
from tests.servers.disk import SmallDisk
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink
from tests.wait import wait_for

pytestmark = [pytest.mark.server(name) for name in ("postfix", "nagios4", "icinga2", "nrpe")]
CONFIG = """
sampling: {{interval: 1s, timeout: 10s, duty: 100%}}
host: {{interval: 1s}}
mtas:
  - {{mta: postfix, name: postfix, config_directory: {p.config_directory},
      queue_directory: {p.queue_directory}, logs: [{p.log}]}}
"""
#: 510 deferred messages are 1020 files; with those of Postfix itself 6 % of these are free then.
INODES = 1180
MINUTE = 61.0
#: All but check_smtpq_exporter.
BLIND = ("queue", "deferrals", "growth", "latency", "host")


class Story:
    """What happened, and what each of the three knew of each plugin at each moment."""

    def __init__(self, postfix: PostfixServer, exporter: AheadExporter, monitors: tuple[Monitor, ...]) -> None:
        self.postfix, self.exporter, self.monitors = postfix, exporter, monitors
        self.moments: dict[tuple[str, str], dict[str, Seen]] = {}

    def all_know(self, moment: str, plugin: str, states: str, text: str = "", **numbers: int) -> None:
        """Wait until each of the three knew one of these states of a plugin, this text and these numbers."""
        known = self.moments.setdefault((moment, plugin), {})
        last: dict[str, Seen | None] = {}

        def knows(monitor: Monitor) -> bool:
            name = type(monitor).__name__
            if name not in known:
                seen = last[name] = monitor.seen(plugin)
                if seen and seen.state in states.split() and text in seen.output:
                    found = sensu(f"| {seen.perfdata}")
                    if all(found.get(label) == number for label, number in numbers.items()):
                        known[name] = seen
            return name in known

        try:
            wait_for(lambda: all(knows(monitor) for monitor in self.monitors), 60, every=0.3)
        except AssertionError:
            pytest.fail(f"{moment}: not all know {plugin} {states} {text!r} {numbers}: {last}")

    def deferred(self, count: int) -> None:
        """Bring the deferred queue to so many messages."""
        self.postfix.inject(count - self.postfix.count("deferred"), {"greylist": 1}, seed=count)
        self.postfix.wait_idle(120)
        assert self.postfix.count("deferred") == count

    def all_is_well(self, moment: str) -> None:
        """Each plugin is OK. Only the processors of this machine may be busy: with us, or with others."""
        self.all_know(moment, "queue", "OK", "postfix: 0 messages", messages=0, deferred=0, hold=0)
        self.all_know(moment, "deferrals", "OK", "0 deferrals a minute in", deferrals_rate=0)
        self.all_know(moment, "growth", "OK", "over", messages=0)
        self.all_know(moment, "latency", "OK", late=0, late_queued=0)
        self.all_know(moment, "exporter", "OK", "2 sources read", sources=2, sources_failed=0)
        self.all_know(moment, "host", "OK WARNING", "inodes")
        for seen in self.moments[moment, "host"].values():
            limits = re.findall(r"(\w+) \S+ % \w+ \((?:above|below)", seen.output)
            assert limits == (["CPU"] if seen.state == "WARNING" else []), seen


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """The whole story, told once."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        disk = stack.enter_context(SmallDisk(INODES))
        postfix = stack.enter_context(PostfixServer(sink, place=str(disk.directory)))
        exporter = stack.enter_context(AheadExporter(CONFIG.format(p=postfix)))
        monitors = tuple(stack.enter_context(kind(exporter.url)) for kind in (Nagios, Icinga, Nrpe))
        told = Story(postfix, exporter, monitors)
        exporter.passes(5 * MINUTE)
        told.all_is_well("empty")

        told.deferred(120)
        exporter.passes(MINUTE)
        told.all_know("grows", "queue", "WARNING", "postfix: 120 messages (above 100)", messages=120, deferred=120)
        told.all_know("grows", "deferrals", "WARNING", "(above 10)")
        told.all_know("grows", "growth", "WARNING", "(above 10)", messages=120)
        told.all_know("grows", "latency", "OK", "no message in", late=0, late_queued=0)

        told.deferred(510)
        exporter.passes(MINUTE)
        told.all_know("overflows", "queue", "CRITICAL", "postfix: 510 messages (above 500)", messages=510, deferred=510)
        told.all_know("overflows", "deferrals", "CRITICAL", "(above 60)")
        told.all_know("overflows", "host", "CRITICAL", "inodes")
        exporter.passes(16 * MINUTE, step=16 * MINUTE)
        told.all_know("overflows", "latency", "CRITICAL", "510 of them still queued", late=100, late_queued=510)

        postfix.stop()
        for plugin in ("queue", "growth", "latency"):
            told.all_know("down", plugin, "CRITICAL", "mail system is down")

        exporter.stop()
        for plugin in BLIND:
            told.all_know("blind", plugin, "UNKNOWN", "no exporter listens")
        told.all_know("blind", "exporter", "CRITICAL", "no exporter listens")

        exporter.start()
        postfix.start()
        postfix.drain(120)
        exporter.passes(5 * MINUTE)
        told.all_is_well("drained")
        yield told


def test_queue_states(story: Story) -> None:
    """All three went through all states of the queue."""
    seen = [known for (_, plugin), known in story.moments.items() if plugin == "queue"]
    assert [{one.state for one in known.values()} for known in seen] == [
        {"OK"}, {"WARNING"}, {"CRITICAL"}, {"CRITICAL"}, {"UNKNOWN"}, {"OK"}]


@pytest.mark.parametrize("plugin", [*BLIND, "exporter"])
def test_each_plugin(story: Story, plugin: str) -> None:
    """All three read each plugin well, in trouble, without exporter, and well again."""
    moments = {moment: known for (moment, name), known in story.moments.items() if name == plugin}
    first, *_, last = moments
    assert (first, last) == ("empty", "drained")
    assert all(set(known) == {"Nagios", "Icinga", "Nrpe"} for known in moments.values())
    states = {seen.state for known in moments.values() for seen in known.values()}
    assert "CRITICAL" in states or plugin == "exporter"
    blind = {seen.state for seen in moments["blind"].values()}
    assert blind == ({"CRITICAL"} if plugin == "exporter" else {"UNKNOWN"})


def test_icinga_takes_every_number_and_limit(story: Story) -> None:
    """Icinga's own parser kept all pairs, with unit and limits."""
    perfdata = story.moments["grows", "queue"]["Icinga"].perfdata
    assert perfdata.startswith("messages=120;100;500;0")
    assert "oldest_age=" in perfdata
    assert len(perfdata.split()) == 10


@pytest.mark.parametrize("plugin", [*BLIND, "exporter"])
def test_unknown_has_no_numbers(story: Story, plugin: str) -> None:
    """Nobody draws a zero while nobody sees."""
    assert {seen.perfdata for seen in story.moments["blind", plugin].values()} == {""}


def test_long_output_tells_why(story: Story) -> None:
    """The long output names the reason for which mail waits."""
    for seen in story.moments["overflows", "queue"].values():
        [count] = re.findall(r"recipients deferred by reason: greylisted (\d+)", seen.long_output)
        assert int(count) >= 510
        assert "mostly greylisted" in seen.output


def test_deferrals_say_what_to_do(story: Story) -> None:
    """The log that the exporter follows gives reason, destination and advice."""
    for seen in story.moments["overflows", "deferrals"].values():
        assert "mostly greylisted" in seen.output
        assert "to greylist.example" in seen.output
        assert "greylisted: " in seen.long_output


def test_200_plugins_at_once(story: Story) -> None:
    """200 plugins that start together against the one real exporter all get their answer."""
    argv = [str(PLUGINS / "check_smtpq_queue"), "--url", story.exporter.url, "-t", "50"]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(200)]
    outputs = [child.communicate(timeout=100)[0] for child in running]
    assert {child.returncode for child in running} == {0}
    assert all(output.startswith(b"SMTPQ OK - postfix: 0 messages | ") for output in outputs)
