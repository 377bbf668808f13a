"""The sample of a host without its exporter: each mail server is asked once, here and now, as this user.

It has the shape that the exporter serves. What happened before is not known here; so rates come from the end
of the log (logwindow.py), and a trend from a file that the user names (trail.py). The rest is not read.
"""

from __future__ import annotations

import os
import time

from smtpq_exporter import view
from smtpq_exporter.errors import ConfigError, ParseError, SourceError
from smtpq_exporter.io import discovery
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import FAULT_KINDS, Fault, LogTally, Sample, SourceState, State
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options
    from smtpq_exporter.host import HostReading
    from smtpq_exporter.io.reader import QueueReader
    from smtpq_exporter.model import QueueSnapshot

#: Destinations that are named in the long output.
TOP = 20


def sample(
    options: Options, query: dict[str, float], needs: frozenset[str], deadline: float
) -> dict[str, Any]:
    """Read what is needed of each mail server; what fails is a fault in its source, as in the exporter."""
    instances = _instances(options)
    now = time.time()
    host = _host(instances) if "host" in needs else None
    found = tuple(_sample(instance, options, needs, host, deadline) for instance in instances)
    if "trail" in needs and options.state_file:
        from smtpq_exporter.checks.trail import follow

        found = follow(options.state_file, found, options.window)
    state = State(taken_at=now, samples=found, host=host.host if host else None, started_at=now)
    return view.as_json(state, time.time(), **query)


def _instances(options: Options) -> list[Instance]:
    if options.config_dir:
        if not os.path.isdir(options.config_dir):  # noqa: PTH112
            raise SourceError("unavailable", f"no directory {options.config_dir}",
                              "-d names the configuration directory of a Postfix instance")
        name = options.mta if options.mta not in (None, "auto") else "postfix"
        return list(discovery.complete(Instance(mta=name, name="", config_directory=options.config_dir)))
    wanted = [found for found in discovery.discover() if options.mta in (None, "auto", found.mta)]
    return [found for found in wanted if not options.instance or found.name in options.instance]


def _sample(
    instance: Instance, options: Options, needs: frozenset[str], host: HostReading | None, deadline: float
) -> Sample:
    key = (instance.mta, instance.name)
    filesystem = host.filesystems.get(key) if host else None
    queue, up, version, states = None, None, None, []
    if needs & {"queue", "counts"}:
        queue, up, version, state = _queue(instance, "queue" not in needs, deadline)
        states.append(state)
    log: LogTally | None = None
    before: tuple[LogTally, ...] = ()
    if "log" in needs:
        log, before, state = _log(instance, options, deadline)
        states.append(state)
    return Sample(instance.mta, instance.name, up=up, version=version, queue=queue, log=log, tallies=before,
                  filesystem=filesystem, sources=tuple(states))


def _queue(
    instance: Instance, glance: bool, deadline: float
) -> tuple[QueueSnapshot | None, bool | None, str | None, SourceState]:
    started = time.time()
    reader: QueueReader | None = None
    queue = fault = up = version = None
    try:
        reader = open_reader(instance, classifier=Classifier(), top=TOP, once=True, glance=glance)
        queue = reader.read(started, deadline)
    except (SourceError, ParseError, ConfigError) as error:
        fault = _fault(error)
    if reader is not None:
        up, version = reader.up(), reader.version()
        reader.close()
    state = _state(reader.source if reader else "queue", started, fault, reader.why if reader else "")
    return queue, up, version, state


def _log(
    instance: Instance, options: Options, deadline: float
) -> tuple[LogTally | None, tuple[LogTally, ...], SourceState]:
    from smtpq_exporter.checks.logwindow import read

    started = time.time()
    paths = [options.log] if options.log else [path for path in instance.logs if path != "auto"]
    try:
        told = read(MTAS[instance.mta], instance, paths, started - options.window, started, deadline)
    except (SourceError, ParseError) as error:
        return None, (), _state("log", started, _fault(error), "")
    return told.log, (told.before,), _state("log", started, None, told.path)


def _host(instances: list[Instance]) -> HostReading:
    try:
        from smtpq_exporter.host import HostSource, Place
    except ImportError:
        raise SourceError("unavailable", "the Python module psutil is not installed here",
                          "install python3-psutil, or ask an exporter by --url") from None
    source = HostSource(tuple(Place((one.mta, one.name), one.queue_directory) for one in instances))
    source.read(time.time(), 0.0)
    time.sleep(0.3)  # the use of the processors is a difference
    return source.read(time.time(), 0.0)


def _state(source: str, started: float, fault: Fault | None, why: str) -> SourceState:
    return SourceState(
        source,
        success=fault is None,
        duration=time.time() - started,
        last_success=None if fault else started,
        last_attempt=started,
        why=why,
        fault=fault,
        errors=dict.fromkeys(FAULT_KINDS, 0),
    )


def _fault(error: SourceError | ParseError | ConfigError) -> Fault:
    if isinstance(error, SourceError):
        return Fault(error.kind, error.what, error.hint)
    hint = "" if isinstance(error, ConfigError) else "this form is unknown; please report it"
    return Fault("parse", str(error), hint)
