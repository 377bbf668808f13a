"""Which way a queue is read: the best one that this process may use, or the one that the configuration fixes.

The choice is made once, when a reader is opened, and told in words (`why`): reading files costs a third of asking
the mail server and leaves it alone, but needs permission for the queue directories.
"""

from __future__ import annotations

from smtpq_exporter.io.reader import QueueReader
from smtpq_exporter.mta.base import Instance, ReasonOf


def open_reader(instance: Instance, *, classifier: ReasonOf, top: int = 20) -> QueueReader:
    """Reader of this instance's queue. Raises SourceError if no way is open, with what each of them lacks."""
    raise NotImplementedError
