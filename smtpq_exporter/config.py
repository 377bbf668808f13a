"""The configuration: YAML -> one frozen Config. Every error names its path in the file and the remedy.

Pure but for `load_file`. Every key is optional; without a file the program finds the mail servers by itself.
docs/smtpq.example.yml shows all keys; the flags of the command line go before the file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smtpq_exporter import config_values as values
from smtpq_exporter import strict_yaml
from smtpq_exporter.config_values import DEFAULT_PORT, part, several
from smtpq_exporter.errors import ConfigError
from smtpq_exporter.mta import MTAS
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.strict_yaml import key, section, suggest


@dataclass(frozen=True, slots=True)
class Web:
    """Where and how the metrics are served."""

    listen_addresses: tuple[tuple[str, int], ...] = key(several(values.address), (("", DEFAULT_PORT),))
    telemetry_path: str = key(values.url_path, "/metrics")
    config_file: str = key(values.text, "")


@dataclass(frozen=True, slots=True)
class Sampling:
    """How often and how long queues are read: seconds, and a share of time."""

    interval: float = key(values.duration(1, 86400), 15.0)
    timeout: float = key(values.duration(0.1, 3600), 30.0)
    duty: float = key(values.percent, 0.05)
    max_staleness: float | None = key(values.duration(1, 604800), None)


@dataclass(frozen=True, slots=True)
class _Mta:
    """One entry of `mtas`, as written."""

    mta: str = key(values.text)
    name: str = key(values.text, "")
    config_directory: str = key(values.directory, "")
    queue_directory: str = key(values.directory, "")
    source: str = key(values.text, "auto")
    interval: float | None = key(values.duration(1, 86400), None)
    timeout: float | None = key(values.duration(0.1, 3600), None)
    logs: tuple[str, ...] = key(several(values.log_source), ("auto",))
    syslog_names: tuple[str, ...] = key(several(values.text), ())
    options: tuple[tuple[str, str], ...] = key(values.options, ())


def _instances(value: Any, where: str) -> tuple[Instance, ...]:
    entries = several(part(_Mta))(value, where)
    found: dict[tuple[str, str], int] = {}
    instances = []
    for index, entry in enumerate(entries):
        here = f"{where}[{index}]"
        if entry.mta not in MTAS:
            raise ConfigError(f"{here}.mta", f"unknown mail server {entry.mta!r}; {suggest(entry.mta, MTAS)}")
        sources = ("auto", *MTAS[entry.mta].sources)
        if entry.source not in sources:
            raise ConfigError(
                f"{here}.source",
                f"{entry.mta} has no source {entry.source!r}; {suggest(entry.source, sources)}",
            )
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
                found_by="named in the configuration",
            )
        )
    return tuple(instances)


@dataclass(frozen=True, slots=True)
class Logs:
    """Whether logs are followed, where positions and counters are kept, where an unknown log is begun."""

    enabled: bool = key(values.flag, True)
    state_directory: str = key(values.directory, "")
    start: str = key(values.choice("end", "beginning", "stored"), "end")


@dataclass(frozen=True, slots=True)
class Host:
    """Whether and how often the machine is looked at."""

    enabled: bool = key(values.flag, True)
    interval: float = key(values.duration(1, 86400), 15.0)


@dataclass(frozen=True, slots=True)
class UserRule:
    """A rule that goes before the built-in ones: a regular expression and a class of the closed set."""

    pattern: str = key(values.pattern)
    reason: str = key(values.reason)


@dataclass(frozen=True, slots=True)
class Config:
    """All of it. `mtas` is None if the mail servers are to be found."""

    web: Web = key(part(Web), Web())
    sampling: Sampling = key(part(Sampling), Sampling())
    mtas: tuple[Instance, ...] | None = key(_instances, None)
    logs: Logs = key(part(Logs), Logs())
    host: Host = key(part(Host), Host())
    reasons: tuple[UserRule, ...] = key(several(part(UserRule)), ())
    top_destinations: int = key(values.count(0, 1000), 20)

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
    Classifier(config.user_rules)  # it refuses patterns that could take forever
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
