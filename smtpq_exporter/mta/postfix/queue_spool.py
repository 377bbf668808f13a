"""How Postfix keeps its queue in directories: the layout that the spool engine is driven by.

Pure. Source of truth: mail_queue.h, showq(8), qmgr(8), postconf(5) hash_queue_names; for times and modes
the observations in docs/mta/postfix.md. Queues are directories of mode 0700; hashed ones have
sub-directories of one character. The mode of a file tells its state: owner rwx = ready, r-- only = corrupt,
anything else = still being written; group x = expire by force. The mtime of a deferred file is the next
time it may be tried.
"""

from __future__ import annotations

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import OTHER
from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import Entry, Facts, Place, ReasonOf, SpoolFile, Status
from smtpq_exporter.mta.postfix.queue_file import read_envelope
from smtpq_exporter.mta.postfix.queue_id import QUEUE_ID, hash_path, is_queue_id, moment
from smtpq_exporter.mta.postfix.queue_reasons import texts
from smtpq_exporter.mta.postfix.queue_usual import usual_message

#: Queues in the order of showq; `corrupt` is only seen in the directories.
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")
_MAILDROP, _ACTIVE, _DEFERRED, _HOLD, _CORRUPT = 0, 2, 3, 4, 5

#: Bytes of a defer log that are read at first, and at most; what is beyond has reason "unknown".
LOG_FIRST, _LOG_MOST = 4096, 8 * 1024 * 1024
_LATEST = 2**32 - 1
#: What a glance knows.
_WAITING: Facts = ("", (), (), False, False)
_ON_HOLD: Facts = ("", (), (), True, False)


class PostfixSpool:
    """Layout of one instance's queue directory; hash_depth and hash_names are hash_queue_depth and _names."""

    queues = QUEUES
    head = 2048
    """Holds the envelope of about 15 recipients."""
    beside = LOG_FIRST
    retries = True
    message_name = QUEUE_ID.pattern

    def __init__(
        self, queue_directory: str, classifier: ReasonOf, *,
        hash_depth: int = 1, hash_names: str = "deferred, defer",
    ) -> None:
        """Nothing is read here."""
        self._root = queue_directory.encode("utf-8", "surrogateescape").rstrip(b"/")
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses
        hashed = hash_names.replace(",", " ").split()
        self._depth = hash_depth if "defer" in hashed else 0
        self._same_hash = ("deferred" in hashed) == ("defer" in hashed)
        self.usual = usual_message(
            self._reason, bare=self._bare, deferred=_DEFERRED, longest_log=LOG_FIRST)

    def roots(self) -> tuple[Place, ...]:
        """The queue directories. Those that mail can be stuck in must be there."""
        return tuple(
            Place(
                self._root + b"/" + name.encode(), number,
                optional=name in ("maildrop", "hold", "corrupt"), lively=number == _ACTIVE,
            )
            for number, name in enumerate(QUEUES)
        )

    def pick(self, place: Place, names: list[bytes]) -> tuple[list[bytes], tuple[bytes, ...]]:  # noqa: ARG002
        """Every name counts; a change shows in the file itself."""
        return names, ()

    def pulse(self, place: Place, name: bytes) -> None:
        """A new defer log comes with a new mtime of the queue file."""

    def sort(self, place: Place, name: bytes) -> Place | str | None:
        """A queue id, a hash directory or something that is none of ours."""
        if is_queue_id(name):
            return None
        if len(name) == 1 and name.isalnum():
            return place._replace(path=place.path + b"/" + name, optional=True)
        return "foreign_name"

    def read(
        self, place: Place, name: bytes, status: Status, head: bytes, file: SpoolFile, known: Facts | None,
    ) -> Entry | str:
        """Understand one queue file and its defer log."""
        queue, mode = place.queue, status.st_mode
        if mode & 0o700 != 0o700 and queue != _CORRUPT:
            if mode & 0o700 != 0o400:
                return "incomplete"
            queue = _CORRUPT
        mtime = status.st_mtime_ns // 1_000_000_000
        if not 0 <= mtime <= _LATEST:
            mtime = 0 if mtime < 0 else _LATEST
        try:
            envelope = read_envelope(head, status.st_size, file.more)
        except ParseError:
            if queue != _CORRUPT:
                raise
            return queue, moment(name, mtime) or mtime, status.st_size, 0, ("", (), (), False, False)
        size, arrival, sender, recipients, offsets, unread = envelope
        if sender is None:
            raise ParseError("queue file", "no sender")
        if arrival is None:
            arrival = mtime
        elif not 0 <= arrival <= _LATEST:
            arrival = 0 if arrival < 0 else _LATEST
        domains = tuple([domain_of(address) for address in recipients])
        reasons: tuple[str, ...] = ()
        if recipients and queue != _MAILDROP:
            reasons = self._reasons(self.company(place) or self._log_directory(name), name, offsets, file)
            if not reasons and known is not None and queue == _ACTIVE:
                reasons = known[2][: len(domains)]  # a delivery runs: its defer log is away until it ends
        if unread:
            domains += (OTHER,) * unread
            reasons += ("unknown",) * unread
        facts = domain_of(sender) if sender else "", domains, reasons, queue == _HOLD, mode & 0o010 != 0
        return queue, arrival, size, mtime if queue == _DEFERRED else 0, facts

    def glance(self, place: Place, name: bytes, status: Status) -> Entry | str | None:
        """By mode and long id alone: when the id was given out, which is the arrival or the last requeue."""
        queue, mode = place.queue, status.st_mode
        if mode & 0o700 != 0o700 and queue != _CORRUPT:
            if mode & 0o700 != 0o400:
                return "incomplete"
            queue = _CORRUPT
        if mode & 0o170000 != 0o100000:
            return "foreign_name"
        arrival = moment(name, status.st_mtime_ns / 1e9)
        if arrival is None:
            return None
        return queue, arrival, 0, 0, _ON_HOLD if queue == _HOLD else _WAITING

    def moved(self, place: Place, entry: Entry, status: Status) -> Entry:
        """Only the queue, the hold and the next retry follow from where a file is."""
        _, arrival, size, _, (sender, domains, reasons, _, forced) = entry
        queue = place.queue
        retry = min(max(0, status.st_mtime_ns // 1_000_000_000), _LATEST) if queue == _DEFERRED else 0
        return queue, arrival, size, retry, (sender, domains, reasons, queue == _HOLD, forced)

    def company(self, place: Place) -> bytes | None:
        """The directory of the defer logs of all messages of a place, if they are in one."""
        below = place.path[len(self._root) + 9 :]  # behind "/deferred"
        if place.queue != _DEFERRED or not self._same_hash or below.count(b"/") != self._depth:
            return None
        return self._root + b"/defer" + below

    def _log_directory(self, name: bytes) -> bytes:
        return b"%b/defer/%b" % (self._root, hash_path(name, self._depth)[:-1])

    def _reasons(self, folder: bytes, name: bytes, offsets: list[int], file: SpoolFile) -> tuple[str, ...]:
        log = file.beside(folder, name, LOG_FIRST)
        if not log:
            return ()
        cut = False
        if len(log) == LOG_FIRST:
            log = file.beside(folder, name, _LOG_MOST) or b""
            cut = len(log) == _LOG_MOST
        found = texts(log, offsets)
        if self._bare:
            reasons = tuple([self._reason(masked(text, address)) for text, address in found])
        else:
            reasons = tuple([self._reason(text) for text, _ in found])
        return reasons + ("unknown",) * (len(offsets) - len(reasons)) if cut else reasons
