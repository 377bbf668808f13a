"""What the program says at its start."""

from __future__ import annotations

from smtpq_exporter import startup
from smtpq_exporter.model import Fault, State
from smtpq_exporter.mta.base import Instance
from tests.states import NOW, sample, snapshot, source, state, stats

FOUND = "/usr/sbin/postfix is installed"
POSTFIX = Instance("postfix", "postfix", queue_directory="/var/spool/postfix", found_by=FOUND)
URLS = ["http://localhost:10125"]


def said(given: State, *instances: Instance) -> str:
    """The whole message."""
    return "\n".join(startup.lines(given, instances, URLS, "/metrics"))


def test_it_says_what_was_found_how_it_is_read_and_where_to_look() -> None:
    """One block for each mail server, then the addresses. The age is that of mail not held, as the check has it."""
    told = said(state(sample(sources=(source(), source("log", why="/var/log/mail.log")))), POSTFIX)
    for line in (
        "  postfix (version 3.7.11, runs)",
        "    found  /usr/sbin/postfix is installed; its queue is /var/spool/postfix",
        "    queue  read by spool every 15s: the queue directories may be read",
        "    log    followed: /var/log/mail.log",
        "    now    100 messages wait, the oldest for 1d 17h",
        "  http://localhost:10125/                   status page",
        "  http://localhost:10125/metrics            for Prometheus",
    ):
        assert line in told.splitlines()


def test_one_message_waits() -> None:
    """The grammar is right for one, and an empty queue has no oldest message."""
    assert "now    1 message waits, the oldest for 5s" in said(
        state(sample(queue=snapshot(active=stats(1, 5.0))))
    )
    assert "now    0 messages wait\n" in said(state(sample(queue=snapshot())))


def test_a_fault_is_told_with_its_remedy() -> None:
    """Who may not read the queue learns it at the start."""
    fault = Fault("permission", "no way to read it", "join the group postdrop")
    told = said(
        state(sample(instance="out", queue=None, up=None, version=None, sources=(source(fault=fault),)))
    )
    assert "  postfix/out\n" in told
    assert "    queue  CANNOT BE READ by spool (permission): no way to read it\n" in told
    assert "\n           join the group postdrop\n" in told


def test_a_demo_says_so() -> None:
    """In the first line."""
    assert "demo: a simulated mail server" in said(state(demo=True)).splitlines()[0]


def test_without_a_mail_server() -> None:
    """It says what to do."""
    told = said(State(taken_at=NOW))
    assert "No mail server was found on this host." in told
    assert "--demo" in told


def test_a_long_first_reading_is_told() -> None:
    """The message does not wait for a queue of a million messages."""
    fresh = source(last_attempt=None, success=False)
    assert "is still being read for the first time" in said(state(sample(queue=None, sources=(fresh,))))
