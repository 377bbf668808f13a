"""What the program says when it has looked around: what it found, how it reads it and why, where to look.

Pure: State in, lines out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from smtpq_exporter import __version__
from smtpq_exporter.checks.quantity import say_duration
from smtpq_exporter.model import Sample, SourceState, State
from smtpq_exporter.mta.base import Instance


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
        said.append(f"    found  by {instance.found_by or 'itself'}" + (f", in {where}" if where else ""))
    said += [line for source in sample.sources for line in _source(source)]
    if sample.queue is not None:
        messages = sum(queue.messages for queue in sample.queue.queues.values())
        oldest = min(
            (
                queue.oldest_arrival
                for queue in sample.queue.queues.values()
                if queue.oldest_arrival is not None
            ),
            default=None,
        )
        age = f", the oldest for {say_duration(max(0.0, now - oldest))}" if oldest is not None else ""
        said.append(
            f"    now    {messages} {'messages wait' if messages != 1 else 'message waits'}{age}"
        )
    return said


def _source(source: SourceState) -> list[str]:
    what = "log" if source.source.startswith("log") else "queue"
    if source.fault is not None:
        said = [f"    {what:<6} CANNOT BE READ by {source.source} ({source.fault.kind}): {source.fault.text}"]
        return [*said, f"           {source.fault.hint}"] if source.fault.hint else said
    if source.last_attempt is None and what == "queue":
        return [f"    {what:<6} is still being read for the first time"]
    every = f" every {say_duration(source.interval)}" if source.interval and what == "queue" else ""
    why = f": {source.why}" if source.why else ""
    return [
        f"    {what:<6} read by {source.source}{every}{why}"
        if what == "queue"
        else f"    log    followed{why}"
    ]
