"""`smtpq classify`: one reply text a line on standard input -> one JSON object a line on standard output.

The text is taken as bytes, since replies come in any charset. Lines may be of any length: what is beyond
the first 64 KiB of a line is passed over. Output is flushed after each line if a person is watching or
typing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO, TextIO

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.reasons import ADVICE, REASONS, Classifier

_LONGEST_LINE = 65536

_HELP = """\
Says why mail was deferred or bounced. Give the text between the brackets of a Postfix status line, what
stands after Exim's "defer (..)" or "**", Sendmail's stat=, or a reply as the remote server sent it.

  echo '450 4.2.0 <a@b.example>: Greylisted, try again in 300 seconds' | smtpq classify
  grep -oP 'status=deferred \\(\\K.*(?=\\))' /var/log/mail.log |
    smtpq classify | jq -r .reason | sort | uniq -c

Each line becomes {"reason","cause","enhanced","code","rule"}: the class, its root cause, the enhanced code
and the reply code of the innermost reply ("" if there is none), and the rule that decided. With --explain
also the text as it was compared (lower case, without addresses), the inner reply, whether the destination
was only suspended, and what to do about it. Own rules are tried with --rule 'PATTERN=CLASS' before they go
into the configuration under `reasons`.
"""


def add(subparsers: Any) -> None:
    """Add the sub-command to argparse's sub-parsers."""
    parser = subparsers.add_parser(
        "classify",
        help="say why mail was deferred: reply texts in, reason classes out",
        description=_HELP,
        epilog="Reason classes: " + ", ".join(REASONS),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--explain", action="store_true", help="show how the text was unwrapped, and advice")
    parser.add_argument("--dsn", default="", metavar="X.Y.Z", help="code of the own server, a last resort")
    parser.add_argument(
        "--rule",
        action="append",
        default=[],
        metavar="PATTERN=CLASS",
        help="try a rule of your own before the built-in ones; may be given several times",
    )


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their end, each cut at 64 KiB; the rest of a longer line is read and dropped."""
    while line := stream.readline(_LONGEST_LINE):
        rest = line
        while not rest.endswith(b"\n") and len(rest) == _LONGEST_LINE:
            rest = stream.readline(_LONGEST_LINE)
        yield line.rstrip(b"\r\n")


def run(args: argparse.Namespace, stdin: BinaryIO | None = None, stdout: TextIO | None = None) -> int:
    """Classify standard input; returns 0, or 2 if a rule cannot be used."""
    source, target = stdin or sys.stdin.buffer, stdout or sys.stdout
    pairs = [tuple(rule.rpartition("=")[::2]) for rule in args.rule]
    try:
        classifier = Classifier(user_rules=pairs)
    except ConfigError as error:
        print(f"smtpq classify: {error}", file=sys.stderr)
        return 2
    interactive = target.isatty() or source.isatty()
    for line in lines(source):
        target.write(json.dumps(describe(classifier, line, args.dsn, explain=args.explain)) + "\n")
        if interactive:
            target.flush()
    target.flush()
    return 0


def describe(classifier: Classifier, line: bytes, dsn: str, *, explain: bool) -> dict[str, Any]:
    """Return the object of one line."""
    verdict = classifier.verdict(line, dsn)
    found: dict[str, Any] = {
        "reason": verdict.reason,
        "cause": verdict.cause,
        "enhanced": verdict.enhanced,
        "code": verdict.code,
        "rule": verdict.rule,
    }
    if explain:
        folded, reply = classifier.explain(line)
        found |= {"suspended": verdict.suspended, "remote": reply.remote, "folded": folded}
        found |= {"reply": reply.text, "advice": ADVICE[verdict.reason]._asdict()}
    return found
