"""How an Exchange server is reached: the options of an instance, and the command lines made of them.

Pure. Exchange is another machine's, so nearly everything is configured: a hand-over file, a PowerShell here
(Windows Subsystem for Linux), an SSH server there, or PowerShell Remoting. Nothing secret stands in an
option: a password is read from a file by the process that needs it. docs/mta/exchange.md lists the options.
"""

from __future__ import annotations

import re
from dataclasses import replace

from smtpq_exporter.mta.base import Instance, Probe
from smtpq_exporter.mta.exchange.names import NAME

HANDOVER = "/var/lib/smtpq-exporter/exchange.json"
SCRIPT = r"C:\ProgramData\smtpq\collect_exchange_queues.ps1"
POWERSHELL = "powershell.exe"
WINDOWS = "/mnt/c/Program Files/Microsoft/Exchange Server/V15"
LOGS = (f"{WINDOWS}/TransportRoles/Logs/MessageTracking/MSGTRK*.LOG",)
#: The scheduled task runs each minute; five missed ones are no accident.
MAX_AGE = 300.0
OPTIONS = (
    "handover_file", "handover_max_age", "powershell_path", "script_path", "ssh_host", "ssh_port", "ssh_key",
    "ssh_config", "ssh_known_hosts", "psrp_host", "psrp_port", "psrp_tls", "psrp_auth", "psrp_user",
    "psrp_password_file", "psrp_kerberos_cache",
)
_SWITCHES = ("-NoProfile", "-NonInteractive", "-NoLogo", "-ExecutionPolicy", "Bypass", "-File")
#: Of an SSH connection: never ask, never wait long, never trust an unknown host.
_SSH = (
    "-T", "-x", "-a", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10", "-o", "ServerAliveInterval=5", "-o",
    "ServerAliveCountMax=3", "-o", "StrictHostKeyChecking=yes", "-o", "ControlMaster=no", "-o",
    "LogLevel=ERROR",
)
_HOST = re.compile(r"(?:[A-Za-z0-9._\\-]{1,64}@)?[A-Za-z0-9][A-Za-z0-9.:_-]{0,253}")
_NUMBER = re.compile(r"[0-9]{1,9}")


def settle(instance: Instance, probe: Probe) -> list[Instance]:
    """Fill in the name. What the configuration says stays."""
    options = dict(instance.options)
    if "handover_file" not in options and probe.exists(HANDOVER):
        options["handover_file"] = HANDOVER
    return [replace(instance, name=instance.name or NAME, options=tuple(options.items()))]


def handover(instance: Instance) -> str:
    """Path of the hand-over file."""
    return option(instance, "handover_file") or HANDOVER


def max_age(instance: Instance) -> float:
    """Seconds after which a hand-over file is too old."""
    written = option(instance, "handover_max_age")
    return float(written) if _NUMBER.fullmatch(written) else MAX_AGE


def local(instance: Instance) -> tuple[str, ...]:
    """The command that runs our script in a PowerShell of this machine."""
    program = option(instance, "powershell_path") or POWERSHELL
    return (program, *_SWITCHES, option(instance, "script_path") or SCRIPT)


def ssh(instance: Instance) -> tuple[str, ...]:
    """The command that runs our script on another machine."""
    host = option(instance, "ssh_host")
    user, _, name = host.rpartition("@")
    words = ["ssh", *_SSH]
    for switch, key in (("-F", "ssh_config"), ("-i", "ssh_key"), ("-p", "ssh_port")):
        if value := option(instance, key):
            words += [switch, value]
    if value := option(instance, "ssh_known_hosts"):
        words += ["-o", f"UserKnownHostsFile={value}"]
    if user:
        words += ["-l", user]
    program, *switches, script = local(instance)
    return (*words, "--", name, " ".join((_quoted(program), *switches, _quoted(script))))


def psrp(instance: Instance) -> tuple[str, ...]:
    """Arguments of io/exchange_psrp.py."""
    pairs = ((key, option(instance, key)) for key in OPTIONS if key.startswith("psrp_"))
    return tuple(f"{key.removeprefix('psrp_')}={value}" for key, value in pairs if value)


def no_file(instance: Instance) -> str:
    """What a hand-over lacks."""
    age = option(instance, "handover_max_age")
    if age and not _NUMBER.fullmatch(age):
        return "the option handover_max_age is no number of seconds"
    # The default is looked for by settle().
    return "" if option(instance, "handover_file") else "no option handover_file"


def no_local(instance: Instance) -> str:
    """What a local PowerShell lacks."""
    return _unfit(instance, "powershell_path", "script_path")


def no_ssh(instance: Instance) -> str:
    """What SSH lacks."""
    host = option(instance, "ssh_host")
    if not host:
        return "no option ssh_host"
    if not _HOST.fullmatch(host):
        return "the option ssh_host is no host, nor user@host"
    port = option(instance, "ssh_port")
    if port and not _NUMBER.fullmatch(port):
        return "the option ssh_port is no number"
    return _unfit(instance, "powershell_path", "script_path")


def no_psrp(instance: Instance) -> str:
    """What PowerShell Remoting lacks."""
    host = option(instance, "psrp_host")
    if not host:
        return "no option psrp_host"
    return "" if _HOST.fullmatch(host) and "@" not in host else "the option psrp_host is no host"


def option(instance: Instance, name: str) -> str:
    """One option, "" if it is not set."""
    return dict(instance.options).get(name, "").strip()


def _unfit(instance: Instance, *names: str) -> str:
    """Whether an option holds what a shell on the other side would take for more than a path."""
    for name in names:
        if re.search(r"[\"`$%&|<>^;!*?'\x00-\x1f]", option(instance, name)):
            return f"the option {name} holds a sign that a shell would understand"
    return ""


def _quoted(path: str) -> str:
    """A path for cmd.exe, PowerShell or sh; the first word only where it has to be."""
    return f'"{path}"' if re.search(r"[\s\\()]", path) else path
