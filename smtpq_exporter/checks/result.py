"""What a plugin says: a state, one line, numbers, and more lines for those who ask.

Law: pure; every output keeps the rules whatever the texts are: one ``|``, all perfdata on line 1, line 1
within 1000 bytes and everything within 4096, printable valid UTF-8, labels ``[a-z][a-z0-9_]{0,18}``, no U,
NaN or exponent, at least one ``;`` after each value; an UNKNOWN shows no number at all.
Source: Monitoring Plugins Development Guidelines; draft-kaestle-monitoring-plugins-interface-03; the Checkmk
manual, "Local checks".
"""

from __future__ import annotations

from smtpq_exporter.checks.range import INFINITY, Range, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

OK, WARNING, CRITICAL, UNKNOWN = range(4)
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
#: From harmless to worst. A blind spot outranks a warning, for it may hide a CRITICAL.
SEVERITY = (OK, WARNING, UNKNOWN, CRITICAL)
LINE_BYTES = 1000
TEXT_BYTES = 500
TOTAL_BYTES = 4096
LABEL_LENGTH = 19
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz")
_ALNUM = _LETTERS | frozenset("0123456789")
# | ends the text; Nagios rewrites ; and strips `$&"<> from notifications, where a $ has broken Icinga's.
_PLAIN = str.maketrans({"|": "/", ";": ",", "$": "_", "`": "'", '"': "'", "&": "+", "<": "", ">": ""})


def worst(states: Iterable[int]) -> int:
    """The state that counts among several; OK if there is none."""
    return max(states, key=SEVERITY.index, default=OK)


def clean(text: str) -> str:
    """Text from anywhere as one printable line that no monitoring system misreads."""
    text = text.translate(_PLAIN)
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " if c.isspace() else f"\\x{ord(c):02x}" for c in text)
    return " ".join(text.split())


def cut(text: str, size: int) -> str:
    """Shorten to `size` bytes of UTF-8, at a character's edge."""
    data = text.encode("utf-8")
    return text if len(data) <= size else data[: size - 3].decode("utf-8", "ignore") + "..."


def label(text: str) -> str:
    """Any name as a perfdata label: lower case, [a-z0-9_], 19 characters at most."""
    name = "_".join("".join(c if c in _ALNUM else " " for c in text.lower()).split())
    return (name if name[:1].isalpha() else f"q_{name}")[:LABEL_LENGTH].rstrip("_")


def is_label(text: str) -> bool:
    """Whether every monitoring system reads it: a letter, then [a-z0-9_]."""
    return text[:1] in _LETTERS and set(text) <= _ALNUM | {"_"} and len(text) <= LABEL_LENGTH


class Metric:
    """One number of perfdata; `combine` says how those of several mail servers become one."""

    __slots__ = ("combine", "critical", "label", "maximum", "minimum", "uom", "value", "warning")

    def __init__(  # the order of perfdata
        self,
        label: str,
        value: float,
        uom: str = "",
        warning: Range | None = None,
        critical: Range | None = None,
        minimum: float | None = 0,
        maximum: float | None = None,
        combine: str = "sum",
    ) -> None:
        finite = -INFINITY < value < INFINITY
        if not is_label(label) or uom not in ("", "s", "B", "%", "c") or not finite:
            raise ValueError(f"not a metric: {label!r} {value!r} {uom!r}")
        self.label, self.value, self.uom = label, value, uom
        self.warning, self.critical = warning, critical
        self.minimum, self.maximum, self.combine = minimum, maximum, combine

    def fields(self) -> tuple[str, str, str, str, str]:
        """Value, warning, critical, min, max as text without unit, "" where there is none."""
        low, high = self.minimum, self.maximum
        return (
            plain(self.value),
            "" if self.warning is None else str(self.warning),
            "" if self.critical is None else str(self.critical),
            "" if low is None else plain(low),
            "" if high is None else plain(high),
        )

    def __str__(self) -> str:
        value, *rest = self.fields()
        return f"{self.label}={value}{self.uom};" + ";".join(rest).rstrip(";")


class Result:
    """What a check found. `lines` are (verbosity at which it shows, text); `service` opens line 1."""

    __slots__ = ("lines", "metrics", "service", "state", "text")

    def __init__(
        self,
        service: str,
        state: int,
        text: str,
        lines: Sequence[tuple[int, str]] = (),
        metrics: Sequence[Metric] = (),
    ) -> None:
        self.service, self.state, self.text, self.lines = service, state, text, list(lines)
        # Nothing known means no number: a zero that nobody read has hidden full queues.
        unique = {metric.label: metric for metric in reversed(metrics)}
        self.metrics = [] if state == UNKNOWN else list(reversed(unique.values()))


def nagios(result: Result, verbosity: int = 0) -> str:
    """The output for Nagios, Icinga, NRPE, Naemon, Sensu and MRPE, with its last newline."""
    text = cut(f"{result.service} {STATES[result.state]} - {clean(result.text)}", TEXT_BYTES)
    first, used = text, len(text.encode())
    for number, metric in enumerate(result.metrics):
        pair = f"{' ' if number else ' | '}{metric}"
        if used + len(pair) > LINE_BYTES:
            break
        first, used = first + pair, used + len(pair)
    lines = [first]
    budget = TOTAL_BYTES - used - 40
    shown = [text for level, text in result.lines if level <= verbosity]
    for number, long in enumerate(shown):
        # Sensu goes on reading pairs after the |, up to the end of the output.
        line = cut(clean(long).replace("=", ":") if result.metrics else clean(long), TEXT_BYTES)
        budget -= len(line.encode()) + 1
        if budget < 0:
            lines.append(f"... {len(shown) - number} more lines")
            break
        lines.append(line or "-")
    return "\n".join(lines) + "\n"


def checkmk(result: Result, verbosity: int = 0, service: str = "") -> str:
    """One line of a Checkmk local check: state, quoted service name, metrics, text."""
    numbers = []
    for metric in result.metrics:
        value, warning, critical, low, high = metric.fields()
        # A local check knows upper levels as one number; other ranges are ours to judge.
        levels = ("" if ":" in limit or "@" in limit else limit for limit in (warning, critical))
        numbers.append(f"{metric.label}=" + ";".join((value, *levels, low, high)).rstrip(";"))
    text = cut(clean(result.text), TEXT_BYTES)
    more = "".join(f"\\n{cut(clean(line), TEXT_BYTES)}" for level, line in result.lines if level <= verbosity)
    head = f'{result.state} "{clean(service or result.service)}" {"|".join(numbers) or "-"} '
    return cut(f"{head}{STATES[result.state]} - {text}{more}", TOTAL_BYTES - 1) + "\n"


def as_json(result: Result) -> dict[str, Any]:
    """The whole result as data."""
    return {
        "service": result.service,
        "state": STATES[result.state],
        "code": result.state,
        "text": clean(result.text),
        "lines": [clean(text) for _, text in result.lines],
        "metrics": [
            {
                "label": metric.label,
                "value": int(metric.value) if metric.value == int(metric.value) else metric.value,
                "unit": metric.uom,
                **dict(zip(("warning", "critical", "min", "max"), metric.fields()[1:], strict=True)),
            }
            for metric in result.metrics
        ],
    }
