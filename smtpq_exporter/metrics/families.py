"""State -> Prometheus metric families: all that this program exposes, made anew each time.

Pure: `now` is given. Nothing is kept in global metric objects; what was not read has no series (law 2);
names come from catalog.py only (law 6).
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeHistogramMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family

from smtpq_exporter import __version__
from smtpq_exporter.metrics import catalog
from smtpq_exporter.metrics.catalog import Metric
from smtpq_exporter.model import (
    STAGES,
    STATUSES,
    Filesystem,
    Histogram,
    HostSample,
    LogTally,
    Processes,
    QueueSnapshot,
    QueueStats,
    Sample,
    SourceState,
    State,
)
from smtpq_exporter.reasons import REASONS

#: Names for ?collect[]= beside those of the mail servers.
HOST, EXPORTER = "host", "exporter"


def collectors(state: State) -> tuple[str, ...]:
    """The names that ?collect[]= accepts now."""
    return (*sorted({sample.mta for sample in state.samples}), HOST, EXPORTER)


def families(state: State, now: float, only: frozenset[str] | None = None) -> list[Family]:
    """All families that have a sample, in the order of the catalog; `only` = names from collectors()."""
    page = _Page()
    for sample in state.samples:
        if only is None or sample.mta in only:
            _sample(page, sample, now)
    if only is None or HOST in only:
        _host(page, state.host, state.host_source)
    if only is None or EXPORTER in only:
        _exporter(page, state)
    return page.families()


class _Page:
    """The exposition while it is being written: one family for each metric that gets a sample."""

    def __init__(self) -> None:
        self._families: dict[Metric, Any] = {}

    def put(self, metric: Metric, labels: tuple[str, ...], value: float | None) -> None:
        """Add a sample; None means not known and adds nothing."""
        if value is not None:
            self._family(metric).add_metric(_printable(labels), value)

    def put_histogram(self, metric: Metric, labels: tuple[str, ...], value: Histogram | None) -> None:
        """Add a distribution, cumulated as the format wants it."""
        if value is None:
            return
        buckets: list[tuple[str, float]] = []
        below = 0
        for bound, count in zip((*map(float, value.bounds), "+Inf"), value.counts, strict=True):
            below += count
            buckets.append((str(bound), below))
        self._family(metric).add_metric(_printable(labels), buckets, value.total)

    def put_each(
        self, metric: Metric, labels: tuple[str, ...], values: Mapping[str, int], known: tuple[str, ...] = ()
    ) -> None:
        """Add one sample for each key, and an explicit 0 for each `known` key that is missing."""
        for key in dict.fromkeys((*known, *values)):
            self.put(metric, (*labels, key), values.get(key, 0))

    def families(self) -> list[Family]:
        """What was written, in the order of the catalog."""
        return [self._families[metric] for metric in catalog.METRICS if metric in self._families]

    def _family(self, metric: Metric) -> Any:  # the library's families share no class with add_metric
        family = self._families.get(metric)
        if family is None:
            family = self._families[metric] = _KINDS[metric.kind](
                metric.name, metric.help, labels=metric.labels
            )
        return family


def _printable(labels: tuple[str, ...]) -> tuple[str, ...]:
    """Labels that can be encoded: bytes of a path that are no UTF-8 are written out."""
    if all(map(str.isascii, labels)):
        return labels
    return tuple(label.encode("utf-8", "backslashreplace").decode() for label in labels)


_KINDS: dict[str, Callable[..., Family]] = {
    catalog.GAUGE: GaugeMetricFamily,
    catalog.COUNTER: CounterMetricFamily,
    catalog.HISTOGRAM: HistogramMetricFamily,
    catalog.GAUGE_HISTOGRAM: GaugeHistogramMetricFamily,
}


def _sample(page: _Page, sample: Sample, now: float) -> None:
    labels = (sample.mta, sample.instance)
    if sample.up is not None:
        page.put(catalog.UP, labels, int(sample.up))
    if sample.version:
        page.put(catalog.MTA_INFO, (*labels, sample.version), 1)
    for source in sample.sources:
        _source(page, (*labels, source.source), source)
    if sample.queue is not None:
        _queue(page, labels, sample.queue, now)
    if sample.log is not None:
        _log(page, labels, sample.log)
    _spool(page, labels, sample.filesystem, sample.processes)


def _source(page: _Page, labels: tuple[str, ...], source: SourceState) -> None:
    if source.last_attempt is not None:
        page.put(catalog.SOURCE_SUCCESS, labels, int(source.success))
    page.put(catalog.SOURCE_DURATION, labels, source.duration)
    page.put(catalog.SOURCE_INTERVAL, labels, source.interval)
    page.put(catalog.SOURCE_CONFIGURED_INTERVAL, labels, source.configured_interval)
    page.put(catalog.SOURCE_LAST_SUCCESS, labels, source.last_success)
    page.put(catalog.SOURCE_TRUNCATED, labels, int(source.truncated))
    page.put_each(catalog.SOURCE_ERRORS, labels, source.errors)


def _queue(page: _Page, labels: tuple[str, ...], snapshot: QueueSnapshot, now: float) -> None:
    for name, queue in (*snapshot.queues.items(), *snapshot.aside.items()):
        _one_queue(page, (*labels, name), queue, now)
    for hop, (queues, messages) in snapshot.next_hops.items():
        page.put(catalog.QUEUE_NEXT_HOPS, (*labels, *hop), queues)
        page.put(catalog.QUEUE_NEXT_HOP_MESSAGES, (*labels, *hop), messages)
    page.put_each(catalog.QUEUE_PRESSURE, labels, snapshot.pressure)
    page.put(catalog.QUEUE_REPORTED, labels, snapshot.reported_at)
    destinations: Counter[str] = Counter()
    for domain, messages in snapshot.destinations:  # there may be a domain that is called "other"
        destinations[domain] += messages
    page.put_each(catalog.QUEUE_DESTINATIONS, labels, destinations)
    # A source that shows no reasons leaves the mapping empty: zeros would be invented there.
    if snapshot.reasons:
        page.put_each(catalog.QUEUE_REASONS, labels, snapshot.reasons, REASONS)
    page.put(catalog.QUEUE_FORCED_EXPIRY, labels, snapshot.forced_expiry)
    page.put_each(catalog.QUEUE_SKIPPED, labels, snapshot.skipped)


def _one_queue(page: _Page, labels: tuple[str, ...], queue: QueueStats, now: float) -> None:
    page.put(catalog.QUEUE_MESSAGES, labels, queue.messages)
    page.put(catalog.QUEUE_RECIPIENTS, labels, queue.recipients)
    page.put(catalog.QUEUE_BYTES, labels, queue.bytes)
    if queue.oldest_arrival is not None:
        page.put(catalog.QUEUE_OLDEST, labels, max(0.0, round(now - queue.oldest_arrival, 3)))
    page.put(catalog.QUEUE_HELD, labels, queue.held)
    page.put(catalog.QUEUE_RETRY_DUE, labels, queue.retry_due)
    page.put(catalog.QUEUE_INCOMING, labels, queue.incoming)
    page.put(catalog.QUEUE_OUTGOING, labels, queue.outgoing)
    page.put_histogram(catalog.QUEUE_AGES, labels, queue.ages)
    page.put_histogram(catalog.QUEUE_SIZES, labels, queue.sizes)


def _log(page: _Page, labels: tuple[str, ...], log: LogTally) -> None:
    page.put(catalog.LOG_RECEIVED, labels, log.received)
    page.put(catalog.LOG_REMOVED, labels, log.removed)
    page.put(catalog.LOG_EXPIRED, labels, log.expired)
    page.put(catalog.LOG_CONNECTIONS, labels, log.connections)
    page.put(catalog.LOG_AUTH_FAILURES, labels, log.auth_failures)
    page.put_each(catalog.LOG_DELIVERIES, labels, log.deliveries, STATUSES)
    for reason in (*REASONS, *sorted({reason for reason, _ in log.deferrals} - set(REASONS))):
        for suspended in (False, True):
            value = log.deferrals.get((reason, suspended), 0)
            page.put(catalog.LOG_DEFERRALS, (*labels, reason, str(suspended).lower()), value)
    page.put_each(catalog.LOG_BOUNCES, labels, log.bounces, REASONS)
    page.put_each(catalog.LOG_REJECTS, labels, log.rejects, REASONS)
    for (status, enhanced), value in log.replies.items():
        page.put(catalog.LOG_REPLIES, (*labels, status, enhanced), value)
    for stage in STAGES:
        page.put_histogram(catalog.LOG_DELAYS, (*labels, stage), log.delays.get(stage))
    page.put_histogram(catalog.LOG_LATENCY, labels, log.latency)
    for (domain, status), value in log.destinations.items():
        page.put(catalog.LOG_DESTINATIONS, (*labels, domain, status), value)
    page.put_each(catalog.LOG_TLS, labels, log.tls)
    page.put_each(catalog.LOG_WARNINGS, labels, log.warnings)
    page.put_each(catalog.LOG_LINES, labels, log.lines)
    page.put(catalog.LOG_LAG, labels, log.lag_bytes)
    page.put(catalog.LOG_ROTATIONS, labels, log.rotations)
    page.put(catalog.LOG_LAST_LINE, labels, log.last_line)


def _spool(
    page: _Page, labels: tuple[str, ...], disk: Filesystem | None, processes: Processes | None
) -> None:
    if disk is not None:
        spool = (*labels, disk.directory)
        page.put(catalog.SPOOL_SIZE, spool, disk.size)
        page.put(catalog.SPOOL_AVAIL, spool, disk.available)
        # btrfs and others make inodes as they need them and say 0 of 0: that is not "none left".
        if disk.files:
            page.put(catalog.SPOOL_FILES, spool, disk.files)
            page.put(catalog.SPOOL_FILES_FREE, spool, disk.files_free)
        page.put(catalog.SPOOL_DISK_IO, spool, disk.disk_io_time)
    if processes is not None:
        page.put(catalog.MTA_PROCESSES, labels, processes.count)
        page.put(catalog.MTA_CPU, labels, processes.cpu_seconds)
        page.put(catalog.MTA_MEMORY, labels, processes.memory)


def _host(page: _Page, host: HostSample | None, source: SourceState | None) -> None:
    if source is not None:
        _source(page, ("", "", source.source), source)
    if host is None:
        return
    page.put(catalog.HOST_CPU, (), host.cpu_usage)
    page.put(catalog.HOST_LOAD, (), host.load1)
    page.put(catalog.HOST_MEMORY_AVAILABLE, (), host.memory_available)
    page.put(catalog.HOST_MEMORY_SIZE, (), host.memory_size)
    for (resource, kind), ratio in host.pressure.items():
        page.put(catalog.HOST_PRESSURE, (resource, kind), ratio)


def _exporter(page: _Page, state: State) -> None:
    page.put(catalog.BUILD_INFO, (__version__, platform.python_version()), 1)
    page.put(catalog.CONFIG_RELOAD, (), int(state.config_reload_ok))
    page.put(catalog.PROCESS_START, (), state.started_at or None)
    if state.own is not None:
        page.put(catalog.PROCESS_CPU, (), state.own.cpu_seconds)
        page.put(catalog.PROCESS_MEMORY, (), state.own.memory)
