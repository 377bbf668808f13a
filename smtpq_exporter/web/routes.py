"""Which address answers what. No socket here: Request in, Response out.

A GET does no work for a mail server: it hands out what the sampler has read (law 3).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import NoReturn

from smtpq_exporter import view
from smtpq_exporter.metrics import exposition
from smtpq_exporter.metrics.exposition import Rendered
from smtpq_exporter.metrics.families import collectors
from smtpq_exporter.web import page
from smtpq_exporter.web.exposed import Edition, Exposed, rendered
from smtpq_exporter.web.request import HttpError, Request
from smtpq_exporter.web.response import Response, text

_READ = ("GET", "HEAD")
_CACHE = ("Cache-Control", "no-store")
#: The page runs no script and loads nothing: it says so to the browser.
_PAGE_POLICY = (
    "Content-Security-Policy",
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'",
)


class Routes:
    """All addresses. `ready` says whether every source was tried; `reload` returns "" or why it failed."""

    def __init__(
        self,
        exposed: Exposed,
        *,
        telemetry_path: str = "/metrics",
        ready: Callable[[], bool] = lambda: True,
        reload: Callable[[], str] = lambda: "",
        host: str = "this host",
    ) -> None:
        self._exposed, self._ready, self._reload = exposed, ready, reload
        self._telemetry_path, self._host = telemetry_path, host
        self._table: dict[str, tuple[tuple[str, ...], Callable[[Request], Response]]] = {
            telemetry_path: (_READ, self._metrics),
            "/": (_READ, self._page),
            "/-/healthy": (_READ, lambda _request: text(200, "smtpq_exporter is healthy.")),
            "/-/ready": (_READ, self._is_ready),
            "/-/reload": (("POST", "PUT"), self._do_reload),
            "/api/v1/sample": (_READ, self._sample),
        }

    def answer(self, request: Request) -> Response:
        """Answer; raises HttpError."""
        route = self._table.get(request.path)
        if route is None:
            raise HttpError(404, f"There is nothing here. Try / or {self._telemetry_path}.")
        methods, handler = route
        if request.method not in methods:
            raise HttpError(405, f"Use {methods[0]}.", (("Allow", ", ".join(methods)),))
        return handler(request)

    def _edition(self) -> Edition:
        edition = self._exposed.edition
        if edition is None:
            raise HttpError(503, "Nothing was read yet; try again in a moment.", (("Retry-After", "1"),))
        return edition

    def _metrics(self, request: Request) -> Response:
        edition = self._edition()
        content_type = exposition.negotiate(request.headers.get("accept", ""))
        wanted = request.query.get("collect[]")
        if wanted is None:
            return _send(request, edition.metrics(content_type), content_type)
        valid = collectors(edition.state)
        for name in wanted:
            if name not in valid:
                raise HttpError(400, f"Unknown collect[]; known are: {', '.join(valid)}.")
        return _send(request, edition.metrics(content_type, frozenset(wanted)), content_type)

    def _page(self, request: Request) -> Response:
        edition = self._edition()

        def make() -> Rendered:
            sample = view.as_json(edition.state, edition.now)
            shown = page.render(sample, self._telemetry_path, self._host)
            return rendered(shown.encode("utf-8", "backslashreplace"))

        made = edition.once("page", make)
        return _send(request, made, "text/html; charset=utf-8", _PAGE_POLICY)

    def _sample(self, request: Request) -> Response:
        edition = self._edition()
        min_age, window = (_seconds(request.query.get(name)) for name in ("min_age", "window"))
        made = edition.once(
            ("sample", min_age, window),
            lambda: rendered(
                json.dumps(
                    view.as_json(edition.state, edition.now, min_age, window),
                    separators=(",", ":"),
                    allow_nan=False,
                ).encode()
            ),
        )
        return _send(request, made, "application/json")

    def _is_ready(self, _request: Request) -> Response:
        if self._exposed.edition is None or not self._ready():
            raise HttpError(503, "Not ready: not every source has been read once.", (("Retry-After", "1"),))
        return text(200, "smtpq_exporter is ready.")

    def _do_reload(self, _request: Request) -> Response:
        problem = self._reload()
        return text(200, "Configuration reloaded.") if not problem else text(500, f"Not reloaded: {problem}")


def _send(request: Request, made: Rendered, content_type: str, *headers: tuple[str, str]) -> Response:
    headers = (_CACHE, ("Vary", "Accept, Accept-Encoding"), *headers)
    if _takes_gzip(request.headers.get("accept-encoding", "")):
        return Response(200, made.gzipped, content_type, (*headers, ("Content-Encoding", "gzip")))
    return Response(200, made.plain, content_type, headers)


def _takes_gzip(accept: str) -> bool:
    for part in accept.lower().split(","):
        coding, _, quality = part.replace(" ", "").partition(";q=")
        if coding in ("gzip", "*"):
            return quality not in ("0", "0.0", "0.00", "0.000")
    return False


def _seconds(values: list[str] | None) -> float | None:
    if values is None:
        return None
    try:
        seconds = float(values[-1])
    except ValueError:
        _bad_age()
    if not math.isfinite(seconds) or seconds < 0:
        _bad_age()
    return seconds


def _bad_age() -> NoReturn:
    raise HttpError(400, "min_age and window are numbers of seconds.")
