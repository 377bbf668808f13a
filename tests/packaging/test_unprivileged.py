"""The drop-ins, tried for real as far as that goes without a booted systemd.

The exporter reads private mail servers as an unprivileged user (see confined.py): what each drop-in names is enough,
and without it there is a fault and no number.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from _pytest.mark.structures import ParameterSet

from tests.packaging.confined import NOBODY, Identity, once, run
from tests.packaging.test_systemd import DROP_INS, settings
from tests.servers.overlay import OverlayServer
from tests.servers.postfix import PostfixServer

pytestmark = pytest.mark.server("unshare")
COUNT = 9
Server = PostfixServer | OverlayServer
#: Name of a mail server: the source that reads its queue, the label of its waiting mail, what the fault names. Exim
#: and OpenSMTPD are installed in their own world only: without their programs the fault says what is denied.
EACH = {
    "postfix": ("showq", "deferred", "postdrop"),
    "exim": ("spool", "default", ": permission denied"),
    "sendmail": ("spool", "mqueue", "smmsp"),
    "opensmtpd": ("spool", "mta", ": permission denied"),
}


def mark(mta: str) -> ParameterSet:
    """A case that needs this mail server."""
    return pytest.param(mta, marks=pytest.mark.server(mta))


each = pytest.mark.parametrize("mta", [mark(mta) for mta in EACH])
Make = Callable[[str], Server]


@pytest.fixture
def make(request: pytest.FixtureRequest) -> Make:
    """Make a mail server with some deferred messages, its log readable as Debian has it: by group adm."""
    def made(mta: str) -> Server:
        if mta == "postfix":
            server: Server = request.getfixturevalue("postfix")
        else:
            server = request.getfixturevalue("make_server")(mta)
        server.inject(COUNT, "greylist")
        server.wait_idle()
        os.chown(server.log, -1, ids(server, "group")["adm"])
        server.log.chmod(0o640)
        return server
    return made


def ids(server: Server, what: str) -> dict[str, int]:
    """{name: id} of the file "passwd" or "group" of the server's world."""
    world = server.root if isinstance(server, OverlayServer) else Path("/")
    lines = (world / "etc" / what).read_text().splitlines()
    return {fields[0]: int(fields[2]) for fields in (line.split(":") for line in lines) if len(fields) > 2}


def granted(mta: str, server: Server) -> Identity:
    """What the drop-in of this mail server makes of the service."""
    said = dict(settings(DROP_INS / f"10-{mta}.conf"))
    groups = ids(server, "group")
    user = ids(server, "passwd")[said["User"]] if "User" in said else NOBODY.pw_uid
    return Identity(uid=user, groups=[groups[name] for name in said["SupplementaryGroups"].split()])


def configuration(mta: str, server: Server) -> str:
    """The instance "private": this server, with its log from the beginning."""
    place = f"config_directory: {server.config_directory}, " if isinstance(server, PostfixServer) else ""
    spool = server.queue_directory if isinstance(server, PostfixServer) else server.spool
    return f"""
logs: {{start: beginning}}
mtas: [{{mta: {mta}, name: private, {place}queue_directory: {spool}, logs: [{server.log}]}}]
"""


@each
def test_what_the_drop_in_grants_is_enough(make: Make, mta: str) -> None:
    """With the groups (or the user) of its drop-in alone the queue is read, every message counted, and the log."""
    server, (source, queue, _) = make(mta), EACH[mta]
    done = once(server.directory, granted(mta, server), configuration(mta, server))
    assert done.returncode == 0, done.stderr
    labels = f'mta="{mta}",mta_instance="private"'
    assert f'smtpq_source_success{{{labels},source="{source}"}} 1' in done.stdout
    assert f'smtpq_queue_messages{{{labels},queue="{queue}"}} {COUNT}\n' in done.stdout
    reason = f'smtpq_queue_deferred_recipients{{{labels},reason="greylisted"}}'
    assert re.search(rf"^{re.escape(reason)} [1-9]", done.stdout, re.MULTILINE)
    received = f"smtpq_log_messages_received_total{{{labels}}}"
    assert re.search(rf"^{re.escape(received)} {COUNT}$", done.stdout, re.MULTILINE)


@each
def test_without_it_it_says_so_and_shows_nothing(make: Make, mta: str) -> None:
    """Without there is no number, but a fault of kind permission and the remedy in words."""
    server = make(mta)
    done = once(server.directory, Identity(), configuration(mta, server))
    assert done.returncode == 3, done.stdout + done.stderr
    assert f'smtpq_queue_messages{{mta="{mta}",mta_instance="private"' not in done.stdout
    [success] = [line for line in done.stdout.splitlines() if line.startswith("smtpq_source_success")
                 and 'mta_instance="private"' in line and "log" not in line]
    assert success.endswith(" 0")
    failed = r'^smtpq_source_errors_total{kind="permission",.*mta_instance="private".*} 1$'
    assert re.search(failed, done.stdout, re.MULTILINE)
    assert EACH[mta][2] in done.stderr


@pytest.mark.parametrize("mta", [mark(mta) for mta in EACH if mta != "postfix"])
def test_the_queue_cannot_be_changed(make: Make, mta: str) -> None:
    """What the drop-in grants reads the queue's files and can neither remove nor overwrite one: as the owner, too."""
    server = make(mta)
    assert isinstance(server, OverlayServer)
    file = next(path for path in sorted(server.spool.rglob("*")) if path.is_file() and path.stat().st_size)
    before = file.read_bytes()
    identity = granted(mta, server)
    script = 'cat "$0" > /dev/null && ! rm -f "$0" && ! truncate -s 0 "$0" && ! chmod 777 "$0"'
    done = run(server.directory, identity, "sh", "-c", script, str(file))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert file.read_bytes() == before
