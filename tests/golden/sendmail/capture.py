"""Make the golden inputs here from a private real Sendmail: a queue directory, what its mailq prints.

    python -m tests.golden.sendmail.capture        as root on Debian; then review the difference

marks.txt is the listing without -v with every mark that Sendmail may put behind an id.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from tests.servers.inject import Mail
from tests.servers.sendmail import SendmailServer
from tests.servers.sink import Sink

HERE = Path(__file__).parent
BODY = b"Subject: x\r\n\r\nx\r\n"
LONG = "a-very-long-local-part-that-leaves-no-room-for-the-domain"
WHY = "capture.py: nine messages by SMTP; of the three recipients of one, g@ok1 was delivered"


def main() -> None:
    """Fill the directories beside this file."""
    spool, listing = HERE / "spool", HERE / "mailq"
    for place in (spool, listing):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    with Sink() as sink, SendmailServer(sink) as server:
        empty = server.run("sendmail", "-bp", "-v")
        server.send(
            Mail("anna@news.sender.example", ("bob@greylist.example",), BODY),
            Mail("", ("carol@local.example",), BODY),
            Mail('"x> y"@sender.example', ('"a, b> c"@greylist.example',), BODY),
            Mail("Dave@Sender.Example", ("E@GreyList.Example", "f@relay.example", "g@ok1.example"), BODY),
            Mail("many@sender.example", tuple(f"u{i}@tempblock.example" for i in range(40)), BODY),
            Mail("no-connection@sender.example", ("h@refused.example", "i@refused.example"), BODY),
            Mail(f"{LONG}@sender.example", (f"{LONG}@greylist2.example",), BODY * 60),
            Mail("lost@sender.example", ("j@drop.example",), BODY),
            Mail("big@sender.example", ("k@busy.example",), BODY * 900),
        )
        server.wait_idle()
        verbose, brief = server.run("sendmail", "-bp", "-v"), server.run("sendmail", "-bp")
        for path in server.spool.glob("[qd]f*"):
            shutil.copyfile(path, spool / path.name)
    marks = iter("*X-")
    marked = re.sub(r"(?m)^(6[0-9A-Za-z]{13}) ", lambda found: found[1] + next(marks, " "), brief)
    for name, text in (("verbose", verbose), ("brief", brief), ("marks", marked), ("empty", empty)):
        (listing / f"{name}.txt").write_text(text)
    manifest = {path.name: [0o640, int(path.stat().st_mtime)] for path in sorted(spool.iterdir())}
    (spool / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    heads = re.findall(r"(?m)^6[0-9A-Za-z]{13} +(\d+)", brief)
    (HERE / "expect.json").write_text(json.dumps({
        "why": WHY, "messages": len(heads), "recipients": len(re.findall(r"(?m)^\t{5} ", brief)),
        "bytes": sum(map(int, heads)), "queues": {"mqueue": len(heads)},
    }, indent=2) + "\n")


if __name__ == "__main__":
    main()
