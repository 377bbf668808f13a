"""Postfix's own settings, as far as a monitor needs them: where the queue is, which other instances there
are.

Pure: files and programs are reached through a Probe. Source of truth: postconf(5), "main.cf file format",
and MULTI_INSTANCE_README. main.cf is read by ourselves where that is enough; postconf(1) is run only for
what main.cf does not say plainly.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from smtpq_exporter.mta.base import Instance, Probe

CONFIG_DIRECTORY = "/etc/postfix"
QUEUE_DIRECTORY = "/var/spool/postfix"
#: The name of an instance that has none of its own.
DEFAULT_NAME = "postfix"
_DEFAULTS = {
    "queue_directory": QUEUE_DIRECTORY,
    "multi_instance_name": "",
    "multi_instance_directories": "",
    "hash_queue_depth": "1",
    "hash_queue_names": "deferred, defer",
    "syslog_name": "${multi_instance_name?{$multi_instance_name}:{postfix}}",
    "maillog_file": "",
}
_ASSIGNMENT = re.compile(r"([A-Za-z0-9_]+)\s*=\s*(.*)", re.DOTALL)
#: $name, $(name), ${name}, ${name?text}, ${name:text}, ${name?{text}:{text}}
_MACRO = re.compile(
    r"\$(?:(\w+)|\((\w+)\)|\{(\w+)"
    r"(?:\?\{([^{}]*)\}(?::\{([^{}]*)\})?|\?([^{}:]*)|:\{([^{}]*)\}|:([^{}]*))?\})",
)
_DEEPEST = 10


def parse(text: str) -> dict[str, str]:
    """Settings of a main.cf as they are written; a later line wins, an indented one continues the last."""
    settings: dict[str, str] = {}
    logical: list[str] = []

    def keep() -> None:
        match = _ASSIGNMENT.fullmatch(" ".join(logical).strip())
        if match:
            settings[match[1]] = match[2].strip()
        logical.clear()

    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace():
            keep()
        logical.append(line.strip())
    keep()
    return settings


def expand(value: str, settings: Mapping[str, str], depth: int = 0) -> str | None:
    """A value with its macros replaced; None if one of them is not known here."""
    unknown = depth > _DEEPEST

    def one(match: re.Match[str]) -> str:
        nonlocal unknown
        name = match[1] or match[2] or match[3]
        then = match[4] if match[4] is not None else match[6]
        other = next((match[i] for i in (5, 7, 8) if match[i] is not None), None)
        if name not in settings and name not in _DEFAULTS:
            unknown = True
            return ""
        inner = None if unknown else expand(settings.get(name, _DEFAULTS.get(name, "")), settings, depth + 1)
        if inner is None:
            unknown = True
            return ""
        if then is None and other is None:
            return inner
        text = (then or "") if inner else (other or "")
        if then is None and inner:
            return ""
        more = expand(text, settings, depth + 1)
        unknown = unknown or more is None
        return more or ""

    while "$" in value and not unknown:
        replaced = _MACRO.sub(one, value)
        if replaced == value:
            break
        value = replaced
    return None if unknown else value


class _Settings:
    """The settings of one configuration directory; what main.cf does not say, postconf(1) is asked for."""

    def __init__(self, directory: str, probe: Probe) -> None:
        self._directory, self._probe = directory, probe
        text = probe.read(f"{directory}/main.cf")
        self.readable = text is not None
        self._written = parse(text.decode("utf-8", "replace")) if text is not None else {}
        if directory == CONFIG_DIRECTORY or self.readable:
            self._written.setdefault("config_directory", directory)

    def get(self, name: str) -> str:
        value = expand(self._written.get(name, _DEFAULTS[name]), self._written)
        default = name not in self._written
        doubtful = default and name == "queue_directory" and not self._probe.exists(QUEUE_DIRECTORY)
        if value is not None and self.readable and not doubtful:
            return value
        answer = self._probe.run(("postconf", "-c", self._directory, "-x", "-h", name))
        if answer is not None:
            return answer.decode("utf-8", "replace").strip()
        return value if value is not None else expand(_DEFAULTS[name], {}) or ""


def settle(instance: Instance, probe: Probe) -> list[Instance]:
    """Fill in queue directory, name and syslog names; add the instances of multi_instance_directories.

    What the configuration of this program says stays. Other instances are added only to one that was not
    given a name, a queue directory or a configuration directory of its own.
    """
    alone = bool(instance.name or instance.queue_directory or instance.config_directory)
    directory = instance.config_directory.rstrip("/") or CONFIG_DIRECTORY
    settings = _Settings(directory, probe)
    found = [_settled(instance, directory, settings)]
    if not alone or directory == CONFIG_DIRECTORY:
        for other in settings.get("multi_instance_directories").replace(",", " ").split():
            if alone and instance.queue_directory:
                break
            path = other.rstrip("/")
            further = replace(
                instance, name="", config_directory=path, queue_directory="", syslog_names=(),
                found_by=f"multi_instance_directories in {directory}/main.cf",
            )
            found.append(_settled(further, path, _Settings(path, probe)))
    return found


def _settled(instance: Instance, directory: str, settings: _Settings) -> Instance:
    own = settings.get("multi_instance_name")
    usual = DEFAULT_NAME if directory == CONFIG_DIRECTORY else directory.rsplit("/", 1)[-1]
    options = dict(instance.options)
    for name in ("hash_queue_depth", "hash_queue_names", "maillog_file"):
        value = settings.get(name)
        if value != _DEFAULTS[name]:
            options.setdefault(name, value)
    return replace(
        instance,
        name=instance.name or own or usual,
        config_directory=directory,
        queue_directory=instance.queue_directory or settings.get("queue_directory"),
        syslog_names=instance.syslog_names or (settings.get("syslog_name") or DEFAULT_NAME,),
        options=tuple(options.items()),
    )
