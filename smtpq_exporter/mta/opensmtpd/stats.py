"""What ``smtpctl show stats`` prints, and what it says about a listing.

Pure. Source of truth: smtpctl(8), usr.sbin/smtpd/smtpctl.c (do_show_stats), queue.c (queue_timeout).
`key=value` lines; scheduler.envelope is the number of envelopes that the scheduler knows, uptime in seconds.
After a start smtpd reads its queue from disk, one envelope after the other, and the scheduler knows only
those that it has come to.
"""

from __future__ import annotations

#: After a start a listing is believed when SETTLING seconds are over and SLOWEST envelopes a second could
#: have been read (245 were measured on a busy machine); while an envelope is under way to the scheduler, as
#: one always is while the queue is read, later still: the second pair is for slow disks.
SETTLING, SLOWEST = 10, 100
PATIENCE, SLOWER = 60, 10
#: A listing and the count of the scheduler are taken one after the other, while mail comes and goes.
_DRIFT = 100


def read_stats(text: bytes) -> dict[str, int]:
    """Counters by key; lines that are none are passed over."""
    found: dict[str, int] = {}
    for line in text.split(b"\n"):
        key, _, value = line.partition(b"=")
        if value.isdigit() and len(value) < 20:
            found[key.decode("ascii", "replace")] = int(value)
    return found


def doubt(envelopes: int, stats: bytes) -> str:
    """Why a listing with so many envelopes cannot be the whole queue of a running smtpd; "" if it can."""
    said = read_stats(stats)
    uptime, known = (
        said.get("uptime"),
        said.get("scheduler.envelope", 0),
    )  # not there before the first one came
    if uptime is None:
        return "smtpctl show stats does not say how much there should be"
    if (known and not envelopes) or known > 2 * envelopes + _DRIFT:
        return f"it shows {envelopes} envelopes, and the scheduler knows {known}"
    count, under_way = max(known, envelopes), said.get("scheduler.envelope.incoming", 0)
    if uptime < SETTLING + count / SLOWEST or (under_way and uptime < PATIENCE + count / SLOWER):
        return f"smtpd runs for {uptime} s only and may still be reading its queue"
    return ""
