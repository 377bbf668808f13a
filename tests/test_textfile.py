"""The file for node_exporter: whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from smtpq_exporter import textfile
from smtpq_exporter.errors import SourceError


def test_it_replaces_the_old_file(tmp_path: Path) -> None:
    """The new content is there, with mode 0644 whatever the umask, and nothing else."""
    path = tmp_path / "smtpq.prom"
    before = os.umask(0o077)
    try:
        for content in (b"a 1\n", b"b 2\n"):
            textfile.write(path, content)
            assert path.read_bytes() == content
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(tmp_path.iterdir()) == [path]


def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    """While it is written again and again, whoever reads gets one whole version."""
    path = tmp_path / "smtpq.prom"
    versions = [bytes((65 + i,)) * 200_000 for i in range(4)]
    textfile.write(path, versions[0])
    done = threading.Event()
    bad: list[int] = []

    def read() -> None:
        while not done.is_set():
            data = path.read_bytes()
            if data not in versions:
                bad.append(len(data))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    for _ in range(20):
        for version in versions:
            textfile.write(path, version)
    done.set()
    reader.join(30)
    assert bad == []


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    """The error says which directory to make."""
    with pytest.raises(SourceError) as caught:
        textfile.write(tmp_path / "none" / "smtpq.prom", b"x")
    assert caught.value.hint == f"make the directory {tmp_path / 'none'} first"


def test_a_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    """On a disk of 64 KiB a larger file fails: the old one stays, the error says so, nothing is left over."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and unshare (Debian package util-linux) for a disk of its own")
    script = f"""
import sys
from pathlib import Path
from smtpq_exporter import textfile
from smtpq_exporter.errors import SourceError
path = Path({str(tmp_path)!r}) / "smtpq.prom"
textfile.write(path, b"good 1\\n")
try:
    textfile.write(path, b"x" * 1_000_000)
except SourceError as error:
    print(error.what, "|", error.hint)
print(sorted(one.name for one in path.parent.iterdir()), path.read_bytes())
"""
    mounting = f'mount -t tmpfs -o size=64k tmpfs {tmp_path} && exec {sys.executable} -c "$1"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", mounting, "sh", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"this machine does not allow a private mount: {done.stderr.strip()}")
    assert done.stdout.splitlines() == [
        f"cannot write {tmp_path}/smtpq.prom: No space left on device | the old file was left as it is",
        "['smtpq.prom'] b'good 1\\n'",
    ], done.stderr
