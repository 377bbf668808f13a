"""What sendmail.cf and submit.cf say about queues, and by what Sendmail is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from smtpq_exporter.io.discovery import _trace
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.sendmail import SENDMAIL
from smtpq_exporter.mta.sendmail.settings import PROGRAMS, seconds, settle

CF = """# a comment
V10/Debian
DZ8.17.1.9/Debian-2+deb12u2
#O MinQueueAge=30m
O QueueDirectory=/var/spool/mqueue/q*
O PidFile=/run/sendmail/mta/sendmail.pid
Qlists, P=/srv/queues/lists*, F=f, r=10
Qnowhere, F=f
"""


class Host:
    """mta.base.Probe over files that a test makes up."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files

    def read(self, path: str) -> bytes | None:
        text = self.files.get(path)
        return None if text is None else text.encode()

    def exists(self, path: str) -> bool:
        return path in self.files

    def listdir(self, path: str) -> list[str] | None:
        return None

    def run(self, argv: Sequence[str]) -> bytes | None:
        raise AssertionError(argv)


def settled(files: dict[str, str], **given: str) -> tuple[Instance, dict[str, str]]:
    """The instance and its options."""
    (found,) = settle(Instance("sendmail", "", **given), Host(files))  # type: ignore[arg-type]
    return found, dict(found.options)


def test_queue_directories_come_from_the_configuration() -> None:
    """QueueDirectory, the queue groups, the submission program's own, the process id file."""
    found, options = settled(
        {
            "/etc/mail/sendmail.cf": CF,
            "/etc/mail/submit.cf": "O QueueDirectory=/srv/client\n",
            PROGRAMS[0]: "",
        }
    )
    assert found.name == "sendmail"
    assert found.queue_directory == "/var/spool/mqueue"
    assert options == {
        "queue_directories": "/var/spool/mqueue/q* /srv/queues/lists*",
        "client_queue_directory": "/srv/client",
        "submission": "yes",
        "pid_file": "/run/sendmail/mta/sendmail.pid",
        "sendmail_path": PROGRAMS[0],
    }


def test_without_a_readable_configuration_the_usual_places_count() -> None:
    """Defaults of Sendmail; no submission listing without a submit.cf."""
    found, options = settled({})
    assert (found.queue_directory, found.config_directory) == ("/var/spool/mqueue", "/etc/mail")
    assert options["client_queue_directory"] == "/var/spool/clientmqueue"
    assert "submission" not in options


def test_what_is_configured_here_stays() -> None:
    """A queue directory of this program's own configuration is not overruled, nor are options."""
    found, options = settled({"/etc/mail/sendmail.cf": CF}, queue_directory="/data/q*")
    assert found.queue_directory == "/data"
    assert options["queue_directories"] == "/data/q*"


def test_min_queue_age_tells_only_without_a_growing_interval() -> None:
    """MinQueueAge alone says when a message is due; with MaxQueueAge it doubles, and nobody knows."""
    assert settled({"/etc/mail/sendmail.cf": "O MinQueueAge=27m\n"})[1]["min_queue_age"] == "1620"
    assert (
        "min_queue_age" not in settled({"/etc/mail/sendmail.cf": "O MinQueueAge=27m\nO MaxQueueAge=2h\n"})[1]
    )
    assert "min_queue_age" not in settled({"/etc/mail/sendmail.cf": CF})[1]


def test_times() -> None:
    """Units as Sendmail writes them; a bare number has the option's own."""
    assert [seconds(text, "m") for text in ("30m", "1h30m", "5", "2d", "1w", "90s")] == [
        1800,
        5400,
        300,
        172800,
        604800,
        90,
    ]
    assert [seconds(text, "m") for text in ("", "x", "5 m", "-3")] == [None] * 4


def test_sendmail_is_found_by_what_no_other_mail_server_has() -> None:
    """Other mail servers install a /usr/sbin/sendmail: it is no trace of Sendmail."""
    discovery = SENDMAIL.discovery
    traces = (*discovery.binaries, *discovery.spools, *discovery.files)
    assert "/usr/sbin/sendmail" not in traces
    assert {"/etc/mail/sendmail.cf", "/var/spool/mqueue"} <= set(traces)


def test_its_configuration_file_is_enough_to_be_found(tmp_path: Path) -> None:
    """Without a program or a spool of its own, sendmail.cf says that Sendmail is there."""
    nothing = replace(SENDMAIL.discovery, binaries=(), spools=(), files=(str(tmp_path / "sendmail.cf"),))
    assert _trace(replace(SENDMAIL, discovery=nothing)) == ""
    (tmp_path / "sendmail.cf").write_text(CF)
    assert _trace(replace(SENDMAIL, discovery=nothing)) == f"{tmp_path}/sendmail.cf is there"
