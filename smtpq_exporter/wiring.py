"""Config -> what runs: for each mail server a Watch with its reader and its log, and one worker for the host.

The one place where the rooms are joined. A reload keeps every Watch whose part of the configuration is the
same: it keeps what it has learnt of its queue and where it stands in its log.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from smtpq_exporter.config import Config
from smtpq_exporter.host import HostReading, HostSource, Place
from smtpq_exporter.io.discovery import complete, discover
from smtpq_exporter.io.pump import open_pump
from smtpq_exporter.io.reader import QueueReader
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.sampler import LogPump, Sampler, Watch
from smtpq_exporter.schedule import Pace
from smtpq_exporter.source import QueueSource
from smtpq_exporter.worker import Worker


@dataclass(frozen=True, slots=True)
class _Order:
    """All that decides how one instance is watched; equal orders need no change."""

    instance: Instance
    pace: Pace
    rules: tuple[tuple[str, str], ...]
    top: int
    logs: tuple[str, str] | None


class Wiring:
    """Makes the watches for a Config and gives them to the sampler."""

    def __init__(
        self,
        sampler: Sampler,
        *,
        find: Callable[[], Iterable[Instance]] = discover,
        read: Callable[..., QueueReader] = open_reader,
    ) -> None:
        self._sampler, self._find, self._read = sampler, find, read
        self._watches: dict[_Order, Watch] = {}
        self._host: Worker[HostReading] | None = None
        self._host_order: object = None

    @property
    def instances(self) -> tuple[Instance, ...]:
        """The mail servers that are watched."""
        return tuple(watch.instance for watch in self._watches.values())

    def start(self, config: Config) -> None:
        """Begin with a configuration."""
        self._prepare(config)
        self._sampler.start(self._watches.values(), self._host)

    def change(self, config: Config) -> None:
        """Go on with another configuration."""
        self._prepare(config)
        self._sampler.change(self._watches.values(), self._host)

    def _prepare(self, config: Config) -> None:
        instances = self.find(config)
        orders = [self._order(config, instance) for instance in instances]
        self._watches = {order: self._watches.get(order) or self._watch(order) for order in orders}
        host_order = (config.host, tuple(instances))
        if host_order != self._host_order:
            self._host, self._host_order = self._host_worker(config, instances), host_order

    def find(self, config: Config) -> list[Instance]:
        """The instances of this configuration, each name once."""
        found = (
            [each for instance in config.mtas for each in complete(instance)]
            if config.mtas is not None
            else [*self._find()]
        )
        unique: dict[tuple[str, str], Instance] = {}
        for instance in found:
            unique.setdefault((instance.mta, instance.name), instance)
        return list(unique.values())

    @staticmethod
    def _order(config: Config, instance: Instance) -> _Order:
        sampling = config.sampling
        pace = Pace(
            instance.interval or sampling.interval,
            instance.timeout or sampling.timeout,
            sampling.duty,
            sampling.max_staleness,
        )
        directory = config.logs.state_directory or os.environ.get("STATE_DIRECTORY", "").split(":")[0]
        logs = (directory, config.logs.start) if config.logs.enabled and instance.logs else None
        return _Order(instance, pace, config.user_rules, config.top_destinations, logs)

    def _watch(self, order: _Order) -> Watch:
        instance, classifier = order.instance, Classifier(order.rules)
        source = QueueSource(instance, lambda one: self._read(one, classifier=classifier, top=order.top))
        worker = Worker(f"{instance.mta}/{instance.name} queue", source, order.pace, self._sampler.publish)
        return Watch(instance, worker, _pump(order))

    def _host_worker(self, config: Config, instances: list[Instance]) -> Worker[HostReading] | None:
        if not config.host.enabled:
            return None
        places = tuple(
            Place(
                (one.mta, one.name), one.queue_directory,
                () if one.simulated else MTAS[one.mta].discovery.processes,
            )
            for one in instances
        )
        pace = replace(Pace(), interval=config.host.interval, timeout=10.0)
        return Worker("host", HostSource(places), pace, self._sampler.publish)


def _pump(order: _Order) -> LogPump | None:
    """What follows the log of an instance, with a classifier of its own: it runs in another thread."""
    instance, mta = order.instance, MTAS[order.instance.mta]
    make = mta.log
    if not order.logs or make is None:
        return None
    directory, start = order.logs
    classifier = Classifier(order.rules)
    names = instance.syslog_names or mta.discovery.syslog_names
    return open_pump(
        instance,
        state_directory=directory or None,
        start=start,
        tally=lambda state: Tally(order.top) if state is None else Tally.restore(state, order.top),
        parser=lambda tally: make(tally, classifier, names),
    )
