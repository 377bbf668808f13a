"""Every metric of this program: name, type, labels, help. Written here and nowhere else (law 6).

Pure. families.py fills these metrics from a State; docs/metrics.md is printed from this module; dashboards,
rules and their tests are checked against METRICS. Renaming one needs a decision record in docs/adr/.
"""

from __future__ import annotations

from dataclasses import dataclass

GAUGE, COUNTER, HISTOGRAM, GAUGE_HISTOGRAM = "gauge", "counter", "histogram", "gaugehistogram"
QUEUE, LOG, HOST, ITSELF = "queue", "log", "host", "itself"

_BACKGROUND = " Readings are made in the background, never by the scrape."
_DONT_RATE = (
    " A gauge histogram: made anew of what is there at each reading. Don't rate() it;"
    " histogram_quantile(0.5, ..._bucket) works as it is."
)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric family. `group` is the part of docs/metrics.md that it stands in; `text` begins its help."""

    name: str
    kind: str
    group: str
    labels: tuple[str, ...]
    text: str

    @property
    def help(self) -> str:
        """What HELP says: also that nothing is read by a scrape, and how a gauge histogram is meant."""
        background = _BACKGROUND if self.group in (QUEUE, HOST) else ""
        return self.text + (_DONT_RATE if self.kind == GAUGE_HISTOGRAM else "") + background

    @property
    def series(self) -> tuple[str, ...]:
        """The sample names under which a query finds it."""
        if self.kind == HISTOGRAM:
            return tuple(self.name + end for end in ("_bucket", "_count", "_sum"))
        if self.kind == GAUGE_HISTOGRAM:
            return tuple(self.name + end for end in ("_bucket", "_gcount", "_gsum"))
        return (self.name,)


_MTA = ("mta", "mta_instance")
_QUEUE, _SOURCE, _SPOOL = (*_MTA, "queue"), (*_MTA, "source"), (*_MTA, "directory")
_REASON = (*_MTA, "reason")

# fmt: off
# --- Queue: from one snapshot
QUEUE_MESSAGES = Metric("smtpq_queue_messages", GAUGE, QUEUE, _QUEUE,
    "Messages in this queue. 0 means read and empty; a queue that could not be read has no series.")
QUEUE_RECIPIENTS = Metric("smtpq_queue_recipients", GAUGE, QUEUE, _QUEUE,
    "Recipients that still wait in this queue.")
QUEUE_BYTES = Metric("smtpq_queue_bytes", GAUGE, QUEUE, _QUEUE,
    "Size of all messages in this queue, as the mail server counts it.")
QUEUE_OLDEST = Metric("smtpq_queue_oldest_message_age_seconds", GAUGE, QUEUE, _QUEUE,
    "Time since the oldest message of this queue arrived. Absent while the queue is empty.")
QUEUE_AGES = Metric("smtpq_queue_message_age_seconds", GAUGE_HISTOGRAM, QUEUE, _QUEUE,
    "How long the messages of this queue have been waiting.")
QUEUE_SIZES = Metric("smtpq_queue_message_size_bytes", GAUGE_HISTOGRAM, QUEUE, _QUEUE,
    "How large the messages of this queue are.")
QUEUE_HELD = Metric("smtpq_queue_held_messages", GAUGE, QUEUE, _QUEUE,
    "Messages that never leave by themselves and wait for a person: on hold, frozen, quarantined, suspended,"
    " corrupt.")
QUEUE_RETRY_DUE = Metric("smtpq_queue_retry_due_messages", GAUGE, QUEUE, _QUEUE,
    "Messages whose time for the next attempt has come. Absent where the source cannot tell.")
QUEUE_DESTINATIONS = Metric("smtpq_queue_destination_messages", GAUGE, QUEUE, (*_MTA, "domain"),
    'Messages by destination domain: the largest domains, and domain="other" for all the rest. A message to'
    " two domains counts for both.")
QUEUE_REASONS = Metric("smtpq_queue_deferred_recipients", GAUGE, QUEUE, _REASON,
    "Recipients that wait now, by why their last attempt failed: a closed set of reasons.")
QUEUE_FORCED_EXPIRY = Metric("smtpq_queue_forced_expiry_messages", GAUGE, QUEUE, _MTA,
    "Messages that an operator has marked to be returned at the next attempt.")
QUEUE_SKIPPED = Metric("smtpq_queue_skipped_entries", GAUGE, QUEUE, (*_MTA, "why"),
    "Entries of the queue that the last reading saw and left out; reason_unread: only their reasons.")
QUEUE_INCOMING = Metric("smtpq_queue_incoming_messages_per_second", GAUGE, QUEUE, _QUEUE,
    "Messages that enter this queue per second, as the mail server itself measures. Exchange only.")
QUEUE_OUTGOING = Metric("smtpq_queue_outgoing_messages_per_second", GAUGE, QUEUE, _QUEUE,
    "Messages that leave this queue per second, as the mail server itself measures. Minus incoming it is the"
    " velocity. Exchange only.")
QUEUE_NEXT_HOPS = Metric("smtpq_queue_next_hops", GAUGE, QUEUE, (*_MTA, "category", "state"),
    "Next hops that have a queue of their own, by where they are and what the mail server does with them."
    " Exchange only.")
QUEUE_NEXT_HOP_MESSAGES = Metric("smtpq_queue_next_hop_messages", GAUGE, QUEUE, (*_MTA, "category", "state"),
    "Messages in the queues of next hops, by where these are and what the mail server does with them."
    " Exchange only.")
QUEUE_REPORTED = Metric("smtpq_queue_report_timestamp_seconds", GAUGE, QUEUE, _MTA,
    "When the mail server's host made the report that was read, by its clock. Exchange only.")
QUEUE_PRESSURE = Metric("smtpq_queue_back_pressure_level", GAUGE, QUEUE, (*_MTA, "resource"),
    "How short the mail server is of a resource: 0 low, 1 medium (it slows clients down), 2 high (it refuses"
    " mail). Exchange only.")

# --- Logs: counters that only grow while the state directory lives
LOG_RECEIVED = Metric("smtpq_log_messages_received_total", COUNTER, LOG, _MTA,
    "Messages that entered the queue.")
LOG_DELIVERIES = Metric("smtpq_log_deliveries_total", COUNTER, LOG, (*_MTA, "status"),
    "Delivery attempts, one for each recipient, by what became of them: sent, deferred, bounced, expired.")
LOG_DEFERRALS = Metric("smtpq_log_deferrals_total", COUNTER, LOG, (*_REASON, "suspended"),
    'Recipients deferred, by why. suspended="true": no attempt was made, the destination is known as dead.')
LOG_BOUNCES = Metric("smtpq_log_bounces_total", COUNTER, LOG, _REASON,
    "Recipients returned to the sender for good, by why.")
LOG_REJECTS = Metric("smtpq_log_rejects_total", COUNTER, LOG, _REASON,
    "Mail that this server refused to accept, by why.")
LOG_REPLIES = Metric("smtpq_log_replies_total", COUNTER, LOG, (*_MTA, "status", "enhanced"),
    "Delivery attempts by status and by class and subject of the enhanced status code, such as 4.7.")
LOG_DELAYS = Metric("smtpq_log_delivery_delay_seconds", HISTOGRAM, LOG, (*_MTA, "stage"),
    "Time that first delivery attempts spent in each stage: before_queue, in_queue, connect, transmit.")
LOG_LATENCY = Metric("smtpq_log_delivery_latency_seconds", HISTOGRAM, LOG, _MTA,
    "The whole way of a message from arrival to its final delivery; each message counts once.")
LOG_DESTINATIONS = Metric("smtpq_log_destination_deliveries_total", COUNTER, LOG, (*_MTA, "domain", "status"),
    'Delivery attempts by destination domain: the busiest domains, and domain="other" for all the rest.')
LOG_CONNECTIONS = Metric("smtpq_log_connections_total", COUNTER, LOG, _MTA,
    "Connections that clients made to this server.")
LOG_AUTH_FAILURES = Metric("smtpq_log_auth_failures_total", COUNTER, LOG, _MTA,
    "Failed logins of clients.")
LOG_TLS = Metric("smtpq_log_tls_connections_total", COUNTER, LOG, (*_MTA, "protocol"),
    "Connections protected by TLS, by protocol version.")
LOG_REMOVED = Metric("smtpq_log_messages_removed_total", COUNTER, LOG, _MTA,
    "Messages that left the queue, delivered or not.")
LOG_EXPIRED = Metric("smtpq_log_messages_expired_total", COUNTER, LOG, _MTA,
    "Messages returned because they could not be delivered within their lifetime.")
LOG_WARNINGS = Metric("smtpq_log_warnings_total", COUNTER, LOG, (*_MTA, "kind"),
    "Warnings and errors of the mail server itself, by kind.")

# --- Host
HOST_CPU = Metric("smtpq_host_cpu_usage_ratio", GAUGE, HOST, (),
    "Share of all processors in use since the reading before.")
HOST_LOAD = Metric("smtpq_host_load1", GAUGE, HOST, (),
    "Load average of one minute.")
HOST_MEMORY_AVAILABLE = Metric("smtpq_host_memory_available_bytes", GAUGE, HOST, (),
    "Memory that can be had without swapping.")
HOST_MEMORY_SIZE = Metric("smtpq_host_memory_size_bytes", GAUGE, HOST, (),
    "Memory of this machine.")
HOST_PRESSURE = Metric("smtpq_host_pressure_ratio", GAUGE, HOST, ("resource", "kind"),
    "Share of the last minute in which work waited for cpu, io or memory: kind some or full (Linux PSI).")
SPOOL_SIZE = Metric("smtpq_spool_filesystem_size_bytes", GAUGE, HOST, _SPOOL,
    "Size of the file system under the queue.")
SPOOL_AVAIL = Metric("smtpq_spool_filesystem_avail_bytes", GAUGE, HOST, _SPOOL,
    "Space that the mail server can still use on the file system under the queue.")
SPOOL_FILES = Metric("smtpq_spool_filesystem_files", GAUGE, HOST, _SPOOL,
    "Inodes of the file system under the queue. Absent where it makes them as it needs them.")
SPOOL_FILES_FREE = Metric("smtpq_spool_filesystem_files_free", GAUGE, HOST, _SPOOL,
    "Inodes that the mail server can still use on the file system under the queue.")
SPOOL_DISK_IO = Metric("smtpq_spool_disk_io_time_seconds_total", COUNTER, HOST, _SPOOL,
    "Time for which the disk under the queue was busy.")
MTA_PROCESSES = Metric("smtpq_mta_processes", GAUGE, HOST, _MTA,
    "Processes of the mail server.")
MTA_CPU = Metric("smtpq_mta_cpu_seconds_total", COUNTER, HOST, _MTA,
    "Processor time of the mail server's processes: those that live, and what those seen before had used.")
MTA_MEMORY = Metric("smtpq_mta_memory_bytes", GAUGE, HOST, _MTA,
    "Resident memory of the mail server's processes.")

# --- Itself
UP = Metric("smtpq_up", GAUGE, ITSELF, _MTA,
    "Whether the mail system itself runs. Absent where this program may not see that.")
SOURCE_SUCCESS = Metric("smtpq_source_success", GAUGE, ITSELF, _SOURCE,
    "Whether the last reading of this source succeeded.")
SOURCE_DURATION = Metric("smtpq_source_duration_seconds", GAUGE, ITSELF, _SOURCE,
    "Duration of the last reading of this source.")
SOURCE_INTERVAL = Metric("smtpq_source_interval_seconds", GAUGE, ITSELF, _SOURCE,
    "How often this source is read now: less often than configured if readings would take more than their"
    " share of the time.")
SOURCE_CONFIGURED_INTERVAL = Metric("smtpq_source_configured_interval_seconds", GAUGE, ITSELF, _SOURCE,
    "How often this source should be read.")
SOURCE_LAST_SUCCESS = Metric("smtpq_source_last_success_timestamp_seconds", GAUGE, ITSELF, _SOURCE,
    "When this source was last read with success.")
SOURCE_ERRORS = Metric("smtpq_source_errors_total", COUNTER, ITSELF, (*_SOURCE, "kind"),
    "Readings of this source that failed, by kind: permission, timeout, parse, unavailable, truncated.")
SOURCE_TRUNCATED = Metric("smtpq_source_truncated", GAUGE, ITSELF, _SOURCE,
    "Whether the last reading hit a limit: all its counts are then lower bounds.")
LOG_LINES = Metric("smtpq_log_lines_total", COUNTER, ITSELF, (*_MTA, "result"),
    "Log lines: understood, ignored (of other programs, or with nothing to count), unparsed.")
LOG_LAG = Metric("smtpq_log_lag_bytes", GAUGE, ITSELF, _MTA,
    "Log bytes that are written and not yet read.")
LOG_ROTATIONS = Metric("smtpq_log_rotations_total", COUNTER, ITSELF, _MTA,
    "Log rotations that were followed.")
LOG_LAST_LINE = Metric("smtpq_log_last_line_timestamp_seconds", GAUGE, ITSELF, _MTA,
    "Time of the newest log line of this mail server.")
MTA_INFO = Metric("smtpq_mta_info", GAUGE, ITSELF, (*_MTA, "version"),
    "Version of the mail server; the value is always 1.")
BUILD_INFO = Metric("smtpq_exporter_build_info", GAUGE, ITSELF, ("version", "python"),
    "Version of this program; the value is always 1.")
CONFIG_RELOAD = Metric("smtpq_config_last_reload_successful", GAUGE, ITSELF, (),
    "Whether the configuration was good when it was last read.")
PROCESS_START = Metric("process_start_time_seconds", GAUGE, ITSELF, (),
    "When this program was started.")
PROCESS_CPU = Metric("process_cpu_seconds_total", COUNTER, ITSELF, (),
    "Processor time that this program has used.")
PROCESS_MEMORY = Metric("process_resident_memory_bytes", GAUGE, ITSELF, (),
    "Resident memory of this program.")
# fmt: on

#: All of them, in the order of exposition.
METRICS: tuple[Metric, ...] = tuple(value for value in tuple(globals().values()) if isinstance(value, Metric))
