"""Reading the queues of a mail server that counts them itself: a hand-over file, or the output of a program.

Law: a report is whole, says itself that it failed, or is no report; a file that is too old is a Fault and not
the queue. A program is run by Command: it ends with the reading, at the deadline, and with this process.
"""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io.command import PATH, Command, said
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.base import Instance, ReasonOf
from smtpq_exporter.mta.mail_server import Mta
from smtpq_exporter.mta.report import Report, ReportWay
from smtpq_exporter.rollup import roll_up

#: 250,000 queues, the most that Exchange shows, have about 150 MB.
MOST = 256 * 1024 * 1024
_ROOT = str(Path(__file__).parents[2])
#: Isolated: neither the working directory nor PYTHONPATH decide what is imported.
_BOOT = (
    "import runpy, sys; sys.path.append(sys.argv.pop(1));"
    " runpy.run_module(sys.argv.pop(1), run_name='__main__')"
)


class ReportReader:
    """Reads one instance's queues in one ReportWay. One thread at a time."""

    def __init__(
        self, mta: Mta, way: ReportWay, instance: Instance, classifier: ReasonOf, *, top: int = 20,
        why: str = "",
    ) -> None:
        """Nothing is read yet."""
        self.source, self.why = way.source, why
        self._mta, self._way, self._instance = mta, way, instance
        self._classifier, self._top = classifier, top
        self._command: Command | None = None
        self._last = Report()

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """Get a report and add it up."""
        self._last = Report()
        report = self._from_file(now) if self._way.path is not None else self._from_command(now, deadline)
        self._last = report
        if report.error:
            raise SourceError("permission" if report.denied else "unavailable", report.error, self._way.hint)
        return roll_up(
            report, now, self.source, queues=self._mta.queues, asides=self._mta.asides, top=self._top,
        )

    def up(self) -> bool | None:
        """Whether the mail system runs, as the last report said."""
        return self._last.up

    def version(self) -> str | None:
        """The mail server's version, as the last report said."""
        return self._last.version

    def close(self) -> None:
        """End a command that still runs."""
        command = self._command
        if command is not None:
            command.kill()

    def _from_file(self, now: float) -> Report:
        path = self._way.path(self._instance) if self._way.path else ""
        data, changed = _content(path, self._way.hint)
        report = self._way.parser(data, self._classifier, now)
        # Either clock may be wrong, and a copy of an old file is new: the older time counts.
        age = now - min(now, changed, now if report.taken_at is None else report.taken_at)
        most = self._way.max_age(self._instance) if self._way.max_age else None
        if most is not None and age > most:
            text = f"{path} is {age:.0f} s old, more than {most:.0f} s"
            raise SourceError("unavailable", text, self._way.hint)
        return report

    def _from_command(self, now: float, deadline: float) -> Report:
        command = self._command = Command(arguments(self._way, self._instance), deadline, most=MOST)
        data = b"".join(command)
        self._command = None
        words = self._way.complaint(command.complaint) if self._way.complaint else said(command.complaint)
        code = command.code or 0
        try:
            report = self._way.parser(data, self._classifier, now)
        except ParseError:
            if not code and (data.strip() or not words):
                raise
            raise self._failed(code, words) from None
        if code and not report.error:
            raise self._failed(code, words)
        return report

    def _failed(self, code: int, words: str) -> SourceError:
        denied = any(sign in words.lower() for sign in self._way.denied)
        text = f"{self.source}: exit code {code}: {words or 'nothing was said'}"
        return SourceError("permission" if denied else "unavailable", text, self._way.hint)


def lack(way: ReportWay, instance: Instance) -> str | None:
    """What is missing for a way, in words; None if it can be tried."""
    missing = way.lack(instance)
    if missing:
        return missing
    if way.path is not None:
        path = way.path(instance)
        if not os.path.exists(path):
            return f"{path} is not there"
        return None if os.access(path, os.R_OK) else f"{path}: permission denied"
    if way.needs:
        there = any((Path(place or ".") / way.needs).exists() for place in sys.path)
        return None if there else f"the Python package {way.needs} is not installed"
    program = arguments(way, instance)[0]
    if any(os.access(Path(folder) / program, os.X_OK) for folder in PATH.split(":")):
        return None
    return f"{program} is not installed"


def merit(way: ReportWay, instance: Instance) -> str:
    """Why a way was chosen that lacks nothing."""
    if way.path is not None:
        return f"{way.path(instance)} is there"
    return f"{way.needs or arguments(way, instance)[0]} is installed"


def arguments(way: ReportWay, instance: Instance) -> tuple[str, ...]:
    """The command line of a way."""
    argv = way.argv(instance) if way.argv else ()
    return (sys.executable, "-I", "-c", _BOOT, _ROOT, way.module, *argv) if way.module else argv


def _content(path: str, hint: str) -> tuple[bytes, float]:
    """Content of a regular file and when it was changed (epoch)."""
    try:
        # A pipe in its place would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except PermissionError:
        text = f"{path}: permission denied"
        raise SourceError("permission", text, "let this program's user read it") from None
    except OSError as error:
        raise SourceError("unavailable", f"{path}: {error.strerror}", hint) from None
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise SourceError("unavailable", f"{path} is not a regular file", hint)
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > MOST:
            raise SourceError("truncated", f"{path} has more than {MOST} bytes", hint)
        try:
            data = file.read(MOST + 1)
        except OSError as error:  # a share that went away
            raise SourceError("unavailable", f"{path}: {error.strerror}", hint) from None
    return data[:MOST], status.st_mtime
