"""What the queues of an Exchange server are to a person who waits for mail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from smtpq_exporter import view
from smtpq_exporter.checks.queue import oldest
from smtpq_exporter.metrics.exposition import TEXT, encode
from smtpq_exporter.metrics.families import families
from smtpq_exporter.model import QueueSnapshot, Sample, State
from smtpq_exporter.mta.exchange import EXCHANGE
from smtpq_exporter.mta.exchange.last_error import inner
from smtpq_exporter.mta.exchange.queue_json import parse
from smtpq_exporter.mta.exchange.queue_kind import next_hop
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.rollup import roll_up
from tests.mta.exchange.test_pitfalls import queue

CLASSIFIER = Classifier()
GOLDEN = Path(__file__).parents[2] / "golden" / "exchange" / "report"
NOW = 1795510800.0


def snapshot(value: Any, top: int = 20) -> QueueSnapshot:
    """The snapshot of a document."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    report = parse(data, CLASSIFIER, NOW)
    return roll_up(report, NOW, "x", queues=EXCHANGE.queues, asides=EXCHANGE.asides, top=top)


def golden() -> QueueSnapshot:
    """The snapshot of our script's golden report."""
    return snapshot((GOLDEN / "script.json").read_bytes())


def test_kinds_states_and_held_mail() -> None:
    """Poison, unreachable and suspended mail is held; so are suspended messages of a queue that is not."""
    held = {name: stats.held for name, stats in golden().queues.items()}
    assert held == {"submission": 0, "delivery": 2, "retry": 0, "suspended": 6, "unreachable": 2, "poison": 1,
                    "other": 0}


def test_what_is_not_told_is_not_zero() -> None:
    """Without our script nobody knows which messages of a queue are suspended, nor any age."""
    found = snapshot([queue()])
    stats = found.queues["retry"]
    assert (stats.held, stats.oldest_arrival, stats.recipients, stats.bytes) == (None, None, None, None)
    empty = found.queues["delivery"]
    assert (empty.messages, empty.held, empty.oldest_arrival, empty.recipients) == (0, 0, None, 0)
    assert found.forced_expiry is None


def test_due_are_retry_queues_whose_time_has_come() -> None:
    """NextRetryTime of all retry queues decides; one that is not told makes the number unknown."""
    assert golden().queues["retry"].retry_due == 17
    later = queue(Identity="b", NextRetryTime="2026-11-24T09:30:00Z", MessageCount=5)
    assert snapshot([queue(), later]).queues["retry"].retry_due == 17
    assert snapshot([queue(), queue(Identity="b", NextRetryTime=None)]).queues["retry"].retry_due is None
    assert snapshot([queue(Status="Ready")]).queues["delivery"].retry_due is None


def test_the_oldest_is_known_if_all_were_asked() -> None:
    """One queue that was not asked may hold the oldest; the oldest of all tells its own queue anyway."""
    ages = {name: stats.oldest_arrival for name, stats in golden().queues.items()}
    assert ages["retry"] == NOW - 4 * 3600
    assert ages["delivery"] == NOW - 600
    assert ages["other"] is None
    asked = queue(Oldest="2026-11-24T08:00:00Z")
    assert snapshot([asked]).queues["retry"].oldest_arrival == NOW - 3600
    assert snapshot([asked, queue(Identity="b")]).queues["retry"].oldest_arrival is None
    first = {"Queue": "b", "Received": "2026-11-24T07:00:00Z"}
    whole = {"queues": [asked, queue(Identity="b")], "oldest": first}
    assert snapshot(whole).queues["retry"].oldest_arrival == NOW - 7200


def test_rates_are_sums_and_may_be_unknown() -> None:
    """Rates of a kind are the sums of its queues; outgoing minus incoming is the velocity."""
    found = golden().queues
    assert (found["delivery"].incoming, found["delivery"].outgoing) == (2.2, 1.3)
    assert round(found["delivery"].outgoing - found["delivery"].incoming, 6) == -0.9
    assert snapshot([queue(IncomingRate=None)]).queues["retry"].incoming is None
    assert snapshot({"queues": []}).queues["retry"].incoming == 0


def test_reasons_are_those_of_waiting_queues() -> None:
    """LastError counts for the messages that wait because of it, not where mail flows again."""
    assert {name: n for name, n in golden().reasons.items() if n} == {"rate_limited": 17}
    flows = snapshot([queue(Status="Active"), queue(Identity="b", Status="Ready")])
    assert not any(flows.reasons.values())


def test_next_hops_and_pressure() -> None:
    """Next hops by place and state; the level of a resource is that of its worst meter."""
    found = golden()
    hops = {key: value for key, value in found.next_hops.items() if value != (0, 0)}
    assert hops == {("external", "retry"): (2, 17), ("external", "active"): (1, 25),
                    ("external", "suspended"): (1, 6), ("internal", "connecting"): (1, 3),
                    ("internal", "ready"): (1, 0)}
    assert found.pressure == {"version_buckets": 1, "database_space": 0, "private_bytes": 0,
                              "submission_queue": 0, "system_memory": 2, "disk_space": 1}
    assert found.skipped == {"heartbeat": 1}


def test_destinations_are_next_hops_and_bounded() -> None:
    """The largest next hops by name; neither shadow copies nor the special queues are destinations."""
    assert golden().destinations == (("partner.example", 25), ("bulk.example", 17), ("relay.example.com", 6),
                                     ("mailbox database 01", 3))
    many = [queue(Identity=str(n), NextHopDomain=f"d{n}.example", MessageCount=n + 1) for n in range(5000)]
    found = snapshot({"queues": many}, top=3).destinations
    assert [name for name, _ in found] == ["d4999.example", "d4998.example", "d4997.example", "other"]
    assert sum(n for _, n in found) == 5000 * 5001 // 2


@pytest.mark.parametrize(("written", "label"), [
    ("Example.COM.", "example.com"), ("[10.10.10.100],relay.example.com", "relay.example.com"),
    ("[10.10.10.100]", "(literal)"), ("192.0.2.7", "(literal)"), ("192.0.2.7:2525", "(literal)"),
    ("2001:db8::1", "(literal)"), ("[IPv6:2001:db8::1],[192.0.2.1]", "(literal)"), ("", ""), (" , ", ""),
    ("Mailbox Database 0123", "mailbox database 0123"), ('a\nb"c\\d@e', "a?b?c?d?e"), ("x" * 500, "x" * 100),
])
def test_a_next_hop_is_a_label_without_addresses(written: str, label: str) -> None:
    """The first name of a list of smart hosts, no address of a machine, bounded and printable."""
    assert next_hop(written) == label


@pytest.mark.parametrize(("text", "reply", "reason"), [
    (("[{LRT=15-01-21 23:50:05};{LED=450 4.7.0 Proxy session setup failed on Frontend with '451 4.4.0 Primary"
      ' target IP address responded with: "421 4.4.2 Connection dropped due to TimedOut." Attempted failover'
      " to alternate host, but that did not succeed.'};{FQDN=mx.example};{IP=192.0.2.4}]"),
     "421 4.4.2 Connection dropped due to TimedOut.", None),
    ("[{LED=450 4.4.316 Connection refused};{MSG=Socket error code 10061};{FQDN=a};{IP=b};{LRT=1/21/2025}]",
     "450 4.4.316 Connection refused Socket error code 10061", "connection_refused"),
    ("[{LRT=x};{LED=451 4.4.395 Target host responded with error. -> 421 4.3.2 Service not available};{IP=}]",
     "421 4.3.2 Service not available", "recipient_server_error"),
    ('[{LED=451 4.7.1 Greylisted {5 min}; say "please"\nand wait};{FQDN=a};{IP=b}]',
     '451 4.7.1 Greylisted {5 min}; say "please" and wait', "greylisted"),
    ("[{LED=450 4.4.0 [Message=452 4.2.2 mailbox full] [LastAttemptedServerName=x]};{FQDN=a}]",
     "452 4.2.2 mailbox full", "mailbox_full"),
    (('441 4.4.1 Error encountered while communicating with primary target IP address: "Failed to connect.'
      ' Winsock error code: 10060, Win32 error code: 10060."'), None, "connection_timeout"),
    ("451 4.4.0 DNS query failed. The error was: DNS query failed with ErrorRetry", None, "dns_failure"),
    ("", "", None),
])
def test_the_innermost_reply_decides(text: str, reply: str | None, reason: str | None) -> None:
    """Braces, quotes and newlines inside, wrappers around, dates of any culture beside it."""
    found = inner(text)
    if reply is not None:
        assert found == reply
    if reason is not None:
        assert CLASSIFIER.reason(found.encode()) == reason


def test_series_do_not_come_and_go_with_queues() -> None:
    """An idle server and a busy one have the same series, but for destinations and what is not known."""
    def names(found: QueueSnapshot) -> set[str]:
        sample = Sample("exchange", "ex01", queue=found)
        state = State(taken_at=NOW, samples=(sample,))
        lines = encode(families(state, NOW), TEXT).decode().splitlines()
        return {line.rpartition(" ")[0] for line in lines if line[:1] != "#" and "destination" not in line}

    idle = snapshot({"queues": [], "pressure": json.loads((GOLDEN / "script.json").read_text())["pressure"]})
    lost = names(idle) - names(golden())
    unknown = {"smtpq_queue_recipients", "smtpq_queue_bytes", "smtpq_queue_retry_due_messages"}
    assert {name.split("{")[0] for name in lost} <= unknown
    assert 'smtpq_queue_messages{mta="exchange",mta_instance="ex01",queue="shadow"}' in names(idle)


def test_shadow_copies_are_in_no_sum() -> None:
    """The shape that checks and the page read keeps copies apart, and the age of what waits is known."""
    made = view.as_json(State(taken_at=NOW, samples=(Sample("exchange", "ex01", queue=golden()),)), NOW)
    told = made["mtas"][0]["queue"]
    assert "shadow" not in told["queues"]
    assert told["aside"]["shadow"]["messages"] == 40
    assert sum(one["messages"] for one in told["queues"].values()) == 58
    assert oldest(told["queues"]) == 4 * 3600
    json.dumps(made, allow_nan=False)
