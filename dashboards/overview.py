"""The dashboard *Overview*: is mail late, where does it wait, why, and can these numbers be trusted.

The order of the rows is the order of the questions of somebody who was just told "my mail does not arrive".
Every description says what the panel shows and how to read it; metric names are those of metrics/catalog.py.
"""

from __future__ import annotations

from dashboards.frame import Row, dashboard
from dashboards.panels import Json, Panel, Query, bars, heatmap, stat, states, timeseries

UID = "smtpq-overview"

_GREEN_TO_RED = ((None, "green"), (1, "yellow"), (20, "orange"), (200, "red"))

_LATE = (
    stat("Is mail late?", """Messages that have waited for more than one hour and less than one day: the
         mail that somebody is missing right now. "On time" = none; "a few are late" = fewer than 20, as on
         every server that writes to many others; "mail is late" = 20 to 199; "much mail is late" = 200 and
         more. Mail that is older than a day is left out: it mostly goes to addresses that do not exist and
         harms nobody. Mail on hold is left out too.""",
         """sum(smtpq_queue_message_age_seconds_bucket{@mta, queue!~"hold|shadow", le="86400.0"})
            - sum(smtpq_queue_message_age_seconds_bucket{@mta, queue!~"hold|shadow", le="3600.0"})""",
         unit="short", steps=_GREEN_TO_RED,
         words=((0, 0, "on time", "green"), (1, 19, "a few are late", "yellow"),
                (20, 199, "mail is late", "orange"),
                (200, None, "much mail is late", "red"))),
    stat("Messages waiting", """All messages in all queues but hold. The number alone says little: a mailing
         list makes thousands for some minutes. Green is fewer than 500, yellow fewer than 5,000, red above;
         your usual level is what counts, see "Messages by queue".""",
         'sum(smtpq_queue_messages{@mta, queue!~"hold|shadow"})',
         unit="short", steps=((None, "green"), (500, "yellow"), (5000, "red"))),
    stat("Oldest message", """Age of the oldest message that is not on hold. Green up to one hour, yellow up
         to four (from then on senders may be warned of the delay), red above. A few messages that are days
         old are normal; they return to their senders at the end of their lifetime (five days in Postfix).""",
         'max(smtpq_queue_oldest_message_age_seconds{@mta, queue!~"hold|shadow"})',
         unit="s", steps=((None, "green"), (3600, "yellow"), (14400, "red")), no_value="none waits"),
    stat("Empty in", """When the queue is empty if it goes on shrinking as in the last 30 minutes. "Not
         shrinking" is no alarm by itself: an old tail does not shrink.""",
         """(sum(smtpq_queue_messages{@mta, queue!~"hold|shadow"}) > 0)
            / (-deriv(sum(smtpq_queue_messages{@mta, queue!~"hold|shadow"})[30m:1m]) > 0)""",
         unit="s", steps=((None, "green"), (3600, "yellow"), (14400, "red")), no_value="not shrinking"),
    stat("Held mail", """Messages on hold, frozen, quarantined or corrupt. They never leave and never expire
         by themselves: each one waits for a person. Green only at 0.""",
         "sum(smtpq_queue_held_messages{@mta})",
         unit="short", steps=((None, "green"), (1, "orange"))),
    stat("Failing sources", """Sources (spool, log, host) whose last reading failed. What could not be read
         is missing in all panels, it is never shown as 0. Green only at 0; "not known": no exporter
         answers.""",
         """count(smtpq_source_success{@mta} == 0)
            or 0 * count(smtpq_source_success{@mta})""",
         unit="short", steps=((None, "green"), (1, "red"))),
)

_QUEUE = (
    timeseries("Messages by queue", """How many messages stand where. In Postfix: maildrop and incoming = on
               their way in, active = being delivered now, deferred = to be tried again later, hold =
               stopped by an operator. A growing incoming or active queue is trouble of this server; a
               growing deferred queue is trouble of a destination (or of our standing there). A gap means
               that the queue could not be read.""",
               Query("sum by (queue) (smtpq_queue_messages{@mta})", "{{queue}}"), unit="short", stacked=True),
    timeseries("Oldest message by queue", """Age of the oldest message. A line that rises by one second per
               second is mail that nothing moves. Messages retried after days pass through active with their
               old age.""",
               Query("max by (queue) (smtpq_queue_oldest_message_age_seconds{@mta})", "{{queue}}"), unit="s"),
    heatmap("Age of waiting mail", """How old the waiting messages are, over time: darker = more messages.
            New dark cells at the bottom = trouble that began now. A dark band that climbs = one batch that
            nothing delivers; where it started is when it began. A pale band at the top = the harmless old
            tail. The buckets describe the queue of each moment, so no rate() is applied.""",
            "sum by (le) (smtpq_queue_message_age_seconds_bucket{@mta})", unit="s"),
    timeseries("Waiting longer than", """Messages older than ten minutes, an hour, four hours, a day. Mail
               that a first attempt delivers never appears here; greylisted mail appears in the first line
               only.""",
               *(Query(f"""sum(smtpq_queue_message_age_seconds_bucket{{@mta, le="+Inf"}})
                           - sum(smtpq_queue_message_age_seconds_bucket{{@mta, le="{le}"}})""", name)
                 for le, name in (("600.0", "10 minutes"), ("3600.0", "1 hour"), ("14400.0", "4 hours"),
                                  ("86400.0", "1 day"))),
               unit="short"),
)

_WHY = (
    timeseries("Destinations", """Messages by the domain they go to: the ten largest; "other" is everything
               beyond what the exporter tells apart. One domain with nearly everything = trouble of that
               destination, the rest is not affected. Many domains at once = look at our own network, DNS
               and reputation.""",
               Query("topk(10, sum by (domain) (smtpq_queue_destination_messages{@mta}))", "{{domain}}"),
               unit="short"),
    bars("Why mail waits", """Recipients that wait now, by the class of their last failure. greylisted:
         heals by itself within minutes. rate_limited: we send too fast for that provider. blocklisted,
         spam_content, policy_rejected: our standing there. dns_failure, connection_…, network_unreachable:
         the way to there. mailbox_full, recipient_server_error: their side. local_…: our own server. Absent
         where the source shows no reasons.""",
         "sort_desc(sum by (reason) (smtpq_queue_deferred_recipients{@mta}) > 0)",
         "{{reason}}", unit="short"),
    timeseries("Why mail waits, over time", "The same over time: what came first, and what is going away.",
               Query("sum by (reason) (smtpq_queue_deferred_recipients{@mta}) > 0", "{{reason}}"),
               unit="short", stacked=True, width=24),
)

_TRAFFIC = (
    timeseries("Messages in and out", """Messages that enter and leave the queue, per second, from the logs.
               The queue grows while the first line is above the second.""",
               Query("sum(rate(smtpq_log_messages_received_total{@mta}[$__rate_interval]))", "received"),
               Query("sum(rate(smtpq_log_messages_removed_total{@mta}[$__rate_interval]))", "left the queue"),
               Query("sum(rate(smtpq_log_messages_expired_total{@mta}[$__rate_interval]))", "expired"),
               unit="cps", width=8),
    timeseries("Delivery attempts by outcome", """Attempts per second, one for each recipient. Deferred
               attempts repeat with each retry of the same mail, so they say how hard the server works, not
               how much mail waits.""",
               Query("sum by (status) (rate(smtpq_log_deliveries_total{@mta}[$__rate_interval]))",
                     "{{status}}"),
               unit="cps", stacked=True, width=8),
    timeseries("Destinations that defer", """Destinations with the most deferred attempts per second: the
               ten largest.""",
               Query("""topk(10, sum by (domain) (
                        rate(smtpq_log_destination_deliveries_total{@mta, status="deferred"}
                             [$__rate_interval])))""",
                     "{{domain}}"), unit="cps", width=8),
    timeseries("Deferrals by reason", """Attempts per second that failed for now, by class. Attempts that
               were not made because the destination is known to be dead (suspended) are left out.""",
               Query("""sum by (reason) (
                        rate(smtpq_log_deferrals_total{@mta, suspended="false"}[$__rate_interval])) > 0""",
                     "{{reason}}"), unit="cps", stacked=True, width=8),
    timeseries("Bounces by reason", """Recipients per second that were given up for good. Many
               invalid_recipient = an old or bought address list, which costs reputation.""",
               Query("sum by (reason) (rate(smtpq_log_bounces_total{@mta}[$__rate_interval])) > 0",
                     "{{reason}}"),
               unit="cps", stacked=True, width=8),
    timeseries("Refused mail by reason", """Mail per second that this server refused to take. Mostly
               strangers; a sudden rise of local_resource means that the disk is full or a filter is down.""",
               Query("sum by (reason) (rate(smtpq_log_rejects_total{@mta}[$__rate_interval])) > 0",
                     "{{reason}}"),
               unit="cps", stacked=True, width=8),
)

_SPEED = (
    timeseries("From arrival to delivery", """How long delivered messages took: half of them less than the
               first line, 95 and 99 in a hundred less than the others. Mail that still waits is not in
               here: a good line with a growing queue is no comfort.""",
               *(Query(f"""histogram_quantile({q}, sum by (le) (
                           rate(smtpq_log_delivery_latency_seconds_bucket{{@mta}}[$__rate_interval])))""",
                        name)
                 for q, name in (("0.5", "half"), ("0.95", "95 %"), ("0.99", "99 %"))),
               unit="s"),
    timeseries("Delay by stage", """Where first attempts spend their time, 95 in a hundred less than the
               line. before_queue: slow acceptance, filter or disk here. in_queue: too few delivery
               processes, or our own rate limit. connect: DNS, network, a dead MX. transmit: a slow or
               tarpitting receiver. The largest stage is the lead to follow.""",
               Query("""histogram_quantile(0.95, sum by (le, stage) (
                        rate(smtpq_log_delivery_delay_seconds_bucket{@mta}[$__rate_interval])))""",
                     "{{stage}}"),
               unit="s"),
)

_WAITING = (
    timeseries("Held mail by queue", """Messages that wait for a person, by queue. Release, bounce or delete
               them; nothing else ends their wait.""",
               Query("sum by (queue) (smtpq_queue_held_messages{@mta})", "{{queue}}"),
               unit="short", stacked=True),
    timeseries("Due for retry", """Messages whose time for the next attempt has come. A saw-tooth is normal.
               A line that stays up = the queue manager does not get to them. A peak of the whole deferred
               queue at once = a retry storm, often after somebody flushed the queue.""",
               Query("sum by (queue) (smtpq_queue_retry_due_messages{@mta})", "{{queue}}"),
               unit="short", stacked=True),
)

_SOURCES = (
    states("Sources", """Every source that the exporters read. While a source fails, its metrics are
           missing; the status page of the exporter names the cause and the remedy. The mail system line
           says whether the server itself runs.""",
           Query("smtpq_source_success{@mta}", "{{instance}} {{mta_instance}} {{source}}"),
           Query("smtpq_up{@mta}", "{{instance}} {{mta_instance}} mail system"),
           words={"0": ("fails", "red"), "1": ("works", "green")}),
    timeseries("Duration of readings", """How long the last reading of each source took. A source that would
               take more than its share of time is read less often by itself, see "Read every".""",
               Query("max by (instance, mta_instance, source) (smtpq_source_duration_seconds{@mta})",
                     "{{instance}} {{mta_instance}} {{source}}"), unit="s"),
    timeseries("Age of the last good reading", """How old the numbers on this page are. It should stay below
               two intervals.""",
               Query("time() - max by (instance, mta_instance, source) ("
                     "smtpq_source_last_success_timestamp_seconds{@mta})",
                     "{{instance}} {{mta_instance}} {{source}}"),
               unit="s"),
    timeseries("Read every", """The interval in use. Above the configured one, a reading takes longer than
               its share of the time allows.""",
               Query("max by (instance, mta_instance, source) (smtpq_source_interval_seconds{@mta})",
                     "{{instance}} {{mta_instance}} {{source}}"), unit="s", width=8),
    timeseries("Failed readings by kind", """Failed readings per second. permission: the exporter lacks a
               group; timeout: the mail server answers too slowly; unavailable: it does not run; parse:
               report it to us.""",
               Query("sum by (source, kind) (rate(smtpq_source_errors_total{@mta}[$__rate_interval])) > 0",
                     "{{source}} {{kind}}"), unit="cps", width=8),
    timeseries("Log not yet read", """Log bytes that are written and not yet read. More than a few seconds'
               worth means that the log panels lag behind.""",
               Query("sum by (instance, mta_instance) (smtpq_log_lag_bytes{@mta})",
                     "{{instance}} {{mta_instance}}"),
               unit="bytes", width=8),
)


def _ratio(title: str, text: str, expr: str, legend: str, *, low: float = 0.0) -> Panel:
    steps = ((None, "red"), (low, "transparent")) if low else ()
    return timeseries(title, text, Query(expr, legend), unit="percentunit", maximum=1, steps=steps, width=8)


_HOST = (
    _ratio("CPU in use", """Share of all processors in use. Content filters and TLS take most of it on a
           mail server.""",
           "smtpq_host_cpu_usage_ratio{@host}", "{{instance}}"),
    _ratio("Memory available", """Share of the memory that can be had without swapping.""",
           "smtpq_host_memory_available_bytes{@host} / smtpq_host_memory_size_bytes{@host}",
           "{{instance}}", low=0.1),
    _ratio("Pressure", """Share of the last minute in which something waited for a resource (Linux pressure
           stall information). io is the one that slows queues: a mail server writes every message to disk
           before it accepts it.""",
           "smtpq_host_pressure_ratio{@host}", "{{instance}} {{resource}} {{kind}}"),
    _ratio("Spool space left", """Space left on the file system of the queue. Near 0 the server refuses all
           mail.""",
           "smtpq_spool_filesystem_avail_bytes{@mta} / smtpq_spool_filesystem_size_bytes{@mta}",
           "{{instance}} {{directory}}", low=0.05),
    _ratio("Spool inodes left", """Inodes left there: each message takes one to three. Absent on file
           systems that do not count them.""",
           "smtpq_spool_filesystem_files_free{@mta} / smtpq_spool_filesystem_files{@mta}",
           "{{instance}} {{directory}}", low=0.05),
    _ratio("Disk busy", """Share of time in which the disk under the queue was busy.""",
           "rate(smtpq_spool_disk_io_time_seconds_total{@mta}[$__rate_interval])",
           "{{instance}} {{directory}}"),
    timeseries("Mail server processes", """Processes of the mail server. At the limit of delivery processes
               (100 in Postfix by default) mail waits in the active queue.""",
               Query("sum by (instance, mta_instance) (smtpq_mta_processes{@mta})",
                     "{{instance}} {{mta_instance}}"),
               unit="short", width=8),
    timeseries("CPU of the mail server", """Processors that the mail server's processes keep busy.""",
               Query("""sum by (instance, mta_instance) (
                        rate(smtpq_mta_cpu_seconds_total{@mta}[$__rate_interval]))""",
                     "{{instance}} {{mta_instance}}"), unit="short", width=8),
    timeseries("Memory of the mail server", """Resident memory of the mail server's processes; what
               they share counts once for each.""",
               Query("sum by (instance, mta_instance) (smtpq_mta_memory_bytes{@mta})",
                     "{{instance}} {{mta_instance}}"),
               unit="bytes", width=8),
)


def overview() -> Json:
    """Build the dashboard."""
    text = """Is mail late, where does it wait, why, and can these numbers be trusted. Made by
              smtpq_exporter; read it from top to bottom."""
    return dashboard(UID, "Mail queues: overview", text, (
        Row("At a glance", _LATE),
        Row("What waits", _QUEUE),
        Row("Where to, and why", _WHY),
        Row("Traffic, from the logs", _TRAFFIC),
        Row("Speed, from the logs", _SPEED),
        Row("Waits for a person, or for its next attempt", _WAITING),
        Row("Can these numbers be trusted?", _SOURCES),
        Row("The machine", _HOST),
    ))
