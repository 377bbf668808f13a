"""What every test may ask for: private mail servers and sinks. See tests/servers for what they can do."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from hypothesis import settings

from tests.servers import needs
from tests.servers.exim import EximServer
from tests.servers.opensmtpd import OpensmtpdServer
from tests.servers.overlay import OverlayServer
from tests.servers.packages import Unavailable
from tests.servers.postfix import PostfixServer
from tests.servers.sendmail import SendmailServer
from tests.servers.sink import Sink

# No timing assertions: these machines are shared.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


#: No test takes longer than this many seconds; one that does loops, or waits for what never comes.
DEADLINE = 180


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Interrupt a test, its fixtures included, that does not end."""
    def late(*_: object) -> None:
        raise AssertionError(f"{item.nodeid} did not end within {DEADLINE} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(DEADLINE)
    try:
        return (yield)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or in CI fail, a test whose real servers are not there."""
    for mark in item.iter_markers("server"):
        for name in mark.args:
            assert name in needs.NEEDS, f"unknown server {name!r}: add it to tests/servers/needs.py"
            why = needs.missing(name)
            if why:
                refuse(why)


def refuse(why: str) -> None:
    """End the test that cannot run here."""
    if needs.strict():
        pytest.fail(f"{why}; in CI this is a failure", pytrace=False)
    pytest.skip(why)


@contextmanager
def running(kind: type[OverlayServer]) -> Iterator[OverlayServer]:
    """A server in a world of its own, and its sink."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(kind(stack.enter_context(Sink())))
        except Unavailable as why:
            refuse(str(why))
        yield server


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A sink of this test's own: the place where mail goes."""
    with Sink() as made:
        yield made


@pytest.fixture
def postfix(sink: Sink) -> Iterator[PostfixServer]:
    """A private running Postfix of this test's own, with an empty queue; it sends to `sink`."""
    with PostfixServer(sink) as server:
        yield server


@pytest.fixture(scope="module")
def postfix_module() -> Iterator[PostfixServer]:
    """A private running Postfix for the tests of one module; its sink is `.sink`."""
    with Sink() as own, PostfixServer(own) as server:
        yield server


@pytest.fixture(scope="session")
def postfix_session() -> Iterator[PostfixServer]:
    """A private running Postfix for tests that only look and leave it as it was."""
    with Sink() as own, PostfixServer(own) as server:
        yield server


@pytest.fixture
def make_postfix(sink: Sink) -> Iterator[Callable[..., PostfixServer]]:
    """Make further Postfix instances: the arguments of PostfixServer behind the sink."""
    with ExitStack() as stack:
        def make(**options: Any) -> PostfixServer:
            return stack.enter_context(PostfixServer(sink, **options))
        yield make


# Exim, Sendmail and OpenSMTPD take two to four seconds to come and go: mostly one for the tests of a module.

@pytest.fixture(scope="module")
def exim() -> Iterator[OverlayServer]:
    """A private running Exim for the tests of one module; its sink is `.sink`."""
    with running(EximServer) as server:
        yield server


@pytest.fixture(scope="module")
def sendmail() -> Iterator[OverlayServer]:
    """A private running Sendmail for the tests of one module; its sink is `.sink`."""
    with running(SendmailServer) as server:
        yield server


@pytest.fixture(scope="module")
def opensmtpd() -> Iterator[OverlayServer]:
    """A private running OpenSMTPD for the tests of one module; its sink is `.sink`."""
    with running(OpensmtpdServer) as server:
        yield server


@pytest.fixture
def make_server() -> Iterator[Callable[[str], OverlayServer]]:
    """Make a server by name (exim, sendmail, opensmtpd) for this test alone."""
    kinds = {kind.mta: kind for kind in (EximServer, SendmailServer, OpensmtpdServer)}
    with ExitStack() as stack:
        def make(name: str) -> OverlayServer:
            return stack.enter_context(running(kinds[name]))
        yield make
