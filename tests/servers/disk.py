"""A file system of its own with few inodes, that a real mail queue can fill. It goes when the test run goes."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Self

#: Unmounts when the pipe from the test run ends, however it ended.
SCRIPT = """cat > /dev/null
umount -l "$1"
rmdir "$1"
"""


class SmallDisk:
    """Mounted at `directory` from entering to leaving; needs root."""

    def __init__(self, inodes: int) -> None:
        """So many files and directories find room; of bytes there are enough for Postfix to take mail."""
        self._inodes = inodes
        self.directory = Path()
        self._guard: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.directory = Path(tempfile.mkdtemp(prefix="smtpq-disk-"))
        options = f"size=256m,nr_inodes={self._inodes},mode=755"
        try:
            subprocess.run(["mount", "-t", "tmpfs", "-o", options, "smtpq-test", str(self.directory)],
                           timeout=20, check=True, capture_output=True)
        except BaseException:
            self.directory.rmdir()
            raise
        self._guard = subprocess.Popen(["sh", "-c", SCRIPT, "disk", str(self.directory)],
                                       stdin=subprocess.PIPE, start_new_session=True)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._guard
        assert self._guard.stdin
        self._guard.stdin.close()
        self._guard.wait(20)
