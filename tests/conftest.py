"""What every test may ask for: private mail servers and sinks. See tests/servers for what they can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.servers import needs
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip, or in CI fail, a test whose real servers are not there."""
    for mark in item.iter_markers("server"):
        for name in mark.args:
            assert name in needs.NEEDS, f"unknown server {name!r}: add it to tests/servers/needs.py"
            why = needs.missing(name)
            if why and needs.strict():
                pytest.fail(f"{why}; in CI this is a failure", pytrace=False)
            if why:
                pytest.skip(why)


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
