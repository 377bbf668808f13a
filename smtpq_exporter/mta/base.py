"""What is asked of the parsers and spool layouts of a mail server, what they are given, and the laws they obey.

Pure: everything under mta/ takes bytes and a given `now` and returns values. Adding a mail server is one
package here, its name in MTAS, one directory of golden inputs. The four laws, tested for all by one generic
test:

1. empty input is an empty queue or a ParseError, as the format defines;
2. input cut at any byte gives a ParseError or a valid parse, nothing else;
3. no exception but ParseError, whatever the bytes;
4. sums agree: messages, recipients and bytes of the snapshot equal those of the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from smtpq_exporter.model import LogEvent, Message


class ListingParser(Protocol):
    """Bytes of a queue listing (socket or command output), fed as they come, into messages.

    One whose listing may leave messages out says so by an attribute `truncated`, final when `close` returned.
    """

    @property
    def queues(self) -> tuple[str, ...]:
        """Queues that a listing of this form tells apart; final when `close` returned."""

    @property
    def forced(self) -> bool:
        """Whether it shows forced expiry; final when `close` returned."""

    def feed(self, data: bytes) -> Iterable[Message]:
        """Return the messages completed by `data`; raise ParseError."""

    def close(self) -> Iterable[Message]:
        """State that the input ended: the last messages, or ParseError if the listing is not complete."""

    @property
    def skipped(self) -> dict[str, int]:
        """Entries seen and left out, by why."""


class LogParser(Protocol):
    """The log grammar of one mail server. One grammar, two ways out; they never disagree."""

    def event(self, line: bytes) -> LogEvent | None:
        """Understand one line without its newline; None if it is not this mail server's or says nothing."""

    def feed(self, lines: Sequence[bytes]) -> None:
        """Count lines into the tally that the parser was made with. The hot path: no object per line."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One mail server of this host, as found or as configured. Empty strings are filled in by discovery.

    `name` is the value of the label mta_instance. `source` is "auto" or one of the mail server's sources.
    `interval` and `timeout` in seconds, None = the default of the configuration. `logs` are log sources: a
    path, "journal", "stdin", "syslog:PATH_OR_PORT", "docker:PATH", "cri:PATH"; ("auto",) means: find them.
    """

    mta: str
    name: str
    config_directory: str = ""
    queue_directory: str = ""
    source: str = "auto"
    interval: float | None = None
    timeout: float | None = None
    logs: tuple[str, ...] = ("auto",)
    syslog_names: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    found_by: str = ""
    """How it was found, in words, for the start-up message."""
    simulated: bool = False  # nothing of it but its files is real: no version, no processes


class ReasonOf(Protocol):
    """What is asked of reasons.Classifier: the reason class of a text, fast."""

    @property
    def wants_addresses(self) -> bool:
        """If not set, an address may be replaced by "@" before: that changes no class, and texts repeat."""

    def reason(self, text: bytes, dsn: bytes = b"") -> str:
        """Reason class of a text; `dsn` is the enhanced code that the mail server itself wrote."""


Facts = tuple[str, tuple[str, ...], tuple[str, ...], bool, bool]
"""Sender domain ("" = null sender), domain of each waiting recipient, reason class of each of those whose
last attempt failed with a known text, held, forced expiry. What many messages share; made of atoms only."""

Entry = tuple[int, int, int, int, Facts]
"""One queued message in the smallest form: index into the mail server's queues, arrival (s), size (bytes),
next retry (s; 0 = not shown), facts."""


class Status(Protocol):
    """What a layout may look at in os.stat_result."""

    @property
    def st_mode(self) -> int: ...  # noqa: D102
    @property
    def st_size(self) -> int: ...  # noqa: D102
    @property
    def st_mtime_ns(self) -> int: ...  # noqa: D102


class Place(NamedTuple):
    """A directory of a spool: an absolute path and the queue (an index) of what lies in it.

    `role` is the layout's own word for what is found there. Nothing is wrong if an optional place is not
    there. In a `lively` place messages change although the directory does not (recipients are crossed off
    in place): it is looked through in each reading. With `folders` each message is a directory that stays
    where it is; `read` gets no head of it and looks inside by `SpoolFile.names` and the folder b"". With
    `renaming` a message may get another name in the same directory: what vanishes is looked for there again.
    """

    path: bytes
    queue: int
    role: str = ""
    optional: bool = False
    lively: bool = False
    folders: bool = False
    renaming: bool = False


class SpoolFile(Protocol):
    """The open file of a message and what lies beside it, as the engine hands it to a layout.

    The folder b"" is the message itself, where it is a directory.
    """

    @property
    def half(self) -> bool:
        """Whether the file that `pulse` names shall not be read now: the engine comes back to the message."""

    def names(self) -> list[bytes]:
        """Names in the message, where it is a directory."""

    def status_beside(self, folder: bytes, name: bytes) -> Status | None:
        """Status of another file, None if it is not there."""

    def status(self, folder: bytes, name: bytes) -> Status:
        """The same; FileNotFoundError."""

    def more(self, offset: int, length: int) -> bytes:
        """Bytes of the file; fewer at its end."""

    def beside(self, folder: bytes, name: bytes, limit: int) -> bytes | None:
        """First `limit` bytes of another file in this directory, None if it is not there."""

    def size_beside(self, folder: bytes, name: bytes) -> int | None:
        """Size of another file in bytes, None if it is not there."""

    def end_beside(self, folder: bytes, name: bytes, limit: int) -> bytes | None:
        """Last `limit` bytes of another file, None if it is not there: the one that `pulse` names."""


class SpoolLayout(Protocol):
    """How one mail server keeps its queue in directories: all that the spool engine (io/spool.py) needs to
    know.

    The engine lists directories, skips those that did not change, opens each file once and again when its
    mtime changes, follows moves and counts each id once. The layout is pure: it sorts names and reads
    bytes. An id is the file name; the same name in two places is the same message. A layout that cannot tell
    held mail from other mail says so by an attribute `holds` that is False. One that has `message_name`,
    a pattern, tells what `sort` takes for a message in every place; so all names of a directory are known in one step.
    """

    @property
    def queues(self) -> tuple[str, ...]:
        """All queues that are shown, also when empty. A later one wins where one id is found in two.

        May become longer while `sort` finds queues that were not there before.
        """

    @property
    def head(self) -> int:
        """Bytes of each file to read at first."""

    @property
    def retries(self) -> bool:
        """Whether next retries are shown."""

    def roots(self) -> tuple[Place, ...]:
        """Where to begin."""

    def pick(self, place: Place, names: list[bytes]) -> tuple[list[bytes], Collection[bytes]]:
        """Of all names in a directory those that `sort` is asked about, and the messages that are being
        worked on now.

        What only accompanies a message need not be remembered. A message that is worked on may change
        without a trace in its own file: it is read again each time, and once more afterwards.
        """

    def pulse(self, place: Place, name: bytes) -> tuple[bytes, bytes] | None:
        """Directory and name of another file whose mtime tells, too, that a message changed; None without."""

    def sort(self, place: Place, name: bytes) -> Place | str | None:
        """What a name is: None = a message, a Place = a directory to go into, a text = left aside.

        The text is the key in QueueSnapshot.skipped; an empty one is not counted (files that belong to
        others).
        """

    def read(
        self, place: Place, name: bytes, status: Status, head: bytes, file: SpoolFile, known: Facts | None,
    ) -> Entry | str:
        """Understand one message file; a text says why it is left aside ("incomplete": look again next time).

        `known` are the facts of an earlier reading of the same message. Raises ParseError.
        """

    def moved(self, place: Place, entry: Entry, status: Status) -> Entry:
        """What becomes of a message that was carried, unchanged, to another place."""


Understand = Callable[[Place, list[bytes], list[bytes], list[int]], list[Entry | None]]
"""understand(place, names, first bytes of each, size of each one's body): -1 where there is no body, and an entry is
None where it is not understood."""


class Plain(NamedTuple):
    """How a layout reads messages, many at once, without their own status; `plain(place)` gives it, None where `read`
    is needed.
    """

    bodies: Callable[[list[bytes]], list[bytes]]
    """Names of the files there whose sizes are wanted."""
    usual: Understand
    """What most messages are, in few steps."""
    unusual: Callable[[Place, bytes, bytes, int], Entry | None]
    """The same for one of the others."""
    half: bool = False
    """Whether the file that `pulse` names is left out: the engine comes back to the message and has it read whole."""

    def understand(
        self, place: Place, names: list[bytes], heads: list[bytes], sizes: list[int],
    ) -> list[Entry | None]:
        """Understand what can be; None where `read` is to be asked."""
        found = self.usual(place, names, heads, sizes)
        if not all(found):
            found = [
                entry or self.unusual(place, name, head, size)
                for entry, name, head, size in zip(found, names, heads, sizes, strict=True)
            ]
        return found


class GlanceLayout(SpoolLayout, Protocol):
    """A layout whose names tell nearly everything that a count by age needs (io/glance.py)."""

    def glance(self, place: Place, name: bytes, status: Status) -> Entry | str | None:
        """An entry without size and recipients, or why it is left aside; None = open the file to know."""


class Probe(Protocol):
    """How discovery looks at a host: read-only."""

    def read(self, path: str) -> bytes | None:
        """Content of a small file, None if it cannot be read."""

    def exists(self, path: str) -> bool:
        """Whether a file or directory is there, as far as this process can see."""

    def listdir(self, path: str) -> list[str] | None:
        """Names in a directory, None if it cannot be read."""

    def run(self, argv: Sequence[str]) -> bytes | None:
        """Output of a program that only prints settings, None if it fails."""
