"""Get the sample: from the running exporter, or by asking the mail server itself once.

Both give the same dict, the body of ``GET /api/v1/sample`` (view.py says its shape), so that what follows
cannot tell them apart. The exporter is asked first: it answers within milliseconds at any queue length, needs
no rights, and knows what happened before. Failures are SourceError; no path returns a part of a sample.
"""

from __future__ import annotations

import json
import os
import time

from smtpq_exporter.checks.client import AbsentError, Access, get
from smtpq_exporter.errors import ParseError, SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options
    from smtpq_exporter.model import Sample

DEFAULT_URL = "http://127.0.0.1:10125"
PATH = "/api/v1/sample"


def acquire(options: Options, query: str, deadline: float) -> tuple[dict[str, Any], str]:
    """The sample and where it is from, in words. `query` is for the exporter; `deadline` is monotonic."""
    if options.source == "mta":
        return from_mta(options, deadline), "the mail server itself"
    url = options.url or DEFAULT_URL
    try:
        return from_exporter(options, query, deadline), f"the exporter at {url}"
    except SourceError as error:
        # Only where none was named and none is there: an exporter that is sick must be heard of.
        if options.source != "auto" or options.url or not isinstance(error, AbsentError):
            raise
        return from_mta(options, deadline), f"the mail server itself ({error.what})"


def from_exporter(options: Options, query: str, deadline: float) -> dict[str, Any]:
    """Ask the exporter for its newest sample."""
    access = Access(
        credentials=options.credentials or "",
        ca_file=options.ca_file or "",
        certificate=options.certificate or "",
        insecure=bool(options.insecure),
    )
    url = options.url or DEFAULT_URL
    body, moment = get(url, PATH + query, access, deadline)
    sample = decode(body, url)
    # Its own clock, now: a sampler that stands still goes on serving a sample that calls itself fresh.
    sample["time"] = max(float(sample["time"]), moment or 0.0)
    return sample


def decode(body: bytes, place: str) -> dict[str, Any]:
    """The sample in `body`, checked for being one."""
    try:
        sample = json.loads(body)
    except (ValueError, RecursionError):
        sample = None
    if (
        not isinstance(sample, dict)
        or not isinstance(sample.get("mtas"), list)
        or not all(isinstance(mta, dict) and "queue" in mta for mta in sample["mtas"])
        or not isinstance(sample.get("time"), (int, float))
    ):
        raise SourceError("parse", f"what answers at {place} is no smtpq-exporter", "check --url")
    return sample


def from_mta(options: Options, deadline: float) -> dict[str, Any]:
    """Read the queue of each mail server of this host once, in this process."""
    from smtpq_exporter import view
    from smtpq_exporter.model import State

    samples = tuple(_read(instance, deadline) for instance in _instances(options))
    now = time.time()
    state = State(taken_at=now, samples=samples, started_at=now)
    sample: dict[str, Any] = view.as_json(state, now, min_age=options.min_age)
    return sample


def _instances(options: Options) -> list[Any]:
    from smtpq_exporter.io import discovery
    from smtpq_exporter.mta.base import Instance

    if options.config_dir:
        if not os.path.isdir(options.config_dir):  # noqa: PTH112
            raise SourceError("unavailable", f"no directory {options.config_dir}",
                              "-d names the configuration directory of a Postfix instance")
        name = options.mta if options.mta not in (None, "auto") else "postfix"
        return list(discovery.complete(Instance(mta=name, name="", config_directory=options.config_dir)))
    wanted = [found for found in discovery.discover() if options.mta in (None, "auto", found.mta)]
    return [found for found in wanted if not options.instance or found.name in options.instance]


def _read(instance: Any, deadline: float) -> Sample:
    from smtpq_exporter.io.readers import open_reader
    from smtpq_exporter.model import FAULT_KINDS, Fault, Sample, SourceState
    from smtpq_exporter.reasons import Classifier

    errors = dict.fromkeys(FAULT_KINDS, 0)
    started = time.time()
    try:
        reader = open_reader(instance, classifier=Classifier(), top=20)
    except SourceError as error:
        fault = Fault(error.kind, error.what, error.hint)
        state = SourceState("queue", last_attempt=started, fault=fault, errors=errors)
        return Sample(instance.mta, instance.name, sources=(state,))
    queue = fault_found = None
    try:
        queue = reader.read(started, deadline)
    except SourceError as error:
        fault_found = Fault(error.kind, error.what, error.hint)
    except ParseError as error:
        fault_found = Fault("parse", str(error), "this listing is of an unknown form; please report it")
    up, version = reader.up(), reader.version()
    reader.close()
    state = SourceState(
        reader.source,
        success=queue is not None,
        duration=time.time() - started,
        last_success=started if queue else None,
        last_attempt=started,
        why=reader.why,
        fault=fault_found,
        errors=errors,
    )
    return Sample(instance.mta, instance.name, up=up, version=version, queue=queue, sources=(state,))
