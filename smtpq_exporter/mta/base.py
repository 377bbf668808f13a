"""What a mail server is to this program, and the laws that its parsers obey.

Pure: everything under mta/ takes bytes and a given `now` and returns values. Adding a mail server is one package
here, one line in MTAS, one directory of golden inputs. The four laws, tested for all by one generic test:

1. empty input is an empty queue or a ParseError, as the format defines;
2. input cut at any byte gives a ParseError or a valid parse, nothing else;
3. no exception but ParseError, whatever the bytes;
4. sums agree: messages, recipients and bytes of the snapshot equal those of the messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from smtpq_exporter.model import LogEvent, Message


class ListingParser(Protocol):
    """Bytes of a queue listing (socket or command output), fed as they come, into messages."""

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
        """Count lines into the tally that the parser was made with. The hot path: nothing is allocated per line."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One mail server of this host, as found or as configured. Empty strings are filled in by discovery.

    `name` is the value of the label mta_instance. `source` is "auto" or one of the mail server's sources.
    `interval` and `timeout` in seconds, None = the default of the configuration. `logs` are log sources: a path,
    "journal", "stdin", "syslog:PATH_OR_PORT", "docker:PATH", "cri:PATH"; ("auto",) means: find them.
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


@dataclass(frozen=True, slots=True)
class Listing:
    """A way to read the queue by asking the mail server: a command's output or a socket's."""

    source: str
    parser: type
    argv: tuple[str, ...] = ()
    """Command; {config_directory} and {queue_directory} are filled in from the instance."""
    socket: str = ""
    """Unix socket, relative to the queue directory."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where traces of the mail server are found on a host; the first existing path counts."""

    binaries: tuple[str, ...]
    spools: tuple[str, ...]
    configs: tuple[str, ...]
    logs: tuple[str, ...]
    processes: tuple[str, ...]
    """Names of the daemon's processes, as psutil shows them."""
    syslog_names: tuple[str, ...] = field(default=())

