"""The options of the plugins: a table that parses a command line and writes its own help.

Law: pure; order does not matter (Icinga sorts arguments), nothing is positional, no abbreviation is guessed,
and an option that takes a value takes the next word whatever it looks like, so that ``-w -10:-1`` works.
"""

from __future__ import annotations

from smtpq_exporter.checks.range import Range, parse_range

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any


class UsageError(Exception):
    """A command line that cannot be used; the text says what is right."""


class Options:
    """What a command line said: one attribute for each option."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"no such option: {name}")


class Limits:
    """The two thresholds of one quantity; None is no limit."""

    __slots__ = ("critical", "given", "warning")

    def __init__(
        self, warning: Range | None = None, critical: Range | None = None, given: bool = False
    ) -> None:
        self.warning, self.critical, self.given = warning, critical, given


class Option:
    """One option. `kind` reads its word (ValueError says what is wrong); None makes it a flag that counts."""

    __slots__ = ("default", "dest", "flags", "help", "kind", "metavar", "repeat")

    def __init__(
        self,
        flags: str,
        text: str,
        kind: Callable[[str], Any] | None = None,
        *,
        metavar: str = "",
        default: str | None = None,
        repeat: bool = False,
    ) -> None:
        self.flags, self.help, self.kind = tuple(flags.split()), text, kind
        self.metavar, self.default, self.repeat = metavar, default, repeat
        self.dest = self.flags[-1].lstrip("-").replace("-", "_")

    def absent(self) -> Any:
        """Its value where it is not given: a default is written as on the command line."""
        if self.kind is None or self.repeat:
            return 0 if self.kind is None else []
        return None if self.default is None else self.kind(self.default)


class Threshold:
    """A quantity with its pair of options. The defaults hold while neither of the two is given."""

    __slots__ = ("critical", "defaults", "dest", "kind", "text", "warning")

    def __init__(
        self,
        dest: str,
        text: str,
        kind: Callable[[str], Range] = parse_range,
        *,
        defaults: tuple[str, str] = ("", ""),
        flags: tuple[str, str] | None = None,
    ) -> None:
        self.dest, self.text, self.kind, self.defaults = dest, text, kind, defaults
        stem = dest.replace("_", "-")
        warning, critical = flags or (f"--{stem}-warning", f"--{stem}-critical")
        word = "RANGE" if kind is parse_range else kind.__name__.removesuffix("_range").upper()
        self.warning = Option(warning, text, self._read, metavar=word)
        self.critical = Option(critical, "", self._read, metavar=word)

    def _read(self, word: str) -> Range | None:
        return None if word == "none" else self.kind(word)

    def limits(self, given: dict[str, Any]) -> Limits:
        """The limits in force, from the words that were given."""
        if self.warning.dest in given or self.critical.dest in given:
            return Limits(given.get(self.warning.dest), given.get(self.critical.dest), given=True)
        warning, critical = (self._read(word) if word else None for word in self.defaults)
        return Limits(warning, critical)


def choice(*words: str) -> Callable[[str], str]:
    """A reader of one word out of `words`."""

    def read(word: str) -> str:
        if word not in words:
            raise ValueError(f"{word!r} is none of {', '.join(words)}")
        return word

    return read


def flat(table: Iterable[Option | Threshold]) -> list[Option]:
    """All single options of a table."""
    found: list[Option] = []
    for entry in table:
        found += [entry] if isinstance(entry, Option) else [entry.warning, entry.critical]
    return found


def parse(table: Sequence[Option | Threshold], argv: Sequence[str]) -> Options:
    """Read a command line by a table; UsageError says what is wrong with it."""
    known = {flag: option for option in flat(table) for flag in option.flags}
    given: dict[str, Any] = {}
    words = list(argv)
    while words:
        word = words.pop(0)
        flag, equals, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        if not word.startswith("-") or word in ("-", "--"):
            raise UsageError(f"unexpected argument {word!r}: every value follows an option")
        option = known.get(flag)
        if option is None:
            raise UsageError(f"unknown option {flag}{_nearest(flag, known)}")
        if option.kind is None:
            given[option.dest] = given.get(option.dest, 0) + 1
            if equals and word.startswith("--"):
                raise UsageError(f"option {flag} takes no value")
            if equals:
                words.insert(0, f"-{value}")
            continue
        if not equals:
            if not words:
                raise UsageError(f"option {flag} needs a value ({option.metavar})")
            value = words.pop(0)
        try:
            read = option.kind(value)
        except ValueError as error:
            raise UsageError(f"option {flag}: {error}") from None
        if option.repeat:
            given.setdefault(option.dest, []).append(read)
        else:
            given[option.dest] = read
    values: dict[str, Any] = {}
    for entry in table:
        if isinstance(entry, Threshold):
            values[entry.dest] = entry.limits(given)
        else:
            values[entry.dest] = given.get(entry.dest, entry.absent())
    return Options(values)


def _nearest(flag: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # only for a mistake, which may take its time

    near = get_close_matches(flag, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""


def describe(table: Iterable[Option | Threshold]) -> str:
    """The help of a table: a line or more for each option, 80 columns."""
    lines: list[str] = []
    for entry in table:
        if isinstance(entry, Option):
            head, text = _head(entry), entry.help
            if entry.default is not None and not entry.repeat:
                text += f" (default {entry.default})"
        else:
            head = f"{_head(entry.warning)}\n  {_head(entry.critical)}"
            text = f"{entry.text} ({_defaults(entry)})"
        lines.append(f"  {head}")
        lines += wrap(text, 72, "        ")
    return "\n".join(lines)


def _head(option: Option) -> str:
    return ", ".join(option.flags) + (f" {option.metavar}" if option.metavar else "")


def _defaults(entry: Threshold) -> str:
    warning, critical = entry.defaults
    return f"default {warning or 'none'}, {critical or 'none'}" if warning or critical else "default none"


def wrap(text: str, width: int, indent: str = "") -> list[str]:
    """Words in lines of at most `width` characters after `indent`."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(indent + line)
            line = ""
        line += f" {word}" if line else word
    return [*lines, indent + line]
