"""The status page: complete without a script, an image or a second request.

Pure: reads the JSON of view.py, so that page and API never disagree; every text in it is escaped (html.py).
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any

from smtpq_exporter.checks.quantity import say_duration, say_size
from smtpq_exporter.web.card import card, clock, tiles
from smtpq_exporter.web.html import Markup, el, join
from smtpq_exporter.web.verdict import judge

#: The page asks for itself again after so many seconds.
REFRESH = 15
_ICON = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect y='3'"
    " width='16' height='10' rx='2' fill='%23e6522c'/%3E%3Cpath d='M1 4l7 5 7-5' stroke='white' fill='none'"
    " stroke-width='1.5'/%3E%3C/svg%3E"
)


def render(sample: dict[str, Any], telemetry_path: str = "/metrics", host: str = "") -> str:
    """The page for one answer of /api/v1/sample; `host` is the name of this machine."""
    mtas = sample["mtas"]
    worst = sum(judge(mta).level != "good" for mta in mtas)
    title = f"({worst}) " if worst else ""
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", http_equiv="refresh", content=str(REFRESH)),
        el("title", f"{title}Mail queues of {host}"),
        el("link", rel="icon", href=_ICON),
        Markup(f"<style>{_style()}</style>"),
    )
    body = el(
        "body",
        el(
            "header",
            el("h1", "Mail queues of ", el("span", host, class_="host")),
            el("p", "read ", el("time", clock(sample["time"])), f", again every {REFRESH} s", class_="quiet"),
            class_="top",
        ),
        el(
            "p",
            el("strong", "Demo."),
            " This is a simulated mail server with invented mail; nothing here is yours.",
            class_="demo",
        )
        if sample["demo"]
        else None,
        None
        if sample["config_reload_ok"]
        else el(
            "p",
            "The configuration was changed and cannot be used; the old one is kept. The log says why.",
            class_="verdict bad",
        ),
        el(
            "main",
            *(card(mta, sample["time"]) for mta in mtas),
            _nothing() if not mtas else None,
            _host(sample["host"]),
        ),
        _footer(sample, telemetry_path),
    )
    return f"<!DOCTYPE html>\n{el('html', head, body, lang='en')}\n"


def _nothing() -> Markup:
    return el(
        "section",
        el("h2", "No mail server was found on this host"),
        el(
            "p",
            "Name yours under ",
            el("code", "mtas:"),
            " in a file given by ",
            el("code", "--config.file"),
            ", or look at a simulated one: ",
            el("code", "smtpq-exporter --demo"),
        ),
        class_="card",
    )


def _host(host: dict[str, Any] | None) -> Markup | None:
    if host is None:
        return None
    facts = []
    if host["cpu_usage_ratio"] is not None:
        facts.append(("processors in use", f"{100 * host['cpu_usage_ratio']:.0f} %"))
    if host["load1"] is not None:
        facts.append(("load", f"{host['load1']:.2f}"))
    if host["memory_available_bytes"] is not None and host["memory_size_bytes"]:
        share = 100 * host["memory_available_bytes"] / host["memory_size_bytes"]
        facts.append(("memory available", f"{say_size(host['memory_available_bytes'])} ({share:.0f} %)"))
    facts += [
        (f"waiting for {each['resource']}", f"{100 * each['ratio']:.1f} %")
        for each in host["pressure"]
        if each["kind"] == "some"
    ]
    return el("section", el("header", el("h2", "This host")), tiles(facts), class_="card")


def _footer(sample: dict[str, Any], telemetry_path: str) -> Markup:
    links = [
        (telemetry_path, "metrics"),
        *(
            (f"{telemetry_path}?collect[]={mta}", f"only {mta}")
            for mta in sorted({each["mta"] for each in sample["mtas"]})
        ),
        ("/api/v1/sample", "JSON"),
        ("/-/healthy", "health"),
        ("/-/ready", "ready"),
    ]
    since = say_duration(max(0, int(sample["time"] - sample["started_at"])))
    return el(
        "footer",
        el("nav", *(join(el("a", text, href=href), " ") for href, text in links)),
        el("p", f"smtpq_exporter {sample['version']}, running for {since}", class_="quiet"),
    )


@cache
def _style() -> str:
    return resources.files("smtpq_exporter.web").joinpath("page.css").read_text("utf-8")
