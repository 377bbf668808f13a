"""A real Prometheus scrapes the real exporter over a real Postfix whose queue grows, defers and drains.

The story is told once; each moment of it is remembered as a time at which Prometheus knew all of it. The
tests then ask for those moments: every expression of the dashboard and every rule is executed here, and the
values must be those of what was put into the queue, counted by Postfix's own tools and in the sink's book.
"""

from __future__ import annotations

import os
import re
import smtplib
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from math import isnan
from pathlib import Path

import pytest
import yaml

from tests.dashboards import promql
from tests.e2e.process import Exporter, Prometheus
from tests.servers.inject import Mail
from tests.servers.postfix import PostfixServer, logged
from tests.servers.sink import Sink
from tests.wait import wait_for

pytestmark = [pytest.mark.server("postfix"), pytest.mark.server("prometheus")]

#: What is put into the queue: recipients by domain, one message each. The sink defers the first five.
PUT = {"greylist": 20, "tempblock": 7, "refused": 5, "nodns": 4, "relay": 6, "unknown": 3, "ok1": 12}
#: These are put on hold.
HELD = PUT["relay"]
DEFERRED = PUT["greylist"] + PUT["tempblock"] + PUT["refused"] + PUT["nodns"]
WAITING = DEFERRED + HELD
REASONS = {"greylisted": PUT["greylist"], "blocklisted": PUT["tempblock"],
           "connection_refused": PUT["refused"], "dns_failure": PUT["nodns"]}
DUE = 3
QUEUES = {"maildrop", "incoming", "active", "deferred", "hold", "corrupt"}

#: Time runs faster here: the real rules with minutes turned into seconds, under other names.
FASTER = (
    ("> 14400", "> 2"), ("> 100", "> 10"), ("> 200", "> 10"), ("offset 1h", "offset 5s"),
    ("[30m:1m]", "[6s:1s]"), ("< 0.05", "< 1.01"), ("> 3600", "> 5"), ("[6h], 86400", "[20s], 86400"),
)


def faster(expression: str) -> str:
    """An expression of the rules or the dashboard for a queue that lives a minute."""
    for slow, fast in FASTER:
        expression = expression.replace(slow, fast)
    return expression


def fast_alerts() -> str:
    """alerts.yml without patience, and with names that begin with Fast."""
    rules = [{**rule, "alert": f"Fast{rule['alert']}", "expr": faster(rule["expr"]), "for": "0s"}
             for rule in promql.rules("alerts")]
    return yaml.safe_dump({"groups": [{"name": "fast", "rules": rules}]})


#: What a moment of the story can be told by.
FACTS = {
    "messages": 'sum(smtpq_queue_messages{mta_instance="postfix"})',
    "deferred": 'sum(smtpq_queue_messages{mta_instance="postfix", queue="deferred"})',
    "held": 'sum(smtpq_queue_held_messages{mta_instance="postfix"})',
    "due": 'sum(smtpq_queue_retry_due_messages{mta_instance="postfix"})',
}


@dataclass
class Story:
    """What happened, and when Prometheus knew it."""

    postfix: PostfixServer
    exporter: Exporter
    prometheus: Prometheus
    at: dict[str, float] = field(default_factory=dict)
    begun: float = 0.0
    lines: dict[str, dict[str, int]] = field(default_factory=dict)
    """At each moment: lines of Postfix's log by status."""
    arrivals: list[int] = field(default_factory=list)
    body: str = ""

    def log_lines(self) -> dict[str, int]:
        """Postfix's own log, counted by hand."""
        statuses = ("sent", "deferred", "bounced")
        return {status: len(logged(self.postfix, [f"status={status}"])) for status in statuses}

    def remember(self, moment: str, **expected: float) -> None:
        """Wait until Prometheus sees, at one time, the given sums and the log counted to its end."""
        lines = self.log_lines()

        counted = 'sum(smtpq_log_deliveries_total{{mta_instance="postfix", status="{}"}})'
        wanted = {FACTS[name]: value for name, value in expected.items()}
        wanted |= {counted.format(status): n for status, n in lines.items()}
        found: dict[str, float | None] = {}

        def seen() -> bool:
            self.at[moment] = time.time()
            found.update({fact: self.prometheus.value(fact, self.at[moment]) for fact in wanted})
            return found == wanted

        try:
            wait_for(seen, 45, every=0.2)
        except AssertionError:
            pytest.fail(f"{moment}: Prometheus sees {found} instead of {wanted}")
        self.lines[moment] = lines

    def firing(self, alert: str, **labels: str) -> bool:
        """Whether the fast copy of an alert fires now."""
        matchers = "".join(f', {key}="{value}"' for key, value in labels.items())
        query = f'ALERTS{{alertname="Fast{alert}", alertstate="firing"{matchers}}}'
        return bool(self.prometheus.query(query))

    def quiet(self, alert: str) -> bool:
        """Whether it does not."""
        return not self.firing(alert)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition."""
        wait_for(condition, 45, every=0.2)


def mails() -> list[Mail]:
    """One message to each recipient."""
    content = b"Subject: test\r\n\r\n" + b"A line of text.\r\n" * 20
    return [Mail(f"user{i}@host{i % 3}.sender.example", (f"r{i}@{domain}.example",), content)
            for domain, count in PUT.items() for i in range(count)]


def tell(story: Story) -> None:
    """The story: empty, filled, tried again, half drained, drained, Postfix down, the exporter gone."""
    postfix = story.postfix
    story.remember("empty", messages=0, held=0)
    # Growth is judged against what was there before.
    story.until(lambda: bool(story.prometheus.query("smtpq_queue_messages offset 5s")))

    postfix.send(*mails())
    with (smtplib.SMTP("127.0.0.1", postfix.port, timeout=20) as client,
          pytest.raises(smtplib.SMTPRecipientsRefused)):
        client.sendmail("x@refused.sender.example", "r@ok1.example", "Subject: x\n\nx\n")
    postfix.wait_idle()
    queue = postfix.listing()
    postfix.postsuper("-h", *(e["queue_id"] for e in queue if "@relay." in e["recipients"][0]["address"]))
    story.arrivals = [entry["arrival_time"] for entry in queue]
    story.remember("full", deferred=DEFERRED, held=HELD, messages=WAITING)
    story.body = story.exporter.get("/metrics", Accept="text/plain")

    postfix.flush()
    postfix.wait_idle()
    story.until(lambda: len(logged(postfix, ["status=deferred"])) >= WAITING + DEFERRED)
    # Postfix notes the time of the next attempt as the modification time; the queue run for it is hours away.
    for path in sorted(postfix.files("deferred"))[:DUE]:
        os.utime(path, (time.time() - 60,) * 2)
    story.remember("retried", deferred=DEFERRED, held=HELD, due=DUE)
    for alert in ("SmtpQueueOld", "SmtpQueueHeld", "SmtpQueueSpoolFilling", "SmtpQueueSourceFailing"):
        story.until(partial(story.firing, alert))
    story.at["late"] = time.time()  # until here the oldest message is still the same

    postfix.sink.answer("greylist")
    postfix.flush()
    postfix.wait_idle()
    story.remember("half", deferred=DEFERRED - PUT["greylist"], held=HELD)
    story.until(lambda: bool(story.prometheus.query(panel("Empty in"))))
    story.at["shrinking"] = time.time()

    postfix.postsuper("-H")
    postfix.drain()
    story.remember("drained", messages=0, held=0)
    for alert in ("SmtpQueueOld", "SmtpQueueGrowing", "SmtpQueueHeld"):
        story.until(partial(story.quiet, alert))
    story.at["quiet"] = time.time()

    postfix.stop()
    story.until(partial(story.firing, "SmtpQueueServerDown", mta_instance="postfix"))
    story.at["stopped"] = time.time()

    assert story.exporter.stop() == 0
    story.until(lambda: story.firing("SmtpQueueSourceFailing", part="exporter"))
    story.until(lambda: story.firing("SmtpQueueSourceFailing", part="target"))
    story.at["down"] = time.time()


@pytest.fixture(scope="module")
def story() -> Iterator[Story]:
    """The whole story, told once."""
    settings = {"smtpd_sender_restrictions": "check_sender_access inline:{refused.sender.example=REJECT}"}
    with Sink() as sink, PostfixServer(sink, settings=settings) as postfix:
        config = f"""
sampling: {{interval: 1s, timeout: 10s, duty: 100%}}
host: {{interval: 1s}}
mtas:
  - {{mta: postfix, name: postfix, config_directory: {postfix.config_directory},
      queue_directory: {postfix.queue_directory}, logs: [{postfix.log}]}}
  - {{mta: postfix, name: ghost, queue_directory: {postfix.directory}/nowhere, source: spool, logs: []}}
"""
        files = ("alerts.yml", "records.yml")
        rules = {name: (promql.PROMETHEUS / name).read_text("utf-8") for name in files}
        rules["fast.yml"] = fast_alerts()
        with Exporter(config) as exporter, Prometheus(exporter, rules) as prometheus:
            told = Story(postfix, exporter, prometheus, begun=time.time())
            tell(told)
            yield told


def by(rows: list[tuple[dict[str, str], float]], label: str) -> dict[str, float]:
    """{value of a label: value} of rows that differ in it alone."""
    return {labels[label]: value for labels, value in rows}


def panel(title: str, **variables: str) -> str:
    """The only expression of a panel, ready for this short story."""
    [expression] = [expr for name, expr in promql.panel_queries() if name == title]
    return faster(promql.expand(expression, interval="20s", **{"mta_instance": "postfix", **variables}))


def test_an_empty_queue_is_an_explicit_zero(story: Story) -> None:
    """Before the first message every queue of Postfix has a series and it is 0."""
    rows = story.prometheus.query(panel("Messages by queue"), story.at["empty"])
    assert by(rows, "queue") == dict.fromkeys(QUEUES, 0)
    assert story.prometheus.query(panel("Oldest message"), story.at["empty"]) == []


def test_what_cannot_be_read_is_missing_and_not_zero(story: Story) -> None:
    """The instance whose spool does not exist has no queue series at any moment, only a failing source."""
    everything = story.prometheus.series('{mta_instance="ghost", __name__=~"smtpq_queue_.*"}', story.begun,
                                         story.at["drained"])
    assert everything == []
    failing = story.prometheus.query('smtpq_source_success{mta_instance="ghost"}', story.at["full"])
    assert [value for _, value in failing] == [0]
    assert story.prometheus.value(panel("Failing sources", mta_instance=".*"), story.at["full"]) == 1
    assert story.prometheus.value(panel("Failing sources"), story.at["full"]) == 0


def test_the_queue_grows_to_what_was_put_in(story: Story) -> None:
    """Deferred and held messages are counted where they stand; the sum leaves hold out."""
    rows = story.prometheus.query(panel("Messages by queue"), story.at["full"])
    assert by(rows, "queue") == dict.fromkeys(QUEUES, 0) | {"deferred": DEFERRED, "hold": HELD}
    assert story.prometheus.value(panel("Messages waiting"), story.at["full"]) == DEFERRED
    assert story.prometheus.value(panel("Held mail"), story.at["full"]) == HELD
    assert by(story.prometheus.query(panel("Held mail by queue"), story.at["full"]), "queue")["hold"] == HELD


def test_destinations_and_reasons_are_those_of_the_sink(story: Story) -> None:
    """Each domain has the messages that were sent to it, each reason the recipients that the sink told it."""
    rows = by(story.prometheus.query(panel("Destinations"), story.at["full"]), "domain")
    wanted = {f"{domain}.example": n for domain, n in PUT.items() if domain not in ("ok1", "unknown")}
    assert {domain: n for domain, n in rows.items() if n} == wanted
    reasons = by(story.prometheus.query(panel("Why mail waits"), story.at["full"]), "reason")
    # Whether the held mail still shows its reason is the source's own business.
    assert {reason: n for reason, n in reasons.items() if reason in REASONS} == REASONS
    assert set(reasons) - set(REASONS) <= {"relay_denied"}


def test_ages_are_those_of_the_queue(story: Story) -> None:
    """The oldest age fits the arrival times of postqueue, and the distribution holds each message once."""
    at = story.at["full"]
    age = story.prometheus.value(panel("Oldest message"), at)
    assert age is not None
    assert 0 <= age <= at - min(story.arrivals) + 1
    buckets = by(story.prometheus.query(panel("Age of waiting mail"), at), "le")
    assert buckets["+Inf"] == WAITING
    assert [buckets[edge] for edge in sorted(buckets, key=float)] == sorted(buckets.values())
    assert story.prometheus.value(panel("Is mail late?"), at) == 0
    growing = story.prometheus.series(panel("Oldest message"), at, story.at["late"])
    [(_, ages)] = growing
    assert ages == sorted(ages)
    assert ages[-1] > ages[0]


def test_retries_become_due(story: Story) -> None:
    """Nothing is due after a failed attempt; messages whose time has come are."""
    assert story.prometheus.value(f"sum({panel('Due for retry')})", story.at["full"]) == 0
    rows = by(story.prometheus.query(panel("Due for retry"), story.at["retried"]), "queue")
    assert rows["deferred"] == DUE


def test_log_counters_equal_the_log_and_the_book(story: Story) -> None:
    """Deliveries by status equal a count of the log's own lines, and what the sink accepted."""
    for moment in ("full", "retried", "half", "drained"):
        counted = 'sum by (status) (smtpq_log_deliveries_total{mta_instance="postfix"})'
        rows = by(story.prometheus.query(counted, story.at[moment]), "status")
        assert {status: rows[status] for status in story.lines[moment]} == story.lines[moment], moment
    at = story.at["drained"]
    book = story.postfix.sink
    accepted = story.prometheus.value(
        'sum(smtpq_log_destination_deliveries_total{mta_instance="postfix", status="sent",'
        ' domain!~".*sender.example"})', at)
    assert accepted == book.total("accepted") == sum(PUT.values()) - PUT["unknown"]
    deferrals = by(story.prometheus.query(
        'sum by (reason) (smtpq_log_deferrals_total{mta_instance="postfix", suspended="false"}) > 0',
        story.at["retried"]), "reason")
    assert deferrals == {**{reason: 2 * n for reason, n in REASONS.items()}, "relay_denied": PUT["relay"]}
    bounces = by(story.prometheus.query('smtpq_log_bounces_total{mta_instance="postfix"} > 0', at), "reason")
    assert bounces == {"invalid_recipient": PUT["unknown"]}
    assert story.prometheus.value('sum(smtpq_log_rejects_total{mta_instance="postfix"})', at) == 1
    latency = 'smtpq_log_delivery_latency_seconds_{}{{mta_instance="postfix"{}}}'
    ends = (("count", ""), ("bucket", ',le="+Inf"'))
    counted = [story.prometheus.value(latency.format(*end), at) for end in ends]
    assert counted[0] == counted[1]


def test_the_queue_drains_to_zero(story: Story) -> None:
    """Half drained the queue says when it will be empty; drained it is an explicit 0 everywhere."""
    empty_in = story.prometheus.value(panel("Empty in"), story.at["shrinking"])
    assert empty_in is not None
    assert empty_in > 0
    at = story.at["drained"]
    assert by(story.prometheus.query(panel("Messages by queue"), at), "queue") == dict.fromkeys(QUEUES, 0)
    assert story.prometheus.value(panel("Messages waiting"), at) == 0
    assert story.prometheus.query(panel("Oldest message"), at) == []
    assert by(story.prometheus.query(panel("Age of waiting mail"), at), "le")["+Inf"] == 0
    assert story.prometheus.query(panel("Why mail waits"), at) == []
    assert story.prometheus.query(f"({panel('Destinations')}) > 0", at) == []


#: Panels that may be empty here, and why.
MAY_BE_EMPTY = {
    "Pressure": Path("/proc/pressure/cpu").exists() or "this kernel has no pressure stall information",
    "Spool inodes left": os.statvfs("/tmp").f_files > 0 or "this file system does not count inodes",
    "Disk busy": "the disk under a container's file system is not always known",
    "Failed readings by kind": "asked with the broken instance, see below",
}


@pytest.mark.parametrize(("title", "expression"), promql.panel_queries())
def test_every_expression_of_the_dashboard_shows_something(story: Story, title: str, expression: str) -> None:
    """Each query, executed over the whole story, returns series with the labels of its legend."""
    instance = ".*" if title in ("Failed readings by kind", "Sources") else "postfix"
    query = faster(promql.expand(expression, interval="20s", mta_instance=instance))
    # A queue this small shrinks for a second only.
    start, end = (story.at["shrinking"],) * 2 if title == "Empty in" else (story.begun, story.at["drained"])
    found = story.prometheus.series(query, start, end)
    excuse = MAY_BE_EMPTY.get(title)
    if not found and isinstance(excuse, str):
        pytest.skip(excuse)
    assert found, query
    [legend] = [target["legendFormat"] for one in promql.panels() if one["title"] == title
                for target in one["targets"] if target["expr"] == expression]
    for labels, values in found:
        # NaN: the quantile of nothing, while nothing was delivered.
        numbers = [value for value in values if not isnan(value)]
        assert numbers, (query, labels)
        assert min(numbers) >= 0, (query, labels)
        # The source "host" belongs to no mail server: its labels mta and mta_instance are empty.
        without = {"mta_instance"} if labels.get("source") == "host" else set()
        assert set(re.findall(r"{{(\w+)}}", legend)) - without <= set(labels), (legend, labels)


def test_prometheus_evaluates_every_rule(story: Story) -> None:
    """Every alert and recording rule, and its faster copy, is healthy after all that happened."""
    rules = story.prometheus.rules()
    assert len(rules) == 2 * len(promql.rules("alerts")) + len(promql.rules("records"))
    assert {rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] != "ok"} == {}


def test_recording_rules_have_the_values_of_the_queue(story: Story) -> None:
    """The sums that are recorded are those of the queue."""
    def recorded(name: str, at: float) -> float | None:
        return story.prometheus.value(f'{name}{{mta_instance="postfix"}}', at)

    # Recorded a second after the scrape; the queue stood still for longer than that.
    at = story.at["retried"]
    assert recorded("mta_instance:smtpq_queue_messages:sum", at) == WAITING
    assert recorded("mta_instance:smtpq_queue_messages_older_than_1h:sum", at) == 0
    oldest = recorded("mta_instance:smtpq_queue_oldest_message_age_seconds:max", at)
    assert oldest is not None
    assert 0 < oldest <= at - min(story.arrivals) + 1
    waiting = "mta_instance_reason:smtpq_queue_deferred_recipients:sum > 0"
    reasons = by(story.prometheus.query(waiting, at), "reason")
    assert {reason: n for reason, n in reasons.items() if reason in REASONS} == REASONS
    names = {rule["record"] for rule in promql.rules("records")}
    for name in names:
        assert story.prometheus.series(name, story.begun, story.at["drained"]), name


def test_alerts_fire_and_recover(story: Story) -> None:
    """With hours as seconds each alert fires on the real metrics; those of the queue end with it."""
    firing = 'ALERTS{alertstate="firing", alertname=~"Fast.*"}'
    history = [labels for labels, _ in story.prometheus.series(firing, story.begun, story.at["quiet"])]
    found = {(labels["alertname"].removeprefix("Fast"), labels["severity"], labels.get("mta_instance"))
             for labels in history}
    assert found >= {
        ("SmtpQueueOld", "warning", "postfix"), ("SmtpQueueGrowing", "warning", "postfix"),
        ("SmtpQueueHeld", "warning", "postfix"), ("SmtpQueueSpoolFilling", "critical", "postfix"),
        ("SmtpQueueSourceFailing", "warning", "ghost"),
    }
    still = {labels["alertname"] for labels, _ in story.prometheus.query(firing, story.at["quiet"])}
    assert not still & {"FastSmtpQueueOld", "FastSmtpQueueGrowing", "FastSmtpQueueHeld"}


def test_the_real_alerts_wait_their_time(story: Story) -> None:
    """With its real patience an alert is pending in this minute, with the labels it needs, and none fires."""
    held = story.prometheus.query('ALERTS{alertname="SmtpQueueHeld"}', story.at["retried"])
    assert [(labels["alertstate"], labels["mta_instance"], labels["severity"]) for labels, _ in held] == [
        ("pending", "postfix", "warning")]
    firing = story.prometheus.series('ALERTS{alertname=~"SmtpQueue.*", alertstate="firing"}', story.begun,
                                     story.at["drained"])
    assert firing == []


def test_a_server_that_is_down_is_said_to_be_down(story: Story) -> None:
    """When Postfix has stopped `smtpq_up` is 0; its spool is still read, so the queue is an explicit 0."""
    up = 'smtpq_up{mta_instance="postfix"}'
    assert story.prometheus.value(up, story.at["full"]) == 1
    assert story.prometheus.value(up, story.at["stopped"]) == 0
    queues = by(story.prometheus.query(panel("Messages by queue"), story.at["stopped"]), "queue")
    assert queues == dict.fromkeys(QUEUES, 0)
    alert = 'ALERTS{alertname="FastSmtpQueueServerDown", mta_instance="postfix"}'
    assert story.prometheus.query(alert, story.at["full"]) == []


def test_an_exporter_that_is_gone_leaves_no_numbers(story: Story) -> None:
    """When the exporter has stopped nothing is 0: series end, `up` is 0, and two alerts say so."""
    at = story.at["down"]
    assert story.prometheus.query('{__name__=~"smtpq_.*"}', at) == []
    assert [value for _, value in story.prometheus.query("up", at)] == [0]
    assert story.prometheus.query(panel("Failing sources"), at) == []
    parts = {labels["part"] for labels, _ in story.prometheus.query(
        'ALERTS{alertname="FastSmtpQueueSourceFailing", alertstate="firing"}', at)}
    assert {"exporter", "target"} <= parts


def test_promtool_finds_the_metrics_clean(story: Story) -> None:
    """`promtool check metrics` has nothing to say about what was scraped while the queue was full."""
    assert 'smtpq_queue_messages{mta="postfix",mta_instance="postfix",queue="deferred"}' in story.body
    done = subprocess.run(["promtool", "check", "metrics"], input=story.body, capture_output=True, text=True,
                          timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_scraped_metric_stands_in_the_catalog(story: Story) -> None:
    """What Prometheus stored has names of the catalog, and only those."""
    rows = story.prometheus.query(
        'count by (name) (label_replace({job="smtpq", __name__=~"smtpq_.*|process_.*"},'
        ' "name", "$1", "__name__", "(.*)"))', story.at["full"])
    names = {labels["name"] for labels, _ in rows}
    assert names <= set(promql.series_of_the_catalog())
    assert len(names) > 50
