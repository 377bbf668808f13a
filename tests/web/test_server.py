"""The HTTP server under good, slow, silent and hostile clients."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.web import server as server_module
from smtpq_exporter.web.listening import listen
from smtpq_exporter.web.request import Request
from smtpq_exporter.web.response import Response, text
from smtpq_exporter.web.server import Server
from tests.wait import wait_for
from tests.web.client import connect, exchange, get, hello, server, serving

BIG = Response(200, b"x" * 30_000_000)


def test_an_answer_has_its_length_and_a_date() -> None:
    """Status, length, date and type are there; the body is whole."""
    with serving(server()) as port:
        response = get(port, "/metrics")
        assert (response.status, response.content) == (200, b"GET /metrics\n")  # type: ignore[attr-defined]
        assert response.headers["Content-Length"] == "13"
        assert response.headers["Date"].endswith("GMT")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_head_has_no_body() -> None:
    """HEAD gets the length of the body and no body."""
    with serving(server()) as port:
        received = exchange(port, b"HEAD /x HTTP/1.1\r\nConnection: close\r\n\r\n")
        assert b"Content-Length: 8\r\n" in received
        assert received.endswith(b"\r\n\r\n")


def test_a_connection_is_kept_and_requests_may_follow_each_other_at_once() -> None:
    """Three requests sent in one piece are answered in order on one connection."""
    with serving(server()) as port:
        received = exchange(
            port,
            b"GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\n12345"
            b"GET /c HTTP/1.1\r\nConnection: close\r\n\r\n",
        )
        assert [line for line in received.splitlines() if b" /" in line] == [b"GET /a", b"POST /b", b"GET /c"]


def test_a_request_in_single_bytes_is_understood() -> None:
    """The split of the input does not matter."""
    with serving(server()) as port, connect(port) as sock:
        for byte in b"GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n":
            sock.sendall(bytes((byte,)))
        assert b"GET /slow" in sock.makefile("rb").read()


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\r\n\r\n", b"400"),
        (b"rubbish\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 20_000, b"431"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", b"501"),
    ],
)
def test_garbage_gets_its_status_and_the_door(data: bytes, status: bytes) -> None:
    """A malformed request is answered and its connection closed."""
    with serving(server()) as port:
        received = exchange(port, data)
        assert received.split()[1] == status
        assert b"Connection: close" in received


def test_silent_clients_delay_nobody() -> None:
    """More silent clients than there are places, and still everybody else is served."""
    made = server(most=8)
    with serving(made) as port:
        silent = [connect(port) for _ in range(40)]
        try:
            for _ in range(20):
                assert get(port).status == 200
            assert len(made._connections) <= 8
        finally:
            for sock in silent:
                sock.close()


def test_slow_senders_delay_nobody() -> None:
    """Clients in the middle of their request hold places, not the server."""
    with serving(server(most=8)) as port:
        slow = [connect(port) for _ in range(20)]
        try:
            for sock in slow:
                try:
                    sock.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
                except OSError:
                    continue  # this one had to make room already
            for _ in range(10):
                assert get(port).status == 200
        finally:
            for sock in slow:
                sock.close()


def test_slow_readers_delay_nobody() -> None:
    """Clients that ask for much and read nothing hold places, not the server."""

    def answer(request: Request) -> Response:
        return BIG if request.path == "/big" else hello(request)

    with serving(server(answer, most=6)) as port:
        slow = [connect(port) for _ in range(12)]
        try:
            for sock in slow:
                try:
                    sock.sendall(b"GET /big HTTP/1.1\r\n\r\n")
                except OSError:
                    continue  # this one had to make room already
            for _ in range(10):
                assert get(port).status == 200
        finally:
            for sock in slow:
                sock.close()


def test_fifty_clients_at_once_are_all_served() -> None:
    """Nobody is refused while there are places."""
    with serving(server()) as port, ThreadPoolExecutor(50) as pool:
        assert {response.status for response in pool.map(lambda _: get(port), range(400))} == {200}


def test_a_slow_head_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that trickle in do not extend the time for a request."""
    monkeypatch.setattr(server_module, "HEAD_SECONDS", 0.2)
    with serving(server()) as port, connect(port) as sock:
        sock.settimeout(0.02)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                sock.sendall(b"X")
                if sock.recv(100) == b"":
                    return
            except TimeoutError:
                continue
            except OSError:
                return
        pytest.fail("the connection was kept")


def test_a_fault_in_an_answer_is_a_500_and_not_the_end() -> None:
    """An error while answering is told in general words and the server goes on."""

    def answer(request: Request) -> Response:
        if request.path == "/bad":
            raise ZeroDivisionError("secret")
        return text(200, "ok")

    with serving(server(answer)) as port:
        response = get(port, "/bad")
        assert response.status == 500
        assert b"secret" not in response.content  # type: ignore[attr-defined]
        assert get(port).status == 200


def test_stop_ends_all_connections_and_frees_the_port() -> None:
    """After stop nobody is served and the same port can be taken again at once."""
    made = server()
    made.start()
    port = made.addresses[0][1]
    idle = connect(port)
    assert get(port).status == 200
    made.stop()
    assert idle.recv(1) == b""
    with pytest.raises(OSError):
        connect(port)
    with serving(Server([listen("127.0.0.1", port)], hello)) as again:
        assert get(again).status == 200
    idle.close()


def test_stop_lets_an_answer_finish() -> None:
    """What is being answered is answered to the end."""
    begun, release = threading.Event(), threading.Event()

    def answer(request: Request) -> Response:
        begun.set()
        release.wait(10)
        return hello(request)

    made = server(answer)
    made.start()
    with ThreadPoolExecutor(2) as pool:
        response = pool.submit(get, made.addresses[0][1])
        assert begun.wait(10)
        stopped = pool.submit(made.stop, 10.0)
        release.set()
        assert response.result(10).status == 200
        stopped.result(20)


def test_a_port_in_use_is_explained() -> None:
    """The error names the address and how to find who has it."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(ConfigError) as caught:
            listen("127.0.0.1", port)
    assert str(caught.value) == (
        f"--web.listen-address: cannot listen on 127.0.0.1:{port}: Address already in use; another program"
        f" listens there; see which with `ss -ltnp 'sport = :{port}'`,"
        " or choose another with --web.listen-address"
    )


def test_an_address_of_another_host_is_explained() -> None:
    """The error is one line, whatever the system says."""
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.77:0: .*choose another"):
        listen("192.0.2.77", 0)
    with pytest.raises(ConfigError, match="choose another"):
        listen("no-such-host.invalid", 1)


def test_all_addresses_are_heard() -> None:
    """Without a host the server is reached by IPv4, and by IPv6 where there is any."""
    with serving(Server([listen("", 0)], hello)) as port:
        assert get(port).status == 200


def test_places_are_given_back() -> None:
    """After many clients no connection is left over."""
    made = server()
    with serving(made) as port:
        for _ in range(50):
            get(port)
        wait_for(lambda: not made._connections)
