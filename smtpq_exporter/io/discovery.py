"""The mail servers of this host, found by their traces; nothing is started that changes anything.

A mail server is there if one of its programs is, or a spool of it that is not empty (a container that
shares it).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import output
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.mail_server import Mta

#: A configuration file is not longer, bytes.
_LONGEST = 1 << 20
#: A program that prints settings has so many seconds.
_SECONDS = 5.0


class HostProbe:
    """How mail servers' own settings are looked at on this host (mta.base.Probe)."""

    def read(self, path: str) -> bytes | None:
        """Content of a configuration file."""
        try:
            with Path(path).open("rb") as file:
                return file.read(_LONGEST)
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether something is there."""
        return os.path.exists(path)

    def listdir(self, path: str) -> list[str] | None:
        """Names in a directory."""
        try:
            return sorted(os.listdir(path))
        except OSError:
            return None

    def run(self, argv: Sequence[str]) -> bytes | None:
        """Output of a program that only prints settings."""
        try:
            return output(argv, seconds=_SECONDS)
        except SourceError:
            return None


def discover() -> list[Instance]:
    """All instances of all known mail servers on this host, ready to be opened."""
    found: list[Instance] = []
    for mta in MTAS.values():
        trace = _trace(mta)
        if trace:
            found += mta.settle(Instance(mta.name, "", found_by=trace), HostProbe())
    return _distinct(found)


def complete(instance: Instance) -> list[Instance]:
    """A configured instance with what it leaves open filled in; one configuration may name several."""
    return _distinct(MTAS[instance.mta].settle(instance, HostProbe()))


def _trace(mta: Mta) -> str:
    for program in mta.discovery.binaries:
        if os.access(program, os.X_OK) or os.path.exists(program):
            return f"{program} is installed"
    for path in mta.discovery.files:
        if os.path.exists(path):
            return f"{path} is there"
    for spool in mta.discovery.spools:
        try:
            if os.listdir(spool):
                return f"{spool} is not empty"
        except PermissionError:
            return f"{spool} exists"
        except OSError:
            continue
    return ""


def _distinct(instances: Sequence[Instance]) -> list[Instance]:
    """The same queue directory once, and no name twice for one mail server."""
    queues: set[tuple[str, str]] = set()
    names: set[tuple[str, str]] = set()
    kept: list[Instance] = []
    for instance in instances:
        queue = instance.mta, instance.queue_directory
        if instance.queue_directory and queue in queues:
            continue
        queues.add(queue)
        name, count = instance.name, 2
        while (instance.mta, name) in names:
            name, count = f"{instance.name}-{count}", count + 1
        names.add((instance.mta, name))
        kept.append(replace(instance, name=name))
    return kept
