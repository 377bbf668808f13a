"""A real Postfix queue grows, breaks, drains; Nagios 4, Icinga 2, NRPE go OK, WARNING, CRITICAL, UNKNOWN, OK.

The definitions are those that are shipped, with their default limits; only the intervals are seconds here.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.checks.monitors import Icinga, Monitor, Nagios, Nrpe, Seen
from tests.checks.nagios import PLUGINS
from tests.checks.readers import sensu
from tests.e2e.process import Exporter
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


class Story:
    """What happened, and what each of the three knew at each moment."""

    def __init__(self, postfix: PostfixServer, exporter: Exporter, monitors: tuple[Monitor, ...]) -> None:
        self.postfix, self.exporter, self.monitors = postfix, exporter, monitors
        self.moments: dict[str, dict[str, Seen]] = {}

    def remember(self, moment: str, state: str, text: str, deferred: int | None = None) -> None:
        """Wait until all three know this state, this text and so many deferred messages."""
        known: dict[str, Seen] = {}

        def all_know() -> bool:
            for monitor in self.monitors:
                seen = monitor.seen("queue")
                if seen is not None:
                    known[type(monitor).__name__] = seen
            return all(
                seen.state == state and text in seen.output
                and sensu(f"| {seen.perfdata}").get("deferred") == deferred for seen in known.values())

        try:
            wait_for(all_know, 120, every=0.3)
        except AssertionError:
            pytest.fail(f"{moment}: not all know {state} {text!r}: {known}")
        self.moments[moment] = dict(known)

    def deferred(self, count: int) -> None:
        """Bring the deferred queue to so many messages."""
        self.postfix.inject(count - self.postfix.count("deferred"), {"greylist": 1}, seed=count)
        self.postfix.wait_idle(120)
        assert self.postfix.count("deferred") == count


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """The whole story, told once."""
    with ExitStack() as stack:
        sink = stack.enter_context(Sink())
        postfix = stack.enter_context(PostfixServer(sink))
        exporter = stack.enter_context(Exporter(CONFIG.format(p=postfix)))
        monitors = tuple(stack.enter_context(kind(exporter.url)) for kind in (Nagios, Icinga, Nrpe))
        told = Story(postfix, exporter, monitors)
        told.remember("empty", "OK", "postfix: 0 messages", 0)
        told.deferred(120)
        told.remember("grows", "WARNING", "postfix: 120 messages (above 100)", 120)
        told.deferred(510)
        told.remember("overflows", "CRITICAL", "postfix: 510 messages (above 500)", 510)
        postfix.stop()
        told.remember("down", "CRITICAL", "mail system is down", 510)
        exporter.stop()
        told.remember("blind", "UNKNOWN", "no exporter listens")
        wait_for(lambda: all(m.seen("exporter").state == "CRITICAL" for m in monitors), 60, every=0.3)
        exporter.start()
        postfix.start()
        postfix.drain(120)
        told.remember("drained", "OK", "postfix: 0 messages", 0)
        wait_for(lambda: all(m.seen("exporter").state == "OK" for m in monitors), 60, every=0.3)
        yield told


def test_states(story: Story) -> None:
    """All three went through all states together."""
    states = [next(iter(known.values())).state for known in story.moments.values()]
    assert states == ["OK", "WARNING", "CRITICAL", "CRITICAL", "UNKNOWN", "OK"]
    assert all(len(known) == 3 for known in story.moments.values())


def test_numbers_arrive(story: Story) -> None:
    """The numbers that each system took from the output are those of the queue."""
    for moment, count in (("empty", 0), ("grows", 120), ("overflows", 510), ("drained", 0)):
        for name, seen in story.moments[moment].items():
            numbers = sensu(f"| {seen.perfdata}")
            assert numbers["messages"] == numbers["deferred"] == count, (moment, name)
            assert numbers["hold"] == 0


def test_icinga_takes_every_number_and_limit(story: Story) -> None:
    """Icinga's own parser kept all pairs, with unit and limits."""
    perfdata = story.moments["grows"]["Icinga"].perfdata
    assert perfdata.startswith("messages=120;100;500;0")
    assert "oldest_age=" in perfdata
    assert len(perfdata.split()) == 10


def test_unknown_has_no_numbers(story: Story) -> None:
    """Nobody draws a zero while nobody sees."""
    assert {seen.perfdata for seen in story.moments["blind"].values()} == {""}


def test_long_output_tells_why(story: Story) -> None:
    """The long output names the reason for which mail waits."""
    for seen in story.moments["overflows"].values():
        [count] = re.findall(r"recipients deferred by reason: greylisted (\d+)", seen.long_output)
        assert int(count) >= 510
        assert "mostly greylisted" in seen.output


def test_200_plugins_at_once(story: Story) -> None:
    """200 plugins that start together against the one real exporter all get their answer."""
    argv = [str(PLUGINS / "check_smtpq_queue"), "--url", story.exporter.url, "-t", "50"]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(200)]
    outputs = [child.communicate(timeout=100)[0] for child in running]
    assert {child.returncode for child in running} == {0}
    assert all(output.startswith(b"SMTPQ OK - postfix: 0 messages | ") for output in outputs)
