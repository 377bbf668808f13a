"""Get the sample: from the running exporter, or by asking the mail server itself once.

Both give the same dict, the body of ``GET /api/v1/sample`` (view.py says its shape), so that what follows
cannot tell them apart. The exporter is asked first: it answers within milliseconds at any queue length, needs
no rights, and knows what happened before. Failures are SourceError; no path returns a part of a sample.
"""

from __future__ import annotations

from smtpq_exporter.checks.client import AbsentError, Access, get
from smtpq_exporter.checks.scan import loads
from smtpq_exporter.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from smtpq_exporter.checks.options import Options
DEFAULT_URL = "http://127.0.0.1:10125"
PATH = "/api/v1/sample"


def acquire(
    options: Options, query: dict[str, float], needs: frozenset[str], deadline: float
) -> tuple[dict[str, Any], str]:
    """The sample and where it is from, in words. `deadline` is on time.monotonic().

    `query` are parameters of the sample (view.as_json); `needs` says what is read without an exporter:
    "queue" (or "counts": messages and ages alone), "log", "host", "trail".
    """
    if options.source == "mta":
        return from_mta(options, query, needs, deadline), "the mail server itself"
    url = options.url or DEFAULT_URL
    try:
        return from_exporter(options, query, deadline), f"the exporter at {url}"
    except SourceError as error:
        # Only where none was named and none is there: an exporter that is sick must be heard of.
        if options.source != "auto" or options.url or not isinstance(error, AbsentError):
            raise
        return from_mta(options, query, needs, deadline), f"the mail server itself ({error.what})"


def from_mta(
    options: Options, query: dict[str, float], needs: frozenset[str], deadline: float
) -> dict[str, Any]:
    """Ask the mail servers of this host."""
    from smtpq_exporter.checks import direct

    return direct.sample(options, query, needs, deadline)


def from_exporter(options: Options, query: dict[str, float], deadline: float) -> dict[str, Any]:
    """Ask the exporter for its newest sample."""
    access = Access(
        credentials=options.credentials or "",
        ca_file=options.ca_file or "",
        certificate=options.certificate or "",
        insecure=bool(options.insecure),
    )
    url = options.url or DEFAULT_URL
    words = "&".join(f"{name}={value:g}" for name, value in query.items())
    body, moment = get(url, f"{PATH}?{words}", access, deadline)
    sample = decode(body, url)
    # Its own clock, now: a sampler that stands still goes on serving a sample that calls itself fresh.
    sample["time"] = max(float(sample["time"]), moment or 0.0)
    return sample


def decode(body: bytes, place: str) -> dict[str, Any]:
    """The sample in `body`, checked for being one."""
    try:
        sample = loads(body)
    except (ValueError, RecursionError):
        sample = None
    if (
        not isinstance(sample, dict)
        or not isinstance(sample.get("mtas"), list)
        or not all(isinstance(mta, dict) and "queue" in mta for mta in sample["mtas"])
        or not isinstance(sample.get("time"), (int, float))
    ):
        raise SourceError("parse", f"what answers at {place} is no smtpq-exporter", "check --url")
    return sample
