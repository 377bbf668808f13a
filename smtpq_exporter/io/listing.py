"""Reading a queue by asking the mail server: a listing from a socket or of a command, whatever the mail server.

A listing is no snapshot: a message that moves meanwhile may be shown twice. An id counts once, the last time it is
shown; the others are counted as skipped["duplicate"]. Each reading starts from nothing, for a listing does not tell
what changed. Law: half a listing is no listing; the parser says whether the end was there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from pathlib import Path

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import Command, said
from smtpq_exporter.io.liveness import Liveness, fill
from smtpq_exporter.io.socket import stream
from smtpq_exporter.ledger import FactTable, Ledger
from smtpq_exporter.model import Message, QueueSnapshot
from smtpq_exporter.mta.base import Instance, Listing, Mta, ReasonOf

#: Ids are spread over so many ledgers, so that none grows so large that its growing is felt by other threads.
_PARTS = 64


class ListingReader:
    """Reads one instance's queue by one Listing. One thread at a time."""

    def __init__(
        self, mta: Mta, listing: Listing, instance: Instance, classifier: ReasonOf, *, top: int = 20, why: str = "",
    ) -> None:
        """Nothing is read yet."""
        self.source, self.why = listing.source, why
        self._mta, self._listing, self._instance = mta, listing, instance
        self._classifier, self._top = classifier, top
        self._liveness = Liveness(instance, mta.discovery)
        self._command: Command | None = None

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """Ask for the whole queue."""
        parser = self._listing.parser(self._classifier, now)
        total = Aggregator(self._mta.queues, self._top)
        table = FactTable()
        parts = [Ledger(table) for _ in range(_PARTS)]
        duplicates = 0
        with closing(self._pieces(deadline)) as pieces:
            for piece in pieces:
                duplicates += _count(parser.feed(piece), total, parts)
        duplicates += _count(parser.close(), total, parts)
        return total.snapshot(
            now, self.source, retries=False, forced=parser.forced,
            shown=[queue for queue in self._mta.queues if queue in parser.queues],
            skipped={**parser.skipped, "duplicate": duplicates},
        )

    def up(self) -> bool | None:
        """Whether the mail system runs."""
        return self._liveness.up()

    def version(self) -> str | None:
        """The mail server's version."""
        return self._liveness.version()

    def close(self) -> None:
        """End a command that still runs."""
        command = self._command
        if command is not None:
            command.kill()

    def _pieces(self, deadline: float) -> Generator[bytes, None, None]:
        if self._listing.socket:
            return stream(str(Path(self._instance.queue_directory) / self._listing.socket), deadline)
        return self._output(deadline)

    def _output(self, deadline: float) -> Generator[bytes, None, None]:
        command = self._command = Command(arguments(self._listing, self._instance), deadline)
        yield from command
        self._command = None
        if command.code:
            kind = dict(self._listing.exit_kinds).get(command.code, "unavailable")
            # A set-gid program whose bit is void (systemd's NoNewPrivileges) says so in words only.
            if b"permission denied" in command.complaint.lower():
                kind = "permission"
            raise SourceError(
                kind, f"{command.argv[0]}: exit code {command.code}: {said(command.complaint)}",
                "run with the group that may list the queue (Postfix: postdrop)" if kind == "permission"
                else "is the mail system running?",
            )


def arguments(listing: Listing, instance: Instance) -> list[str]:
    """The command line of a listing for an instance."""
    argv = listing.argv
    if listing.own_config and instance.config_directory in ("", listing.own_config):
        place = next(i for i, word in enumerate(argv) if "{config_directory}" in word)
        argv = argv[: place - 1] + argv[place + 1 :]
    return fill(argv, instance)


def _count(messages: Iterable[Message], total: Aggregator, parts: list[Ledger]) -> int:
    """Count messages in; returns how many of them had been shown before."""
    duplicates = 0
    for message in messages:
        name = message.queue_id.encode("utf-8", "surrogateescape")
        part = parts[hash(name) % _PARTS]
        if name in part.rows:
            total.take(part.pop(name))
            duplicates += 1
        part.put(name, total.add(message))
    return duplicates
