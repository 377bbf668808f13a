"""The unit's directives, tried for real as far as that goes without a booted systemd.

The exporter reads a private Postfix as user nobody, without capabilities, with no_new_privs, on a read-only
mount: what User, SupplementaryGroups, NoNewPrivileges, CapabilityBoundingSet and ProtectSystem leave it.
"""

from __future__ import annotations

import grp
import pwd
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.test_systemd import DROP_INS, settings
from tests.servers.postfix import PostfixServer

pytestmark = pytest.mark.server("postfix")
ROOT = Path(__file__).parents[2]
COUNT = 9


Done = subprocess.CompletedProcess[str]


def unprivileged(postfix: PostfixServer, groups: tuple[str, ...], *argv: str) -> Done:
    """Run a program as the unit would, with these supplementary groups; Postfix's directory is read-only."""
    nobody = pwd.getpwnam("nobody")
    ids = ",".join(str(grp.getgrnam(name).gr_gid) for name in groups)
    place = str(postfix.directory)
    confined = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}",
                f"--groups={ids}" if ids else "--clear-groups", "--no-new-privs", "--bounding-set=-all",
                "--inh-caps=-all", "--ambient-caps=-all", *argv]
    script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
    private = ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, place]
    return subprocess.run([*private, *confined], capture_output=True, text=True, timeout=120, check=False,
                          cwd=ROOT)


def once(postfix: PostfixServer, groups: tuple[str, ...]) -> Done:
    """`smtpq-exporter --once` as that user."""
    if unprivileged(postfix, groups, sys.executable, "-c", "import smtpq_exporter.cli").returncode != 0:
        pytest.skip("user nobody may not read this source tree or its Python")
    config = postfix.directory / "smtpq.yml"
    config.write_text(f"""
mtas: [{{mta: postfix, name: private, config_directory: {postfix.config_directory},
         queue_directory: {postfix.queue_directory}, logs: []}}]
""")
    exporter = (sys.executable, "-m", "smtpq_exporter.cli")
    return unprivileged(postfix, groups, *exporter, f"--config.file={config}", "--once")


@pytest.fixture
def filled(postfix: PostfixServer) -> PostfixServer:
    """A Postfix with some deferred messages."""
    postfix.inject(COUNT, "greylist")
    postfix.wait_idle()
    return postfix


@pytest.mark.server("unshare")
def test_the_groups_of_the_drop_in_are_enough(filled: PostfixServer) -> None:
    """With the groups of 10-postfix.conf alone the queue is read by its socket, every message counted."""
    groups = tuple(dict(settings(DROP_INS / "10-postfix.conf"))["SupplementaryGroups"].split())
    done = once(filled, groups)
    assert done.returncode == 0, done.stderr
    assert 'smtpq_source_success{mta="postfix",mta_instance="private",source="showq"} 1' in done.stdout
    labels = 'mta="postfix",mta_instance="private",queue="deferred"'
    assert f"smtpq_queue_messages{{{labels}}} {COUNT}\n" in done.stdout


@pytest.mark.server("unshare")
def test_without_the_group_it_says_so_and_shows_nothing(filled: PostfixServer) -> None:
    """Without group postdrop there is no number, but a fault of kind permission and the remedy in words."""
    done = once(filled, ())
    assert done.returncode == 3, done.stdout + done.stderr
    assert 'smtpq_queue_messages{mta="postfix",mta_instance="private"' not in done.stdout
    [success] = [line for line in done.stdout.splitlines() if line.startswith("smtpq_source_success")
                 and 'mta_instance="private"' in line]
    assert success.endswith(" 0")
    failed = r'^smtpq_source_errors_total{kind="permission",.*mta_instance="private".*} 1$'
    assert re.search(failed, done.stdout, re.MULTILINE)
    assert "postdrop" in done.stderr
