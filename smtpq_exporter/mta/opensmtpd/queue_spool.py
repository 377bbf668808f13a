"""How OpenSMTPD keeps its queue in directories: the layout that the spool engine is driven by.

Pure. Source of truth: usr.sbin/smtpd/queue_fs.c. queue/<first two digits>/<message id>/ holds `message` and
one envelope for each recipient that waits, named by message id and 8 more digits. So a message is a
directory. An envelope that changes is renamed into place and one that is done with is unlinked: the
directory's mtime tells. What is corrupt lies in corrupt/, what sendmail(8) was given while smtpd was down
waits in offline/: both are seen and left aside, and so is what is not queued yet (incoming/).

Not on disk: whether a message is suspended or held, and when it is tried next; only the scheduler knows.
"""

from __future__ import annotations

from smtpq_exporter.mta.address import domain_of, masked
from smtpq_exporter.mta.base import Entry, Facts, Place, ReasonOf, SpoolFile, Status
from smtpq_exporter.mta.opensmtpd.queue_envelope import LONGEST, Envelope, read_envelope

#: Where an envelope wants to go: a remote server, a mailbox of this host, back to its sender. A message is
#: counted once, in the first of them in which one of its envelopes waits.
QUEUES = ("mta", "mda", "bounce")
RANK = {b"mta": 0, b"mda": 1, b"bounce": 2}
#: Stands for the domains of envelopes that are encrypted.
UNREADABLE = "(unreadable)"
_QUEUE, _BUCKET, _CORRUPT, _OFFLINE = "queue", "bucket", "corrupt", "offline"
_HEX = frozenset(b"0123456789abcdef")
_LATEST = 2**32 - 1


class OpensmtpdSpool:
    """Layout of one spool directory (/var/spool/smtpd)."""

    queues = QUEUES
    head = 0
    retries = False
    holds = False

    def __init__(self, queue_directory: str, classifier: ReasonOf) -> None:
        """Nothing is read here."""
        self._root = queue_directory.encode("utf-8", "surrogateescape").rstrip(b"/")
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses

    def roots(self) -> tuple[Place, ...]:
        """The queue, which must be there, and what is beside it."""
        root = self._root
        return (
            Place(root + b"/queue", 0, _QUEUE),
            Place(root + b"/corrupt", 0, _CORRUPT, optional=True),
            Place(root + b"/offline", 0, _OFFLINE, optional=True),
        )

    def pick(self, place: Place, names: list[bytes]) -> tuple[list[bytes], tuple[bytes, ...]]:  # noqa: ARG002
        """All names; nothing changes without a trace."""
        return names, ()

    def pulse(self, place: Place, name: bytes) -> None:  # noqa: ARG002
        """The message's own mtime tells everything."""
        return

    def sort(self, place: Place, name: bytes) -> Place | str | None:
        """A message, a sub-directory, or something that is neither."""
        if place.role == _BUCKET:
            return None if _is_id(name, 8) else "foreign_name"
        if name[:1] == b".":
            return ""
        if place.role == _QUEUE:
            if _is_id(name, 2):
                return Place(place.path + b"/" + name, 0, _BUCKET, optional=True, lively=True, folders=True)
            return "foreign_name"
        return "corrupt_record" if place.role == _CORRUPT else "offline"

    def read(
        self,
        place: Place,  # noqa: ARG002
        name: bytes,
        status: Status,
        head: bytes,  # noqa: ARG002
        file: SpoolFile,
        known: Facts | None,  # noqa: ARG002
    ) -> Entry | str:
        """Understand a message by its envelopes. `incomplete`: it has none, as it is just being removed."""
        names = [one for one in file.names() if one.startswith(name) and _is_id(one, 16)]
        found = _envelopes(file, sorted(names))
        if not found:
            return "incomplete"
        message = file.status_beside(b"", b"message")
        size = 0 if message is None else message.st_size
        read = [one for one in found if one is not None]
        if not read:
            came = (message or status).st_mtime_ns // 10**9
            return (
                0,
                max(0, min(came, _LATEST)),
                size,
                0,
                (UNREADABLE, (UNREADABLE,) * len(found), (), False, False),
            )
        domains = tuple([domain_of(one.recipient) for one in read]) + (UNREADABLE,) * (len(found) - len(read))
        reasons = tuple([self._why(one.error, one.recipient) for one in read if one.error])
        sender = read[0].sender
        facts = (domain_of(sender) if sender else "", domains, reasons, False, False)
        return (
            min(RANK.get(one.kind, 0) for one in read),
            min(*(one.arrival for one in read), _LATEST),
            size,
            0,
            facts,
        )

    def moved(self, place: Place, entry: Entry, status: Status) -> Entry:  # noqa: ARG002
        """Messages stay where they are."""
        return entry

    def _why(self, error: bytes, recipient: bytes) -> str:
        return self._reason(masked(error, recipient) if self._bare else error)


def _envelopes(file: SpoolFile, names: list[bytes]) -> list[Envelope | None]:
    """The envelopes of a message that are not done with meanwhile; None for one that is encrypted."""
    found = [file.beside(b"", name, LONGEST) for name in names]
    return [read_envelope(data) for data in found if data is not None]


def _is_id(name: bytes, length: int) -> bool:
    return len(name) == length and _HEX.issuperset(name)
