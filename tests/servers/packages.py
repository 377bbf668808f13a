"""Debian packages of the servers that cannot be installed beside Postfix: downloaded once, kept in a cache.

The cache is ~/.cache/smtpq-exporter-tests (XDG_CACHE_HOME), one directory for each Debian release.
"""

from __future__ import annotations

import fcntl
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path


class Unavailable(Exception):  # noqa: N818 - a state of this machine, not a mistake
    """A real server cannot be run on this machine, and why."""


def cache() -> Path:
    """The directory of the packages of this Debian release."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    release = platform.freedesktop_os_release()
    return base / "smtpq-exporter-tests" / f"{release.get('ID', 'linux')}-{release.get('VERSION_ID', '')}"


def fetch(names: Sequence[str]) -> list[Path]:
    """The .deb files of these packages, downloaded with apt-get if they are not in the cache."""
    place = cache()
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise Unavailable(f"no place to keep packages: {failure}") from failure
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test runs may start at once
        found = {name: sorted(place.glob(f"{name}_*.deb")) for name in names}
        absent = [name for name, files in found.items() if not files]
        if absent:
            _download(absent, place)
            found.update({name: sorted(place.glob(f"{name}_*.deb")) for name in absent})
    return [files[-1] for files in found.values()]


def _download(names: Sequence[str], place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="smtpq-debs-") as made:
        Path(made).chmod(0o777)  # apt downloads as a user of its own
        argv = ["apt-get", "download", "-qq", *names]
        try:
            done = subprocess.run(argv, cwd=made, capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as failure:
            raise Unavailable(f"cannot download {' '.join(names)}: {failure}") from failure
        if done.returncode:
            raise Unavailable(f"cannot download {' '.join(names)}: {done.stderr.strip()[-300:]}")
        for package in Path(made).glob("*.deb"):
            part = place / f"{package.name}.part"
            shutil.copyfile(package, part)
            part.rename(place / package.name)
