"""The program smtpq: the operator's tool. Each verb is a module smtpq_<verb>.py, imported when it is used.

Such a module has `add(subparsers)`, which adds its parser, and `run(args) -> int`: 0 done, 1 not all
of it could be done, 2 wrong usage; errors go to stderr and say what to do.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from smtpq_exporter import __version__
from smtpq_exporter.errors import SmtpqError

VERBS = {
    "status": "the queues of this host at a glance, and why mail waits",
    "logs": "what log files tell: deliveries, deferrals and their reasons",
    "events": "log lines as understood events, one JSON object a line",
    "classify": "reply texts on stdin as reason classes, one JSON object a line",
    "zabbix": "values for Zabbix: json, discover, get",
}
_HELP = """\
smtpq: what the mail queue does, why, and what to do about it

Usage: smtpq VERB [OPTION]...

{verbs}

  smtpq VERB --help   what a verb can do
  smtpq --version

Try: smtpq status --watch
"""


def help_text() -> str:
    """All verbs and where to read on."""
    return _HELP.format(verbs="\n".join(f"  {verb:<10}{text}" for verb, text in VERBS.items()))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        if len(words) < 2:
            print(help_text(), end="")
            return 0 if words else 2
        words = [words[1], "--help"]
    if words[0] in ("-V", "--version"):
        print(f"smtpq {__version__}")
        return 0
    verb = words[0]
    if verb not in VERBS:
        near = difflib.get_close_matches(verb, VERBS, 1, 0.5)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(VERBS)}"
        print(f"smtpq: no verb {verb!r}; {hint}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"smtpq_exporter.smtpq_{verb}")
    parser = argparse.ArgumentParser(prog="smtpq")
    module.add(parser.add_subparsers(metavar="VERB", required=True))
    args = parser.parse_args(words)
    try:
        code = int(module.run(args))
    except SmtpqError as error:
        print(f"smtpq {verb}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def command() -> NoReturn:
    """Run one verb as a program; end at once: the kernel takes a great log's tables back faster than Python."""
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader (head, less) went away: nothing more to say
        code = 0
    os._exit(code)


if __name__ == "__main__":
    command()
