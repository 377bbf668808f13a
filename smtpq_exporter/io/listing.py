"""Reading a queue by asking the mail server: a listing from a socket or of a command, whatever the mail
server.

A listing is no snapshot: a message that moves meanwhile may be shown twice. An id counts once, the last
time it is shown; the others are counted as skipped["duplicate"]. Each reading starts from nothing, for a
listing does not tell what changed. Law: half a listing is no listing; the parser says whether the end was
there. A listing that says nothing about an empty queue is believed only with a proof: a second command that
prints 0. Where a listing is never more than a claim, its `doubt` is asked each time.
"""

from __future__ import annotations

import os
import stat
import sys
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import PATH, Command, said
from smtpq_exporter.io.liveness import Liveness, fill
from smtpq_exporter.io.socket import stream
from smtpq_exporter.ledger import FactTable, Ledger
from smtpq_exporter.model import Message, QueueSnapshot
from smtpq_exporter.mta.base import Instance, ListingParser, ReasonOf
from smtpq_exporter.mta.mail_server import Listing, Mta

#: Ids are spread over so many ledgers, so that none grows so large that its growing is felt by other threads.
_PARTS = 64
#: A listing that is empty while its proof says otherwise is asked for so often.
_TRIES = 2


class ListingReader:
    """Reads one instance's queue by one Listing. One thread at a time."""

    def __init__(
        self, mta: Mta, listing: Listing, instance: Instance, classifier: ReasonOf, *, top: int = 20, why: str = "",
        remembered: int = sys.maxsize,
    ) -> None:
        """Nothing is read yet. So many ids are `remembered` as shown; that bounds the memory."""
        self.source, self.why = listing.source, why
        self._most = -(-remembered // _PARTS)
        self._mta, self._listing, self._instance = mta, listing, instance
        self._classifier, self._top = classifier, top
        self._liveness = Liveness(instance, mta.discovery)
        self._command: Command | None = None

    def read(self, now: float, deadline: float) -> QueueSnapshot:
        """Ask for the whole queue."""
        queues = self._mta.queues_of(self._instance) if self._mta.queues_of else self._mta.queues
        total = Aggregator(queues, self._top)
        table = FactTable()
        ledgers = [Ledger(table) for _ in range(_PARTS)]
        skipped = Counter[str]()
        shown: set[str] = set()
        forced = truncated = False
        retries = sizes = True
        for listing in self._listing.parts(self._instance) if self._listing.parts else (self._listing,):
            parser = self._listed(listing, now, deadline, total, ledgers, skipped)
            shown.update(parser.queues)
            forced = forced or parser.forced
            retries, sizes = retries and listing.retries, sizes and listing.sizes
            truncated = truncated or getattr(parser, "truncated", False)
            skipped.update(parser.skipped)
        return total.snapshot(
            now, self.source, retries=retries, forced=forced, sizes=sizes,
            shown=[queue for queue in queues if queue in shown], truncated=truncated, skipped=skipped,
        )

    def _listed(
        self, listing: Listing, now: float, deadline: float, total: Aggregator, ledgers: list[Ledger],
        skipped: Counter[str],
    ) -> ListingParser:
        """Count in what one listing shows; an empty one is tried twice, as mail may come before the proof does."""
        for _ in range(_TRIES):
            parser = listing.parser(self._classifier, now)
            before = sum(map(len, ledgers)) + skipped["duplicate"]
            with closing(self._pieces(listing, deadline)) as pieces:
                for piece in pieces:
                    skipped["duplicate"] += _count(parser.feed(piece), total, ledgers, self._most)
            skipped["duplicate"] += _count(parser.close(), total, ledgers, self._most)
            empty = sum(map(len, ledgers)) + skipped["duplicate"] == before and not parser.skipped
            if listing.doubt is not None:
                doubt = listing.doubt(parser, self._claim(listing, deadline))
                if not doubt:
                    return parser
                if not empty:
                    break
                continue
            if not listing.proof or not empty:
                return parser
            proof = b"".join(self._output(listing, listing.proof, deadline)).strip()
            if proof == b"0":
                if voided(listing.argv[0]):
                    raise SourceError(
                        "permission",
                        f"{listing.argv[0]} shows nothing, and may not see: NoNewPrivileges voids its set-user-id bit",
                        "let the spool be read (source: spool), or turn NoNewPrivileges= off for this service",
                    )
                return parser
        if listing.doubt is not None:
            raise SourceError(
                "unavailable", f"{' '.join(listing.argv)} does not show the whole queue: {doubt}", "it is tried again",
            )
        answer = said(proof) or "nothing"
        raise SourceError(
            "unavailable",
            f"{' '.join(listing.argv)} shows nothing, and {' '.join(listing.proof)} says {answer}",
            listing.hint,
        )

    def _claim(self, listing: Listing, deadline: float) -> bytes:
        """What the proof prints, nothing if it fails."""
        try:
            return b"".join(self._output(listing, listing.proof, deadline))
        except SourceError as error:
            if error.kind == "timeout":
                raise
            return b""

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

    def _pieces(self, listing: Listing, deadline: float) -> Generator[bytes, None, None]:
        if listing.socket:
            return stream(str(Path(self._instance.queue_directory) / listing.socket), deadline)
        return self._output(listing, arguments(listing, self._instance), deadline)

    def _output(self, listing: Listing, argv: Sequence[str], deadline: float) -> Generator[bytes, None, None]:
        command = self._command = Command(argv, deadline)
        yield from command
        self._command = None
        if command.code:
            kind = dict(listing.exit_kinds).get(command.code, "unavailable")
            # A set-gid program whose bit is void (systemd's NoNewPrivileges) says so in words only.
            if listing.denied in command.complaint.lower():
                kind = "permission"
            raise SourceError(
                kind, f"{command.argv[0]}: exit code {command.code}: {said(command.complaint)}",
                listing.hint if kind == "permission" else "is the mail system running?",
            )


def voided(program: str, status: Path = Path("/proc/self/status")) -> bool:
    """Whether a program relies on its set-user-id bit and the kernel was told to ignore that (no_new_privs)."""
    places = [Path(program)] if "/" in program else [Path(folder) / program for folder in PATH.split(":")]
    found = next((place for place in places if os.access(place, os.X_OK)), None)
    if found is None or not found.stat().st_mode & stat.S_ISUID or found.stat().st_uid == os.geteuid():
        return False
    try:
        return b"NoNewPrivs:\t1" in status.read_bytes()
    except OSError:
        return False


def arguments(listing: Listing, instance: Instance) -> list[str]:
    """The command line of a listing for an instance."""
    argv = listing.argv
    if listing.own_config and instance.config_directory in ("", listing.own_config):
        place = next(i for i, word in enumerate(argv) if "{config_directory}" in word)
        argv = argv[: place - 1] + argv[place + 1 :]
    return fill(argv, instance)


def _count(messages: Iterable[Message], total: Aggregator, parts: list[Ledger], most: int) -> int:
    """Count messages in; returns how many of them had been shown before. A part remembers `most` of them."""
    duplicates = 0
    for message in messages:
        name = message.queue_id.encode("utf-8", "surrogateescape")
        part = parts[hash(name) % _PARTS]
        if name in part.rows:
            total.take(part.pop(name))
            duplicates += 1
        entry = total.add(message)
        if len(part.rows) < most:
            part.put(name, entry)
    return duplicates
