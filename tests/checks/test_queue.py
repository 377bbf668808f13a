"""check_smtpq_queue: what it says in each situation, beyond the whole lines in tests/golden/checks."""

from __future__ import annotations

from typing import Any

import pytest

from smtpq_exporter.checks import queue
from smtpq_exporter.checks.cli import read_options
from smtpq_exporter.checks.result import CRITICAL, OK, UNKNOWN, WARNING, Result
from smtpq_exporter.model import Fault
from tests.checks.samples import NOW, sample, server, stats

NO_PERMISSION = Fault("permission", "may not read /var/spool/postfix/deferred",
                      "add the user to group postdrop")


def judge(body: dict[str, Any], words: str = "") -> Result:
    """The result of a command line for a sample."""
    return queue.evaluate(body, read_options(queue, words.split()))


@pytest.mark.parametrize(("count", "state"), [
    (0, OK), (100, OK), (101, WARNING), (500, WARNING), (501, CRITICAL)])
def test_messages(count: int, state: int) -> None:
    """The ends of a range are good; one more is not."""
    assert judge(sample(server(queues={"deferred": stats(count)}))).state == state


@pytest.mark.parametrize(("age", "state"), [(14400, OK), (14401, WARNING), (86401, CRITICAL)])
def test_one_old_message(age: float, state: int) -> None:
    """A single message that is too old is enough: a count would never see it."""
    result = judge(sample(server(queues={"deferred": stats(1, age)})))
    assert result.state == state
    assert "oldest" in result.text


def test_held_mail_waits_for_its_operator() -> None:
    """Mail on hold does not age; limits on held mail are for it."""
    body = sample(server(queues={"hold": stats(3, 9e5, held=3), "active": stats(1, 5)}))
    assert judge(body).state == OK
    assert "3 held" in judge(body).text
    assert judge(body, "--queue hold").state == OK
    assert judge(body, "--held-warning 0").state == WARNING


def test_not_read_is_unknown_not_empty() -> None:
    """A queue that could not be read is UNKNOWN, with the reason and the remedy, without numbers."""
    result = judge(sample(server(unseen=True, fault=NO_PERMISSION)))
    assert result.state == UNKNOWN
    assert "may not read /var/spool/postfix/deferred; add the user to group postdrop" in result.text
    assert result.metrics == []


def test_nothing_read_yet() -> None:
    """An exporter that has just started is no empty queue."""
    assert judge(sample(server(unseen=True))).state == UNKNOWN


def test_no_mail_server() -> None:
    """A host without a mail server, or without the one that was asked for, is UNKNOWN."""
    assert judge(sample()).state == UNKNOWN
    result = judge(sample(server()), "--mta exim")
    assert (result.state, result.text) == (UNKNOWN, "no mail server exim: known here are postfix")
    result = judge(sample(server(instance="out")), "--instance in")
    assert (result.state, result.text) == (UNKNOWN, "no mail server in: known here are postfix/out")


def test_no_such_queue() -> None:
    """A queue that does not exist is a mistake, not an empty queue."""
    result = judge(sample(server()), "--queue defered")
    assert result.state == UNKNOWN
    assert result.text.startswith("no queue defered: known here are active, corrupt, deferred")


def test_down() -> None:
    """A mail system that does not run is CRITICAL, though root reads its empty queue; or as told."""
    body = sample(server(up=False))
    assert judge(body).state == CRITICAL
    assert "mail system is down" in judge(body).text
    assert judge(body, "--down-state warning").state == WARNING
    assert judge(body, "--down-state ok").state == OK


def test_down_and_unseen() -> None:
    """Where the queue is not seen either, no choice of the user makes it OK."""
    body = sample(server(up=False, unseen=True, fault=NO_PERMISSION))
    assert judge(body).state == CRITICAL
    assert judge(body, "--down-state ok").state == UNKNOWN


def test_stale() -> None:
    """A reading older than three intervals is UNKNOWN, whatever it says; --max-age moves the limit."""
    body = sample(server(taken=200, queues={"deferred": stats(9999)}))
    assert judge(body).state == UNKNOWN
    assert "last reading is 3m 20s old (limit 3m)" in judge(body).text
    assert judge(body, "--max-age 10m").state == CRITICAL
    assert judge(sample(server(taken=30)), "--max-age 20").state == UNKNOWN


def test_truncated() -> None:
    """A part of a queue is CRITICAL if that part already is, else UNKNOWN."""
    assert judge(sample(server(truncated=True, queues={"deferred": stats(5)}))).state == UNKNOWN
    result = judge(sample(server(truncated=True, queues={"deferred": stats(1000)})))
    assert result.state == CRITICAL
    assert "at least 1000 messages" in result.text


def test_worst_of_several_wins() -> None:
    """Of several mail servers the worst counts, and each is in the long output."""
    body = sample(server(instance="in"), server(instance="out", queues={"deferred": stats(600)}),
                  server(mta="exim", instance="exim", queues={"default": stats(120)}))
    result = judge(body)
    assert result.state == CRITICAL
    assert result.text.startswith("postfix/out: 600 messages (above 500)")
    assert "exim: 120 messages (above 100)" in result.text
    assert result.text.endswith("1 more OK")
    heads = [line for level, line in result.lines if level == 1 and " OK: " in line]
    assert heads == ["postfix/in OK: 0 messages"]
    numbers = {metric.label: metric for metric in result.metrics}
    assert numbers["messages"].value == 720
    assert numbers["messages"].warning is None  # a limit for each would lie about the sum
    assert str(numbers["oldest_age"].critical) == "86400"


def test_blind_beside_warning() -> None:
    """A blind spot outranks a warning: there may be worse in it."""
    body = sample(server(instance="in", unseen=True, fault=NO_PERMISSION),
                  server(instance="out", queues={"deferred": stats(120)}))
    assert judge(body).state == UNKNOWN
    assert judge(body, "--instance out").state == WARNING
    assert judge(body, "--instance postfix/out").state == WARNING


def test_unknown_quantity() -> None:
    """A limit on what the source cannot tell is UNKNOWN if it was given, silent if it is a default."""
    body = sample(server(mta="opensmtpd", instance="opensmtpd", queues={"mta": stats(4, held=None)}))
    for queue_values in body["mtas"][0]["queue"]["queues"].values():
        queue_values["oldest_waiting_age_seconds"] = queue_values["bytes"] = None
    assert judge(body).state == OK
    assert {metric.label for metric in judge(body).metrics} == {"messages", "mta"}
    for words in ("--held-warning 5", "--size-critical 1M", "--age-warning 1h"):
        assert judge(body, words).state == UNKNOWN


def test_min_age() -> None:
    """With --min-age only older messages are judged; a source that cannot count them is UNKNOWN."""
    body = sample(server(queues={"deferred": stats(50)}))
    for name, values in body["mtas"][0]["queue"]["queues"].items():
        values["older"] = 7 if name == "deferred" else 0
    result = judge(body, "--min-age 30m -w 5")
    assert result.state == WARNING
    assert result.text == "postfix: 7 of 50 messages older than 30m (above 5), oldest 1m"
    assert [(m.label, m.value) for m in result.metrics[:2]] == [("messages", 50), ("messages_old", 7)]
    body["mtas"][0]["queue"]["queues"]["deferred"]["older"] = None
    assert judge(body, "--min-age 30m").state == UNKNOWN
    assert queue.query(read_options(queue, ["--min-age", "30m"])) == {"window": 0, "min_age": 1800}


def test_last_attempt_failed() -> None:
    """A reading that is still fresh holds, and the failure after it is told."""
    result = judge(sample(server(fault=NO_PERMISSION)))
    assert result.state == OK
    assert any("reading spool failed: may not read" in line for _, line in result.lines)


def test_demo_says_so() -> None:
    """A simulated mail server cannot be taken for a real one."""
    assert judge(sample(server(), demo=True)).text.startswith("demo, postfix:")


def test_perfdata_choice() -> None:
    """Numbers for each queue, or totals only."""
    body = sample(server(queues={"deferred": stats(5)}))
    every = [metric.label for metric in judge(body).metrics]
    assert every[:4] == ["messages", "oldest_age", "held", "size"]
    assert set(every[4:]) == {"active", "corrupt", "deferred", "hold", "incoming", "maildrop"}
    assert [metric.label for metric in judge(body, "--perfdata totals").metrics] == every[:4]


def test_future_arrival() -> None:
    """A clock that was set back gives age 0, not a negative number."""
    body = sample(server(queues={"deferred": stats(1, age=-500)}))
    assert body["time"] == NOW
    assert next(m.value for m in judge(body).metrics if m.label == "oldest_age") == 0
