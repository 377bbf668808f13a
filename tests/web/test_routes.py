"""Which address answers what."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from smtpq_exporter.metrics.exposition import OPENMETRICS, TEXT
from smtpq_exporter.model import State
from smtpq_exporter.web.exposed import Exposed
from smtpq_exporter.web.request import HttpError, parse
from smtpq_exporter.web.response import Response
from smtpq_exporter.web.routes import Routes
from tests.states import NOW, sample, state


def routes(given: State | None = None, **more: Any) -> Routes:
    """Routes over a State that was published."""
    exposed = Exposed(clock=lambda: NOW)
    exposed.publish(given or state())
    return Routes(exposed, **more)


def ask(made: Routes, target: str, method: str = "GET", **headers: str) -> Response:
    """One request; an HttpError becomes the Response that the server makes of it."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    try:
        return made.answer(parse("\r\n".join([f"{method} {target} HTTP/1.1", *lines]).encode()))
    except HttpError as error:
        return Response(error.status, error.text.encode(), headers=error.headers)


def test_metrics_in_both_formats() -> None:
    """The format is the one that was asked for."""
    made = routes()
    plain, openmetrics = ask(made, "/metrics"), ask(made, "/metrics", Accept="application/openmetrics-text")
    assert plain.content_type == TEXT
    assert b'smtpq_queue_messages{mta="postfix",mta_instance="postfix",queue="deferred"} 97\n' in plain.body
    assert openmetrics.content_type == OPENMETRICS
    assert openmetrics.body.endswith(b"# EOF\n")


def test_gzip() -> None:
    """Those who take gzip get it, and it unpacks to the plain body."""
    made = routes()
    packed = ask(made, "/metrics", Accept_Encoding="deflate, gzip")
    assert ("Content-Encoding", "gzip") in packed.headers
    assert gzip.decompress(packed.body) == ask(made, "/metrics").body
    assert ("Content-Encoding", "gzip") not in ask(made, "/metrics", Accept_Encoding="gzip;q=0").headers


def test_collect_filters() -> None:
    """?collect[]= shows the chosen parts; an unknown name is 400 and lists the valid ones."""
    made = routes(state(sample(), sample(mta="exim", instance="exim")))
    some = ask(made, "/metrics?collect[]=exim&collect[]=host").body
    assert b'mta="exim"' in some
    assert b"smtpq_host_load1" in some
    assert b'mta="postfix"' not in some
    bad = ask(made, "/metrics?collect[]=qmail")
    assert (bad.status, bad.body) == (400, b"Unknown collect[]; known are: exim, postfix, host, exporter.")


def test_the_same_state_is_rendered_once() -> None:
    """Two scrapes get the very same bytes object: nothing is made again."""
    made = routes()
    assert ask(made, "/metrics").body is ask(made, "/metrics").body
    assert ask(made, "/").body is ask(made, "/").body
    assert ask(made, "/metrics?collect[]=host").body is ask(made, "/metrics?collect[]=host").body


def test_renderings_kept_are_bounded() -> None:
    """A client that asks for ever new parts does not fill the memory."""
    exposed = Exposed(clock=lambda: NOW)
    exposed.publish(state())
    made = Routes(exposed)
    for seconds in range(500):
        assert ask(made, f"/api/v1/sample?min_age={seconds}").status == 200
    assert exposed.edition is not None
    assert len(exposed.edition._kept) <= 64


def test_the_sample_as_json() -> None:
    """The API answers with the State; ages are asked for in seconds."""
    body = json.loads(ask(routes(), "/api/v1/sample?min_age=600").body)
    assert body["time"] == NOW
    assert body["mtas"][0]["queue"]["queues"]["deferred"]["messages"] == 97
    for bad in ("abc", "-1", "nan", "inf", ""):
        assert ask(routes(), f"/api/v1/sample?min_age={bad}").status == 400


def test_health_and_readiness() -> None:
    """Healthy as long as it answers, ready when every source was tried."""
    empty = Routes(Exposed())
    assert ask(empty, "/-/healthy").status == 200
    assert ask(empty, "/-/ready").status == 503
    assert ask(empty, "/metrics").status == 503
    assert ask(empty, "/").status == 503
    assert ask(routes(ready=lambda: False), "/-/ready").status == 503
    assert ask(routes(ready=lambda: True), "/-/ready").status == 200


def test_reload() -> None:
    """POST reloads and tells why it could not; GET is not allowed to change anything."""
    assert ask(routes(reload=lambda: ""), "/-/reload", "POST").status == 200
    failed = ask(routes(reload=lambda: "smtpq.yml: nonsense"), "/-/reload", "POST")
    assert (failed.status, failed.body) == (500, b"Not reloaded: smtpq.yml: nonsense\n")
    refused = ask(routes(), "/-/reload")
    assert (refused.status, refused.headers) == (405, (("Allow", "POST, PUT"),))


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/nothing", "GET", 404),
        ("/metrics/", "GET", 404),
        ("/../etc/passwd", "GET", 404),
        ("/metrics", "POST", 405),
        ("/", "DELETE", 405),
        ("/metrics", "HEAD", 200),
        ("/", "HEAD", 200),
        ("/%6detrics", "GET", 200),
    ],
)
def test_other_addresses(target: str, method: str, status: int) -> None:
    """Unknown paths are 404, wrong methods 405."""
    assert ask(routes(), target, method).status == status


def test_another_telemetry_path() -> None:
    """The metrics stand where the operator wants them, and the page links there."""
    made = routes(telemetry_path="/mail")
    assert ask(made, "/mail").status == 200
    assert ask(made, "/metrics").status == 404
    assert b'href="/mail"' in ask(made, "/").body


def test_the_page_may_load_nothing() -> None:
    """The browser is told that the page runs no script and fetches nothing."""
    headers = dict(ask(routes(), "/").headers)
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_no_personal_data_in_any_answer() -> None:
    """Nothing that looks like an address is exposed by any answer."""
    given = state(sample())
    for target in ("/metrics", "/api/v1/sample", "/"):
        body = ask(routes(given), target).body
        assert b"@" not in body.replace(b"@media", b"")
