"""Which way a queue is read: the best one that this process may use, or the one that the configuration fixes.

The choice is made once, when a reader is opened, and told in words (`why`): reading files costs a third of
asking the mail server and leaves it alone, but needs permission for the queue directories.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from smtpq_exporter.errors import ConfigError, SourceError
from smtpq_exporter.io.command import PATH
from smtpq_exporter.io.glance import GlanceReader
from smtpq_exporter.io.listing import ListingReader
from smtpq_exporter.io.liveness import Liveness, accepts
from smtpq_exporter.io.once import REMEMBERED, OnceReader
from smtpq_exporter.io.reader import QueueReader
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import GlanceLayout, Instance, Place, ReasonOf, SpoolLayout
from smtpq_exporter.mta.mail_server import Listing, Mta

if TYPE_CHECKING:
    from smtpq_exporter.mta.report import ReportWay


def open_reader(
    instance: Instance, *, classifier: ReasonOf, top: int = 20, once: bool = False, glance: bool = False,
    again: bool = True,
) -> QueueReader:
    """Reader of this instance's queue. Raises SourceError if no way is open, with what each of them lacks.

    `once`: for one reading, in memory that does not grow with the queue. `glance`: and messages and ages are enough;
    what costs opening each file is left out. Not `again`: for one reading that leaves nothing to later ones.
    """
    mta = MTAS[instance.mta]
    if instance.source != "auto":
        why = "fixed in the configuration"
        return _open(mta, instance, instance.source, classifier, top, why, once=once, glance=glance, again=again)
    lacks: list[str] = []
    kind = "unavailable"
    for source in mta.sources:
        lack = _lack(mta, instance, source, classifier)
        if lack is None:
            why = "; ".join([*lacks, _merit(mta, source, instance)])
            return _open(mta, instance, source, classifier, top, why, once=once, glance=glance, again=again)
        lacks.append(f"{source}: {lack}")
        if "permission" in lack:
            kind = "permission"
    raise SourceError(
        kind, f"no way to read the queue of {instance.mta} {instance.name}: {'; '.join(lacks)}",
        "see the page of this mail server in docs/mta for the permission that each way needs",
    )


def _open(
    mta: Mta, instance: Instance, source: str, classifier: ReasonOf, top: int, why: str, *,
    once: bool, glance: bool, again: bool,
) -> QueueReader:
    if source == "spool" and mta.layout is not None:
        layout = mta.layout(instance, classifier)
        liveness = Liveness(instance, mta.discovery)
        if glance and hasattr(layout, "glance"):
            return GlanceReader(cast("GlanceLayout", layout), why=why, liveness=liveness)
        if once:
            return OnceReader(layout, top=top, why=why, liveness=liveness)
        return SpoolReader(layout, top=top, why=why, liveness=liveness, again=again)
    for listing in mta.listings:
        if listing.source == source:
            most = REMEMBERED if once else sys.maxsize
            return ListingReader(mta, listing, instance, classifier, top=top, why=why, remembered=most)
    way = _way(mta, source)
    if way is not None:
        from smtpq_exporter.io.report import ReportReader  # noqa: PLC0415  (few have such a mail server)

        if missing := way.lack(instance):
            raise SourceError("unavailable", f"{source}: {missing}", "see the options in docs/mta")
        return ReportReader(mta, way, instance, classifier, top=top, why=why)
    raise ConfigError("source", f"{source!r} is no source of {mta.name}: one of auto, {', '.join(mta.sources)}")


def _way(mta: Mta, source: str) -> ReportWay | None:
    return next((way for way in mta.reports() if way.source == source), None) if mta.reports else None


def _lack(mta: Mta, instance: Instance, source: str, classifier: ReasonOf) -> str | None:
    """What is missing for a source, in words; None if it can be used."""
    if source == "spool":
        return _closed(mta.layout(instance, classifier)) if mta.layout else "not supported"
    for listing in mta.listings:
        if listing.source == source:
            return _mute(listing, instance)
    way = _way(mta, source)
    if way is not None:
        from smtpq_exporter.io.report import lack  # noqa: PLC0415

        return lack(way, instance)
    return "not supported"


def _merit(mta: Mta, source: str, instance: Instance) -> str:
    if source == "spool":
        return "all queue directories are readable"
    way = _way(mta, source)
    if way is not None:
        from smtpq_exporter.io.report import merit  # noqa: PLC0415

        return merit(way, instance)
    listing = next(one for one in mta.listings if one.source == source)
    return f"{listing.socket} accepts connections" if listing.socket else f"{listing.argv[0]} is installed"


def _closed(layout: SpoolLayout) -> str | None:
    """The first directory of a spool that cannot be read; sub-directories are looked at too."""
    todo = list(layout.roots())
    seen = 0
    while todo:
        place = todo.pop()
        try:
            names = os.listdir(place.path)
        except (FileNotFoundError, NotADirectoryError):
            if not place.optional:
                return f"{_text(place)} is not there"
            continue
        except OSError as error:
            return f"{_text(place)}: {'permission denied' if isinstance(error, PermissionError) else error.strerror}"
        seen += 1
        if seen > 5000:
            break
        for name in names:
            sort = layout.sort(place, name) if len(name) < 64 else ""
            if isinstance(sort, Place):
                todo.append(sort)
    return None


def _mute(listing: Listing, instance: Instance) -> str | None:
    if listing.socket:
        path = Path(instance.queue_directory) / listing.socket
        answer = accepts(path)
        return {True: None, False: f"nobody listens on {path}", None: f"{path}: permission denied"}[answer]
    program = listing.argv[0]
    if any(os.access(Path(folder) / program, os.X_OK) for folder in PATH.split(":")):
        return None
    return f"{program} is not installed"


def _text(place: Place) -> str:
    return place.path.decode("utf-8", "backslashreplace")
