"""The mail servers of this host, found by their traces; nothing is started that changes anything."""

from __future__ import annotations

from smtpq_exporter.mta.base import Instance


def discover() -> list[Instance]:
    """All instances of all known mail servers on this host."""
    raise NotImplementedError


def complete(instance: Instance) -> list[Instance]:
    """A configured instance with everything filled in that it leaves open; one configuration may name several."""
    raise NotImplementedError
