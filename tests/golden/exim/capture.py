"""Make the golden inputs here from a private real Exim: a spool, what exim -bpr prints.

    python -m tests.golden.exim.capture        as root on Debian; then review the difference

Ids of 23 characters (Exim 4.97) and the flat layout are copies of real messages under a new id, as a newer Exim would write
them. All messages are smaller than 1 KiB, so the listing shows their sizes exactly.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.servers.exim import EximServer
from tests.servers.inject import Mail
from tests.servers.sink import Sink

HERE = Path(__file__).parent
BODY = b"Subject: x\r\n\r\nx\r\n"
WHY = ("capture.py: seven messages by SMTP, two of them once more with an id of 23 characters in the flat layout; "
       "g@ok1 was delivered, one is frozen, one is being delivered")


def longer(message_id: str) -> str:
    """The id that Exim 4.97 would have given: the same time."""
    time, process, fraction = message_id.split("-")
    return f"{time}-00000{process}-{fraction}00"


def copy(source: Path, to: Path, old: str, new: str) -> None:
    """A file under another id, in its name and on its first line."""
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_bytes(source.read_bytes().replace(old.encode(), new.encode(), 1))


def main() -> None:
    """Fill the directories beside this file."""
    spool, listing = HERE / "spool", HERE / "exim"
    for place in (spool, listing):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    with Sink() as sink, EximServer(sink) as server:
        server.send(
            Mail("anna@news.sender.example", ("bob@greylist.example",), BODY),
            Mail("", ("carol@local.example",), BODY),
            Mail('"x> y"@sender.example', ('"a, b> c"@greylist.example',), BODY),
            Mail("Dave@Sender.Example", ("E@GreyList.Example", "f@relay.example", "g@ok1.example"), BODY),
            Mail("many@sender.example", tuple(f"u{i}@tempblock.example" for i in range(4)), BODY),
            Mail("held@sender.example", ("h@greylist.example",), BODY),
            Mail("busy@sender.example", ("i@local.example", "j@greylist2.example"), BODY),
        )
        server.wait_idle()
        heads = {path.read_text().split("\n")[2].strip("<>").partition("@")[0]: path for path in server.spool.glob("input/*/*-H")}
        server.run("exim4", "-Mf", heads["held"].name[:-2])
        server.wait_idle()
        for path in [*server.spool.glob("input/*/*-[HD]"), *server.spool.glob("msglog/*/*")]:
            old = path.name[:23] if path.parts[-3] == "msglog" else path.name[:-2]
            copy(path, spool / path.relative_to(server.spool), old, old)
        text = server.run("exim4", "-bpr")
    busy, anna, many = (heads[name].name[:-2] for name in ("busy", "anna", "many"))
    (spool / "input" / busy[5] / f"{busy}-J").write_text("i@local.example\n")
    text = text.replace("          i@local.example", "        D i@local.example")
    blocks = text.split("\n\n")
    for old in (anna, many):
        new = longer(old)
        for suffix in ("-H", "-D"):
            copy(spool / "input" / old[5] / f"{old}{suffix}", spool / "input" / f"{new}{suffix}", old, new)
        copy(spool / "msglog" / old[5] / old, spool / "msglog" / new, old, new)
        text += next(block for block in blocks if old in block).replace(old, new) + "\n\n"
    (listing / "exim-4.96.txt").write_text(text)
    (listing / "empty.txt").write_text("")
    manifest = {
        str(path.relative_to(spool)): [0o640, int(path.stat().st_mtime)] for path in sorted(spool.rglob("*")) if path.is_file()
    }
    (spool / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
    lines = [line for line in text.splitlines() if line.startswith("        ")]
    heads_shown = [line.split() for line in text.splitlines() if "<" in line and not line.startswith("        ")]
    (HERE / "expect.json").write_text(json.dumps({
        "why": WHY, "messages": len(heads_shown), "recipients": sum(line[8] != "D" for line in lines),
        "bytes": sum(int(words[1]) for words in heads_shown), "queues": {"default": len(heads_shown)},
    }, indent=2) + "\n")


if __name__ == "__main__":
    main()
