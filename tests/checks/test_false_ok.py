"""What other checks have called OK, each by its origin: here it never is.

The origins are issues of other projects; each test rebuilds the situation, not their code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from smtpq_exporter.checks import queue
from smtpq_exporter.checks.cli import read_options
from smtpq_exporter.checks.result import CRITICAL, OK, UNKNOWN, WARNING, nagios
from smtpq_exporter.model import Fault
from tests.checks.queues import FakeQueue, listing, message
from tests.checks.readers import check_rules, sensu
from tests.checks.samples import sample, server, stats

PLUGIN = (sys.executable, "-I", "-S", str(Path(__file__).parents[2] / "checks" / "check_smtpq_queue"))
MAILQ_SENDMAIL = (b"\t\t/var/spool/mqueue (1 request)\n-----Q-ID----- --Size-- -----Q-Time-----\n"
                  b"4AOF1x2y012345     1234 Tue Nov 24 10:00 <a@s.example>\n\t\tTotal requests: 1\n")
#: Texts on the socket that somewhere were taken for an empty queue, and where.
TAKEN_FOR_EMPTY = {
    "Linuxfabrik/monitoring-plugins, mailq: a real Sendmail listing": MAILQ_SENDMAIL,
    "Linuxfabrik/monitoring-plugins, mailq: permission denied": b"exim: permission denied\n",
    "monitoring-plugins #801: alias database unavailable, 5298 queued":
        b"alias database /etc/aliases.db unavailable\nMail queue is empty\n",
    "monitoring-plugins PR#1796: 12,488 lines of a changed format": b"<< 2026-11-24 id=1 >> waits\n" * 12_488,
    "mailq that prints nothing and exits with 0": b"",
    "monitoring-plugins #2002: ids of Exim 4.97 and newer":
        b" 3h   2.0K 1tFa7x-0000000A0bB-1cDe <a@s.example>\n          b@d.example\n\n",
}
DENIED = Fault("permission", "deferred: permission denied", "read it as postfix")


def state(body: dict, words: str = "") -> int:
    """The state for a sample."""
    return queue.evaluate(body, read_options(queue, words.split())).state


def run(directory: FakeQueue, *words: str) -> tuple[str, int]:
    """Output and exit code of the plugin on a queue."""
    done = subprocess.run([*PLUGIN, "-d", str(directory.config), *words], capture_output=True, timeout=60,
                          check=False, stdin=subprocess.DEVNULL)
    text = done.stdout.decode()
    check_rules(text, done.returncode)
    return text, done.returncode


@pytest.mark.parametrize("origin", TAKEN_FOR_EMPTY)
def test_taken_for_empty(origin: str) -> None:
    """A text without a proof that the queue was listed whole is UNKNOWN, without numbers."""
    with FakeQueue(lambda link: link.sendall(TAKEN_FOR_EMPTY[origin])) as directory:
        text, code = run(directory)
    assert code == 3
    assert "0 messages" not in text


def test_short_and_long_ids() -> None:
    """outini/pymailq PR#25: messages with long queue ids were not counted."""
    long = message(2).replace(b"4" + b"0" * 10 + b"2", b"4XsgK11Kdtz9rXj")
    with FakeQueue(listing([message(1), long])) as directory:
        assert sensu(run(directory)[0])["messages"] == 2


def test_all_digits() -> None:
    """DataDog/integrations-extras PR#1092: of a count only the last digit was read."""
    body = sample(server(queues={"deferred": stats(3)}))
    body["mtas"][0]["queue"]["queues"]["deferred"]["messages"] = 1_234_567
    result = queue.evaluate(body, read_options(queue, []))
    assert result.state == CRITICAL
    assert sensu(nagios(result))["messages"] == 1_234_567


def test_down_as_root() -> None:
    """nagios-plugins #663: root reads the directories of a stopped Postfix, and OK was said."""
    with FakeQueue(runs=False) as directory:
        directory.folders()
        assert run(directory)[1] == 2


def test_unreadable_queue() -> None:
    """ConSol-Monitoring/snclient #431, kstka/zabbix-postfix-template #4: what is denied counted as 0."""
    assert state(sample(server(unseen=True, fault=DENIED))) == UNKNOWN


def test_one_old_message() -> None:
    """innogames/igmonplugins PR#193: one message, but from days ago, and monitoring did stay silent."""
    assert state(sample(server(queues={"deferred": stats(1, 3 * 86400)}))) == CRITICAL


def test_second_queue() -> None:
    """monitoring-plugins #972, nagios-plugins #278: the second queue (MSP) or instance was not looked at."""
    queues = {"mqueue": stats(0), "clientmqueue": stats(150)}
    assert state(sample(server(mta="sendmail", instance="sendmail", queues=queues))) == WARNING
    second = server(instance="b", queues={"deferred": stats(150)})
    assert state(sample(server(instance="a"), second)) == WARNING


@pytest.mark.parametrize("mta", ["postfix", "exim", "sendmail", "opensmtpd", "exchange"])
def test_same_limits_everywhere(mta: str) -> None:
    """nagios-plugins #814: -w 0 alerted on an empty queue for one mail server and not for another."""
    empty = sample(server(mta=mta, instance=mta, queues={"q": stats(0)}))
    one = sample(server(mta=mta, instance=mta, queues={"q": stats(1)}))
    assert (state(empty, "-w 0"), state(one, "-w 0")) == (OK, WARNING)


def test_one_threshold_alone() -> None:
    """check_mailq -W 1 without -C: false CRITICAL with an empty threshold; no limit is no limit here."""
    assert state(sample(server(queues={"deferred": stats(9999)})), "-w 20000") == OK
    assert state(sample(server(queues={"deferred": stats(20001)})), "-w 20000") == WARNING


def test_empty_has_numbers() -> None:
    """mailcow/prometheus-exporter #32: nothing at all was shown for an empty queue; 0 that was read is 0."""
    numbers = sensu(nagios(queue.evaluate(sample(server()), read_options(queue, []))))
    assert numbers["messages"] == numbers["deferred"] == 0


def test_stale() -> None:
    """A reading of yesterday says nothing about today."""
    assert state(sample(server(taken=86400))) == UNKNOWN


def test_held_mail_is_seen() -> None:
    """rafael747/zabbix-postfix #12, #13: held mail was counted wrongly or not at all."""
    body = sample(server(queues={"hold": stats(7, 60, held=7)}))
    assert state(body, "--held-warning 0") == WARNING
    assert "7 held" in queue.evaluate(body, read_options(queue, [])).text
