"""The service: accepted by systemd's own tools, closed as promised, and open enough for its work."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEMD = ROOT / "packaging" / "systemd"
UNIT = SYSTEMD / "smtpq-exporter.service"
DROP_INS = SYSTEMD / "smtpq-exporter.service.d"
GROUPS = ("10-postfix.conf", "10-journal.conf")
SPOOL = "20-spool.conf"
EVERY = tuple(sorted(path.name for path in DROP_INS.iterdir()))
#: The drop-ins of hosts: none, one kind of mail server, everything at once.
HOSTS = {
    "alone": (),
    "postfix": GROUPS,
    "postfix-spool": (*GROUPS, SPOOL),
    "exim": ("10-exim.conf",),
    "sendmail": ("10-sendmail.conf",),
    "opensmtpd": ("10-opensmtpd.conf",),
    "every": EVERY,
}
hosts = pytest.mark.parametrize("drop_ins", HOSTS.values(), ids=HOSTS)


def settings(path: Path) -> list[tuple[str, str]]:
    """(key, value) of a unit file, in order."""
    found = re.findall(r"^([A-Za-z]+)=(.*)$", path.read_text("utf-8"), re.MULTILINE)
    return [(str(key), str(value)) for key, value in found]


def switched_on(text: str) -> str:
    """The spool drop-in with the comment signs before its settings removed, as an admin would."""
    return re.sub(r"^#(?=\[|[A-Z][A-Za-z]+=)", "", text, flags=re.MULTILINE)


def installed(where: Path, drop_ins: Sequence[str] = ()) -> Path:
    """The unit as it would be installed, with a program that exists, and some drop-ins."""
    unit = where / UNIT.name
    unit.write_text(UNIT.read_text("utf-8").replace("/usr/bin/smtpq-exporter", "/bin/true"), "utf-8")
    for name in drop_ins:
        target = where / f"{UNIT.name}.d" / name
        target.parent.mkdir(exist_ok=True)
        text = (DROP_INS / name).read_text("utf-8")
        target.write_text(switched_on(text) if name == SPOOL else text, "utf-8")
    return unit


def run(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program with a deadline."""
    return subprocess.run([*map(str, argv)], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.server("systemd")
@hosts
def test_systemd_accepts_the_unit(tmp_path: Path, drop_ins: Sequence[str]) -> None:
    """`systemd-analyze verify` has nothing to say about the unit, alone and with its drop-ins."""
    done = run("systemd-analyze", "verify", installed(tmp_path, drop_ins))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.server("systemd")
@hosts
def test_the_service_is_closed(tmp_path: Path, drop_ins: Sequence[str]) -> None:
    """`systemd-analyze security` gives 2.5 or less, also with every drop-in."""
    unit = installed(tmp_path, drop_ins)
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=25", unit)
    assert done.returncode == 0, done.stdout[-300:]


@pytest.mark.server("systemd")
def test_the_score_would_see_a_hole(tmp_path: Path) -> None:
    """The test above really tests: a unit without its directives fails it."""
    unit = tmp_path / "open.service"
    unit.write_text("[Service]\nUser=nobody\nExecStart=/bin/true\n")
    assert run("systemd-analyze", "security", "--offline=true", "--threshold=25", unit).returncode != 0


@pytest.mark.server("systemd")
def test_the_scores_in_the_readme_are_those_of_systemd(tmp_path: Path) -> None:
    """packaging/README.md states what systemd 252 computes; other versions may weigh otherwise."""
    version = run("systemd-analyze", "--version").stdout.split()[1]
    if version != "252":
        pytest.skip(f"systemd {version} may weigh otherwise than 252")
    scores = []
    for i, drop_ins in enumerate(((), (*GROUPS, SPOOL))):
        (tmp_path / str(i)).mkdir()
        unit = installed(tmp_path / str(i), drop_ins)
        done = run("systemd-analyze", "security", "--offline=true", unit)
        scores.append(re.findall(r"exposure level for \S+: ([\d.]+)", done.stdout)[0])
    readme = (ROOT / "packaging" / "README.md").read_text("utf-8")
    assert f"{scores[0]} as it is, {scores[1]} with" in readme


def test_the_main_unit_names_no_group_of_a_mail_server() -> None:
    """A unit that names a group which the host does not have does not start: groups stay in the drop-ins."""
    assert "SupplementaryGroups" not in dict(settings(UNIT))
    groups = {name: dict(settings(DROP_INS / name)).get("SupplementaryGroups") for name in EVERY}
    assert groups == {
        "10-postfix.conf": "postdrop adm",
        "10-exim.conf": "Debian-exim adm",
        "10-sendmail.conf": "smmsp adm",
        "10-opensmtpd.conf": "opensmtpq adm",
        "10-journal.conf": "systemd-journal",
        SPOOL: None,
    }


def test_the_service_lives_as_promised() -> None:
    """Notify, watchdog, a check of the configuration first, reload by SIGHUP, a state directory."""
    found = dict(settings(UNIT))
    assert found["Type"] == "notify"
    assert found["WatchdogSec"] == "60s"
    assert found["ExecStartPre"].endswith("--config.check")
    assert found["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert found["StateDirectory"] == "smtpq-exporter"
    assert found["NoNewPrivileges"] == "yes"
    assert (found["CapabilityBoundingSet"], found["AmbientCapabilities"]) == ("", "")
    # process metrics need to see the mail server's processes
    assert found["ProtectProc"] == "default"


def test_paths_agree_with_each_other() -> None:
    """Unit, user, configuration and default file speak of the same places."""
    unit = UNIT.read_text("utf-8")
    assert "/etc/default/smtpq-exporter" in unit
    assert "/etc/smtpq-exporter/smtpq.yml" in unit
    user = (ROOT / "packaging" / "sysusers.d" / "smtpq-exporter.conf").read_text("utf-8")
    assert re.search(r"^u smtpq-exporter - .* /var/lib/smtpq-exporter$", user, re.MULTILINE)
    readme = (ROOT / "packaging" / "README.md").read_text("utf-8")
    for path in (ROOT / "packaging").rglob("*"):
        if path.is_file() and path.suffix != ".md":
            assert str(path.relative_to(ROOT / "packaging")) in readme, path


def test_the_spool_variant_is_off_and_says_what_it_costs() -> None:
    """Every line is a comment, and the comment says that the capability reads every file of the host."""
    text = (DROP_INS / SPOOL).read_text("utf-8")
    assert all(line.startswith("#") for line in text.splitlines())
    assert "EVERY file" in text
    assert "AmbientCapabilities=CAP_DAC_READ_SEARCH" in switched_on(text)


@pytest.mark.server("systemd")
def test_sysusers_makes_the_user(tmp_path: Path) -> None:
    """systemd-sysusers, in an empty root directory, makes the user with a home and no shell to log in."""
    (tmp_path / "etc").mkdir()
    file = ROOT / "packaging" / "sysusers.d" / "smtpq-exporter.conf"
    done = run("systemd-sysusers", f"--root={tmp_path}", file)
    assert done.returncode == 0, done.stderr
    line = (tmp_path / "etc" / "passwd").read_text().strip().split(":")
    assert (line[0], line[5]) == ("smtpq-exporter", "/var/lib/smtpq-exporter")
    assert line[6].endswith("nologin")
