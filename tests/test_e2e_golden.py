"""The real program over a fixture spool: its whole output compared with one golden file.

`make golden` writes the golden file anew (UPDATE_GOLDEN=1). What differs between machines and moments is
masked.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import spoolmaker
from tests.metrics.promlint import lint

GOLDEN = Path(__file__).parent / "golden" / "e2e.prom"
#: Their values are those of this machine or this moment.
VOLATILE = re.compile(
    r"^((?:smtpq_queue_oldest_message_age_seconds|smtpq_queue_message_age_seconds_gsum|smtpq_host_|smtpq_spool_"
    r"|smtpq_mta_(?:processes|cpu|memory)|smtpq_source_duration|smtpq_source_last_success|smtpq_log_last_line"
    r"|process_)[^ ]* )\S+$",
    re.MULTILINE,
)
#: They are there or not, as the machine is.
OPTIONAL = re.compile(
    r"(?:# (?:HELP|TYPE) )?(?:smtpq_mta_info|smtpq_host_pressure_ratio|smtpq_host_cpu_usage_ratio"
    r"|smtpq_spool_disk_io_time_seconds_total|smtpq_spool_filesystem_files)"
)


def masked(output: str, base: Path) -> str:
    """What has to be the same everywhere."""
    text = VOLATILE.sub(r"\1<masked>", output.replace(str(base), "<base>"))
    text = re.sub(r'python="[^"]*"', 'python="<masked>"', text)
    return "".join(line for line in text.splitlines(keepends=True) if not OPTIONAL.match(line))


def run(base: Path, *flags: str) -> subprocess.CompletedProcess[bytes]:
    """Run smtpq-exporter over the spool under `base`."""
    config = base / "smtpq.yml"
    config.write_text(
        f"mtas:\n  - {{mta: postfix, source: spool, queue_directory: {base}/spool, "
        f"logs: [{base}/mail.log]}}\n"
        "logs: {start: beginning}\ntop_destinations: 3\n"
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SMTPQ_")}
    return subprocess.run(
        [sys.executable, "-m", "smtpq_exporter", f"--config.file={config}", *flags],
        capture_output=True,
        timeout=60,
        check=False,
        env=environment,
        stdin=subprocess.DEVNULL,
    )


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The whole output of --once, and where the spool was."""
    base = tmp_path_factory.mktemp("golden")
    spoolmaker.make(base)
    done = run(base, "--once")
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode(), base


def test_golden_output(output: tuple[str, Path]) -> None:
    """Everything that the program says about the fixture is what it said when somebody last looked at it."""
    found = masked(*output)
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(found, "utf-8")
    expected = GOLDEN.read_text("utf-8")
    difference = "".join(
        difflib.unified_diff(expected.splitlines(True), found.splitlines(True), "golden", "found")
    )
    assert not difference, f"run `make golden` if this is meant:\n{difference}"


def test_the_golden_output_is_clean(output: tuple[str, Path]) -> None:
    """The house rules of Prometheus hold for the real output."""
    assert list(lint(output[0])) == []


@pytest.mark.server("prometheus")
def test_promtool_is_content(output: tuple[str, Path]) -> None:
    """`promtool check metrics` finds nothing in the real output."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=output[0].encode(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_nothing_personal_is_exposed(output: tuple[str, Path]) -> None:
    """No address, local part, queue id, IP address or free text of the fixture stands in the output."""
    text, base = output
    text = text.replace(str(base), "")
    ids = [path.name for path in (base / "spool").rglob("*") if path.is_file() and len(path.name) > 8]
    assert len(ids) > 10
    people = ["ada", "bob", "eve", "dan", "fin", "gus", "odd@", "news@", "root"]
    secrets = [
        *ids,
        *people,
        "@",
        "192.0.2.",
        "198.51.100.",
        "Greylisted",
        "mx.slow",
        "said:",
        "shop.example",
    ]
    labels = "\n".join(re.findall(r'="([^"]*)"', text))
    for secret in secrets:
        assert secret not in labels, secret
    assert "@" not in text


def test_the_counts_are_those_of_the_fixture(output: tuple[str, Path]) -> None:
    """The golden file is not only stable but right."""
    text, _ = output
    for queue, number in (
        ("maildrop", 1),
        ("incoming", 1),
        ("active", 1),
        ("deferred", 5),
        ("hold", 1),
        ("corrupt", 1),
    ):
        assert (
            f'smtpq_queue_messages{{mta="postfix",mta_instance="postfix",queue="{queue}"}} {number}\n' in text
        )
    for reason, number in (("greylisted", 3), ("connection_timeout", 2), ("mailbox_full", 2)):
        key = f'{{mta="postfix",mta_instance="postfix",reason="{reason}"}}'
        assert f"smtpq_queue_deferred_recipients{key} {number}\n" in text
    assert 'smtpq_log_deliveries_total{mta="postfix",mta_instance="postfix",status="sent"} 1\n' in text
    assert 'smtpq_up{mta="postfix",mta_instance="postfix"} 1\n' in text
