"""Metric families -> bytes in the format that the client asked for: text 0.0.4 or OpenMetrics 1.0.

Pure. The encoders are those of prometheus_client (0.16.0 and newer); their numbers are made readable:
`1e+06` is right for Prometheus but no integer for Zabbix or a shell script.
Source: OpenMetrics 1.0, "Overall Structure" and "Negotiation"; Prometheus exposition formats.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from prometheus_client import exposition as text_format
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics_format

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

#: A value at the end of a line that prometheus_client writes with an exponent or as 5.0.
_WHOLE = re.compile(r" (-?[0-9]+(?:\.[0-9]+)?e\+[0-9]+|-?[0-9]+\.0)$", re.MULTILINE)
#: Above this a double no longer tells neighbouring integers apart.
_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class Rendered:
    """One exposition, plain and compressed."""

    plain: bytes
    gzipped: bytes


class _Collected:
    """The shape of a registry around families that exist already."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families


def encode(families: Iterable[Family], content_type: str) -> bytes:
    """Encode as TEXT or OPENMETRICS."""
    encoder = openmetrics_format if content_type == OPENMETRICS else text_format
    data: bytes = encoder.generate_latest(_Collected(families))
    return _WHOLE.sub(_readable, data.decode()).encode()


def render(families: list[Family], content_type: str) -> Rendered:
    """Encode and compress. The gzip header carries no time, so the same families give the same bytes."""
    plain = encode(families, content_type)
    return Rendered(plain, gzip.compress(plain, compresslevel=5, mtime=0))


@lru_cache(maxsize=64)
def negotiate(accept: str) -> str:
    """Content type for an Accept header: OpenMetrics if it is asked for at least as much as plain text."""
    openmetrics = text = 0.0
    for part in accept[:2000].lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        quality = _quality(parameters)
        if kind == "application/openmetrics-text":
            # A later major version is another format; 1.0.0 is what we write.
            version = next(
                (p.partition("=")[2].strip('" ') for p in parameters if p.startswith("version")), "1.0.0"
            )
            if version.split(".")[0] in ("0", "1"):
                openmetrics = max(openmetrics, quality)
        elif kind in ("text/plain", "text/*", "*/*"):
            text = max(text, quality)
    return OPENMETRICS if openmetrics > 0 and openmetrics >= text else TEXT


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _readable(match: re.Match[str]) -> str:
    value = float(match[1])
    if abs(value) > _EXACT:
        return match[0]
    return f" {int(value)}" if value.is_integer() else f" {value!r}"
