"""The rules of `promtool check metrics`, for machines without promtool. Source: client_golang, promlint."""

from __future__ import annotations

import re
from collections.abc import Iterator

_UNITS = {
    "milliseconds": "seconds",
    "microseconds": "seconds",
    "minutes": "seconds",
    "hours": "seconds",
    "days": "seconds",
    "kilobytes": "bytes",
    "megabytes": "bytes",
    "bits": "bytes",
    "percent": "ratio",
    "kibibytes": "bytes",
    "celcius": "celsius",
}
_ABBREVIATED = ("s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "m", "h", "d")
_HELP = re.compile(r"# HELP (\S+) (.+)")
_TYPE = re.compile(r"# TYPE (\S+) (\S+)")


def lint(exposition: str) -> Iterator[str]:
    """Problems of an exposition in the text format 0.0.4."""
    helped = {match[1] for match in _HELP.finditer(exposition)}
    for name, kind in _TYPE.findall(exposition):
        words = name.split("_")
        if name not in helped:
            yield f"{name}: no help text"
        if (kind == "counter") != name.endswith("_total"):
            yield f"{name}: only and all counters end in _total"
        if kind != "histogram" and (name.endswith(("_bucket", "_count", "_sum"))):
            yield f"{name}: the ending is reserved for histograms"
        if re.search(r"[a-z][A-Z]", name) or ":" in name:
            yield f"{name}: snake_case without colons"
        for word in words:
            if word in _UNITS:
                yield f"{name}: use base unit {_UNITS[word]} instead of {word}"
        if any(word in ("gauge", "counter", "histogram", "summary") for word in words):
            yield f"{name}: no metric type in the name"
        if words[-1] in _ABBREVIATED or (words[-1] == "total" and words[-2] in _ABBREVIATED):
            yield f"{name}: no abbreviated unit"
    for line in exposition.splitlines():
        if line.startswith("#"):
            continue
        name = re.split(r"[{ ]", line)[0]
        if 'le="' in line and not name.endswith("_bucket"):
            yield f"{name}: the label le belongs to histograms"
        if 'quantile="' in line:
            yield f"{name}: the label quantile belongs to summaries"
