"""Make the golden inputs here from a private real Postfix: a spool, what showq sends, what postqueue -j
prints.

    python -m tests.golden.postfix.capture        as root on Debian with postfix; then review the difference

The framings of other versions are rewritten from the same messages after the documented formats
(framings.py).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.golden.postfix import framings
from tests.servers.inject import Mail
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink

HERE = Path(__file__).parent
BODY = b"Subject: x\r\n\r\nx\r\n"


def main() -> None:
    """Fill the directories beside this file."""
    for name in ("spool", "showq", "postqueue"):
        shutil.rmtree(HERE / name, ignore_errors=True)
        (HERE / name).mkdir()
    with Sink() as sink, PostfixServer(sink) as server:
        server.send(
            Mail("anna@news.sender.example", ("bob@greylist.example",), BODY),
            Mail("", ("carol@refused.example",), BODY),
            Mail('"x> y"@sender.example', ('"a, b> c"@greylist.example',), BODY),
            Mail("Dave@Sender.Example", ("E@GreyList.Example", "f@relay.example", "g@ok1.example"), BODY),
            Mail("many@sender.example", tuple(f"user{i}@tempblock.example" for i in range(20)), BODY),
            Mail("held@sender.example", ("h@greylist.example",), BODY),
            Mail("expire@sender.example", ("i@local.example",), BODY),
        )
        server.sendmail(b"To: j@greylist.example, k@nodns.example\nSubject: t\n\nx\n")
        server.wait_idle()
        ids = {entry["sender"].partition("@")[0]: entry["queue_id"] for entry in server.listing()}
        server.postsuper("-h", ids["held"])
        server.postsuper("-e", ids["expire"])
        manifest = {}
        for queue in ("maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer"):
            for path in server.files(queue):
                name = str(path.relative_to(server.queue_directory))
                status = path.stat()
                manifest[name] = [status.st_mode & 0o777, int(status.st_mtime)]
                (HERE / "spool" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, HERE / "spool" / name)
        (HERE / "spool" / "manifest.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(server.queue_directory / "public" / "showq"))
            (HERE / "showq" / "postfix-3.7.bin").write_bytes(b"".join(iter(lambda: client.recv(65536), b"")))
        listing = subprocess.run(
            ["postqueue", "-c", str(server.config_directory), "-j"],
            capture_output=True, check=True, timeout=60,
        ).stdout
        (HERE / "postqueue" / "postfix-3.7.json").write_bytes(listing)
        messages = [json.loads(line) for line in listing.splitlines()]
    for version in framings.VERSIONS:
        (HERE / "showq" / f"postfix-{version}.bin").write_bytes(framings.showq(messages, version))
        (HERE / "showq" / f"postfix-{version}-empty.bin").write_bytes(framings.showq([], version))
    (HERE / "showq" / "postfix-3.0.txt").write_bytes(framings.text(messages))
    (HERE / "showq" / "postfix-3.0-short.txt").write_bytes(framings.text(messages, short=True))
    (HERE / "showq" / "postfix-3.0-empty.txt").write_bytes(framings.text([]))
    (HERE / "postqueue" / "postfix-3.11.json").write_bytes(framings.json_lines(messages, "3.11"))
    (HERE / "postqueue" / "postfix-3.1.json").write_bytes(framings.json_lines(messages, "3.1"))


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    main()
