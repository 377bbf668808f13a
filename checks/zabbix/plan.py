"""What the Zabbix templates watch: values, triggers, graphs; written once for all three templates.

Pure data. A value says where it is on /metrics (by catalog.py, the one place for names) and where it is in
the document of `smtpq zabbix json`. In an expression ``@name`` is a value of the same group. Thresholds are
those of the plugins and of the Prometheus alerts.
"""

from __future__ import annotations

from dataclasses import dataclass

from smtpq_exporter.metrics import catalog
from smtpq_exporter.metrics.catalog import Metric

NO_DATA = "gives no data"


@dataclass(frozen=True, slots=True)
class Value:
    """One item. `match` joins the pattern; `pick` is value, sum, count or a label; `field` a JSONPath."""

    name: str
    text: str
    metric: Metric
    field: str
    match: str = ""
    pick: str = "value"
    units: str = ""
    valuemap: str = ""
    rate: bool = False
    number: bool = True
    about: str = ""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger. `id` is for its uuid; `under` is the trigger of its group (or NO_DATA) that hides it."""

    id: str
    text: str
    expression: str
    priority: str
    data: str
    about: str
    scope: str = "capacity"
    under: str = ""


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph of values of one group; a value with ``!`` is drawn against the right axis."""

    id: str
    text: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Values that are found together: one discovery rule; the group "exporter" is the template itself."""

    id: str
    text: str
    title: str
    labels: tuple[tuple[str, str], ...]
    seed: Metric
    collection: str
    values: tuple[Value, ...]
    triggers: tuple[Trigger, ...]
    graphs: tuple[Graph, ...]


_MTA = (("{#MTA}", "mta"), ("{#INSTANCE}", "mta_instance"))
_WINDOW = "{$SMTPQ.WINDOW}"

EXPORTER = Group(
    "exporter", "The exporter itself", "SMTP queue", (), catalog.BUILD_INFO, "exporter",
    (
        Value("exporter.version", "exporter version", catalog.BUILD_INFO, "version", pick="version",
              number=False),
        Value("exporter.sources", "sources", catalog.SOURCE_SUCCESS, "sources", match='mta!=""', pick="count",
              about="How many sources of mail servers the exporter has tried to read."),
        Value("exporter.sources_failed", "sources that failed", catalog.SOURCE_SUCCESS, "sources_failed",
              match="== 0", pick="count",
              about="Sources whose last reading failed: what they tell is missing."),
        Value("exporter.config_reload", "configuration", catalog.CONFIG_RELOAD, "config_reload",
              valuemap="Success", about="Whether the configuration was good when it was last read."),
    ),
    (
        Trigger("no_data", f"exporter {NO_DATA}", "nodata(@exporter.sources,{$SMTPQ.NODATA})=1", "AVERAGE",
                "", "Nothing is known about the mail queues: see whether smtpq-exporter runs and can be"
                " reached.", "availability"),
        Trigger("no_sources", "exporter watches no mail server",
                "max(@exporter.sources,{$SMTPQ.NODATA})=0", "WARNING", "",
                "No mail server was found on the host: name it in the exporter's configuration.",
                "availability", NO_DATA),
        Trigger("config", "exporter's configuration is wrong",
                f"max(@exporter.config_reload,{_WINDOW})=0", "WARNING", "",
                "The exporter goes on with the configuration before; its log says what is wrong.", "notice",
                NO_DATA),
    ),
    (Graph("sources", "sources of the exporter", ("exporter.sources", "exporter.sources_failed")),),
)

SERVERS = Group(
    "server", "Mail server discovery", "{#MTA} {#INSTANCE}", _MTA, catalog.SOURCE_SUCCESS, "servers",
    (
        Value("server.up", "mail system", catalog.UP, "up", valuemap="Running",
              about="Whether the mail system itself runs. No value where the exporter may not see that."),
        Value("server.messages", "messages in all queues", catalog.QUEUE_MESSAGES, "messages", pick="sum"),
        Value("server.received", "messages received a minute", catalog.LOG_RECEIVED, "received", rate=True),
        *(Value(f"server.{status}", f"recipients {status} a minute", catalog.LOG_DELIVERIES, status,
                match=f'status="{status}"', rate=True) for status in ("sent", "deferred", "bounced",
                                                                      "expired")),
        Value("server.auth_failures", "failed logins a minute", catalog.LOG_AUTH_FAILURES, "auth_failures",
              rate=True),
        Value("server.log_lag", "log not yet read", catalog.LOG_LAG, "log_lag", units="B"),
    ),
    (
        Trigger("down", "mail system is down", f"max(@server.up,{_WINDOW})=0", "HIGH", "",
                "No mail is accepted or delivered.", "availability", NO_DATA),
        Trigger("growing", "queue grows",
                f"min(@server.messages,{_WINDOW})-max(@server.messages,{_WINDOW}:now-{{$SMTPQ.GROWTH.PERIOD}})"
                ">{$SMTPQ.GROWTH.WARN}"
                f" and min(@server.messages,{_WINDOW})>{{$SMTPQ.GROWTH.FACTOR}}*"
                f"max(@server.messages,{_WINDOW}:now-{{$SMTPQ.GROWTH.PERIOD}})",
                "WARNING", "@server.messages messages", "More comes in than is delivered."),
        Trigger("deferrals_high", "very many deferrals",
                "avg(@server.deferred,{$SMTPQ.DEFERRALS.WINDOW})>{$SMTPQ.DEFERRALS.HIGH}", "HIGH",
                "@server.deferred a minute", "Other servers do not take our mail now.", "performance"),
        Trigger("deferrals_warn", "many deferrals",
                "avg(@server.deferred,{$SMTPQ.DEFERRALS.WINDOW})>{$SMTPQ.DEFERRALS.WARN}", "WARNING",
                "@server.deferred a minute", "Other servers do not take our mail now.", "performance",
                "deferrals_high"),
        Trigger("log_lag", "log is not read to its end",
                "min(@server.log_lag,{$SMTPQ.SOURCE.WINDOW})>{$SMTPQ.LOG.LAG}", "WARNING",
                "@server.log_lag",
                "Rates lag behind: the exporter reads the log more slowly than it is written.", "notice",
                NO_DATA),
    ),
    (
        Graph("messages", "messages", ("server.messages",)),
        Graph("flow", "mail flow", ("server.received", "server.sent", "server.deferred", "server.bounced")),
    ),
)

QUEUES = Group(
    "queue", "Queue discovery", "{#MTA} {#INSTANCE} [{#QUEUE}]", (*_MTA, ("{#QUEUE}", "queue")),
    catalog.QUEUE_MESSAGES, "queues",
    (
        Value("queue.messages", "messages", catalog.QUEUE_MESSAGES, "messages"),
        Value("queue.oldest", "age of the oldest message", catalog.QUEUE_OLDEST, "oldest", units="s",
              about="No new value (by agent: 0) while the queue is empty."),
        Value("queue.held", "messages on hold", catalog.QUEUE_HELD, "held",
              about="On hold, frozen, quarantined, corrupt: they never leave by themselves."),
        Value("queue.recipients", "recipients", catalog.QUEUE_RECIPIENTS, "recipients"),
        Value("queue.bytes", "size", catalog.QUEUE_BYTES, "bytes", units="B"),
    ),
    (
        Trigger("messages_high", "queue is very long",
                f'min(@queue.messages,{_WINDOW})>{{$SMTPQ.MESSAGES.HIGH:"{{#QUEUE}}"}}', "HIGH",
                "@queue.messages messages", "The queue holds more messages than ever expected."),
        Trigger("messages_warn", "queue is long",
                f'min(@queue.messages,{_WINDOW})>{{$SMTPQ.MESSAGES.WARN:"{{#QUEUE}}"}}', "WARNING",
                "@queue.messages messages", "The queue holds more messages than usual.",
                under="messages_high"),
        # "0 and unknown" is 0: an empty queue, which has no oldest message, ends the problem.
        Trigger("oldest_high", "mail has been waiting very long",
                'last(@queue.messages)>{$SMTPQ.AGE.MESSAGES:"{#QUEUE}"} and '
                f'min(@queue.oldest,{_WINDOW})>{{$SMTPQ.AGE.HIGH:"{{#QUEUE}}"}}', "HIGH",
                "@queue.messages messages, oldest @queue.oldest",
                "Mail will soon be returned to its senders.", "performance"),
        Trigger("oldest_warn", "mail has been waiting long",
                'last(@queue.messages)>{$SMTPQ.AGE.MESSAGES:"{#QUEUE}"} and '
                f'min(@queue.oldest,{_WINDOW})>{{$SMTPQ.AGE.WARN:"{{#QUEUE}}"}}', "WARNING",
                "@queue.messages messages, oldest @queue.oldest", "Mail is late: the status page says why.",
                "performance", "oldest_high"),
        Trigger("held", "held mail waits for an operator",
                'min(@queue.held,{$SMTPQ.HELD.WINDOW})>{$SMTPQ.HELD.WARN:"{#QUEUE}"}', "WARNING",
                "@queue.held messages", "It neither leaves nor expires by itself.", "notice"),
    ),
    (Graph("queue", "messages and age", ("queue.messages", "queue.held", "queue.oldest!")),),
)

SOURCES = Group(
    "source", "Source discovery", "Source {#SOURCE} [{#MTA} {#INSTANCE}]", (*_MTA, ("{#SOURCE}", "source")),
    catalog.SOURCE_SUCCESS, "sources",
    (
        Value("source.success", "reading", catalog.SOURCE_SUCCESS, "success", valuemap="Success"),
        Value("source.last_success", "last read", catalog.SOURCE_LAST_SUCCESS, "last_success",
              units="unixtime"),
        Value("source.interval", "interval", catalog.SOURCE_INTERVAL, "interval", units="s"),
        Value("source.duration", "duration of a reading", catalog.SOURCE_DURATION, "duration", units="s"),
        Value("source.truncated", "read in part only", catalog.SOURCE_TRUNCATED, "truncated",
              valuemap="Yes or no"),
    ),
    (
        # A source that is no longer there (another way to read is used) has no data: that ends its problems.
        Trigger("stale", "not read for long",
                "nodata(@source.last_success,{$SMTPQ.NODATA})=0 and "
                "now()-last(@source.last_success)>{$SMTPQ.SOURCE.AGE} and "
                "now()-last(@source.last_success)>3*last(@source.interval)", "HIGH",
                "last read @source.last_success",
                "What it tells is missing or old: see the exporter's log. Clocks must agree.", "availability",
                NO_DATA),
        Trigger("failing", "cannot be read",
                "nodata(@source.success,{$SMTPQ.NODATA})=0 and max(@source.success,{$SMTPQ.SOURCE.WINDOW})=0",
                "WARNING", "",
                "What it tells is missing: the exporter's status page names the cause and the remedy.",
                "availability", NO_DATA),
        Trigger("truncated", "is read in part only",
                "nodata(@source.truncated,{$SMTPQ.NODATA})=0 and "
                "min(@source.truncated,{$SMTPQ.SOURCE.WINDOW})=1",
                "WARNING", "", "A limit was hit: all counts are lower bounds.", "notice", NO_DATA),
    ),
    (Graph("duration", "duration of a reading", ("source.duration",)),),
)

SPOOLS = Group(
    "spool", "Spool discovery", "Spool {#DIRECTORY} [{#MTA} {#INSTANCE}]",
    (*_MTA, ("{#DIRECTORY}", "directory")), catalog.SPOOL_SIZE, "spools",
    (
        Value("spool.size", "size", catalog.SPOOL_SIZE, "size", units="B"),
        Value("spool.available", "available", catalog.SPOOL_AVAIL, "available", units="B"),
        Value("spool.files", "inodes", catalog.SPOOL_FILES, "files"),
        Value("spool.files_free", "inodes available", catalog.SPOOL_FILES_FREE, "files_free"),
    ),
    tuple(
        Trigger(f"{what}_{level.lower()}", f"{'very ' if level == 'HIGH' else ''}{word} left",
                f"100*max(@spool.{free},{_WINDOW})/last(@spool.{whole})<{{$SMTPQ.SPOOL.FREE.{level}}}",
                priority, f"@spool.{free} of @spool.{whole}",
                "A mail server without space stops to accept mail.", under=under.format(what))
        for what, word, free, whole in (("space", "little space", "available", "size"),
                                        ("inodes", "few inodes", "files_free", "files"))
        for level, priority, under in (("HIGH", "HIGH", ""), ("WARN", "WARNING", "{}_high"))
    ),
    (Graph("space", "space", ("spool.size", "spool.available")),),
)

REASONS = Group(
    "reason", "Reason discovery", "{#MTA} {#INSTANCE}, waiting because of {#REASON}",
    (*_MTA, ("{#REASON}", "reason")), catalog.QUEUE_REASONS, "reasons",
    (Value("reason.recipients", "recipients", catalog.QUEUE_REASONS, "recipients"),),
    (
        # Where nothing waits for any reason there is no value either; that must end the problem.
        Trigger("reason", "too many",
                "nodata(@reason.recipients,{$SMTPQ.NODATA})=0 and "
                f'min(@reason.recipients,{_WINDOW})>{{$SMTPQ.REASON.WARN:"{{#REASON}}"}}', "WARNING",
                "@reason.recipients recipients", "`smtpq status` says what this reason means and heals.",
                "notice"),
    ),
    (),
)

#: In the order of the templates.
DISCOVERED = (SERVERS, QUEUES, SOURCES, SPOOLS, REASONS)

VALUEMAPS = {
    "Running": {"0": "down", "1": "running"},
    "Success": {"0": "failed", "1": "ok"},
    "Yes or no": {"0": "no", "1": "yes"},
}
