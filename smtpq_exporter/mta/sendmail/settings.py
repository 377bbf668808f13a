"""Sendmail's own settings, as far as a monitor needs them: where the queues are, when a message is tried
again.

Pure: files are reached through a Probe. Source of truth: the Sendmail Installation and Operation Guide, 5
(configuration file): ``O Name=value``, ``Q`` lines for queue groups. sendmail.cf is the server's, submit.cf
the submission program's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from smtpq_exporter.mta.base import Instance, Probe

NAME = "sendmail"
CONFIGS = ("/etc/mail", "/etc")
#: Where the program itself lies; /usr/sbin/sendmail may be another mail server's stand-in.
PROGRAMS = (
    "/usr/libexec/sendmail/sendmail",
    "/usr/lib/sm.bin/sendmail",
    "/usr/sbin/sendmail.sendmail",
    "/usr/lib/sendmail.sendmail",
)
PROGRAM = "sendmail"
QUEUE, CLIENT_QUEUE = "/var/spool/mqueue", "/var/spool/clientmqueue"
PID_FILE = "/var/run/sendmail.pid"
_OPTION = re.compile(r"^O[ \t]*([A-Za-z.]+)[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_GROUP = re.compile(r"^Q[^,\n]+,(.*)$", re.MULTILINE)
_GROUP_PATH = re.compile(r"(?:^|,)[ \t]*P(?:ath)?=([^,\s]+)")
_TIME = re.compile(r"(\d+)([smhdw]?)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def settle(instance: Instance, probe: Probe) -> list[Instance]:
    """Fill in queue directories, process id file, MinQueueAge. What the configuration of this program says
    stays.

    Options: queue_directories (all of the server, separated by blanks, each perhaps with ``*`` at its end),
    client_queue_directory, min_queue_age (seconds), pid_file, sendmail_path, submission ("yes": submit.cf is
    there).
    """
    directory = instance.config_directory.rstrip("/") or _config(probe)
    text = probe.read(f"{directory}/sendmail.cf")
    written = text.decode("utf-8", "replace") if text is not None else ""
    said: Mapping[str, str] = dict(_OPTION.findall(written))
    options = dict(instance.options)
    wanted = instance.queue_directory.rstrip("/")
    directories = [wanted] if wanted else [said.get("QueueDirectory") or QUEUE, *groups(written)]
    options.setdefault("queue_directories", " ".join(dict.fromkeys(directories)))
    submit = probe.read(f"{directory}/submit.cf")
    client = dict(_OPTION.findall(submit.decode("utf-8", "replace"))) if submit is not None else {}
    options.setdefault("client_queue_directory", client.get("QueueDirectory") or CLIENT_QUEUE)
    if submit is not None:
        options.setdefault("submission", "yes")
    age = seconds(said.get("MinQueueAge", ""), "m")
    if age and "MaxQueueAge" not in said:
        options.setdefault("min_queue_age", str(age))
    options.setdefault("pid_file", said.get("PidFile") or PID_FILE)
    program = next((path for path in PROGRAMS if probe.exists(path)), "")
    if program:
        options.setdefault("sendmail_path", program)
    return [
        replace(
            instance,
            name=instance.name or NAME,
            config_directory=directory,
            queue_directory=base(options["queue_directories"].split()[0]),
            options=tuple(options.items()),
        )
    ]


def groups(text: str) -> list[str]:
    """Directories of the queue groups (``Qname, P=/path, ...``)."""
    return [
        path[1]
        for line in _GROUP.findall(text)
        if (path := _GROUP_PATH.search(line)) and path[1].startswith("/")
    ]


def base(path: str) -> str:
    """The directory that holds all queue directories of a QueueDirectory: that of ``/var/spool/mqueue/q*`` is
    its parent.
    """
    return path.rpartition("/")[0] if path.endswith("*") else path.rstrip("/")


def seconds(text: str, unit: str) -> int | None:
    """A time such as ``30m`` or ``1h30m``; a bare number has `unit`. None if it is no time."""
    parts = _TIME.findall(text)
    if not parts or "".join(number + letter for number, letter in parts) != text:
        return None
    return sum(int(number) * _UNITS[letter or unit] for number, letter in parts)


def _config(probe: Probe) -> str:
    return next((path for path in CONFIGS if probe.exists(f"{path}/sendmail.cf")), CONFIGS[0])
