#!/usr/bin/env python3
"""A journalctl for tests: its entries are the lines of the file that --file names, each `CURSOR MESSAGE`.

It knows the options that io/journal.py uses, and what the file DIRECTORY/mode says: "exit" ends after each
new entry, "refuse" does not take cursors, "denied" and "none" complain like the real one. It writes its
process id into DIRECTORY/pid.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    """Show entries, and follow."""
    options = dict(
        argument.lstrip("-").partition("=")[::2] for argument in sys.argv[1:] if argument.startswith("-")
    )
    matches = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    journal = Path(options["file"])
    mode_file = journal.parent / "mode"
    mode = mode_file.read_text() if mode_file.exists() else ""
    (journal.parent / "pid").write_text(str(os.getpid()))
    with (journal.parent / "calls").open("a") as calls:
        print(json.dumps([options, matches]), file=calls)
    if mode == "denied":
        sys.exit("No journal files were opened due to insufficient permissions.")
    if mode == "none":
        sys.exit("No journal files were found.")
    after = options.get("after-cursor")
    if after is not None and (mode == "refuse" or not after.isdigit()):
        sys.exit("Failed to seek to cursor: Invalid argument")
    since = float(options.get("since", "@0")[1:])
    if "lines" in options:
        show(entries(journal)[-1:])
        return
    shown = 0
    while True:
        new = entries(journal)[shown:]
        shown += len(new)
        fitting = [e for e in new if int(e[0]) > int(after or -1) and int(e[0]) >= since]
        show(fitting)
        if fitting and mode == "exit":
            sys.exit("died")
        time.sleep(0.01)


def entries(journal: Path) -> list[tuple[str, str]]:
    """(cursor, message) of each complete line."""
    whole, _, _ = journal.read_text().rpartition("\n")
    return [tuple(text.split(" ", 1)) for text in whole.split("\n") if text]  # type: ignore[misc]


def show(found: list[tuple[str, str]]) -> None:
    """Write entries as journalctl does; the cursor is the time in seconds too."""
    for cursor, message in found:
        value = json.loads(message) if message[:1] in "[{" else message
        entry = {
            "__CURSOR": cursor,
            "__REALTIME_TIMESTAMP": f"{cursor}000000",
            "MESSAGE": value,
            "SYSLOG_IDENTIFIER": "postfix/smtp",
            "_PID": "12",
            "_HOSTNAME": "mx",
        }
        print(json.dumps(entry), flush=True)


if __name__ == "__main__":
    main()
