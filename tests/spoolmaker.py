"""A small Postfix spool and log with something of everything, as old as it says when it is read now.

Written by the same code as benchmarks and demonstration (mta/postfix/write.py), in times relative to the
present: that is why expected outputs that are made of it stay true.
"""

from __future__ import annotations

import fcntl
import os
import time
from datetime import UTC, datetime
from pathlib import Path

from smtpq_exporter.mta.postfix.queue_id import hash_path, long_id
from smtpq_exporter.mta.postfix.write import Deferral, defer_log, maildrop_file, queue_file

QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer", "pid", "public")
GREYLISTED = b"host mx.slow.example[198.51.100.7] said: 450 4.7.1 Greylisted (in reply to RCPT TO command)"
TIMEOUT = b"connect to mx.dead.example[198.51.100.9]:25: Connection timed out"
FULL = b"host mx.full.example[198.51.100.8] said: 452 4.2.2 Mailbox full (in reply to RCPT TO command)"
#: (queue, age in seconds, sender, recipients, size, reason, seconds until the next retry)
MAIL = (
    ("active", 2, b"ada@shop.example", (b"bob@quick.example",), 1500, b"", 0),
    ("incoming", 1, b"ada@shop.example", (b"eve@quick.example",), 3000, b"", 0),
    (
        "deferred",
        400,
        b"news@letter.example",
        (b"one@slow.example", b"two@slow.example"),
        20_000,
        GREYLISTED,
        300,
    ),
    ("deferred", 800, b"news@letter.example", (b"three@slow.example",), 900, GREYLISTED, -60),
    ("deferred", 5000, b"", (b"sender@dead.example",), 2500, TIMEOUT, 900),
    ("deferred", 50_000, b"ada@shop.example", (b"dan@dead.example",), 80_000, TIMEOUT, -5),
    (
        "deferred",
        200_000,
        b"ada@shop.example",
        (b"fin@full.example", b"gus@dead.example"),
        2_000_000,
        FULL,
        600,
    ),
    ("hold", 300_000, b"odd@strange.example", (b"bob@quick.example",), 700, b"", 0),
    ("corrupt", 90_000, b"odd@strange.example", (b"bob@quick.example",), 700, b"", 0),
)
LOG = (
    # one message that is delivered
    "smtpd[1]: connect from client.example[192.0.2.10]",
    "smtpd[1]: {good}: client=client.example[192.0.2.10]",
    "cleanup[2]: {good}: message-id=<1@shop.example>",
    "qmgr[3]: {good}: from=<ada@shop.example>, size=1500, nrcpt=1 (queue active)",
    (
        "smtp[4]: {good}: to=<bob@quick.example>, relay=mx.quick.example[198.51.100.6]:25, delay=1.5,"
        " delays=0.1/0.2/0.5/0.7, dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4ABC)"
    ),
    "qmgr[3]: {good}: removed",
    # one to two recipients, of which one waits and one is returned, and which is too old in the end
    "pickup[5]: {bad}: uid=0 from=<ada@shop.example>",
    "cleanup[2]: {bad}: message-id=<2@shop.example>",
    "qmgr[3]: {bad}: from=<ada@shop.example>, size=1500, nrcpt=2 (queue active)",
    (
        "smtp[4]: {bad}: to=<one@slow.example>, relay=mx.slow.example[198.51.100.7]:25, delay=400,"
        " delays=0.1/399/0.5/0.4, dsn=4.7.1, status=deferred (host mx.slow.example[198.51.100.7] said:"
        " 450 4.7.1 Greylisted, try again (in reply to RCPT TO command))"
    ),
    (
        "smtp[4]: {bad}: to=<no@full.example>, relay=mx.full.example[198.51.100.8]:25, delay=3,"
        " delays=0.1/0.9/1/1, dsn=5.1.1, status=bounced (host mx.full.example[198.51.100.8] said:"
        " 550 5.1.1 User unknown (in reply to RCPT TO command))"
    ),
    "qmgr[3]: {bad}: from=<ada@shop.example>, status=expired, returned to sender",
    "qmgr[3]: {bad}: removed",
    # a guest who guesses passwords, and one who is not let in
    (
        "smtpd[1]: warning: bad.example[192.0.2.66]: SASL LOGIN authentication failed: authentication"
        " failure, sasl_username=ada"
    ),
    (
        "smtpd[1]: NOQUEUE: reject: RCPT from bad.example[192.0.2.99]: 554 5.7.1 Service unavailable; Client"
        " host [192.0.2.99] blocked using bl.example.net; from=<a@bad.example> to=<ada@shop.example>"
        " proto=ESMTP helo=<bad>"
    ),
)


def make(base: Path, *, running: bool = True) -> Path:
    """Write spool and log under `base`; returns the queue directory. The lock lives as this process does."""
    now = time.time()
    spool = base / "spool"
    for name in QUEUES:
        (spool / name).mkdir(parents=True, mode=0o700)
    for number, (queue, age, sender, recipients, size, reason, retry) in enumerate(MAIL):
        arrival = now - age
        queue_id = long_id(int(arrival), number, 1000 + number)
        made = queue_file(arrival, sender, recipients, size, queue_id=queue_id)
        path = _path(spool, queue, queue_id)
        path.write_bytes(made.data)
        path.chmod(0o400 if queue == "corrupt" else 0o700)
        os.utime(path, (now + retry, now + retry))
        if reason:
            log = _path(spool, "defer", queue_id)
            log.write_bytes(
                defer_log(
                    [
                        Deferral(one, offset, b"4.7.1", reason)
                        for one, offset in zip(recipients, made.offsets, strict=True)
                    ]
                )
            )
            log.chmod(0o600)
    _drop(spool, now)
    _write_log(base / "mail.log", now)
    if running:
        lock = os.open(spool / "pid" / "master.pid", os.O_RDWR | os.O_CREAT, 0o600)
        os.set_inheritable(lock, True)  # held as long as this process or a child lives
        fcntl.flock(lock, fcntl.LOCK_EX)
    return spool


def _drop(spool: Path, now: float) -> None:
    path = spool / "maildrop" / long_id(int(now) - 30, 5, 999).decode()
    came = int(now) - 29.5  # microseconds are written without zeros before them: of other moments the file is shorter
    path.write_bytes(maildrop_file(came, b"root@shop.example", (b"ada@shop.example",), (b"Subject: x",)))
    path.chmod(0o700)


def _path(spool: Path, queue: str, queue_id: bytes) -> Path:
    hashed = hash_path(queue_id, 1 if queue in ("deferred", "defer") else 0).decode()
    directory = spool / queue / hashed
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory / queue_id.decode()


def _write_log(path: Path, now: float) -> None:
    good, bad = (long_id(int(now) - 10, number, 500).decode() for number in (1, 2))
    stamp = datetime.fromtimestamp(now - 5, UTC).isoformat(timespec="microseconds")
    lines = (f"{stamp} mail postfix/{line.format(good=good, bad=bad)}\n" for line in LOG)
    path.write_text("".join(lines), "ascii")
