"""Ends what a killed test run would leave behind.

PR_SET_PDEATHSIG is forgotten when a program changes its user, as Postfix's master does. So a shell holds
the reading end of a pipe: when this process is gone, however it went, the pipe ends, and the shell ends the
server and its files.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

SCRIPT = """cat > /dev/null
kill -"$3" "$1" 2> /dev/null
n=0
while kill -0 "$1" 2> /dev/null && [ $n -lt 50 ]; do n=$((n + 1)); sleep 0.1; done
kill -KILL "$1" 2> /dev/null
rm -rf "$2"
"""


class Guard:
    """Watches over one server process and its directory until `release`."""

    def __init__(self, pid: int, directory: Path, *, signal: str = "TERM") -> None:
        """Begin to watch."""
        # a session of its own: Ctrl-C at the terminal must not end it first
        self._shell = subprocess.Popen(["sh", "-c", SCRIPT, "guard", str(pid), str(directory), signal],
                                       stdin=subprocess.PIPE, start_new_session=True)

    def release(self) -> None:
        """The server was ended properly: go without doing anything."""
        self._shell.kill()
        self._shell.wait()
        if self._shell.stdin:
            self._shell.stdin.close()
