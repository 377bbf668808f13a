"""The programs check_smtpq_*: parse, acquire, evaluate, present, and end with 0, 1, 2 or 3 whatever happens.

Law: everything is said on stdout; whatever goes wrong in here is UNKNOWN (3), for Python's own exit codes
would mean WARNING (an exception) or OK (-h). The clock and the process are here; what is pure is beside it.
Source: Monitoring Plugins Development Guidelines, "Plugin Return Codes" and "Plugin Options".
"""

from __future__ import annotations

import os
import sys
import time

from smtpq_exporter import __version__
from smtpq_exporter.checks import result as present
from smtpq_exporter.checks.manual import COMMON, help_text, program, usage
from smtpq_exporter.checks.options import UsageError, parse
from smtpq_exporter.checks.result import CRITICAL, UNKNOWN, Result
from smtpq_exporter.checks.watchdog import Watchdog, finish, guard, on_signals
from smtpq_exporter.errors import ParseError, SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    from smtpq_exporter.checks.manual import Check
    from smtpq_exporter.checks.options import Options


class Terminated(BaseException):
    """Somebody told this process to end."""


def read_options(check: Check, argv: Sequence[str]) -> Options:
    """The options of a command line; UsageError says what is wrong."""
    options = parse([*check.OPTIONS, *COMMON], argv)
    given = options.__dict__
    given["timeout"] = options.timeout or (10.0, UNKNOWN)
    given["down_state"] = CRITICAL if options.down_state is None else options.down_state
    if options.config_dir and options.source == "auto":
        given["source"] = "mta"  # only there the directory means something
    return options


def show(result: Result, options: Options) -> str:
    """The output in the form that was asked for."""
    if options.perfdata == "none":
        result.metrics = []
    if options.output == "checkmk":
        return present.checkmk(result, options.verbose, options.service or "")
    if options.output == "json":
        import json

        return json.dumps(present.as_json(result), ensure_ascii=True) + "\n"
    return present.nagios(result, options.verbose)


def run(check: Check, argv: Sequence[str]) -> NoReturn:
    """The whole life of a plugin; never returns."""
    if sys.stdout is None:
        os._exit(UNKNOWN)  # nobody listens
    guard()
    on_signals(_terminate)
    options = parse(COMMON, ())
    watchdog: Watchdog | None = None
    try:
        options = read_options(check, argv)
        if options.help or options.version:
            finish(help_text(check) if options.help else f"{program(check)} {__version__}\n", UNKNOWN)
        seconds, late_state = options.timeout
        late = Result(check.SERVICE, late_state, f"no result within {seconds:g}s; see -vv, or raise -t")
        watchdog = Watchdog(seconds, lambda: (show(late, options), late.state))
        watchdog.start()
        result = answer(check, options, seconds)
    except UsageError as error:
        result = Result(check.SERVICE, UNKNOWN, str(error))
        finish(show(result, options) + usage(check), UNKNOWN)
    except (Terminated, KeyboardInterrupt):
        result = Result(check.SERVICE, UNKNOWN, "ended by a signal before there was a result")
    except MemoryError:
        result = Result(check.SERVICE, UNKNOWN, "out of memory")
    except BaseException as error:  # an exit code of Python's own would mean WARNING
        result = internal(check, error)
    code = result.state
    text = show(result, options)
    if watchdog:
        watchdog.finish(text, code)
    finish(text, code)


def answer(check: Check, options: Options, seconds: float) -> Result:
    """Acquire and evaluate within `seconds`; a source that fails is a Result."""
    from smtpq_exporter.checks.acquire import acquire

    started = time.monotonic()
    # A little earlier than the watchdog: who gave up in order can say what it waited for.
    deadline = started + seconds - min(0.3, seconds / 5)
    try:
        sample, whence = acquire(options, check.query(options), check.needs(options), deadline)
    except SourceError as error:
        state = options.timeout[1] if error.kind == "timeout" else check.UNREACHABLE
        return Result(check.SERVICE, state, str(error))
    except ParseError as error:
        return Result(check.SERVICE, UNKNOWN, str(error))
    acquired = time.monotonic() - started
    result = check.evaluate(sample, options)
    version = sys.version.split()[0]
    result.lines.append((2, f"from {whence}, version {sample.get('version')}"))
    result.lines.append((3, f"{program(check)} {__version__}, Python {version}, asked {acquired:.3f} s"))
    return result


def internal(check: Check, error: BaseException) -> Result:
    """An error of the plugin itself, with its traceback for -vvv."""
    from traceback import format_exception

    text = f"internal error: {type(error).__name__}" + (f": {error}" if str(error) else "")
    lines = [line for part in format_exception(error) for line in part.splitlines() if line.strip(" ^~")]
    return Result(check.SERVICE, UNKNOWN, text, [(3, line) for line in lines])


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise Terminated


def queue() -> NoReturn:
    """check_smtpq_queue."""
    from smtpq_exporter.checks import queue as check

    run(check, sys.argv[1:])


def deferrals() -> NoReturn:
    """check_smtpq_deferrals."""
    from smtpq_exporter.checks import deferrals as check

    run(check, sys.argv[1:])


def growth() -> NoReturn:
    """check_smtpq_growth."""
    from smtpq_exporter.checks import growth as check

    run(check, sys.argv[1:])


def latency() -> NoReturn:
    """check_smtpq_latency."""
    from smtpq_exporter.checks import latency as check

    run(check, sys.argv[1:])


def host() -> NoReturn:
    """check_smtpq_host."""
    from smtpq_exporter.checks import host as check

    run(check, sys.argv[1:])


def exporter() -> NoReturn:
    """check_smtpq_exporter."""
    from smtpq_exporter.checks import exporter as check

    run(check, sys.argv[1:])


PLUGINS = {
    "queue": queue,
    "deferrals": deferrals,
    "growth": growth,
    "latency": latency,
    "host": host,
    "exporter": exporter,
}


def main() -> NoReturn:
    """All plugins in one program: called check_smtpq_queue, or check_smtpq with the first word queue."""
    _, _, name = os.path.basename(sys.argv[0]).partition("check_smtpq_")  # noqa: PTH119  # pathlib costs 5 ms
    if name not in PLUGINS and len(sys.argv) > 1:
        name = sys.argv.pop(1)
    if name not in PLUGINS:
        finish(f"SMTPQ UNKNOWN - write check_smtpq and one of {', '.join(PLUGINS)}, then --help\n", UNKNOWN)
    PLUGINS[name]()
