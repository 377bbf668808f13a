"""Exim, Sendmail and OpenSMTPD in worlds of their own do what other tests rely on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.servers.inject import Mail
from tests.servers.overlay import OverlayServer
from tests.servers.replies import Reply
from tests.wait import wait_for

NAMES = ("exim", "sendmail", "opensmtpd")
LISTS = {"exim": ["exim4", "-bpc"], "sendmail": ["mailq"], "opensmtpd": ["smtpctl", "show", "queue"]}
PARAMETERS = [pytest.param(name, marks=pytest.mark.server(name)) for name in NAMES]
every_server = pytest.mark.parametrize("name", PARAMETERS)


def parcel(*domains: str) -> Mail:
    """One message to one recipient in each domain."""
    return Mail("a@sender.example", tuple(f"b@{d}.example" for d in domains), b"Subject: x\r\n\r\nx\r\n")


@pytest.mark.server("postfix", *NAMES)
def test_all_four_at_once(postfix, exim, sendmail, opensmtpd) -> None:
    """Four servers side by side, each with a queue and a sink of its own."""
    servers = {"greylist": postfix, "greylist2": exim, "local": sendmail, "tempblock": opensmtpd}
    for domain, server in servers.items():
        server.send(parcel(domain))
    for domain, server in servers.items():
        server.wait_idle()
        assert {d: e.deferred for d, e in server.sink.book.items() if e.deferred} == {domain: 1}


@every_server
def test_a_queue_defers_then_drains(request, name: str) -> None:
    """What the sink deferred is in spool and log; once the sink accepts, a flush empties the queue."""
    server: OverlayServer = request.getfixturevalue(name)
    server.sink.answer("tempblock")  # accepts
    before, taken = server.count(), server.sink.total("accepted")
    greylisted = server.sink.book["greylist"].deferred
    mails = [*[parcel("greylist")] * 5, parcel("local"), parcel("tempblock"), parcel("ok1")]
    server.send(*mails)
    server.wait_idle()
    assert server.count() == before + 6
    assert server.sink.total("accepted") == taken + 2
    assert server.sink.book["greylist"].deferred == greylisted + 5
    assert "Greylisted, see http://postgrey" in server.log.read_text()
    server.sink.accept_all()

    def drained() -> bool:
        server.flush()  # a busy message is left for the next run
        return server.count() == 0
    wait_for(drained, 60, every=0.5)
    assert server.sink.total("accepted") == taken + before + 8


@every_server
def test_its_commands_and_files_are_reached_from_outside(request, name: str) -> None:
    """Its own listing runs through the stand-ins in `bin`, as any program on the host would call it."""
    server: OverlayServer = request.getfixturevalue(name)
    server.sink.answer("ok2", Reply("rcpt", "450 4.7.1 closed for the night"))
    server.send(parcel("ok2"), parcel("ok2"))
    server.wait_idle()
    environment = {"PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}"}
    argv = [server.bin / LISTS[name][0], *LISTS[name][1:]]
    listing = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=30, check=True)
    assert len(listing.stdout.splitlines()) == len(server.run(*LISTS[name]).splitlines()) > 0
    assert (server.root / "etc" / "nsswitch.conf").read_text().count("hosts: files") == 1
    assert [p.name for p in server.spool.iterdir()]


@every_server
def test_the_daemon_stops_and_starts_and_nothing_is_left(make_server, name: str) -> None:
    """The queue survives a stop; the world ends with all its processes."""
    server: OverlayServer = make_server(name)
    server.send(parcel("greylist"))
    server.wait_idle()
    server.stop()
    wait_for(lambda: not server.processes(), 20)
    assert server.count() == 1
    server.start()
    assert server.processes()
    pids = [p.pid for p in server.processes()]
    server.dispose()
    wait_for(lambda: not any(Path(f"/proc/{pid}/cwd").exists() for pid in pids), 20)
    assert not server.directory.exists()
