"""How Sendmail keeps its queue in directories: the layout that the spool engine is driven by.

Pure. Source of truth: the Sendmail Installation and Operation Guide, 2.3 (queues), and sendmail/queue.c. A
queue directory holds qf (envelope) and df (body) files side by side, or in sub-directories qf/ and df/.
QueueDirectory may end in ``*``: then each directory that matches is a queue directory. The submission program
has a queue of its own (clientmqueue).

Each attempt replaces the qf file by a new one, so a new mtime tells; a quarantined message is renamed to hf,
and back. What Sendmail cannot make sense of is renamed to Qf (lost) and never tried again.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.errors import ParseError
from smtpq_exporter.model import OTHER
from smtpq_exporter.mta.address import domain_of
from smtpq_exporter.mta.base import Entry, Facts, Place, Plain, ReasonOf, SpoolFile, Status
from smtpq_exporter.mta.sendmail.queue_file import (
    DEFERRED,
    TEMPORARY,
    USUAL,
    Envelope,
    Recipient,
    further,
    read_envelope,
)
from smtpq_exporter.mta.sendmail.queue_id import (
    CONTROL,
    CONTROL_FILE,
    LOST,
    QUARANTINED,
    WAITING,
    is_control_file,
)

#: Waiting mail of the server and of the submission program; what waits for an operator, wherever it lies.
QUEUES = ("mqueue", "clientmqueue", "quarantined", "lost")
MQUEUE, CLIENTMQUEUE, HELD, GONE = range(4)
#: Files that go with a control file: body, transcript, what is being written.
_COMPANIONS = frozenset((b"df", b"xf", b"tf", b"nf", b"ff"))
_DIVIDED = frozenset((b"df", b"xf"))
#: The submission program's process id and statistics, hidden files.
_OTHERS = (b"sm-client.", b".")
_PARENT, _QUEUE, _QF = "parent", "queue", "qf"
_LATEST = 2**32 - 1
#: Of control files only those that wait begin with it.
_Q = WAITING[0]
#: Where an envelope ends.
_ENDS = b"\nH"
#: Texts whose reason is remembered.
_MEMO = 4096
#: So many recipients are looked at one by one; of further ones only the number counts.
_MOST = 100_000


class SendmailSpool:
    """Layout of one Sendmail's queues.

    `directories` are those of the server, each perhaps with ``*`` at its end; `client` is that of the
    submission program; `min_age` is MinQueueAge in seconds, None if it does not say when a message is tried
    again.
    """

    queues: tuple[str, ...] = QUEUES
    head = 4096
    message_name = CONTROL_FILE

    def __init__(
        self,
        directories: Sequence[str],
        client: str,
        classifier: ReasonOf,
        *,
        min_age: int | None = None,
    ) -> None:
        """Nothing is read here."""
        self._directories = tuple(path.encode("utf-8", "surrogateescape") for path in directories)
        self._client = client.encode("utf-8", "surrogateescape")
        self._reason, self._bare = classifier.reason, not classifier.wants_addresses
        self._min_age = min_age
        self.retries = min_age is not None
        self._memo: dict[bytes, str] = {}
        self._shared: dict[tuple[bytes | None, bytes, str], Facts] = {}
        """What messages share: domains of sender and recipient as the file shows them, reason."""
        self._patterns: dict[bytes, bytes] = {}
        self._bodies: dict[bytes, bytes] = {}
        self._plain = Plain(_bodies, self._usual, self._beyond_usual)

    def roots(self) -> tuple[Place, ...]:
        """The queue directories of the server, which must be there, and of the submission program, which need
        not.
        """
        found = [self._root(path, MQUEUE, optional=False) for path in self._directories]
        return (
            (*found, self._root(self._client, CLIENTMQUEUE, optional=True)) if self._client else tuple(found)
        )

    def pick(self, place: Place, names: list[bytes]) -> tuple[list[bytes], tuple[bytes, ...]]:
        """Only control files and directories count; of a message that is just being renamed, the file beside
        qf.
        """
        if place.role == _PARENT:
            return [name for name in names if not is_control_file(name)], ()
        kept = [name for name in names if name[:2] != b"df" or len(name) == 2]
        others = [name for name in kept if name[:2] != WAITING]
        if others:
            kept = [name for name in kept if name[:2] not in _COMPANIONS or len(name) == 2]
            marked = [name for name in others if name[:2] in CONTROL]
            twice = {WAITING + name[2:] for name in marked}.intersection(kept)
            if twice:
                kept = [name for name in kept if name not in twice]
        return kept, ()

    def pulse(self, place: Place, name: bytes) -> None:
        """Every change makes a new control file."""

    def sort(self, place: Place, name: bytes) -> Place | str | None:
        """A control file, a queue directory, or something that is none of these."""
        if place.role == _PARENT:
            if name.startswith(self._patterns[place.path]):
                return place._replace(path=place.path + b"/" + name, role=_QUEUE, optional=True)
            return ""
        if is_control_file(name):
            return None
        if place.role == _QUEUE and len(name) == 2 and name not in _DIVIDED:
            return place._replace(path=place.path + b"/qf", role=_QF, optional=True) if name == b"qf" else ""
        return "" if name.startswith(_OTHERS) or name in _DIVIDED else "foreign_name"

    def read(
        self,
        place: Place,
        name: bytes,
        status: Status,
        head: bytes,
        file: SpoolFile,
        known: Facts | None,  # noqa: ARG002
    ) -> Entry | str:
        """Understand one control file, with the size of its body."""
        size = file.size_beside(self._body(place), b"df" + name[2:])
        size = -1 if size is None else size
        return self._usual(place, [name], [head], [size])[0] or self._unusual(place, name, status, head, size, file)

    def plain(self, place: Place) -> Plain | None:
        """What is in the first bytes, where bodies lie beside it."""
        return self._plain if place.role == _QUEUE else None

    def _beyond_usual(self, place: Place, name: bytes, head: bytes, size: int) -> Entry | None:
        """A message that waits, whose whole envelope is in its first bytes; None if it is no such."""
        if size < 0 or not name.startswith(WAITING) or head.find(_ENDS) < 0:
            return None
        try:
            envelope = read_envelope(head, len(head), lambda _offset, _length: b"")
        except ParseError:
            return None
        return self._entry(place, name, envelope, size)

    def _usual(
        self, place: Place, names: list[bytes], heads: list[bytes], sizes: list[int]
    ) -> list[Entry | None]:
        """A message that waits: the same as `_unusual` understands, in fewer steps."""
        queue, min_age, shared, known = place.queue, self._min_age, self._shared, self._memo.get
        found: list[Entry | None] = []
        add = found.append
        for name, head, size, usual in zip(names, heads, sizes, map(USUAL, heads), strict=True):
            if usual is None or name[0] != _Q:
                add(None)
                continue
            when, last, attempts, common, sender, own, address, domain, alone = usual.groups()
            arrival, retry = int(when), 0
            if arrival > _LATEST:  # noqa: PLR1730 - min() costs more
                arrival = _LATEST
            if min_age is not None:
                retry = min(int(last) + min_age if int(attempts) else arrival, _LATEST)
            if alone:
                text = own or (common if common and common.startswith(TEMPORARY) else None)
                reason = (known(text) or self._why(text, address)) if text else ""
                facts = shared.get((sender, domain, reason)) or self._learn(sender, domain, reason)
            else:
                others = further(head, usual.end())
                if others is None:
                    add(None)
                    continue
                facts = self._several(sender, common, [(own, address, domain), *others])
            add((queue, arrival, size if size > 0 else 0, retry, facts))  # noqa: FURB136 - max() costs more
        return found

    def _learn(self, sender: bytes | None, domain: bytes, reason: str) -> Facts:
        """Facts of a message to one recipient, to be remembered."""
        if len(self._shared) >= _MEMO:
            self._shared.clear()
        reasons = (reason,) if reason else ()
        facts = domain_of(sender) if sender else "", (domain_of(domain),), reasons, False, False
        self._shared[sender, domain, reason] = facts
        return facts

    def _several(self, sender: bytes | None, common: bytes | None, waiting: list[Recipient]) -> Facts:
        """Facts of a message to several recipients."""
        if not common or not common.startswith(TEMPORARY) or any(own == common for own, _, _ in waiting):
            common = None
        reasons = tuple([self._why(text, address) for own, address, _ in waiting if (text := own or common)])
        domains = tuple([domain_of(domain) for _, _, domain in waiting])
        return domain_of(sender) if sender else "", domains, reasons, False, False

    def _unusual(
        self, place: Place, name: bytes, status: Status, head: bytes, size: int, file: SpoolFile
    ) -> Entry | str:
        """Several recipients, quarantined, lost: anything but the usual."""
        try:
            envelope = read_envelope(head, status.st_size, file.more)
        except ParseError:
            if name[:2] == LOST:  # that it makes no sense is why it lies there
                mtime = min(max(0, status.st_mtime_ns // 1_000_000_000), _LATEST)
                return GONE, mtime, max(0, size), 0, ("", (), (), False, False)
            if not status.st_size:
                return "incomplete"
            raise
        if size < 0:
            size = self._elsewhere(place, name, envelope.data_directory, file)
        return self._entry(place, name, envelope, size)

    def _entry(self, place: Place, name: bytes, envelope: Envelope, size: int) -> Entry:
        """A message with a body of this size."""
        kind = name[:2]
        reasons: tuple[str, ...]
        arrival, waiting = min(envelope.arrival, _LATEST), envelope.waiting
        if len(waiting) == 1:
            address, text = waiting[0]
            domains: tuple[str, ...] = (domain_of(address),)
            reasons = (self._why(text, address),) if text else ()
        else:
            domains = tuple([domain_of(address) for address, _ in waiting[:_MOST]])
            reasons = tuple([self._why(text, address) for address, text in waiting[:_MOST] if text])
            domains += (OTHER,) * (len(waiting) - len(domains))
        queue, retry = place.queue, 0
        if kind == QUARANTINED:
            queue = HELD
        elif kind == LOST:
            queue = GONE
        elif self._min_age is not None:
            retry = min(envelope.last_attempt + self._min_age if envelope.attempts else arrival, _LATEST)
        sender = domain_of(envelope.sender) if envelope.sender else ""
        return queue, arrival, size, retry, (sender, domains, reasons, queue == HELD, False)

    def moved(self, place: Place, entry: Entry, status: Status) -> Entry:  # noqa: ARG002
        """A message that was carried to another directory of its queue."""
        return entry

    def _why(self, text: bytes, address: bytes) -> str:
        said = text.replace(address, b"@") if self._bare and address.find(b"@") >= 0 else text  # `in` is slower
        found = self._memo.get(said)
        if found is None:
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            found = self._memo[said] = self._reason(said.removeprefix(DEFERRED))
        return found

    def _root(self, path: bytes, queue: int, *, optional: bool) -> Place:
        if path.endswith(b"*"):
            parent, _, pattern = path.rpartition(b"/")
            self._patterns[parent] = pattern[:-1]
            return Place(parent, queue, _PARENT, optional=optional, renaming=True)
        return Place(path.rstrip(b"/"), queue, _QUEUE, optional=optional, renaming=True)

    def _body(self, place: Place) -> bytes:
        """Directory of the bodies of messages in a place."""
        if place.role != _QF:
            return place.path
        known = self._bodies.get(place.path)
        if known is None:
            known = self._bodies[place.path] = place.path[:-2] + b"df"
        return known

    def _elsewhere(self, place: Place, name: bytes, folder: bytes, file: SpoolFile) -> int:
        """Size of a body in another queue directory (queue groups on several disks), 0 if there is none."""
        if not folder:
            return 0
        if not folder.startswith(b"/"):
            base = place.path[:-3] if place.role == _QF else place.path
            folder = base.rpartition(b"/")[0] + b"/" + folder
        body = b"df" + name[2:]
        return file.size_beside(folder, body) or file.size_beside(folder + b"/df", body) or 0


def _bodies(names: list[bytes]) -> list[bytes]:
    """Names of the files with the bodies."""
    return [b"df" + name[2:] for name in names]
