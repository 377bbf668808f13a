"""The configuration: YAML -> one frozen Config. Every error names its path in the file and the remedy.

Pure but for `load_file`. Every key is optional; without a file the program finds the mail servers by itself.
docs/smtpq.example.yml shows all keys; the flags of the command line go before the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from smtpq_exporter import strict_yaml
from smtpq_exporter.checks.quantity import parse_duration
from smtpq_exporter.errors import ConfigError
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import REASONS
from smtpq_exporter.strict_yaml import key, kind, section, suggest

T = TypeVar("T")

DEFAULT_PORT = 10125
_LOG_PREFIXES = ("syslog:", "docker:", "cri:")
_LOG_WORDS = ("auto", "journal", "stdin")


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise ConfigError(where, f"must be text, not {kind(value)}; put it in quotes")
    return value


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(where, f"must be true or false, not {value!r}")
    return value


def _count(least: int, most: int) -> Callable[[Any, str], int]:
    def read(value: Any, where: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ConfigError(where, f"must be a whole number from {least} to {most}, not {value!r}")
        return value

    return read


def _duration(least: float, most: float) -> Callable[[Any, str], float]:
    def read(value: Any, where: str) -> float:
        if not isinstance(value, str) or value.isdecimal():
            raise ConfigError(
                where, f"must be a duration with its unit, such as 15s, 5m or 1h, not {value!r}"
            )
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            raise ConfigError(where, str(error)) from None
        if not least <= seconds <= most:
            raise ConfigError(where, f"must be between {least:g} and {most:g} seconds, not {value!r}")
        return seconds

    return read


def _percent(value: Any, where: str) -> float:
    match = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)\s?%", value) if isinstance(value, str) else None
    if match is None or not 0.1 <= float(match[1]) <= 100:
        raise ConfigError(where, f"must be a share such as 5%, from 0.1% to 100%, not {value!r}")
    return float(match[1]) / 100


def _choice(*words: str) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise ConfigError(where, f"must be one of {', '.join(words)}, not {value!r}")
        return str(value)

    return read


def _several(read: Callable[[Any, str], T]) -> Callable[[Any, str], tuple[T, ...]]:
    def read_all(value: Any, where: str) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise ConfigError(where, f"must be a list, not {kind(value)}")
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))

    return read_all


def _part(cls: type[T]) -> Callable[[Any, str], T]:
    return lambda value, where: section(cls, value, where)


def _directory(value: Any, where: str) -> str:
    path = _text(value, where)
    if not path.startswith("/"):
        raise ConfigError(where, f"must be an absolute path, not {value!r}")
    return path.rstrip("/") or "/"


def _log_source(value: Any, where: str) -> str:
    source = _text(value, where)
    if source in _LOG_WORDS or source.startswith(("/", *_LOG_PREFIXES)):
        return source
    raise ConfigError(
        where,
        f"must be an absolute path, {', '.join(_LOG_WORDS)}, or begin with"
        f" {', '.join(_LOG_PREFIXES)}, not {value!r}",
    )


def address(value: Any, where: str) -> tuple[str, int]:
    """Host and port of ``:10125``, ``127.0.0.1:10125``, ``[::1]:10125``; the empty host means all addresses."""
    match = re.fullmatch(
        r"(?:\[([0-9a-fA-F:.%\w]+)\]|([^\s:/\[\]]*)):([0-9]{1,5})", _text(value, where), re.ASCII
    )
    if match is None or int(match[3]) > 65535:
        raise ConfigError(where, f"must be HOST:PORT or :PORT such as :{DEFAULT_PORT}, not {value!r}")
    return match[1] or match[2], int(match[3])


def _url_path(value: Any, where: str) -> str:
    path = _text(value, where)
    if not re.fullmatch(r"/[A-Za-z0-9_./~-]+", path):
        raise ConfigError(where, f"must be a path such as /metrics, not {value!r}")
    return path


@dataclass(frozen=True, slots=True)
class Web:
    """Where and how the metrics are served."""

    listen_addresses: tuple[tuple[str, int], ...] = key(_several(address), (("", DEFAULT_PORT),))
    telemetry_path: str = key(_url_path, "/metrics")
    config_file: str = key(_text, "")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How often and how long queues are read: seconds, and a share of time."""

    interval: float = key(_duration(1, 86400), 15.0)
    timeout: float = key(_duration(0.1, 3600), 30.0)
    duty: float = key(_percent, 0.05)
    max_staleness: float | None = key(_duration(1, 604800), None)


@dataclass(frozen=True, slots=True)
class _Mta:
    """One entry of `mtas`, as written."""

    mta: str = key(_text)
    name: str = key(_text, "")
    config_directory: str = key(_directory, "")
    queue_directory: str = key(_directory, "")
    source: str = key(_text, "auto")
    interval: float | None = key(_duration(1, 86400), None)
    timeout: float | None = key(_duration(0.1, 3600), None)
    logs: tuple[str, ...] = key(_several(_log_source), ("auto",))
    syslog_names: tuple[str, ...] = key(_several(_text), ())
    options: tuple[tuple[str, str], ...] = key(lambda value, where: _options(value, where), ())


@dataclass(frozen=True, slots=True)
class Logs:
    """Whether logs are followed, where positions and counters are kept, where an unknown log is begun."""

    enabled: bool = key(_flag, True)
    state_directory: str = key(_directory, "")
    start: str = key(_choice("end", "beginning"), "end")


@dataclass(frozen=True, slots=True)
class Host:
    """Whether and how often the machine is looked at."""

    enabled: bool = key(_flag, True)
    interval: float = key(_duration(1, 86400), 15.0)


@dataclass(frozen=True, slots=True)
class UserRule:
    """A rule that goes before the built-in ones: a regular expression and a class of the closed set."""

    pattern: str = key(lambda value, where: _pattern(value, where))
    reason: str = key(lambda value, where: _reason(value, where))


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. `mtas` is None if the mail servers are to be found."""

    web: Web = key(_part(Web), Web())
    sampling: Sampling = key(_part(Sampling), Sampling())
    mtas: tuple[Instance, ...] | None = key(lambda value, where: _instances(value, where), None)
    logs: Logs = key(_part(Logs), Logs())
    host: Host = key(_part(Host), Host())
    reasons: tuple[UserRule, ...] = key(_several(_part(UserRule)), ())
    top_destinations: int = key(_count(0, 1000), 20)

    @property
    def user_rules(self) -> tuple[tuple[str, str], ...]:
        """(pattern, reason class) in order, as reasons.Classifier takes them."""
        return tuple((rule.pattern, rule.reason) for rule in self.reasons)


def parse(text: str) -> Config:
    """Read a configuration; raises ConfigError."""
    config = section(Config, strict_yaml.load(text), "")
    if config.sampling.max_staleness is not None and config.sampling.max_staleness < config.sampling.interval:
        raise ConfigError(
            "sampling.max_staleness",
            "must not be shorter than sampling.interval: every sample would disappear before the next one",
        )
    return config


def load_file(path: Path) -> Config:
    """Read a configuration file; raises ConfigError, its text begins with the file's name."""
    try:
        return parse(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(str(path), f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(str(path), f"is not UTF-8 at byte {error.start}") from error
    except ConfigError as error:
        raise ConfigError(f"{path}: {error.where}" if error.where else str(path), error.what) from error


def _options(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ConfigError(where, f"must be a mapping of names to texts, not {kind(value)}")
    return tuple((name, _text(item, strict_yaml.join(where, name))) for name, item in value.items())


def _instances(value: Any, where: str) -> tuple[Instance, ...]:
    entries = _several(_part(_Mta))(value, where)
    found: dict[tuple[str, str], int] = {}
    instances = []
    for index, entry in enumerate(entries):
        here = f"{where}[{index}]"
        if entry.mta not in MTAS:
            raise ConfigError(f"{here}.mta", f"unknown mail server {entry.mta!r}; {suggest(entry.mta, MTAS)}")
        name = entry.name or entry.mta
        if (entry.mta, name) in found:
            raise ConfigError(
                f"{here}.name",
                f"{name!r} is the name of {where}[{found[entry.mta, name]}] too;"
                " give each instance a name of its own",
            )
        found[entry.mta, name] = index
        instances.append(
            Instance(
                mta=entry.mta,
                name=name,
                config_directory=entry.config_directory,
                queue_directory=entry.queue_directory,
                source=entry.source,
                interval=entry.interval,
                timeout=entry.timeout,
                logs=entry.logs,
                syslog_names=entry.syslog_names,
                options=entry.options,
                found_by="the configuration",
            )
        )
    return tuple(instances)


def _pattern(value: Any, where: str) -> str:
    pattern = _text(value, where)
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(where, f"is no regular expression: {error}") from error
    return pattern


def _reason(value: Any, where: str) -> str:
    reason = _text(value, where)
    if reason not in REASONS:
        raise ConfigError(where, f"unknown reason class {reason!r}; {suggest(reason, REASONS)}")
    return reason
