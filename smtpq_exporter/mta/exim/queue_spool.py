"""How Exim keeps its queue in directories: the layout that the spool engine is driven by.

Pure. Source of truth: the Exim specification, chapters 11 (split_spool_directory), 36 (queues), 56 (spool
files), and src/queue.c, spool_out.c. <spool>/input and, for a named queue, <spool>/<name>/input hold
<id>-H, <id>-D and, while a delivery runs, <id>-J; with split_spool_directory in sub-directories of one
character. Both ways may be in use at once: Exim itself looks everywhere. msglog/ lies beside input/ and is
divided in the same way.

A -H file is replaced whole (renamed over the old one) when the message is frozen, thawed or partly
delivered, so a new mtime tells. A retry that only defers leaves it alone and adds to the msglog: that
file's mtime is the pulse. Of a long queue a first reading leaves most message logs for later (SpoolFile.half): the
engine comes back to those messages, a thousand in a reading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import OTHER
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Facts, Place, Plain, ReasonOf, SpoolFile, Status
from smtpq_exporter.mta.exim.log_words import masked, outcome
from smtpq_exporter.mta.exim.message_id import HEADER_FILE, is_header_file
from smtpq_exporter.mta.exim.queue_header import Envelope, read_header
from smtpq_exporter.mta.exim.queue_msglog import NOT_YET, last_deferrals
from smtpq_exporter.mta.exim.queue_usual import bodies, body_bytes, moment, recipients_of, usual_messages
from smtpq_exporter.mta.exim.settings import DEFAULT

#: Named queues that are shown by name; the mail of further ones is counted under "other".
MOST_QUEUES = 50
#: Message logs that are read in one reading at most, and how much of the end of each.
LOGS, _LOG_FIRST, _LOG_MOST = 10_000, 4096, 1024 * 1024
_JOURNAL_MOST = 4 * 1024 * 1024
#: What lies in a spool directory beside input/ and is no named queue.
_NO_QUEUES = frozenset(
    (
        b"input",
        b"msglog",
        b"db",
        b"log",
        b"scan",
        b"lost+found",
        b"gnutls-params",
        b"exim-process.info",
        b"exim_daemon_notify",
        b"exim-daemon.pid",
        b"acme",
        b"crash",
    )
)
_COMPANIONS = frozenset((b"-J", b"-K"))
#: Whether one of them is among names that have a NUL behind each.
_BESIDE = re.compile(rb"-[JK]\0").search
_SPOOL, _NAMED, _INPUT = "spool", "named", "input"
_MEMO = 4096


class EximSpool:
    """Layout of one spool directory; `queues` are the named queues that are known before."""

    head = 32768
    """Longer than nearly all -H files, those of signed and forwarded mail (4 to 8 KiB), too; to ask for more than there
    is costs nothing.
    """
    retries = False
    message_name = HEADER_FILE

    def __init__(self, queue_directory: str, classifier: ReasonOf, queues: Sequence[str] = ()) -> None:
        """Nothing is read here."""
        self._root = queue_directory.encode("utf-8", "surrogateescape").rstrip(b"/")
        self._reasons = classifier
        self.queues: tuple[str, ...] = (DEFAULT, *queues)
        self._journals: dict[bytes, frozenset[bytes]] = {}
        self._logs: dict[bytes, bytes] = {}
        self._left = LOGS
        self._memo: dict[tuple[bytes, bytes], str] = {}
        self._usual = usual_messages(self.head)
        self._plain = Plain(bodies, self._usual, self._unusual, half=True)
        self._dead: dict[str, str] = {}
        """Domain -> why the last real attempt for it failed: what "retry time not reached" repeats."""

    def roots(self) -> tuple[Place, ...]:
        """The default queue, which must be there, and the spool directory, for named queues may come at any
        time.
        """
        self._left = LOGS
        return Place(self._root + b"/input", 0, _INPUT), Place(self._root, 0, _SPOOL)

    def pick(self, place: Place, names: list[bytes]) -> tuple[list[bytes], Sequence[bytes]]:
        """Bodies and journals go with their -H; a journal is there while the message is being delivered."""
        if place.role != _INPUT:
            return names, ()
        kept = [name for name in names if name[-2:] != b"-D"]
        busy: frozenset[bytes] = frozenset()
        if _BESIDE(b"\0".join(kept) + b"\0"):  # a tenth of what looking at each name costs
            journals = [name[:-1] + b"H" for name in kept if name[-2:] == b"-J"]
            kept = [name for name in kept if name[-2:] not in _COMPANIONS]
            busy = frozenset(journals).intersection(kept)
        if busy or place.path in self._journals:
            self._journals[place.path] = busy
        return kept, tuple(busy)

    def pulse(self, place: Place, name: bytes) -> tuple[bytes, bytes]:
        """The message's log."""
        return self._log_directory(place.path), name[:-2]

    def sort(self, place: Place, name: bytes) -> Place | str | None:
        """A message, a sub-directory, a named queue, or something that is none of these."""
        if place.role == _INPUT:
            if is_header_file(name):
                return None
            if len(name) == 1 and name.isalnum():
                return place._replace(path=place.path + b"/" + name, optional=True)
            return "" if name.startswith((b"hdr.", b".")) else "foreign_name"
        if place.role == _SPOOL:
            if (
                name in _NO_QUEUES
                or name[:1] == b"."
                or name.endswith((b".pid", b".info"))
                or name.startswith(b"gnutls-")
            ):
                return ""
            return Place(place.path + b"/" + name, 0, _NAMED, optional=True)
        if name == b"input":
            return Place(
                place.path + b"/input", self._number(place.path.rpartition(b"/")[2]), _INPUT, optional=True
            )
        return ""

    def read(
        self,
        place: Place,
        name: bytes,
        status: Status,
        head: bytes,
        file: SpoolFile,
        known: Facts | None,
    ) -> Entry | str:
        """Understand one -H file, with the size of its body, its journal and the end of its log."""
        size = file.size_beside(place.path, name[:-1] + b"D")
        size = -1 if size is None else size
        entry = None if self._journals.get(place.path) else self._usual(place, [name], [head], [size])[0]
        if entry is not None:
            waiting = recipients_of(head)
        else:
            envelope = read_header(head, status.st_size, file.more)
            waiting = self._waiting(place, name, envelope, file)
            entry = _entry(place, name, envelope, waiting, size)
        reasons: tuple[str, ...] = ()
        if self._left > 0 and not file.half:
            self._left -= 1
            reasons = self._why(place, name[:-2], waiting, file)
        elif known is not None:
            reasons = known[2][: len(entry[4][1])]
        if reasons:
            sender, domains, _, frozen, _ = entry[4]
            entry = *entry[:4], (sender, domains, reasons, frozen, False)
        return entry

    def plain(self, place: Place) -> Plain | None:
        """What is in the first bytes, where no journals are to be read."""
        return None if self._journals.get(place.path) else self._plain

    def moved(self, place: Place, entry: Entry, status: Status) -> Entry:  # noqa: ARG002
        """A message that was moved to another queue."""
        return place.queue, *entry[1:]

    def _unusual(self, place: Place, name: bytes, head: bytes, size: int) -> Entry | None:
        """A whole file that is not usual; None if there may be more of it, or it cannot be understood."""
        if len(head) >= self.head:
            return None
        try:
            envelope = read_header(head, len(head), lambda _offset, _length: b"")
        except ParseError:
            return None
        return _entry(place, name, envelope, _left(envelope.recipients, envelope.done), size)

    def _waiting(self, place: Place, name: bytes, envelope: Envelope, file: SpoolFile) -> list[bytes]:
        done = envelope.done
        if place.path in self._journals and name in self._journals[place.path]:
            journal = file.beside(place.path, name[:-1] + b"J", _JOURNAL_MOST)
            if journal:
                done |= frozenset(journal.split(b"\n"))
        return _left(envelope.recipients, done)

    def _why(self, place: Place, message_id: bytes, waiting: list[bytes], file: SpoolFile) -> tuple[str, ...]:
        if not waiting:
            return ()
        folder = self._log_directory(place.path)
        try:
            log = file.end_beside(folder, message_id, _LOG_FIRST)
            if not log:
                return ()
            found = last_deferrals(log, waiting)
            if len(found) < len(waiting) and len(log) == _LOG_FIRST:
                log = file.end_beside(folder, message_id, _LOG_MOST)
                found = last_deferrals(log or b"", waiting)
        except (PermissionError, NotADirectoryError):  # reasons are a gift; the queue itself was read
            return ()
        return tuple([self._reason(*found[one], one) for one in waiting if one in found])

    def _reason(self, number: bytes, text: bytes, address: bytes) -> str:
        domain = domain_of(address)
        if text.startswith(NOT_YET):
            return self._dead.get(domain) or self._reasons.reason(text)
        said = masked(text, address, self._reasons)
        reason = self._memo.get((number, said))
        if reason is None:
            reason = outcome(number, said, self._reasons).reason or "unknown"
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            self._memo[number, said] = reason
        if len(self._dead) >= _MEMO:
            self._dead.clear()
        self._dead[domain] = reason
        return reason

    def _log_directory(self, path: bytes) -> bytes:
        """…/input or …/input/x -> …/msglog or …/msglog/x."""
        known = self._logs.get(path)
        if known is None:
            front, slash, end = path.rpartition(b"/")
            base = front if end == b"input" else front.rpartition(b"/")[0]
            known = base + b"/msglog" + (b"" if end == b"input" else slash + end)
            self._logs[path] = known
        return known

    def _number(self, name: bytes) -> int:
        """Index of a named queue; a new one is added."""
        text = name.decode("utf-8", "replace")
        if text not in self.queues:
            if len(self.queues) > MOST_QUEUES:
                text = OTHER
            if text not in self.queues:
                self.queues = (*self.queues, text)
        return self.queues.index(text)


def _left(recipients: list[bytes], done: frozenset[bytes]) -> list[bytes]:
    """Those that wait."""
    return [recipient for recipient in recipients if recipient not in done] if done else recipients


def _entry(place: Place, name: bytes, envelope: Envelope, waiting: list[bytes], size: int) -> Entry:
    """A message that waits for these recipients, with a file of this size for its body; without reasons."""
    sender = domain_of(envelope.sender) if envelope.sender else ""
    facts: Facts = sender, tuple(map(domain_of, waiting)), (), envelope.frozen, False
    return place.queue, moment(name, envelope.received), envelope.headers + body_bytes(name, size), 0, facts
