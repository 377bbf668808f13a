"""Programs run with what the unit leaves them: an unprivileged user, some groups, no capabilities, no_new_privs,
a read-only mount. What User, SupplementaryGroups, NoNewPrivileges, CapabilityBoundingSet and ProtectSystem do.
"""

from __future__ import annotations

import pwd
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import refuse

ROOT = Path(__file__).parents[2]
Done = subprocess.CompletedProcess[str]
NOBODY = pwd.getpwnam("nobody")


@dataclass(frozen=True, slots=True)
class Identity:
    """User and group ids of a process."""

    uid: int = NOBODY.pw_uid
    gid: int = NOBODY.pw_gid
    groups: Sequence[int] = ()

    def argv(self, *argv: str) -> list[str]:
        """The command that becomes this and runs `argv`."""
        ids = ",".join(map(str, self.groups))
        return ["setpriv", f"--reuid={self.uid}", f"--regid={self.gid}",
                f"--groups={ids}" if ids else "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                "--inh-caps=-all", "--ambient-caps=-all", *argv]


def run(place: Path, identity: Identity, *argv: str) -> Done:
    """Run a program as `identity`; the directory `place` is read-only for it."""
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(place)]
    return subprocess.run([*private, *identity.argv(*argv)], capture_output=True, text=True, timeout=120,
                          check=False, cwd=ROOT)


def once(place: Path, identity: Identity, config: str) -> Done:
    """`smtpq-exporter --once` with this configuration, which lies in `place`."""
    if run(place, identity, sys.executable, "-c", "import smtpq_exporter.cli").returncode != 0:
        refuse("user nobody may not read this source tree or its Python")
    file = place / "smtpq.yml"
    file.write_text(config)
    return run(place, identity, sys.executable, "-m", "smtpq_exporter", f"--config.file={file}", "--once")
