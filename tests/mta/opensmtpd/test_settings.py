"""What discovery finds of OpenSMTPD, and how it is told from Postfix's smtpd."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path

from smtpq_exporter.io.liveness import Liveness
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.opensmtpd import OPENSMTPD
from smtpq_exporter.mta.opensmtpd.settings import SPOOL, settle


class Host:
    """A Probe over paths that are there."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def read(self, path: str) -> bytes | None:
        return b"" if path in self.paths else None

    def exists(self, path: str) -> bool:
        return path in self.paths

    def listdir(self, path: str) -> list[str] | None:
        return None

    def run(self, argv: object) -> bytes | None:
        return None


def test_an_instance_is_completed() -> None:
    """Name, spool and the directory of the configuration, wherever a distribution has it."""
    for config, directory in (
        ("/etc/smtpd.conf", "/etc"),
        ("/usr/local/etc/mail/smtpd.conf", "/usr/local/etc/mail"),
    ):
        (one,) = settle(Instance("opensmtpd", ""), Host(config))
        assert (one.name, one.queue_directory, one.config_directory, one.logs) == (
            "opensmtpd",
            SPOOL,
            directory,
            ("auto",),
        )


def test_what_is_configured_stays() -> None:
    """The configuration of this program goes first."""
    mine = Instance("opensmtpd", "mx", config_directory="/c", queue_directory="/q/", logs=("/l",))
    assert settle(mine, Host("/etc/smtpd.conf")) == [replace(mine, queue_directory="/q")]


def test_postfix_alone_is_not_taken_for_it() -> None:
    """Only smtpctl is a trace of OpenSMTPD; a program smtpd may be Postfix's."""
    assert all(path.endswith("/smtpctl") for path in OPENSMTPD.discovery.binaries)
    found = re.search(OPENSMTPD.discovery.version_pattern, b"version: OpenSMTPD 7.6.0-portable\nusage: smtpd")
    assert found is not None
    assert found[1] == b"7.6.0-portable"


def test_liveness_is_the_control_socket(tmp_path: Path) -> None:
    """A socket that accepts is up, a refused one down; one that is elsewhere (a container's) says nothing."""
    path = tmp_path / "smtpd.sock"
    named = Liveness(
        Instance("opensmtpd", "x", options=(("control_socket", str(path)),)), OPENSMTPD.discovery
    )
    assert named.up() is False
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert named.up() is True
    assert named.up() is False
    far = replace(OPENSMTPD.discovery, socket=str(tmp_path / "none"), binaries=(str(tmp_path / "smtpctl"),))
    assert Liveness(Instance("opensmtpd", "x"), far).up() is None
    (tmp_path / "smtpctl").touch()
    assert Liveness(Instance("opensmtpd", "x"), far).up() is False
