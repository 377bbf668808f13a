"""From the words of the configuration to a log source, and the choice where it says "auto".

Words: a path or pattern, `journal[:MATCH or directory ...]`, `docker:PATH`, `cri:PATH`, `stdin`, `syslog:PATH
or PORT`.
"""

from __future__ import annotations

import glob
import os
import time
from collections.abc import Callable, Container, Sequence

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import Command
from smtpq_exporter.io.container import DECODERS
from smtpq_exporter.io.journal import Journal, fault, options
from smtpq_exporter.io.logfile import LogFiles
from smtpq_exporter.io.permission import denied
from smtpq_exporter.io.source import LogSource, Position
from smtpq_exporter.io.stdin import Stdin
from smtpq_exporter.io.syslog import SyslogSocket

#: Seconds for the question whether the journal may be read.
_JOURNAL_SECONDS = 10.0


def kind(spec: str) -> str:
    """The kind of a configured source, one of source.KINDS."""
    word = spec.partition(":")[0]
    return word if word in {"journal", "stdin", "syslog", *DECODERS} else "file"


def open_source(spec: str, position: Position | None, start: str) -> LogSource:
    """Open one source at its stored position, or where `start` says.

    Raises SourceError, and ValueError, KeyError or TypeError for a position that is none.

    """
    word, _, rest = spec.partition(":")
    match kind(spec):
        case "journal":
            return Journal(rest.split(), position, start)
        case "stdin":
            return Stdin()
        case "syslog":
            return SyslogSocket(rest)
        case "file":
            return LogFiles(spec, position, start)
    return LogFiles(rest, position, start, word)


def choose(
    paths: Sequence[str], stored: Container[str] = (), journal: Callable[[], SourceError | None] | None = None
) -> tuple[str, str]:
    """Where a mail server logs: (spec, why). `paths` are its usual log files, `stored` what was read before.

    The one that was read before, while it exists; else the first file that may be read; else the journal.
    Raises SourceError that says what to do. `journal` answers whether the journal may be read: None, or why
    not.
    """
    existing = [path for path in paths if glob.glob(path) or os.path.exists(path)]
    readable = [
        path for path in existing if any(os.access(name, os.R_OK) for name in glob.glob(path) or [path])
    ]
    for path in (*(path for path in readable if path in stored), *(() if "journal" in stored else readable)):
        return path, f"the mail server's log file {path}" + (", as before" if path in stored else "")
    refused = (journal or journal_fault)()
    if refused is None:
        unread = f"{existing[0]} may not be read" if existing else "there is no log file of this mail server"
        return "journal", "the journal" + (", as before" if "journal" in stored else f", because {unread}")
    if readable:
        return readable[0], f"the mail server's log file {readable[0]}"
    if existing:
        raise denied(existing[0])
    hint = f"{refused.hint}; or set `logs` of this instance to its log file"
    raise SourceError(refused.kind, f"no log found: none of {', '.join(paths)}, and {refused.what}", hint)


def journal_fault() -> SourceError | None:
    """Why the journal cannot be read; None if there is an entry that this process may see."""
    command = Command(
        ["journalctl", *options(()), "--lines=1", "--output=json"], time.monotonic() + _JOURNAL_SECONDS
    )
    try:
        if b"".join(command).strip():
            return None
    except SourceError as reason:
        return SourceError(reason.kind, f"the journal cannot be asked ({reason.what})", reason.hint)
    complaint = command.complaint.decode("utf-8", "replace").strip()
    if complaint:
        return fault(complaint)
    return SourceError("unavailable", "the journal is empty", "is journald running?")
