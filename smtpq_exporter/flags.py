"""The flags of smtpq-exporter, in the style of Prometheus' own programs, and a help text that teaches.

Every flag that takes a value can also be given as an environment variable: --web.listen-address is
SMTPQ_WEB_LISTEN_ADDRESS. A flag goes before the variable, the variable before the configuration file.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from smtpq_exporter import __version__, logfmt
from smtpq_exporter.checks.quantity import parse_duration
from smtpq_exporter.config_values import DEFAULT_PORT, address
from smtpq_exporter.errors import ConfigError

_DESCRIPTION = """\
Says that mail is late, why, and what to do: reads the queues and logs of the mail servers of this host
(Postfix, Exim, Sendmail, OpenSMTPD, Exchange) and serves what it finds to Prometheus, checks and you."""

_EPILOG = f"""\
examples:
  smtpq-exporter                       find the mail servers of this host, serve on :{DEFAULT_PORT}
  smtpq-exporter --demo                no mail server at hand? look at a simulated one
  smtpq-exporter --once                print the metrics to standard output and exit
  smtpq-exporter --web.listen-address=127.0.0.1:{DEFAULT_PORT} --config.file=/etc/smtpq/smtpq.yml
  smtpq-exporter --textfile=/var/lib/prometheus/node-exporter/smtpq.prom --textfile.interval=1m

where to look:
  http://localhost:{DEFAULT_PORT}/           the queues at a glance, why mail waits and what to do
  http://localhost:{DEFAULT_PORT}/metrics    for Prometheus; ?collect[]=postfix for a part of it

environment:
  SMTPQ_... stands for each flag with a value: --config.file is SMTPQ_CONFIG_FILE, and so on.
  STATE_DIRECTORY (set by systemd): where log positions and counters are kept between runs.

signals: SIGHUP reads the configuration again (so does POST /-/reload), SIGTERM ends.
exit codes: 0 good; 1 the configuration or the address cannot be used; 2 wrong flags;
            3 --once or --textfile could not read a queue (what could be read is there)."""


@dataclass(frozen=True, slots=True)
class Flags:
    """The flags as given; None or () where the configuration file decides."""

    config_file: Path | None = None
    config_check: bool = False
    web_listen_address: tuple[tuple[str, int], ...] = ()
    web_telemetry_path: str | None = None
    web_config_file: str | None = None
    web_systemd_socket: bool = False
    once: bool = False
    textfile: Path | None = None
    textfile_interval: float | None = None
    demo: str = ""
    log_level: str = "info"
    log_format: str = "logfmt"


def parser() -> argparse.ArgumentParser:
    """The parser; everything it says is in --help."""
    made = argparse.ArgumentParser(
        "smtpq-exporter",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"smtpq-exporter {__version__}")
    _config(made.add_argument_group("configuration"))
    _web(made.add_argument_group("serving"))
    _run(made.add_argument_group("other ways to run"))
    _log(made.add_argument_group("its own log, on standard error"))
    return made


def _config(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--config.file",
        dest="config_file",
        metavar="PATH",
        type=Path,
        help="YAML file; every key is optional. Without it everything is found by itself",
    )
    group.add_argument(
        "--config.check",
        dest="config_check",
        action="store_true",
        help='check the configuration and the web.config.file, say "config OK" or what is wrong, and exit',
    )


def _web(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--web.listen-address",
        dest="web_listen_address",
        metavar="[HOST]:PORT",
        action="append",
        type=_address,
        help=f"address to listen on, may be given several times; no host means all addresses (default"
        f" :{DEFAULT_PORT})",
    )
    group.add_argument(
        "--web.telemetry-path",
        dest="web_telemetry_path",
        metavar="PATH",
        help="path of the metrics (default /metrics)",
    )
    group.add_argument(
        "--web.config.file",
        dest="web_config_file",
        metavar="PATH",
        help="TLS and passwords, in the format of all Prometheus exporters (exporter-toolkit); read"
        " again when it changes",
    )
    group.add_argument(
        "--web.systemd-socket",
        dest="web_systemd_socket",
        action="store_true",
        help="listen on the sockets that systemd hands over instead",
    )


def _run(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--once", action="store_true", help="read everything once, print the metrics, exit")
    group.add_argument(
        "--textfile",
        metavar="PATH",
        type=Path,
        help="write the metrics to this file, for node_exporter's textfile collector, and exit; it is"
        " replaced as a whole or not at all",
    )
    group.add_argument(
        "--textfile.interval",
        dest="textfile_interval",
        metavar="DURATION",
        type=_duration,
        help="with --textfile: stay and write it again and again, such as every 1m; serves HTTP too only"
        " if --web.listen-address is given",
    )
    group.add_argument(
        "--demo",
        nargs="?",
        const="always",
        choices=("always", "if-none"),
        default=None,
        help="show a simulated mail server that writes a real queue and log in a temporary directory;"
        " --demo=if-none only if this host has no mail server",
    )


def _log(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--log.level", dest="log_level", choices=logfmt.LEVELS, help="least level (default info)"
    )
    group.add_argument("--log.format", dest="log_format", choices=logfmt.FORMATS, help="(default logfmt)")


def parse(argv: list[str], environment: Mapping[str, str]) -> Flags:
    """Understand the command line; exits with 2 and a usage message if it is wrong."""
    made = parser()
    given = made.parse_args([*_from_environment(made, argv, environment), *argv])
    values = {f.name: value for f in fields(Flags) if (value := getattr(given, f.name)) is not None}
    values["web_listen_address"] = tuple(values.get("web_listen_address", ()))
    flags = Flags(**values)
    if flags.textfile_interval is not None and flags.textfile is None:
        made.error("--textfile.interval: give --textfile too")
    if flags.once and flags.textfile is not None:
        made.error("--once prints, --textfile writes: give one of them")
    return flags


def _from_environment(
    made: argparse.ArgumentParser, argv: list[str], environment: Mapping[str, str]
) -> list[str]:
    """Flags that stand in SMTPQ_ variables and not on the command line."""
    found = []
    for action in made._actions:  # noqa: SLF001  (argparse has no public list of its flags)
        flag = action.option_strings[-1]
        if action.nargs == 0 or any(word == flag or word.startswith(f"{flag}=") for word in argv):
            continue
        value = environment.get("SMTPQ_" + flag.lstrip("-").upper().replace(".", "_").replace("-", "_"))
        if value:
            found += [
                f"{flag}={each}"
                for each in (value.split(",") if action.dest == "web_listen_address" else [value])
            ]
    return found


def _address(text: str) -> tuple[str, int]:
    try:
        return address(text, "")
    except ConfigError as error:
        raise argparse.ArgumentTypeError(error.what) from None


def _duration(text: str) -> float:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds < 1:
        raise argparse.ArgumentTypeError("must be at least 1s")
    return seconds
