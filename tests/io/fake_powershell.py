"""A stand-in for powershell.exe: replays what a plan beside it says, and writes down how it was called.

`install(directory, **plan)` makes the executable. A plan has stdout and stderr (bytes), pieces (how many
writes), exit (code), hang (after the output; "closed": until nobody listens any more), child (leave a child
behind that holds the output open).
"""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def install(directory: Path, name: str = "powershell.exe", **plan: Any) -> Path:
    """Make the executable for a plan; it writes args.json and pids beside itself."""
    directory.mkdir(parents=True, exist_ok=True)
    for stream in ("stdout", "stderr"):
        plan[stream] = base64.b64encode(plan.get(stream, b"")).decode()
    (directory / "plan.json").write_text(json.dumps(plan))
    path = directory / name
    path.write_text(f'#!/bin/sh\nexec {sys.executable} -I {Path(__file__)} {directory} "$@"\n')
    path.chmod(0o755)
    return path


def called(directory: Path) -> list[str]:
    """The arguments of the last call."""
    return json.loads((directory / "args.json").read_text())


def pids(directory: Path) -> list[int]:
    """The processes of the last call."""
    return [int(word) for word in (directory / "pids").read_text().split()]


def main(directory: Path, arguments: list[str]) -> int:
    """Do what the plan says."""
    plan = json.loads((directory / "plan.json").read_text())
    (directory / "args.json").write_text(json.dumps(arguments))
    running = [os.getpid()]
    if plan.get("child"):
        running.append(subprocess.Popen(["sleep", "1000"]).pid)
    written = directory / "pids.new"
    written.write_text(" ".join(map(str, running)))
    written.rename(directory / "pids")
    os.write(2, base64.b64decode(plan["stderr"]))
    data = base64.b64decode(plan["stdout"])
    size = -(-len(data) // plan.get("pieces", 1)) or 1
    for start in range(0, len(data), size):
        piece = memoryview(data)[start : start + size]
        while piece:
            piece = piece[os.write(1, piece) :]
    if plan.get("hang") == "closed":  # as what a server started for a client that may go
        poll = select.poll()
        poll.register(1, 0)
        poll.poll(60_000)
    elif plan.get("hang"):
        time.sleep(1000)
    return plan.get("exit", 0)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
