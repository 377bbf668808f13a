"""The listing of smtpctl show queue, beyond what the laws try on the golden ones."""

from __future__ import annotations

from smtpq_exporter.model import Message
from smtpq_exporter.mta.opensmtpd.queue_listing import ShowQueueParser, doubt, unvis
from smtpq_exporter.mta.opensmtpd.stats import read_stats
from tests.mta.spooled import Class

NOW = 1795510000.0
STATS = b"scheduler.envelope=%d\nscheduler.delivery.ok=7\nuptime=%d\nuptime.human=1d\n"


def line(
    evpid: str = "00000001aaaaaaaa",
    agent: str = "mta",
    flags: str = "",
    sender: str = "a@s.example",
    rcpt: str = "b@r.example",
    state: str = "pending|60",
    error: str = "",
    created: int = 1795500000,
) -> bytes:
    """One line as smtpctl writes it."""
    times = f"{created}|{created}|0|1"
    return f"{evpid}|inet4|{agent}|{flags}|{sender}|{rcpt}|{rcpt}|{times}|{state}|{error}\n".encode()


def parse(*lines: bytes) -> list[Message]:
    """All messages of a listing."""
    parser = ShowQueueParser(Class(), NOW)
    return [*parser.feed(b"".join(lines)), *parser.close()]


def test_bars_in_addresses_and_errors_change_nothing() -> None:
    """A local part that imitates the rest of a line, and bars in the error, are only what they are."""
    fake = "x|1|2|3|4|pending|5|y@r.example"
    (one,) = parse(line(sender="a|mta|b@s.example", rcpt=fake, error="450 no | 1|2|3|4|offline||250 ok"))
    assert (one.sender_domain, one.domains, one.reasons, one.next_retry) == (
        "s.example",
        ("r.example",),
        ("450",),
        int(NOW) + 60,
    )
    assert one.arrival == 1795500000


def test_states_tell_when_the_next_try_is() -> None:
    """Only pending envelopes have one; negative seconds mean now; offline has none."""
    retries = [
        parse(line(state=state))[0].next_retry
        for state in ("pending|375", "pending|-25", "pending|0", "inflight|5", "offline|", "invalid|")
    ]
    assert retries == [int(NOW) + 375, int(NOW) - 25, int(NOW), None, None, None]


def test_envelopes_of_a_message_are_one_message_wherever_they_stand() -> None:
    """Recipients are added up, the first queue of mta, mda, bounce counts, the oldest arrival, the next
    retry.
    """
    found = parse(
        line("00000001aaaaaaaa", "bounce", created=1795500007, state="pending|99"),
        line("00000002aaaaaaaa"),
        line("00000001bbbbbbbb", "mda", rcpt="c@box.example", error="exited abnormally", state="pending|50"),
        line("00000001cccccccc", "mta", state="inflight|1"),
    )
    assert [(m.queue_id, m.queue, len(m.domains), m.arrival, m.next_retry) for m in found] == [
        ("00000001", "mta", 3, 1795500000, int(NOW) + 50),
        ("00000002", "mta", 1, 1795500000, int(NOW) + 60),
    ]
    assert found[0].reasons == ("exited",)


def test_held_is_a_message_of_which_nothing_is_tried() -> None:
    """Flags among others; hold ends by itself; one envelope without suspend, and the message still moves."""
    flags = ("", "auth", "suspend", "bounce,internal,suspend", "hold", "auth,hold")
    assert [parse(line(flags=each))[0].held for each in flags] == [False, False, True, True, False, False]
    part = line("00000001aaaaaaaa", flags="suspend"), line("00000001bbbbbbbb")
    assert [message.held for message in parse(*part)] == [False]


def test_vis_is_undone() -> None:
    r"""vis(3) as OpenBSD and libbsd write it: ``\\``, control characters, bytes above 127, octal digits."""
    assert unvis(rb"a\\b \^J \M-C\M-$ \M^@ \^? \240 \q") == b"a\\b \n \xc3\xa4 \x80 \x7f \xa0 \\q"
    (one,) = parse(line(error=r"\M-C\M-$ 450"))
    assert one.reasons == ("ä",)


def test_odd_addresses_are_still_counted() -> None:
    """Without an @, with several of them: counted with a domain that is bounded."""
    found = parse(
        b"00000001aaaaaaaa|?|?||@|root|root|1795500000|0|0|0|invalid||\n",
        line("00000002aaaaaaaa", rcpt="a@b@c.example"),
    )
    assert [(m.queue, m.domains, m.sender_domain) for m in found] == [
        ("mta", ("(none)",), ""),
        ("mta", ("c.example",), "s.example"),
    ]


def test_a_listing_is_doubted_where_it_cannot_be_whole() -> None:
    """Nothing although there is something, far too little, just started, no stats at all; offline needs no
    proof.
    """

    def asked(listing: bytes, stats: bytes) -> str:
        parser = ShowQueueParser(Class(), NOW)
        parser.feed(listing)
        parser.close()
        return doubt(parser, stats)

    assert asked(b"", STATS % (0, 86400)) == ""
    assert asked(b"", b"uptime=86400\n") == ""  # nothing was ever queued
    assert "the scheduler knows 3" in asked(b"", STATS % (3, 86400))
    assert "the scheduler knows 500" in asked(line(), STATS % (500, 86400))
    assert "may still be reading" in asked(line(), STATS % (1, 9))
    assert "may still be reading" in asked(b"", STATS % (0, 2))
    under_way = b"scheduler.envelope.incoming=1\n"
    assert "may still be reading" in asked(line(), under_way + STATS % (1, 59))
    assert asked(line(), under_way + STATS % (1, 61)) == ""
    assert "does not say" in asked(b"", b"")
    assert asked(line(), STATS % (2, 60)) == ""
    assert asked(line(state="offline|"), b"") == ""
    assert read_stats(STATS % (3, 4))["scheduler.delivery.ok"] == 7
