"""One mail server on the status page: its verdict, queues, reasons, destinations, sources, log.

Pure: reads one entry of `mtas` of view.py's JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from smtpq_exporter.checks.quantity import say_duration, say_size
from smtpq_exporter.reasons import ADVICE
from smtpq_exporter.web import drawing
from smtpq_exporter.web.html import Markup, el, join, prose, table
from smtpq_exporter.web.verdict import judge, name, words

_MOST_ROWS = 10
_UNKNOWN = "\N{EN DASH}"


def card(mta: dict[str, Any], now: float) -> Markup:
    """The whole card."""
    verdict = judge(mta)
    title = name(mta) + ("" if mta["instance"] == mta["mta"] else f" {mta['instance']}")
    facts = ", ".join(
        fact
        for fact in (
            f"version {mta['version']}" if mta["version"] else "",
            {True: "runs", False: "does not run", None: ""}[mta["up"]],
        )
        if fact
    )
    queue = mta["queue"]
    return el(
        "section",
        el("header", el("h2", title), el("span", facts, class_="quiet") if facts else None),
        el("p", el("strong", verdict.sentence), class_=f"verdict {verdict.level}", role="status"),
        el("p", el("b", "What to do: "), prose(verdict.advice), class_="advice") if verdict.advice else None,
        _queues(queue) if queue else None,
        _history(mta["history"]),
        _reasons(queue["reasons"]) if queue and any(queue["reasons"].values()) else None,
        _destinations(queue["destinations"]) if queue and queue["destinations"] else None,
        _lately(mta["history"]),
        _log(mta["log"]) if mta["log"] else None,
        _machine(mta),
        _sources(mta["sources"], now),
        class_="card",
    )


def count(value: int | None) -> str:
    """A number with thin spaces between thousands; a dash if it is not known."""
    return _UNKNOWN if value is None else f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _age(seconds: float | None) -> str:
    return _UNKNOWN if seconds is None else say_duration(int(seconds))


def _quiet(text: str) -> str:
    """A zero or a dash must not draw the eye."""
    return el("span", text, class_="zero") if text in ("0", "0 B", _UNKNOWN) else text


def _queues(queue: dict[str, Any]) -> Markup:
    queues: dict[str, dict[str, Any]] = queue["queues"]
    longest = max((each["messages"] for each in queues.values()), default=0)
    rows = []
    for title, each in queues.items():
        picture = Markup("")
        if each["ages"] is not None and each["messages"]:
            picture = drawing.ages(drawing.bands(each["ages"]["bounds"], each["ages"]["counts"]), longest)
        rows.append(
            (
                title,
                _quiet(count(each["messages"])),
                picture,
                _quiet(_age(each["oldest_age_seconds"])),
                _quiet(count(each["recipients"])),
                _quiet(_UNKNOWN if each["bytes"] is None else say_size(each["bytes"])),
                _quiet(count(each["held"])),
                _quiet(count(each["retry_due"])),
            )
        )
    caption = "Queues" + (" (a limit was hit: all numbers are lower bounds)" if queue["truncated"] else "")
    head = ("queue", "messages", "by age", "oldest", "recipients", "size", "held", "due now")
    return join(
        table(caption, head, rows, numbers=(1, 3, 4, 5, 6, 7), class_="queues"),
        drawing.legend() if longest else None,
    )


def _reasons(reasons: dict[str, int]) -> Markup:
    ranked = sorted(((n, reason) for reason, n in reasons.items() if n), reverse=True)[:_MOST_ROWS]
    rows = []
    for number, reason in ranked:
        advice = ADVICE.get(reason)
        told = (
            join(prose(advice.meaning), " ", el("span", prose(advice.action), class_="todo"))
            if advice is not None
            else Markup("")
        )
        rows.append((words(reason), count(number), drawing.bar(number, ranked[0][0]), told))
    return table(
        "Why it waits",
        ("reason", "recipients", "", "what it means and what to do"),
        rows,
        numbers=(1,),
        class_="ranked reasons",
    )


def _destinations(destinations: list[list[Any]]) -> Markup:
    shown = destinations[:_MOST_ROWS]
    largest = max(number for _, number in shown)
    rows = [(str(domain), count(number), drawing.bar(number, largest)) for domain, number in shown]
    return table("Where it should go", ("domain", "messages", ""), rows, numbers=(1,), class_="ranked")


def _history(history: list[list[Any]]) -> Markup | None:
    points = [(float(row[0]), float(row[1])) for row in history if row[1] is not None]
    if len(points) < 2:
        return None
    top, first = max(value for _, value in points), points[0][1]
    span = say_duration(int(points[-1][0] - points[0][0]))
    change = f"from {first:.0f} to {points[-1][1]:.0f}, {top:.0f} at most"
    said = f"Messages in the queue over the last {span}: {change}"
    return el("figure", drawing.spark(drawing.thin(points), said), el("figcaption", said))


def _lately(history: list[list[Any]]) -> Markup | None:
    """What happened in the last hour: the counters of the log now, less those of then."""
    known = [row for row in history if None not in row[2:]]
    if len(known) < 2:
        return None
    last = known[-1]
    first = next(row for row in known if row[0] >= last[0] - 3600)
    if first is last:
        return None
    names = ("deferred attempts", "delivered", "bounced")
    facts = [(title, count(max(0, last[i] - first[i]))) for i, title in enumerate(names, 2)]
    return join(el("h3", f"The last {say_duration(int(last[0] - first[0]))}, from the log"), tiles(facts))


def _log(log: dict[str, Any]) -> Markup:
    deliveries = log["deliveries"]
    facts = (
        ("received", log["received"]),
        ("delivered", deliveries.get("sent")),
        ("deferred attempts", deliveries.get("deferred")),
        ("bounced", deliveries.get("bounced")),
        ("expired", deliveries.get("expired")),
        ("logins refused", log["auth_failures"]),
        ("log lines not understood", log["lines"].get("unparsed")),
    )
    return join(
        el("h3", "Since counting began, from the log"),
        tiles([(title, count(value)) for title, value in facts if value is not None]),
    )


def tiles(facts: list[tuple[str, str]]) -> Markup:
    """Numbers with their names under them."""
    return el("dl", *(el("div", el("dt", title), el("dd", value)) for title, value in facts), class_="tiles")


def _machine(mta: dict[str, Any]) -> Markup | None:
    disk, processes = mta["filesystem"], mta["processes"]
    facts = []
    if disk is not None and disk["size_bytes"]:
        free = 100 * disk["available_bytes"] / disk["size_bytes"]
        facts.append(("space left for the queue", f"{say_size(disk['available_bytes'])} ({free:.0f} %)"))
        if disk["files"]:
            facts.append(
                (
                    "inodes left there",
                    f"{count(disk['files_free'])} ({100 * disk['files_free'] / disk['files']:.0f} %)",
                )
            )
    if processes is not None:
        facts += [
            ("processes", count(processes["count"])),
            ("their memory", say_size(processes["memory_bytes"])),
        ]
    return join(el("h3", "Machine"), tiles(facts)) if facts else None


def _sources(sources: list[dict[str, Any]], now: float) -> Markup:
    rows = []
    for source in sources:
        fault = source["fault"]
        if fault is not None:
            state = el("span", "cannot be read", class_="mark bad")
            told = join(f"{fault['text']}. ", el("span", prose(fault["hint"]), class_="todo"))
        else:
            state = el(
                "span",
                "read" if source["last_attempt"] else "not yet read",
                class_="mark good" if source["last_attempt"] else "mark",
            )
            told = join(source["why"])
        last = source["last_success"]
        slowed = source["interval_seconds"] > source["configured_interval_seconds"]
        every = say_duration(source["interval_seconds"]) + (" (slowed down)" if slowed else "")
        took = source["duration_seconds"]
        rows.append(
            (
                source["source"],
                state,
                _UNKNOWN if last is None else f"{_age(max(0.0, now - last))} ago",
                _UNKNOWN if took is None else f"{1000 * took:.0f} ms",
                every,
                told,
            )
        )
    return table(
        "How this is known",
        ("source", "state", "last read", "took", "every", "why this way"),
        rows,
        numbers=(2, 3, 4),
        class_="sources",
    )


def clock(seconds: float) -> str:
    """A moment as people write it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
