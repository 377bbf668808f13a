"""smtpq-exporter: flags and configuration in, one of its ways to run out.

The exit codes are part of the interface and stand in --help.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from smtpq_exporter import logfmt, textfile
from smtpq_exporter.config import Config, load_file
from smtpq_exporter.daemon import Daemon, Setting
from smtpq_exporter.errors import ConfigError, SourceError
from smtpq_exporter.flags import Flags, parse
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.metrics.exposition import TEXT
from smtpq_exporter.sampler import Sampler
from smtpq_exporter.web.exposed import Edition
from smtpq_exporter.web.guard import FileGuard
from smtpq_exporter.web.server import Guard, Open
from smtpq_exporter.wiring import Wiring

log = logging.getLogger(__name__)

GOOD, UNUSABLE, UNREAD, INTERRUPTED = 0, 1, 3, 130
#: --once waits this long for the followed logs to be read to their end, seconds.
_LOG_SECONDS = 30.0

Wire = Callable[[Sampler], Wiring]


def main(argv: list[str] | None = None) -> int:
    """Run; returns the exit code."""
    flags = parse(sys.argv[1:] if argv is None else argv, os.environ)
    logfmt.setup(flags.log_level, flags.log_format)
    try:
        return _run(flags)
    except (ConfigError, SourceError) as error:
        print(f"smtpq-exporter: {error}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `--once | head`: whoever read has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return INTERRUPTED


def _run(flags: Flags) -> int:
    if flags.config_check:
        _guard(load(flags))
        print("config OK")
        return GOOD
    wire: Wire = _wire_once if flags.once or _writes_once(flags) else Wiring
    if not flags.demo:
        return _choose(flags, wire, demo=False)
    from smtpq_exporter.demo import Demo
    from smtpq_exporter.io.discovery import discover

    if flags.demo == "if-none" and discover():
        return _choose(flags, wire, demo=False)
    with Demo() as demo:
        return _choose(flags, lambda sampler: Wiring(sampler, find=demo.instances), demo=True)


def _writes_once(flags: Flags) -> bool:
    return flags.textfile is not None and flags.textfile_interval is None


def _wire_once(sampler: Sampler) -> Wiring:
    """For a single reading of each queue."""
    return Wiring(sampler, read=partial(open_reader, again=False))


def _choose(flags: Flags, wire: Wire, *, demo: bool) -> int:
    def load_settings() -> Config:
        return replace(load(flags), mtas=None) if demo else load(flags)

    if flags.once:
        return once(load_settings(), wire, _print, demo=demo)
    if flags.textfile is not None and flags.textfile_interval is None:
        path = flags.textfile
        return once(load_settings(), wire, lambda data: textfile.write(path, data), demo=demo)
    setting = Setting(
        load_settings, _guard, flags.web_systemd_socket, flags.textfile, flags.textfile_interval or 0.0, demo
    )
    return Daemon(setting, wire).run()


def load(flags: Flags) -> Config:
    """The configuration file, overruled by the flags."""
    config = Config() if flags.config_file is None else load_file(flags.config_file)
    web = config.web
    if web.config_file and flags.config_file is not None:  # relative to the file that names it
        web = replace(web, config_file=str(flags.config_file.parent / web.config_file))
    if flags.textfile_interval is not None and not flags.web_systemd_socket:
        web = replace(web, listen_addresses=())
    if flags.web_listen_address:
        web = replace(web, listen_addresses=flags.web_listen_address)
    return replace(
        config,
        web=replace(
            web,
            telemetry_path=flags.web_telemetry_path or web.telemetry_path,
            config_file=flags.web_config_file or web.config_file,
        ),
    )


def once(config: Config, wire: Wire, put: Callable[[bytes], None], *, demo: bool = False) -> int:
    """Read everything once and hand the metrics to `put`; UNREAD if a queue could not be read."""
    sampler = Sampler(demo=demo)
    wiring = wire(sampler)
    wiring.start(config)
    try:
        while not sampler.ready():
            time.sleep(0.01)
        until = time.monotonic() + _LOG_SECONDS
        while sampler.behind() and time.monotonic() < until:
            time.sleep(0.05)
        sampler.publish()
        state = sampler.state()
        put(Edition(state, state.taken_at).metrics(TEXT).plain)
    finally:
        sampler.stop()
    return GOOD if all(sample.queue is not None for sample in state.samples) else UNREAD


def _guard(config: Config) -> Guard:
    return FileGuard(Path(config.web.config_file)) if config.web.config_file else Open()


def _print(data: bytes) -> None:
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()
