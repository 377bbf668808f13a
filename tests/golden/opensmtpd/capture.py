"""Make the golden inputs here from a private real OpenSMTPD: a spool, what smtpctl show queue prints.

    python -m tests.golden.opensmtpd.capture        as root on Debian; then review the difference

The listing is taken twice: from the running server (one envelope suspended) and, after it was stopped, from
its spool (state "offline"). A third one is the first with its lines in another order.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.mta.opensmtpd.server import BOX, LocalServer
from tests.servers.inject import Mail
from tests.servers.sink import Sink

HERE = Path(__file__).parent
BODY = b"Subject: x\r\n\r\nx\r\n"
WHY = (
    "capture.py: seven messages by SMTP; g@ok1 was delivered, one envelope is suspended, a mailbox refuses "
    "for "
    "now, and where one of five recipients is elsewhere the message counts in mta"
)


def main() -> None:
    """Fill the directories beside this file."""
    spool, listing = HERE / "spool", HERE / "smtpctl"
    for place in (spool, listing):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    with Sink() as sink, LocalServer(sink) as server:
        server.send(
            Mail("anna@news.sender.example", ("bob@greylist.example",), BODY),
            Mail("", ("carol@local.example",), BODY),
            Mail("a|b|1|2@sender.example", ("x|1|2|3|4|pending|5|y@greylist.example",), BODY),
            Mail("Dave@Sender.Example", ("E@GreyList.Example", "f@relay.example", "g@ok1.example"), BODY),
            Mail("many@sender.example", (*(f"u{i}@tempblock.example" for i in range(3)), BOX), BODY),
            Mail("held@sender.example", ("h@greylist.example",), BODY),
            Mail("box@sender.example", (BOX,), BODY),
        )
        server.wait_idle()
        held = next(row[0] for row in server.envelopes() if row[4].startswith("held@"))
        server.run("smtpctl", "pause", "envelope", held)
        online = server.run("smtpctl", "show", "queue")
        server.stop()
        offline = server.run("smtpctl", "show", "queue")
        for path in server.spool.glob("queue/*/*/*"):
            to = spool / path.relative_to(server.spool)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            to.chmod(0o644)
        times = {path: int(path.stat().st_mtime) for path in server.spool.glob("queue/*/*/*")}
        manifest = {
            str(path.relative_to(server.spool)): [0o600, time] for path, time in sorted(times.items())
        }
        sizes = sum(path.stat().st_size for path in server.spool.glob("queue/*/*/message"))
    lines = online.splitlines(keepends=True)
    (listing / "online-6.8.txt").write_text(online)
    (listing / "offline-6.8.txt").write_text(offline)
    (listing / "shuffled.txt").write_text("".join(lines[::2] + lines[1::2]))
    (listing / "empty.txt").write_text("")
    (spool / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    queues: dict[str, str] = {}
    for row in (line.split("|", 3) for line in lines):
        name = row[0][:8]
        queues[name] = "mta" if "mta" in (row[2], queues.get(name)) else row[2]
    (HERE / "expect.json").write_text(
        json.dumps(
            {
                "why": WHY,
                "messages": len(queues),
                "recipients": len(lines),
                "bytes": sizes,
                "queues": {
                    queue: list(queues.values()).count(queue)
                    for queue in ("mta", "mda")
                    if queue in queues.values()
                },
                "held": 1,
            },
            indent=2,
        )
        + "\n"
    )


if __name__ == "__main__":
    main()
