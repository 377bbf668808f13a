"""The status page: what it says, that it needs nothing else, and that nothing breaks out of it."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import pytest

from smtpq_exporter import view
from smtpq_exporter.model import Fault, Moment, QueueSnapshot, QueueStats, Sample
from smtpq_exporter.web import page
from smtpq_exporter.web.drawing import bands, spark, thin
from smtpq_exporter.web.html import Markup, el, join, prose
from smtpq_exporter.web.verdict import judge
from tests.states import NOW, sample, snapshot, source, state, stats

VOID = {"meta", "link", "br", "rect", "path"}


class Reader(HTMLParser):
    """Reads a page as a browser does: its text, its links, and whether its elements are closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it, and that it is open."""
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It must be the last that was opened."""
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        self.text.append(data)


def read(given: Any = None, **more: Any) -> tuple[str, Reader]:
    """The page of a State, as bytes would carry it, and read."""
    shown = page.render(view.as_json(given or state(**more), NOW), host="mail.example")
    reader = Reader()
    reader.feed(shown)
    reader.close()
    assert reader.open == []
    return " ".join("".join(reader.text).split()), reader


def mta(**more: Any) -> dict[str, Any]:
    """One entry of `mtas`."""
    return dict(view.as_json(state(sample(**more)), NOW)["mtas"][0])


def test_it_says_the_main_thing_first() -> None:
    """Whether mail is late, since when, why, and what to do, in one sentence."""
    text, _ = read()
    assert (
        "Mail is late: 97 messages wait longer than 1h, oldest 1d 17h; main reason: greylisted (60 %)."
        in text
    )
    assert "3 messages are held and wait for a person." in text
    assert "What to do:" in text
    assert "Mail queues of mail.example" in text


@pytest.mark.parametrize(
    ("more", "level", "begins"),
    [
        ({"queue": snapshot()}, "good", "No mail waits."),
        (
            {"queue": snapshot(active=stats(1, 5.0))},
            "good",
            "Mail flows: 1 message on its way, the oldest for 5s.",
        ),
        (
            {"queue": snapshot(deferred=stats(12, 1500.0))},
            "good",
            "Mail flows: 12 messages on their way, the oldest for 25m.",
        ),
        (
            {"queue": snapshot(hold=stats(1, 9e5, held=1))},
            "late",
            "1 message is held and waits for a person. No other mail waits.",
        ),
        (
            {"queue": snapshot(deferred=stats(1, 7300.0))},
            "late",
            "Mail is late: 1 message waits longer than 1h, oldest 2h 1m",
        ),
        ({"up": False}, "bad", "Postfix does not run; 100 messages wait."),
        ({"queue": None}, "blind", "The queue has not been read yet."),
        (
            {
                "queue": None,
                "sources": (source(fault=Fault("permission", "no way in", "join the group postdrop")),),
            },
            "blind",
            "The queue cannot be read: no way in.",
        ),
        (
            {
                "queue": QueueSnapshot(
                    NOW,
                    "listing",
                    {"default": QueueStats(messages=5, recipients=None, bytes=None)},
                    truncated=True,
                )
            },
            "good",
            "Mail flows: at least 5 messages on their way.",
        ),
        (
            {"mta": "opensmtpd", "up": False, "queue": snapshot()},
            "bad",
            "OpenSMTPD does not run; 0 messages wait.",
        ),
    ],
)
def test_verdicts(more: dict[str, Any], level: str, begins: str) -> None:
    """Each situation has its sentence and its colour."""
    verdict = judge(mta(**more))
    assert (verdict.level, verdict.sentence[: len(begins)]) == (level, begins)


def test_a_fault_is_shown_with_its_hint() -> None:
    """Who cannot see the queue reads what to do about it."""
    fault = Fault("permission", "no way in", "join the group `postdrop`")
    text, _ = read(state(sample(queue=None, sources=(source(fault=fault),))))
    assert "cannot be read" in text
    assert "no way in. join the group postdrop" in text


def test_everything_is_escaped() -> None:
    """Names, domains and texts from outside cannot become markup."""
    evil = "<script>alert('1')</script>\"&"
    shown = snapshot(deferred=stats(9, 9999.0))
    nasty = QueueSnapshot(
        NOW, evil, {evil: shown.queues["deferred"]}, destinations=((evil, 9),), reasons={evil: 5}
    )
    given = state(
        sample(
            instance=evil,
            version=evil,
            queue=nasty,
            sources=(source(evil, Fault("parse", evil, evil)), source(why=evil)),
        )
    )
    text, reader = read(given)
    assert evil in text
    assert not [tag for tag, _ in reader.elements if tag == "script"]
    assert "<script" not in page.render(view.as_json(given, NOW), host=evil)


def test_it_needs_nothing_from_elsewhere() -> None:
    """No script, no image, no style sheet or font is fetched: it works on an island."""
    _, reader = read()
    for tag, attributes in reader.elements:
        assert tag not in ("script", "img", "iframe", "object", "embed")
        assert not (attributes.get("src") or "").strip()
        assert tag != "link" or (attributes["href"] or "").startswith("data:")
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "a":
            assert (attributes["href"] or "").startswith("/")


def test_it_can_be_read_aloud() -> None:
    """Language, title, captions, row and column headings, and words for every picture that says something."""
    _, reader = read()
    tags = [tag for tag, _ in reader.elements]
    assert ("html", {"lang": "en"}) in reader.elements
    assert tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table")
    for tag, attributes in reader.elements:
        if tag == "th":
            assert attributes.get("scope") in ("row", "col")
        if tag == "svg":
            assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")


def test_demo_is_said_plainly() -> None:
    """Nobody takes invented mail for real, and a real server is not called a demo."""
    assert "This is a simulated mail server" in read(demo=True)[0]
    assert "simulated" not in read()[0]


def test_a_bad_reload_is_shown() -> None:
    """The operator sees that the old configuration is in use."""
    assert "the old one is kept" in read(config_reload_ok=False)[0]


def test_a_host_without_mail_servers() -> None:
    """The page says what to do instead of being empty."""
    given = state()
    empty = type(given)(taken_at=NOW)
    text, _ = read(empty)
    assert "No mail server was found on this host" in text
    assert "smtpq-exporter --demo" in text


def test_unknown_numbers_are_dashes() -> None:
    """What a source cannot tell is not shown as 0."""
    blind = QueueStats(messages=4, recipients=None, bytes=None, held=None, retry_due=None)
    given = state(Sample("exim", "exim", queue=QueueSnapshot(NOW, "listing", {"default": blind})))
    text, _ = read(given)
    assert "default 4 \N{EN DASH}" in text.replace("  ", " ") or "default4\N{EN DASH}" in text.replace(
        " ", ""
    )


def test_the_last_hour_is_a_difference() -> None:
    """Counters are shown as what happened lately; counters that began anew show nothing negative."""
    assert "The last 9m, from the logdeferred attempts90delivered900bounced9" in read()[0]
    anew = (Moment(NOW - 60, 1, 500, 500, 500), Moment(NOW, 1, 3, 3, 3))
    text, _ = read(state(sample(history=anew)))
    assert "The last 1m, from the logdeferred attempts0delivered0bounced0" in text
    assert "from the logdeferred" not in read(state(sample(history=anew[:1])))[0]


def test_age_bands_keep_all_messages() -> None:
    """No message is lost between the distribution and its picture."""
    ages = stats(5, 100.0).ages
    assert ages is not None
    assert bands(ages.bounds, ages.counts) == [5, 0, 0, 0, 0, 0]
    assert bands(ages.bounds, range(len(ages.counts))) == [
        1,
        2 + 3 + 4 + 5,
        6 + 7,
        8 + 9 + 10,
        11,
        12 + 13 + 14,
    ]


def test_thinning_keeps_the_peak() -> None:
    """A long history is drawn with few points and its highest one."""
    points = [(float(i), 1000.0 if i == 777 else 1.0) for i in range(1440)]
    assert len(thin(points)) <= 300
    assert max(value for _, value in thin(points)) == 1000.0
    assert "aria-label" in spark(thin(points), "words")


def test_html_by_construction() -> None:
    """Text is escaped in content and attributes; markup is not escaped twice."""
    assert el("p", "a<b", el("b", "&"), title='"') == '<p title="&quot;">a&lt;b<b>&amp;</b></p>'
    assert el("meta", http_equiv="x", content="y") == '<meta http-equiv="x" content="y">'
    assert join("<", Markup("<i>"), None) == "&lt;<i>"
    assert prose("run `a<b` now") == "run <code>a&lt;b</code> now"
    assert prose("one ` only") == "one ` only"
