"""The report as people see it, and as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from smtpq_exporter.model import Histogram
from smtpq_exporter.reasons import ADVICE, Advice
from smtpq_exporter.report import report, text
from tests.report.logs import DAY, NAMES, read_log
from tests.report.logs import text as log_text

GOLDEN = DAY.with_name("day.report.txt")


def made(path: Path, name: str = "day.log", **more: object) -> report.Report:
    """The report on a file."""
    return report.make(read_log(path), "postfix", [name], [], now=1.8e9, **more)


def test_the_report_of_a_day_is_the_golden_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole text on a short day, with advice of the test's own; `make golden` writes it anew."""
    advice = {reason: Advice(f"{reason} means this.", "No.", "Do that.") for reason in ADVICE}
    monkeypatch.setattr(text, "ADVICE", advice)
    shown = text.render(made(DAY))
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(shown)
    assert shown == GOLDEN.read_text()


@pytest.mark.parametrize("name", NAMES)
def test_no_line_is_wider_than_a_hundred_columns(tmp_path: Path, name: str) -> None:
    """The text fits, with long names and great numbers too, and holds nothing that steers a terminal."""
    path = tmp_path / "mail.log"
    path.write_bytes(log_text(name).replace(b"bigmail.example", b"big\x1b[31m" + b"m" * 90 + b".example"))
    shown = text.render(made(path, "x" * 200))
    assert max(map(len, shown.splitlines())) <= text.WIDTH
    assert all(c.isprintable() or c == "\n" for c in shown)


def test_reasons_come_with_advice() -> None:
    """The first reasons of deferrals and bounces say what they mean, what heals, and what to do."""
    shown = " ".join(text.render(made(DAY)).split())
    for reason in ("greylisted", "invalid_recipient"):
        for words in ADVICE[reason]:
            assert " ".join(words.split()) in shown


def test_json_holds_the_whole_report() -> None:
    """JSON has the same numbers, reasons with cause and advice, and hours that add up."""
    told = json.loads(json.dumps(report.as_dict(made(DAY))))
    assert told["totals"]["received"] == 5
    assert told["totals"]["auth_failures"] == 1
    assert told["deferrals"][0]["reason"] == "greylisted"
    assert told["deferrals"][0]["cause"] == "greylisting"
    assert told["deferrals"][0]["action"]
    for column, total in (
        ("received", 5),
        ("delivered", 3),
        ("deferrals", 1),
        ("bounced", 1),
        ("rejected", 3),
    ):
        assert sum(hour[column] for hour in told["hours"]) == total
    far = next(row for row in told["destinations"] if row["domain"] == "far.example")
    assert (far["sent"], far["deferred"], far["bounced"], far["delay_max"], far["bytes"]) == (
        1,
        1,
        1,
        5400.0,
        1200,
    )
    assert told["rejected_clients"][0]["client"] == "unknown[192.0.2.66]"
    assert told["senders"][0] == {"sender": "<ann@a.example.org>", "messages": 1, "bytes": 1000}


def test_tables_have_as_many_rows_as_wanted() -> None:
    """--top bounds every table and says how many more there are."""
    short = made(DAY, top=1)
    assert len(short.destinations) == len(short.senders) == len(short.refusers) == 1
    assert short.destinations_more == 1
    assert "and 1 more" in text.render(short)


def test_an_empty_log_is_an_empty_report(tmp_path: Path) -> None:
    """Nothing read is a report of zeros, without tables."""
    path = tmp_path / "mail.log"
    path.write_bytes(b"")
    shown = text.render(made(path))
    assert "0 lines" in shown
    assert "Destinations" not in shown


def test_quantiles_are_edges() -> None:
    """The share lies within the edge; beyond the last edge it is infinite; of nothing there is none."""
    values = Histogram((1.0, 2.0), (1, 1, 2), 9.0)
    assert [report.quantile(values, share) for share in (0.25, 0.5, 0.95)] == [1.0, 2.0, float("inf")]
    assert report.quantile(Histogram((1.0,), (0, 0), 0.0), 0.5) is None


def test_many_days_are_added_up_by_the_hour_of_the_day(tmp_path: Path) -> None:
    """Beyond two days the table of hours has one row for each hour of the day."""
    path = tmp_path / "mail.log"
    line = b"2026-11-%02dT%02d:00:00Z m postfix/smtpd[1]: AAAAA1: client=a[192.0.2.1]\n"
    path.write_bytes(b"".join(line % (day, hour) for day in range(1, 6) for hour in range(24)))
    shown = text.render(made(path))
    rows = [row for row in shown.splitlines() if row.startswith("every day")]
    assert len(rows) == 24
    assert rows[7].split()[:4] == ["every", "day", "07h", "5"]
