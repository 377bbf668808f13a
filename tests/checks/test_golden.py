"""Each check in each state, by what is wrong: the whole output and the exit code, as in tests/golden/checks.

UPDATE_GOLDEN=1 writes them anew.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from smtpq_exporter.checks.cli import read_options, show
from smtpq_exporter.checks.result import STATES
from smtpq_exporter.model import Fault
from tests.checks.readers import check_rules
from tests.checks.samples import (
    busy,
    disk,
    history,
    host,
    sample,
    server,
    source,
    stats,
    tally,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "checks"
DENIED = Fault("permission", "may not read /var/spool/postfix/deferred: permission denied",
               "add the exporter's user to group postfix, or use the showq socket")
LATE = Fault("timeout", "postqueue did not end in time and was killed",
             "a longer timeout, or another source, helps")
GARBLED = Fault("parse", "line 3: no queue id: 'mailq: fatal'", "this listing is of an unknown form")
OLD = Fault("unavailable", "Exim 4.97 queue ids are not understood", "use source spool")
LOST = Fault("permission", "may not read /var/log/mail.log", "add the exporter's user to group adm")


def exim(**given: Any) -> Any:
    """An Exim with one queue."""
    facts = {"queues": {"default": stats(42, 147600, held=2)}, **given}
    return server(mta="exim", instance="exim", **facts)


CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "queue_ok_default": ("", busy()),
    "queue_ok_empty": ("", sample(server())),
    "queue_ok_verbose": ("-vv", busy()),
    "queue_ok_totals": ("--perfdata totals", busy()),
    "queue_ok_checkmk": ("-v --output checkmk --service SMTP_queue", busy()),
    "queue_ok_json": ("--output json --perfdata totals", busy()),
    "queue_ok_held_only": ("", sample(server(queues={"hold": stats(3, 9e5, held=3)}))),
    "queue_ok_min_age": ("--min-age 10m -w 5", busy()),
    "queue_warning_messages": ("", sample(
        server(queues={"deferred": stats(120, 1380)}, reasons={"greylisted": 88}))),
    "queue_warning_held": ("--held-warning 0", sample(exim(queues={"default": stats(42, 60, held=2)}))),
    "queue_warning_size": ("--size-warning 1M", sample(server(queues={"deferred": stats(9, size=400_000)}))),
    "queue_warning_min_age": ("--min-age 10m -w 0", busy()),
    "queue_warning_few": ("--queue active -w 5:", busy()),
    "queue_critical_age": ("", sample(exim(reasons={"connection_timeout": 40}))),
    "queue_critical_down": ("", sample(server(up=False))),
    "queue_critical_down_unseen": ("-v", sample(server(up=False, unseen=True, fault=DENIED))),
    "queue_critical_truncated": ("", sample(server(truncated=True, queues={"deferred": stats(700)}))),
    "queue_critical_one_of_three": ("-v", sample(
        server(instance="in"), server(instance="out", queues={"deferred": stats(600)}), exim())),
    "queue_unknown_permission": ("", sample(server(unseen=True, fault=DENIED))),
    "queue_unknown_timeout": ("", sample(server(unseen=True, fault=LATE))),
    "queue_unknown_parse": ("", sample(server(unseen=True, fault=GARBLED))),
    "queue_unknown_new_exim_ids": ("", sample(exim(unseen=True, fault=OLD))),
    "queue_unknown_stale": ("", sample(server(taken=900))),
    "queue_unknown_starting": ("", sample(server(unseen=True))),
    "queue_unknown_truncated": ("", sample(server(truncated=True, queues={"deferred": stats(7)}))),
    "queue_unknown_no_mta": ("", sample()),
    "queue_unknown_no_instance": ("--instance outgoing", sample(server())),
    "queue_unknown_no_queue": ("--queue defered", sample(server())),
    "queue_unknown_one_of_two": ("", sample(
        server(instance="in"), server(instance="out", unseen=True, fault=DENIED))),
    "deferrals_ok_default": ("", busy()),
    "deferrals_ok_verbose": ("-v", busy()),
    "deferrals_ok_few_attempts": ("--ratio-critical 10", busy(
        log=tally(sent=3, deferrals={"greylisted": 4}), tallies=(tally(900),))),
    "deferrals_warning_rate": ("", busy(
        log=tally(sent=1000, suspended=900,
                  deferrals={"greylisted": 200, "connection_timeout": 30, "unknown": 3}),
        tallies=(tally(900, sent=500, deferrals={"greylisted": 10}),))),
    "deferrals_warning_bounces": ("-w none -c none --bounce-rate-warning 1", busy(
        log=tally(sent=1000, bounced=90), tallies=(tally(900, sent=500),))),
    "deferrals_critical_ratio": ("-w none --ratio-warning 10 --ratio-critical 30", busy(
        log=tally(sent=40, deferrals={"blocklisted": 60}), tallies=(tally(900),))),
    "deferrals_critical_reason": ("--reason blocklisted -c 0", busy(
        log=tally(sent=400, deferrals={"blocklisted": 15, "greylisted": 99}), tallies=(tally(900),))),
    "deferrals_warning_counter_reset": ("", busy(
        log=tally(sent=10, deferrals={"greylisted": 200}),
        tallies=(tally(900, sent=5000, deferrals={"greylisted": 9000}),))),
    "deferrals_unknown_no_log": ("", busy(log=None)),
    "deferrals_unknown_log_denied": ("", busy(sources=(source(), source("log", LOST)))),
    "deferrals_unknown_just_started": ("", busy(tallies=(tally(20),))),
    "growth_ok_steady": ("", busy()),
    "growth_ok_draining": ("", busy(
        queues={"deferred": stats(500)}, history=history(*range(2000, 500, -50)))),
    "growth_ok_small_queue": ("", busy(queues={"deferred": stats(90)}, history=history(*range(0, 90, 15)))),
    "growth_warning_growing": ("--full 1000000", busy(
        queues={"deferred": stats(1500)}, history=history(*range(900, 1500, 20)))),
    "growth_warning_slow_drain": ("--time-to-empty-warning 40m", busy(
        queues={"deferred": stats(500)}, history=history(*range(800, 500, -10)))),
    "growth_critical_full_soon": ("", busy(
        queues={"deferred": stats(19800)}, history=history(*range(18300, 19800, 50)))),
    "growth_unknown_short_history": ("", busy(history=history(1, 2))),
    "growth_unknown_permission": ("", busy(unseen=True, fault=DENIED)),
    "latency_ok_default": ("", busy()),
    "latency_ok_few": ("", busy(log=tally(sent=2, delays=(2,)), tallies=(tally(3600),))),
    "latency_warning_late": ("", busy(
        log=tally(sent=1000, delays=(0, 0, 0, 0, 900, 0, 0, 0, 0, 100)), tallies=(tally(900),))),
    "latency_warning_quantile": ("--delay-warning 10s", busy(
        log=tally(sent=1000, delays=(0, 0, 0, 0, 900, 50, 50)), tallies=(tally(900),))),
    "latency_ok_few_stuck": ("", busy(log=tally(sent=5, delays=(5,)), tallies=(tally(900),), queues={
        "deferred": stats(1, 86000), "active": stats(1, 7200), "incoming": stats(1, 7200)})),
    "latency_critical_all_stuck": ("--min-messages 3", busy(log=tally(), tallies=(tally(900),), queues={
        "deferred": stats(1, 86000), "active": stats(1, 7200), "incoming": stats(1, 7200)})),
    "latency_unknown_no_log": ("", busy(log=None)),
    "host_ok_default": ("-v", busy()),
    "host_warning_space": ("", busy(filesystem=disk(0.15))),
    "host_warning_cpu": ("", {**busy(), "host": {**busy()["host"], "cpu_usage_ratio": 0.99}}),
    "host_critical_inodes": ("", busy(filesystem=disk(inodes=0.01))),
    "host_critical_memory": ("", {**busy(), "host": {**busy()["host"], "memory_available_bytes": 1000}}),
    "host_ok_no_inode_limit": ("", busy(filesystem=disk(inodes=0.5).__class__("/m", 100, 90, 0, 0))),
    "host_unknown_not_looked": ("", sample(server())),
    "host_unknown_pressure": ("--pressure-warning 10", sample(
        server(filesystem=disk()), host=host(pressure={}))),
    "exporter_ok_default": ("", busy()),
    "exporter_ok_verbose": ("-v", busy(sources=(source(interval=300.0), source("log")))),
    "exporter_warning_source": ("", busy(sources=(source(), source("log", LOST)))),
    "exporter_warning_lag": ("", busy(log=tally(lag_bytes=50_000_000))),
    "exporter_warning_reload": ("", {**busy(), "config_reload_ok": False}),
    "exporter_warning_silence": ("--silence-warning 1h", busy(log=tally(last_line=1_799_990_000.0))),
    "exporter_critical_stale": ("", busy(sources=(source(last_success=1_799_990_000.0),))),
    "exporter_critical_never_read": ("", busy(sources=(source(fault=DENIED, last_success=None),))),
    "exporter_unknown_no_mta": ("", sample()),
}


@pytest.mark.parametrize("name", CASES)
def test_golden(name: str) -> None:
    """The whole output and the exit code are as expected, and keep the rules."""
    words, body = CASES[name]
    kind, state, _ = name.split("_", 2)
    check = import_module(f"smtpq_exporter.checks.{kind}")
    options = read_options(check, words.split())
    result = check.evaluate(body, options)
    output = show(result, options)
    text = f"$ check_smtpq_{kind} {words}".rstrip() + f"\n{output}exit {result.state}\n"
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
    assert STATES[result.state].lower() == state
    if options.output == "nagios":
        check_rules(output, result.state)


def test_no_golden_is_left_over() -> None:
    """Every file belongs to a case."""
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("verbosity", ["", "-v", "-vv", "-vvv"])
def test_rules_at_every_verbosity(name: str, verbosity: str) -> None:
    """Every plugin in every state keeps the rules of output at every verbosity."""
    words, body = CASES[name]
    check = import_module(f"smtpq_exporter.checks.{name.split('_', 1)[0]}")
    options = read_options(check, [*words.split(), "--output", "nagios", *verbosity.split()])
    result = check.evaluate(body, options)
    check_rules(show(result, options), result.state)


def test_documentation_shows_real_lines() -> None:
    """Every example line in docs/checks.md is the line of a golden."""
    told = (GOLDEN.parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
    texts = [path.read_text(encoding="utf-8") for path in GOLDEN.glob("*.txt")]
    real = {text.splitlines()[1].split(" | ")[0] for text in texts}
    lines = [line.strip().split(" | ")[0] for line in told.splitlines() if line.startswith("    SMTPQ ")]
    assert len(lines) > 8
    assert set(lines) <= real
