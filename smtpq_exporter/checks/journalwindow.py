"""The end of the journal, from a moment on, by one `journalctl` that ends: see logwindow.py.

Law: a user who sees only some of the entries gets a fault, never their count. Source of truth: journalctl(1).
"""

from __future__ import annotations

from contextlib import closing

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import Command
from smtpq_exporter.io.journal import ENTRY_LIMIT, MAIL, fault, options
from smtpq_exporter.io.journal_entry import FIELDS, Entry, entry
from smtpq_exporter.io.lines import LineSplitter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from smtpq_exporter.mta.base import LogParser


def feed(words: Sequence[str], parser: LogParser, since: float, deadline: float) -> float:
    """Feed the lines from `since` (epoch) on; returns the time of the journal's first entry. Raises SourceError.

    `words` are matches (FIELD=value; those for mail if there are none), directories or files.
    """
    with closing(_entries(words, [], deadline)) as entries:
        first = next((batch[0] for batch in entries if batch), None)
    if first is None:
        raise SourceError("unavailable", "the journal is empty", "is journald running?")
    matches = [word for word in words if not word.startswith("/")] or MAIL
    for batch in _entries(words, [f"--since=@{since:.6f}", *matches], deadline):
        parser.feed([one.line for one in batch if one.line])
    return first.micros / 1e6


def _entries(words: Sequence[str], more: Sequence[str], deadline: float) -> Generator[list[Entry], None, None]:
    """The entries in order, some at a time."""
    argv = ["journalctl", *options(words), "--output=json", "--all", "--no-pager",
            f"--output-fields={','.join(FIELDS)}", *more]
    command, splitter = Command(argv, deadline), LineSplitter(ENTRY_LIMIT)
    try:
        for piece in command:
            yield [entry(text) for text in splitter.feed(piece) if not text.startswith(b"-- ")]
    except ValueError:
        raise SourceError("parse", "journalctl wrote something that is no entry", "is it journalctl?") from None
    finally:
        command.kill()
    complaint = command.complaint.decode("utf-8", "replace")
    if command.code or any(sign in complaint.lower() for sign in ("permission", "not seeing", "no journal files")):
        raise fault(complaint or f"exit code {command.code}")
