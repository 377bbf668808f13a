"""Command lines: order, forms, defaults and mistakes."""

from __future__ import annotations

import itertools
import shlex
from importlib import import_module

import pytest

from smtpq_exporter.checks import queue
from smtpq_exporter.checks.cli import PLUGINS, read_options
from smtpq_exporter.checks.manual import COMMON, help_text, usage
from smtpq_exporter.checks.options import Options, UsageError, flat
from smtpq_exporter.checks.result import CRITICAL, OK, UNKNOWN


def read(words: str) -> Options:
    """Options of check_smtpq_queue."""
    return read_options(queue, words.split())


def test_order_does_not_matter() -> None:
    """Icinga sorts arguments: every order gives the same."""
    parts = ["-w 5", "--queue deferred", "--queue hold", "-vv", "--age-critical=1h"]
    seen = set()
    for order in itertools.permutations(parts):
        options = read(" ".join(order))
        seen.add((str(options.messages.warning), frozenset(options.queue), options.verbose,
                  str(options.age.critical)))
    assert seen == {("5", frozenset({"deferred", "hold"}), 2, "3600")}


def test_forms_of_values() -> None:
    """A value may stand apart, behind = or at the short option, and may begin with a dash."""
    for words in ("-w -10:-1", "-w-10:-1", "--warning=-10:-1", "--warning -10:-1"):
        assert str(read(words).messages.warning) == "-10:-1"
    assert read("-vvw5").verbose == 2
    assert str(read("-vvw5").messages.warning) == "5"


def test_defaults() -> None:
    """Without options the limits of the help hold."""
    options = read("")
    assert (str(options.messages.warning), str(options.messages.critical)) == ("100", "500")
    assert (str(options.age.warning), str(options.age.critical)) == ("14400", "86400")
    assert options.held.warning is options.size.critical is None
    assert options.timeout == (10, UNKNOWN)
    assert options.down_state == CRITICAL


def test_one_limit_alone() -> None:
    """Who gives one limit of a pair gets no surprise from the default of the other."""
    options = read("-w 1000")
    assert (str(options.messages.warning), options.messages.critical) == ("1000", None)
    options = read("-c none")
    assert (options.messages.warning, options.messages.critical) == (None, None)
    assert str(options.age.critical) == "86400"


def test_states() -> None:
    """The states of a timeout and of a mail system that is down are the user's choice."""
    assert read("-t 5:critical").timeout == (5, CRITICAL)
    assert read("-t 2.5").timeout == (2.5, UNKNOWN)
    assert read("--down-state OK").down_state == OK


def test_config_dir_means_the_mail_server() -> None:
    """A configuration directory is for asking the mail server itself."""
    assert read("-d /etc/postfix-out").source == "mta"
    assert read("-d /etc/postfix-out --source exporter").source == "exporter"


@pytest.mark.parametrize(("words", "text"), [
    ("-w", "option -w needs a value (RANGE)"),
    ("-w ten", "option -w: 'ten' is no range: 'ten' is not a plain number"),
    ("--age-warning 10", None),
    ("--age-warning 10y", "option --age-warning: '10y' is no range: '10y' is no duration"),
    ("--wraning 5", "unknown option --wraning; did you mean --warning?"),
    ("--age 5", "unknown option --age"),
    ("5", "unexpected argument '5': every value follows an option"),
    ("--", "unexpected argument '--'"),
    ("--verbose=3", "option --verbose takes no value"),
    ("--mta qmail", "option --mta: 'qmail' is none of auto, postfix"),
    ("-t 0", "option -t: '0': write seconds above 0"),
    ("-t 5:FINE", "option -t: 'FINE' is none of ok, warning, critical, unknown"),
    ("--url ftp://x", "option --url: 'ftp://x' is no URL"),
    ("--url http://u:p@x", "a password in a URL can be read by everybody"),
    ("--url http://x:99999", "its host or port is wrong"),
])
def test_mistakes(words: str, text: str | None) -> None:
    """A mistake is named, with what is right."""
    if text is None:
        read(words)
        return
    with pytest.raises(UsageError) as caught:
        read(words)
    assert text in str(caught.value)


def test_empty_value() -> None:
    """A macro that expands to nothing is a mistake, not a limit."""
    with pytest.raises(UsageError, match="no range"):
        read_options(queue, ["-w", ""])


@pytest.mark.parametrize("name", PLUGINS)
def test_help_and_usage(name: str) -> None:
    """The help names every option with its default in 80 columns; the usage has at most 23 lines."""
    check = import_module(f"smtpq_exporter.checks.{name}")
    text = help_text(check)
    for option in flat([*check.OPTIONS, *COMMON]):
        assert f"  {', '.join(option.flags)}" in text
    for words, _ in check.EXAMPLES:
        read_options(check, shlex.split(words))
        assert f"check_smtpq_{name} {words}".strip() in text
    assert max(map(len, text.splitlines())) <= 80
    short = usage(check)
    assert len(short.splitlines()) <= 22
    assert max(map(len, short.splitlines())) <= 80
    assert "|" not in short.replace("exporter|mta", "").replace("auto|", "")
