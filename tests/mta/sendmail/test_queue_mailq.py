"""What mailq prints: marks, messages that are gone, what is cut, what is missing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from smtpq_exporter.errors import ParseError, SourceError
from smtpq_exporter.io.listing import ListingReader
from smtpq_exporter.io.readers import open_reader
from smtpq_exporter.model import Message
from smtpq_exporter.mta.base import Instance
from smtpq_exporter.mta.sendmail.queue_mailq import MailqParser
from tests.mta.spooled import Class

pytestmark = pytest.mark.usefixtures("utc")
NOW = 1795510000.0  # 2026-11-24 08:46:40 UTC
TITLE = "-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------\n"
LONG_TITLE = "-----Q-ID----- --Size-- -Priority- ---Q-Time--- --------Sender/Recipient--------\n"
ITEM = "6AO8DrHx00008{n}{mark}       2 Tue Nov 24 08:13 <a@b.example>\n\t\t\t\t\t <c@d.example>\n"


def section(count: int, *items: str, path: str = "/var/spool/mqueue", printed: str = "") -> str:
    """One queue directory."""
    return f"\t\t{path} ({count} request{'s' if count != 1 else ''}{printed})\n{TITLE}" + "".join(items)


def parse(text: str, now: float = NOW) -> tuple[list[Message], MailqParser]:
    """All messages of a listing, and its parser."""
    parser = MailqParser(Class(), now)
    return [*parser.feed(text.encode()), *parser.close()], parser


def item(n: int, mark: str = " ") -> str:
    """One message."""
    return ITEM.format(n=n, mark=mark)


def test_every_mark_is_a_message() -> None:
    """Being delivered, load too high, too young, lost, or nothing: all count."""
    found, _ = parse(
        section(5, *(item(n, mark) for n, mark in enumerate("*X-? "))) + "\t\tTotal requests: 5\n"
    )
    assert [message.queue_id for message in found] == [f"6AO8DrHx00008{n}" for n in range(5)]
    assert {message.arrival for message in found} == {1795507980}
    assert found[0].domains == ("d.example",)


def test_several_directories_are_one_queue() -> None:
    """Sections with and without messages are summed, and the last line must agree."""
    text = (
        section(1, item(1), path="/var/spool/mqueue/q1")
        + "/var/spool/mqueue/q2 is empty\n"
        + section(2, item(2), item(3), path="/var/spool/mqueue/q3/df")
    )
    assert len(parse(text + "\t\tTotal requests: 3\n")[0]) == 3
    for total in (2, 4):
        with pytest.raises(ParseError):
            parse(text + f"\t\tTotal requests: {total}\n")


def test_an_empty_queue_needs_its_last_line() -> None:
    """Empty is what ends in a total of 0; nothing at all, or no total, proves nothing."""
    assert parse("/var/spool/mqueue is empty\n\t\tTotal requests: 0\n")[0] == []
    for text in ("", "/var/spool/mqueue is empty\n", "Mail queue is empty\n", "alias database unavailable\n"):
        with pytest.raises(ParseError):
            parse(text)


def test_what_is_gone_is_skipped_and_said() -> None:
    """Completed, unreadable and unfinished messages are announced and shown without anything: they are no
    messages.
    """
    gone = "6AO8DrHx000081 (job completed)\n6AO8DrHx000082 (permission denied)\n"
    gone += "6AO8DrHx000083  (no control file)\n"
    found, parser = parse(section(4, item(4), gone) + "\t\tTotal requests: 4\n")
    assert len(found) == 1
    assert parser.skipped == {"vanished": 1, "unreadable": 1, "incomplete": 1}


def test_more_or_fewer_than_announced_is_an_error() -> None:
    """A directory that shows other than it announced is no listing."""
    for count in (1, 3):
        with pytest.raises(ParseError):
            parse(section(count, item(1), item(2)) + f"\t\tTotal requests: {count}\n")


def test_only_n_printed_is_truncated() -> None:
    """With MaxQueueRunSize a part is shown: its messages count, and it is said that there are more."""
    found, parser = parse(
        section(700, item(1), item(2), printed=", only 2 printed") + "\t\tTotal requests: 700\n"
    )
    assert len(found) == 2
    assert parser.truncated
    assert not parse(section(1, item(1)) + "\t\tTotal requests: 1\n")[1].truncated


def test_a_domain_that_may_be_cut_is_not_guessed() -> None:
    """What has no closing bracket, or is as long as the column, is "other"; the recipient counts all the
    same.
    """
    text = (
        "6AO8DrHx000081        2 Tue Nov 24 08:13 <bounce+125-35a305@news8.sender.example\n"
        "                 (Deferred: 421 4.7.0 [TSS04] Messages from 192.0.2.10 tempora)\n"
        "\t\t\t\t\t <a-very-long-local-part@cut.example.ex\n"
        "\t\t\t\t\t abcdefghijklmnopqrstuvwxyz@cut.example\n"
        "\t\t\t\t\t root\n\t\t\t\t\t <x@whole.example>\n"
    )
    (message,), _ = parse(section(1, text) + "\t\tTotal requests: 1\n")
    assert message.sender_domain == "other"
    assert message.domains == ("other", "other", "(none)", "whole.example")
    assert message.reasons == ("421",) * 4


def test_with_v_each_recipient_has_its_own_reason() -> None:
    """-v shows a status behind its recipient, priorities, a plus sign for warned senders, the controlling
    user.
    """
    text = (
        f"\t\t/var/spool/mqueue (1 request)\n{LONG_TITLE}"
        "6AO8DrHx000081*       2      30030+Nov 24 08:13 <>\n      8BITMIME   (Deferred: 450 one)\n"
        "\t\t\t\t\t\t(---bob:---)\n\t\t\t\t\t\t<c@d.example>\n\t\t (Deferred: 450 one)\n"
        "\t\t\t\t\t\t<e@f.example>\n\t\t (Deferred: 421 two)\n"
        "\t\t\t\t\t\t<g@h.example>\n\t\tTotal requests: 1\n"
    )
    (message,), _ = parse(text)
    assert message.sender_domain == ""
    assert message.domains == ("d.example", "f.example", "h.example")
    assert message.reasons == ("450", "421")


def test_quarantined_messages_are_held() -> None:
    """The listing of -qQ shows the reason of the quarantine; its messages are held."""
    text = (
        "6AO8DrHx000081        2 Tue Nov 24 08:13 <a@b.example>\n     QUARANTINE: test, reason (odd)\n"
        "\t\t\t\t\t <c@d.example>\n"
    )
    parser = MailqParser(Class(), NOW, "quarantined")
    (message,) = [*parser.feed((section(1, text) + "\t\tTotal requests: 1\n").encode()), *parser.close()]
    assert (message.queue, message.held) == ("quarantined", True)


def test_the_year_is_the_last_that_is_not_in_the_future() -> None:
    """A date of a later day is one of last year."""
    text = section(1, item(1).replace("Tue Nov 24", "Wed Dec 31")) + "\t\tTotal requests: 1\n"
    (message,), _ = parse(text)
    assert time.gmtime(message.arrival)[:5] == (2025, 12, 31, 8, 13)


FAKE = """#!/bin/sh
case "$*" in
  "-bp -v") cat {here}/main ;;
  "-bp -v -qQ") cat {here}/held ;;
  "-bp -v -Ac") cat {here}/client ;;
  "-bp -v -qL"|*-Ac*) printf '/x is empty\\n\\t\\tTotal requests: 0\\n' ;;
esac
exit $(cat {here}/code)
"""


class Fake:
    """A stand-in for Sendmail that prints what a test wrote."""

    def __init__(self, here: Path) -> None:
        self.here = here
        (here / "sendmail").write_text(FAKE.format(here=here))
        (here / "sendmail").chmod(0o755)
        self.say(section(1, item(1)) + "\t\tTotal requests: 1\n")

    def say(self, main: str, *, held: str = "", client: str = "", code: int = 0) -> None:
        """What its listings are."""
        empty = "/x is empty\n\t\tTotal requests: 0\n"
        for name, text in (
            ("main", main),
            ("held", held or empty),
            ("client", client or empty),
            ("code", str(code)),
        ):
            (self.here / name).write_text(text)

    def reader(self, *, submission: bool = True) -> ListingReader:
        """A reader that asks it."""
        options = (
            ("sendmail_path", str(self.here / "sendmail")),
            *((("submission", "yes"),) if submission else ()),
        )
        reader = open_reader(Instance("sendmail", "x", source="mailq", options=options), classifier=Class())
        assert isinstance(reader, ListingReader)
        return reader


@pytest.fixture
def fake(tmp_path: Path) -> Fake:
    """A stand-in with one message."""
    return Fake(tmp_path)


def test_one_snapshot_from_all_listings(fake: Fake) -> None:
    """Server, quarantine and submission queue make one snapshot; a message shown twice counts once, as shown
    last.
    """
    fake.say(
        section(2, item(1), item(2)) + "\t\tTotal requests: 2\n",
        held=section(1, item(2)) + "\t\tTotal requests: 1\n",
        client=section(1, item(3), path="/var/spool/clientmqueue") + "\t\tTotal requests: 1\n",
    )
    found = fake.reader().read(NOW, time.monotonic() + 30)
    assert {name: stats.messages for name, stats in found.queues.items()} == {
        "mqueue": 1,
        "clientmqueue": 1,
        "quarantined": 1,
        "lost": 0,
    }
    assert found.queues["quarantined"].held == 1
    assert dict(found.skipped) == {"duplicate": 1}
    assert tuple(fake.reader(submission=False).read(NOW, time.monotonic() + 30).queues) == (
        "mqueue",
        "quarantined",
        "lost",
    )


def test_a_truncated_listing_says_so_in_the_snapshot(fake: Fake) -> None:
    """What MaxQueueRunSize leaves out is told by the snapshot, not hidden in its numbers."""
    assert not fake.reader().read(NOW, time.monotonic() + 30).truncated
    fake.say(section(700, item(1), printed=", only 1 printed") + "\t\tTotal requests: 700\n")
    assert fake.reader().read(NOW, time.monotonic() + 30).truncated


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("510 You are not permitted to see the queue\n", 77),
        ("can not chdir(/var/spool/mqueue/): Permission denied\n", 78),
    ],
)
def test_not_permitted_is_a_missing_permission(fake: Fake, said: str, code: int) -> None:
    """Restrictmailq and a closed directory are faults of kind permission, never an empty queue."""
    fake.say(said, code=code)
    with pytest.raises(SourceError) as caught:
        fake.reader().read(NOW, time.monotonic() + 30)
    assert caught.value.kind == "permission"
    fake.say(said)
    with pytest.raises(ParseError):
        fake.reader().read(NOW, time.monotonic() + 30)
    fake.say("\t\tTotal requests: 0\n" * 2, code=0)
    with pytest.raises(ParseError):
        fake.reader().read(NOW, time.monotonic() + 30)


def test_a_file_that_is_not_sendmails_does_not_stop_a_listing() -> None:
    """What Sendmail says about a name that is too long is counted as a foreign name."""
    odd = "gatherq: qf6AO8lAtZ000086000000 too long, 21 max characters\n"
    found, parser = parse(odd + section(1, item(1)) + odd + "/q2 is empty\n\t\tTotal requests: 1\n")
    assert len(found) == 1
    assert parser.skipped == {"foreign_name": 2}
