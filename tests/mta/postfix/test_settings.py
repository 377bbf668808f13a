"""main.cf is understood as postconf(5) says, without running a program where that is enough."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.postfix.settings import expand, parse, settle


class Host:
    """A host of text files, whose programs answer what they are told."""

    def __init__(self, files: dict[str, str], answers: dict[str, str] | None = None) -> None:
        self.files, self.answers = files, answers or {}
        self.asked: list[tuple[str, ...]] = []

    def read(self, path: str) -> bytes | None:
        return self.files[path].encode() if path in self.files else None

    def exists(self, path: str) -> bool:
        return any(name.startswith(path) for name in self.files)

    def listdir(self, path: str) -> list[str] | None:
        return None

    def run(self, argv: Sequence[str]) -> bytes | None:
        self.asked.append(tuple(argv))
        return self.answers[argv[-1]].encode() if argv[-1] in self.answers else None


def test_lines_continue_and_later_ones_win() -> None:
    """Comments and empty lines may stand inside a value; names without "=" are ignored."""
    text = ("# c\nmyhostname = a\nlist = one,\n  # not the end\n\n\ttwo\n   three\n"
            "myhostname=b\nnonsense\nempty =\n")
    assert parse(text) == {"myhostname": "b", "list": "one, two three", "empty": ""}


@pytest.mark.parametrize(("value", "wanted"), [
    ("/var/spool/$multi_instance_name", "/var/spool/out"),
    ("$(multi_instance_name)x", "outx"),
    ("${multi_instance_name}x", "outx"),
    ("${multi_instance_name?yes}${empty?no}", "yes"),
    ("${multi_instance_name:no}${empty:fallback}", "fallback"),
    ("${multi_instance_name?{a $multi_instance_name}:{b}}", "a out"),
    ("${empty?{a}:{b}}", "b"),
    ("plain", "plain"),
    ("$loop", None),
    ("$unknown_parameter", None),
])
def test_macros(value: str, wanted: str | None) -> None:
    """Every form of a macro; what is not known here is None, and circles end."""
    assert expand(value, {"multi_instance_name": "out", "empty": "", "loop": "$loop"}) == wanted


def test_a_plain_main_cf_needs_no_program() -> None:
    """Queue directory, name and syslog name come from the file and the documented defaults."""
    host = Host({"/etc/postfix/main.cf": "queue_directory = /srv/q\nmaillog_file = /var/log/x\n"})
    [found] = settle(Instance("postfix", ""), host)
    assert (found.name, found.queue_directory) == ("postfix", "/srv/q")
    assert found.config_directory == "/etc/postfix"
    assert found.syslog_names == ("postfix",)
    assert dict(found.options) == {"maillog_file": "/var/log/x"}
    assert host.asked == []


def test_defaults_hold_where_the_usual_directory_exists() -> None:
    """Debian's main.cf does not name the queue directory."""
    host = Host({"/etc/postfix/main.cf": "mydomain = x\n", "/var/spool/postfix/pid": ""})
    assert settle(Instance("postfix", ""), host)[0].queue_directory == "/var/spool/postfix"
    assert host.asked == []


def test_postconf_is_asked_for_what_the_file_does_not_say() -> None:
    """Another default, a macro of Postfix's own, a main.cf that may not be read."""
    host = Host({"/etc/postfix/main.cf": "mydomain = x\n"}, {"queue_directory": "/opt/q\n"})
    assert settle(Instance("postfix", ""), host)[0].queue_directory == "/opt/q"
    host = Host(
        {"/etc/postfix/main.cf": "queue_directory = $data_directory/q\n"}, {"queue_directory": "/data/q"})
    assert settle(Instance("postfix", ""), host)[0].queue_directory == "/data/q"
    host = Host({}, {"queue_directory": "/closed/q", "multi_instance_name": "here"})
    [found] = settle(Instance("postfix", "", config_directory="/closed/"), host)
    assert (found.queue_directory, found.name) == ("/closed/q", "here")
    assert ("postconf", "-c", "/closed", "-x", "-h", "queue_directory") in host.asked


def test_without_file_and_program_the_defaults_are_taken() -> None:
    """A container that shares only the spool still finds it."""
    [found] = settle(Instance("postfix", ""), Host({}))
    assert found.queue_directory == "/var/spool/postfix"


MULTI = {
    "/etc/postfix/main.cf":
        "queue_directory = /q/one\nmulti_instance_directories = /etc/postfix-out, /etc/postfix-x\n",
    "/etc/postfix-out/main.cf":
        "queue_directory = /q/two\nmulti_instance_name = postfix-out\nhash_queue_depth = 2\n",
    "/etc/postfix-x/main.cf": "queue_directory = /q/three\nsyslog_name = mx\n",
}


def test_several_instances_are_found() -> None:
    """Each has its own directory, name, syslog name and hash depth, and says how it was found."""
    found = settle(Instance("postfix", ""), Host(MULTI))
    assert [(one.name, one.config_directory, one.queue_directory, one.syslog_names) for one in found] == [
        ("postfix", "/etc/postfix", "/q/one", ("postfix",)),
        ("postfix-out", "/etc/postfix-out", "/q/two", ("postfix-out",)),
        ("postfix-x", "/etc/postfix-x", "/q/three", ("mx",)),
    ]
    assert dict(found[1].options) == {"hash_queue_depth": "2"}
    assert "multi_instance_directories" in found[1].found_by


def test_a_configured_instance_stays_alone_and_keeps_its_values() -> None:
    """A configuration that names another directory or the queue itself means that one only."""
    [found] = settle(Instance("postfix", "mine", config_directory="/etc/postfix-out"), Host(MULTI))
    assert (found.name, found.queue_directory) == ("mine", "/q/two")
    mine = Instance("postfix", "mine", queue_directory="/elsewhere", syslog_names=("tag",))
    [found] = settle(mine, Host(MULTI))
    assert (found.queue_directory, found.syslog_names) == ("/elsewhere", ("tag",))
