"""What the program says when it has looked around: what it found, how it reads it and why, where to look.

Pure: State in, lines out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smtpq_exporter import __version__
from smtpq_exporter.checks.quantity import say_duration
from smtpq_exporter.model import QueueSnapshot, Sample, SourceState, State
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.view import oldest_waiting


def lines(state: State, instances: Sequence[Instance], urls: Iterable[str], telemetry_path: str) -> list[str]:
    """The message, line by line."""
    found_by = {(one.mta, one.name): one for one in instances}
    said = [
        f"smtpq_exporter {__version__}"
        + (" (demo: a simulated mail server, not yours)" if state.demo else "")
    ]
    for sample in state.samples:
        said += _sample(sample, found_by.get((sample.mta, sample.instance)), state.taken_at)
    if not state.samples:
        said += [
            "",
            "  No mail server was found on this host.",
            "  Name yours under `mtas:` in a file given by --config.file, or look at a simulated one: --demo",
        ]
    said.append("")
    for url in urls:
        said += [
            f"  {url}/".ljust(44) + "status page",
            f"  {url}{telemetry_path}".ljust(44) + "for Prometheus",
        ]
    return said


def _sample(sample: Sample, instance: Instance | None, now: float) -> list[str]:
    running = {True: "runs", False: "does not run", None: ""}[sample.up]
    facts = ", ".join(
        fact for fact in (f"version {sample.version}" if sample.version else "", running) if fact
    )
    title = sample.mta if sample.mta == sample.instance else f"{sample.mta}/{sample.instance}"
    said = ["", f"  {title}" + (f" ({facts})" if facts else "")]
    if instance is not None:
        where = instance.queue_directory or instance.config_directory
        found = [instance.found_by, f"its queue is {where}" if where else ""]
        said.append(f"    found  {'; '.join(part for part in found if part)}")
    said += [line for source in sample.sources for line in _source(source)]
    if sample.queue is not None:
        said.append(f"    now    {_waiting(sample.queue, now)}")
    return said


def _waiting(queue: QueueSnapshot, now: float) -> str:
    messages = sum(each.messages for each in queue.queues.values())
    ages = [oldest_waiting(each, now) for each in queue.queues.values()]
    oldest = max((age for age in ages if age is not None), default=None)
    age = "" if oldest is None else f", the oldest for {say_duration(oldest)}"  # of what is not held, as the check says
    return f"{messages} {'messages wait' if messages != 1 else 'message waits'}{age}"


def _source(source: SourceState) -> list[str]:
    is_log = source.source.startswith("log")
    fault, why = source.fault, f": {source.why}" if source.why else ""
    if fault is not None:
        cannot = "log    CANNOT BE FOLLOWED" if is_log else f"queue  CANNOT BE READ by {source.source}"
        said = [f"    {cannot} ({fault.kind}): {fault.text}"]
        return [*said, f"           {fault.hint}"] if fault.hint else said
    if is_log:
        return [f"    log    followed{why}"]
    if source.last_attempt is None:
        return ["    queue  is still being read for the first time"]
    return [f"    queue  read by {source.source} every {say_duration(source.interval)}{why}"]
