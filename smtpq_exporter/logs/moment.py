"""The time in front of a log line as seconds since the epoch.

Pure: no clock. A stamp without a year is the last such moment that is not after a given `now`; one without a
zone means the zone of this host, as the syslog daemon wrote it. Truth: RFC 3164 section 4.1.2, RFC 3339, RFC
5424.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec"[3 * n : 3 * n + 3]: n + 1 for n in range(12)}
_CLOCK = r"(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?"
_ISO = re.compile(
    r"(?:[A-Z][a-z]{2} )?(\d{4})-(\d\d)-(\d\d)[T ]" + _CLOCK + r"(?: ?(Z|[+-]\d\d:?\d\d)| (UTC|GMT))?"
)
_CLASSIC = re.compile(
    r"(?:[A-Z][a-z]{2} |(\d{4}) )?([A-Z][a-z]{2}) {1,2}(\d{1,2}) (?:(\d{4}) )?" + _CLOCK + r"(?: (\d{4}))?"
)
_EPOCH = re.compile(r"\d{10}(?:\.\d{1,9})?")
#: A stamp may be a little ahead of us (clocks differ) before it is taken for one of the year before.
_AHEAD = 86400.0


def moment(stamp: bytes, now: float | None, zone: tzinfo | None = None) -> float | None:
    """Return the seconds since the epoch of `stamp`; None if it is not a time, or has no year and `now` is
    None.

    `zone` is where a stamp without an offset was written; None = the zone of this host.
    """
    text = stamp.decode("ascii", "replace")
    try:
        if found := _ISO.match(text):
            year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
            where = UTC if found[9] else _offset(found[8]) or zone
            return _seconds(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=where), found[7])
        if found := _CLASSIC.match(text):
            month, day, hour, minute, second = _MONTHS[found[2]], *(int(found[n]) for n in (3, 5, 6, 7))
            clock = (month, day, hour, minute, min(second, 59))
            year_text = found[1] or found[4] or found[9]
            if year_text:
                return _seconds(datetime(int(year_text), *clock, tzinfo=zone), found[8])
            return None if now is None else _latest(clock, found[8], now, zone)
        return float(text) if _EPOCH.fullmatch(text) else None
    except (
        ValueError,
        KeyError,
        OverflowError,
        OSError,
    ):  # a 31st of February, a month called Foo, the year 9999
        return None


def _latest(
    clock: tuple[int, int, int, int, int], fraction: str | None, now: float, zone: tzinfo | None
) -> float | None:
    """Return the last moment of this date and time that is not after `now`; 29 February is rare."""
    this_year = datetime.fromtimestamp(now, zone).year
    for year in range(this_year + 1, this_year - 5, -1):
        try:
            seconds = _seconds(datetime(year, *clock, tzinfo=zone), fraction)
        except ValueError:
            continue
        if seconds <= now + _AHEAD:
            return seconds
    return None


def _offset(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _seconds(when: datetime, fraction: str | None) -> float:
    return when.timestamp() + (float(f"0.{fraction}") if fraction else 0.0)
