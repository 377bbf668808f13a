"""A mail server, whole: what the rest of the house asks about it; mta.MTAS finds it.

Pure: data, and functions of the mail server's own rooms. What its parsers and layouts must do stands in base.py,
what its reports must tell in report.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smtpq_exporter.mta.base import Instance, ListingParser, LogParser, Probe, ReasonOf, SpoolLayout

if TYPE_CHECKING:  # who reads no reports does not wait for it
    from smtpq_exporter.mta.report import ReportWay


@dataclass(frozen=True, slots=True)
class Listing:
    """A way to read the queue by asking the mail server: a command's output or a socket's.

    `parser(classifier, now)` makes a ListingParser for one reading.
    """

    source: str
    parser: Callable[[ReasonOf, float], ListingParser]
    argv: tuple[str, ...] = ()
    """Command; {config_directory} and {queue_directory} are filled in from the instance."""
    socket: str = ""
    """Unix socket, relative to the queue directory."""
    exit_kinds: tuple[tuple[int, str], ...] = ()
    """Exit codes of the command that mean one of model.FAULT_KINDS; any other but 0 is "unavailable"."""
    own_config: str = ""
    """If config_directory is this one, the two words of argv that name it are left out."""
    proof: tuple[str, ...] = ()
    """Command that prints "0" if nothing is queued, for a listing that says nothing about an empty queue."""
    parts: Callable[[Instance], Sequence[Listing]] | None = None
    """The listings that together show an instance's queue (one for each named queue); None: this alone."""
    doubt: Callable[[ListingParser, bytes], str] | None = None
    """doubt(parser, output of `proof` or b"" if it failed) says after each reading why the listing cannot be
    whole, "" if it can; None: `proof` is asked about an empty listing only, and "0" is believed.
    """
    denied: bytes = b"permission denied"
    """Words on standard error, in lower case, that mean that the permission is missing."""
    retries: bool = False
    """Whether next retries are shown."""
    sizes: bool = True
    """Whether sizes are shown."""
    hint: str = "run with the group that may list the queue"
    """What to do if the permission is missing."""


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
    version: tuple[str, ...] = ()
    """Command that prints the version, placeholders as in Listing.argv."""
    version_pattern: bytes = rb"(\S+)"
    """Its first group is the version."""
    lock: str = ""
    """File relative to the queue directory that the daemon holds locked (flock) while it runs."""
    socket: str = ""
    """Socket relative to the queue directory that accepts connections while the daemon runs."""
    pid: str = ""
    """Option of an instance that names the file with the daemon's process id."""
    files: tuple[str, ...] = ()
    """Files that only this mail server has, where its program may have another's name."""


@dataclass(frozen=True, slots=True)
class Mta:
    """One mail server: everything that the rest of the house asks about it; mta.MTAS finds it."""

    name: str
    queues: tuple[str, ...]
    """Its queues in the order in which they are shown."""
    sources: tuple[str, ...]
    """Ways to read the queue, the best first: "spool" and the sources of the listings."""
    discovery: Discovery
    settle: Callable[[Instance, Probe], list[Instance]]
    """Fill in what an instance leaves open, from the mail server's own configuration; may find several."""
    queues_of: Callable[[Instance], tuple[str, ...]] | None = None
    """The queues of one instance where they are the user's own names; None: `queues`."""
    listings: tuple[Listing, ...] = ()
    reports: Callable[[], tuple[ReportWay, ...]] | None = None
    """Where the mail server counts by itself and shows no messages; called when they are wanted."""
    asides: tuple[str, ...] = ()
    """Queues of copies that wait for nobody: shown, never part of a sum."""
    layout: Callable[[Instance, ReasonOf], SpoolLayout] | None = None
    """Makes the layout of an instance's spool."""
    log: Callable[..., LogParser] | None = None
    """log(tally, classifier, syslog_names) makes the parser of its log."""
