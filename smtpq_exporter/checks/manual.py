"""What the plugins have in common: options, usage and help; and what a module must have to be a check.

Law: pure. The help teaches: it names every default, and shows the command lines that people want.
"""

from __future__ import annotations

from smtpq_exporter.checks.options import Option, choice, describe, wrap
from smtpq_exporter.checks.quantity import parse_duration
from smtpq_exporter.checks.range import parse_number
from smtpq_exporter.checks.result import STATES, UNKNOWN
from smtpq_exporter.checks.url import split

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Protocol

    from smtpq_exporter.checks.options import Options, Threshold
    from smtpq_exporter.checks.result import Result

    class Check(Protocol):
        """A module that is one check."""

        @property
        def NAME(self) -> str:  # noqa: N802
            """The program's name after check_smtpq_."""

        @property
        def SERVICE(self) -> str:  # noqa: N802
            """What opens line 1."""

        @property
        def SUMMARY(self) -> str:  # noqa: N802
            """One sentence for the help."""

        @property
        def OPTIONS(self) -> Sequence[Option | Threshold]:  # noqa: N802
            """Its own options."""

        @property
        def EXAMPLES(self) -> Sequence[tuple[str, str]]:  # noqa: N802
            """(options, what they are good for)."""

        @property
        def UNREACHABLE(self) -> int:  # noqa: N802
            """The state if the exporter cannot be asked."""

        def query(self, options: Options) -> dict[str, float]:
            """Parameters of the sample: window, min_age (view.as_json)."""

        def needs(self, options: Options) -> frozenset[str]:
            """What is read of the mail server itself: see acquire.acquire."""

        def evaluate(self, sample: dict[str, Any], options: Options) -> Result:
            """Judge a sample."""


def _state(word: str) -> int:
    if word.upper() not in STATES:
        raise ValueError(f"{word!r} is none of ok, warning, critical, unknown")
    return STATES.index(word.upper())


def _timeout(word: str) -> tuple[float, int]:
    seconds, colon, state = word.partition(":")
    limit = parse_number(seconds)
    if not 0 < limit <= 3600:
        raise ValueError(f"{word!r}: write seconds above 0, e.g. 10 or 10:CRITICAL")
    return limit, _state(state) if colon else UNKNOWN


def _url(word: str) -> str:
    split(word, "/")
    return word


COMMON = (
    Option("-M --mta", "only this kind of mail server: postfix, exim, sendmail, opensmtpd, exchange",
           choice("auto", "postfix", "exim", "sendmail", "opensmtpd", "exchange"), metavar="NAME"),
    Option("--instance", "only this instance, as the exporter names it (may be repeated)", str,
           metavar="NAME", repeat=True),
    Option("--source", "where the data are from: exporter; mta, which is to ask the mail server itself once; "
           "auto, the exporter if one listens at the default URL, else the mail server",
           choice("auto", "exporter", "mta"), metavar="SOURCE", default="auto"),
    Option("--url", "the exporter, e.g. https://mx1.example:10125 (default http://127.0.0.1:10125)", _url,
           metavar="URL"),
    Option("--credentials", "file with one line user:password for the exporter's basic authentication", str,
           metavar="FILE"),
    Option("--ca-file", "certificates (PEM) by which an https exporter is trusted", str, metavar="FILE"),
    Option("--certificate", "own certificate and key (PEM), if the exporter asks for one", str,
           metavar="FILE"),
    Option("--insecure", "trust any certificate"),
    Option("-d --config-dir", "with --source mta: the configuration directory of one Postfix instance", str,
           metavar="DIR"),
    Option("--max-age", "an older reading is UNKNOWN (default three of its intervals, at least 1m)",
           parse_duration, metavar="DURATION"),
    Option("-t --timeout", "when to give up, and the state that this means (default 10:UNKNOWN)",
           _timeout, metavar="SEC[:STATE]"),
    Option("--down-state", "what a mail system that does not run means (default critical)", _state,
           metavar="STATE"),
    Option("--perfdata", "numbers to print: all, totals (none for each queue), none",
           choice("all", "totals", "none"), metavar="WHICH", default="all"),
    Option("--output", "nagios (also for Icinga, NRPE, Sensu, MRPE), checkmk (a local check), or json",
           choice("nagios", "checkmk", "json"), metavar="FORM", default="nagios"),
    Option("--service", "name of the service in Checkmk", str, metavar="NAME"),
    Option("-v --verbose", "more lines: -v what was found, -vv how it was read, -vvv for debugging"),
    Option("-V --version", "print the version"),
    Option("-h --help", "print this help"),
)
STATES_HELP = (
    "OK all limits hold. WARNING, CRITICAL a limit is violated; CRITICAL also if the mail system is down "
    "(--down-state). UNKNOWN it cannot be seen: no permission, stale, timeout (-t), not understood, "
    "wrong option; the text says what to do, and no number is printed. Of several mail servers the worst "
    "counts: CRITICAL, then UNKNOWN, then WARNING."
)
RANGES_HELP = (
    "A RANGE is what is good: 10 means 0 to 10, 10: at least 10, '~:10' at most 10, 10:20 between, @10:20 "
    "not between; the ends are good (with @ they are not). DURATION and SIZE are ranges of 90, 15m, 4h, "
    "1d and of 512, 64K, 10M, 2G. The word none is no limit. Defaults hold while neither of the two options "
    "is given."
)


def program(check: Check) -> str:
    """The name by which this check is called."""
    return f"check_smtpq_{check.NAME}"


def usage(check: Check) -> str:
    """The short usage: at most 23 lines of 80 columns."""
    heads = []
    for option in (option for entry in check.OPTIONS for option in _options(entry)):
        word = f" {option.metavar}" if option.metavar else ""
        heads.append(f"[{option.flags[0]}{word}]")
    common = "[--source auto|exporter|mta] [--url URL] [-t SEC[:STATE]] [-v] [-V] [-h]"
    lines = wrap(f"{program(check)} {' '.join(heads)} {common}", 70, "    ")
    return "\n".join(["Usage:", *lines[:18], f"Try {program(check)} --help"]) + "\n"


def _options(entry: Option | Threshold) -> tuple[Option, ...]:
    return (entry,) if isinstance(entry, Option) else (entry.warning, entry.critical)


def help_text(check: Check) -> str:
    """The whole help, with the defaults."""
    name = program(check)
    examples = []
    for words, why in check.EXAMPLES:
        examples.append(f"  {name} {words}".rstrip())
        examples += wrap(why, 72, "        ") if why else []
    return "\n".join(
        [
            check.SUMMARY,
            "",
            f"Usage: {name} [OPTION]...",
            "",
            "Without any option it does what most people want.",
            "",
            *examples,
            "",
            "Limits and choice:",
            describe(check.OPTIONS),
            "",
            *wrap(RANGES_HELP, 76, "  "),
            "",
            "Common options:",
            describe(COMMON),
            "",
            "States:",
            *wrap(STATES_HELP, 76, "  "),
            "",
        ]
    )
