"""smtpq zabbix: what it prints for a sample, and that what is not known is never printed."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import yaml

from smtpq_exporter import smtpq_zabbix as zabbix
from smtpq_exporter.model import Fault
from smtpq_exporter.reasons import REASONS
from tests.checks.exporter import FakeExporter, http, silence
from tests.checks.nagios import ROOT
from tests.checks.samples import NOW, busy, disk, sample, server, source, stats, tally

#: What may stand in an argument of a UserParameter (`UnsafeUserParameters=0`).
REFUSED = set("\\'\"`*?[]{}~$!&;()<>|#@\n")


def ask(*words: str, url: str = "") -> subprocess.CompletedProcess[str]:
    """Run the program."""
    argv = [sys.executable, "-m", "smtpq_exporter.smtpq", "zabbix", *words, *(["--url", url] if url else [])]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT,
                          stdin=subprocess.DEVNULL)


def value(body: dict[str, Any], *words: str) -> float | None:
    """One value of a sample; None where it is not known."""
    try:
        return zabbix.get(zabbix.document(body), *words)
    except LookupError:
        return None


def test_one_value() -> None:
    """A value of a queue, of a server, of all servers, and of the exporter."""
    body = sample(server(queues={"deferred": stats(9, 1380), "active": stats(3, 5)}, log=tally(sent=12)),
                  server(instance="second", queues={"deferred": stats(1, 20)}, log=tally(sent=2)))
    assert value(body, "messages", "postfix", "deferred") == 9
    assert value(body, "messages", "postfix") == 12
    assert value(body, "messages", "postfix:second", "deferred") == 1
    assert value(body, "messages") == 13
    assert value(body, "oldest") == 1380
    assert value(body, "sent") == 14
    assert value(body, "up") == 1
    assert value(body, "success", "second", "spool") == 1
    assert value(body, "sources_failed") == 0


def test_unknown_is_never_a_number() -> None:
    """Not read, stale, no such queue, a log that is not followed, a process that cannot be seen: nothing."""
    denied = Fault("permission", "may not read", "")
    for body in (sample(server(unseen=True, fault=denied)), sample(server(taken=600)), sample()):
        for words in ("messages", "messages postfix", "messages postfix deferred", "oldest"):
            assert value(body, *words.split()) is None, words
    assert value(busy(), "messages", "postfix", "nosuch") is None
    assert value(busy(), "messages", "nosuch") is None
    assert value(busy(log=None), "sent") is None
    assert value(sample(server(up=None)), "up") is None
    assert value(sample(server(queues={"deferred": stats(2, held=None)})), "held") is None


def test_one_unknown_of_two_makes_the_sum_unknown() -> None:
    """A sum without a part of it would be too small, and look healthy."""
    body = sample(server(), server(instance="second", unseen=True))
    assert value(body, "messages") is None
    assert value(body, "messages", "postfix") == 0


def test_failed_source_is_told() -> None:
    """A failing source is a value of its own; one never tried has none."""
    body = sample(server(sources=(source(fault=Fault("timeout", "no answer", "")),
                                  source("log", last_attempt=None, success=False))))
    assert value(body, "success", "postfix", "spool") == 0
    assert value(body, "success", "postfix", "log") is None
    assert zabbix.document(body)["exporter"] == {"version": body["version"], "config_reload": 1, "sources": 1,
                                                 "sources_failed": 1}


def test_empty_queue_has_age_zero() -> None:
    """Zabbix keeps the last value: without a 0 the age of mail that left would stay, and its problem."""
    assert value(sample(server()), "oldest", "postfix", "deferred") == 0
    body = sample(server(queues={"deferred": stats(5, 100)}))
    assert value(body, "oldest", "postfix", "deferred") == 100


def test_reasons_are_all_there_or_none() -> None:
    """As on /metrics: zeros for the whole closed set where the source shows reasons, nothing where not."""
    rows = zabbix.document(busy())["reasons"]
    assert {row["reason"] for row in rows.values()} == set(REASONS)
    assert rows["postfix:postfix:greylisted"]["recipients"] == 7
    assert zabbix.document(sample(server()))["reasons"] == {}
    assert value(busy(), "recipients", "postfix", "mailbox_full") == 2


@pytest.mark.parametrize("kind", zabbix.KINDS)
def test_discovery(kind: str) -> None:
    """A bare array of rows; every value may be an argument of a UserParameter; each row can be asked for."""
    body = sample(server(mta="exchange", instance="EX01", reasons={"greylisted": 1},
                         queues={"EX01\\Submission": stats(4), "a@b.c; rm": stats(1)},
                         filesystem=disk(directory="/var/spool/Ä b")))
    rows = zabbix.discovery(zabbix.document(body), kind)
    assert rows
    for row in rows:
        assert all(macro.startswith("{#") and macro.isupper() for macro in row)
        assert not (REFUSED | {" "}) & set("".join(row.values()))
    if kind == "queues":
        assert [row["{#QUEUE}"] for row in rows] == ["ex01_submission", "a_b.c__rm"]
        assert value(body, "messages", rows[0]["{#INSTANCE}"], rows[0]["{#QUEUE}"]) == 4


def test_names_that_clean_to_the_same_stay_apart() -> None:
    """No queue hides another; which id is whose does not depend on their order."""
    queues = {"a@b": stats(1), "a_b": stats(2), "a!b": stats(3)}
    first, second = (zabbix.document(sample(server(mta="exchange", queues=order)))["queues"]
                     for order in (queues, dict(reversed(queues.items()))))
    assert {name: row["messages"] for name, row in first.items()} == {
        name: row["messages"] for name, row in second.items()}
    assert sorted(row["messages"] for row in first.values()) == [1, 2, 3]
    assert first["exchange:postfix:a_b"]["messages"] == 2


def test_ambiguous_instance() -> None:
    """A name that two mail servers bear is refused, not added up."""
    body = sample(server(instance="mx"), server(mta="exim", instance="mx", queues={"default": stats(2)}))
    with pytest.raises(LookupError, match="MTA:INSTANCE"):
        zabbix.get(zabbix.document(body), "messages", "mx")
    assert value(body, "messages", "exim:mx") == 2


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (1e6, "1000000"), (2.5e17, "250000000000000000"),
                                              (0.0004, "0"), (12.5, "12.5"), (1, "1"), (100, "100")])
def test_numbers_have_no_exponent(number: float, text: str) -> None:
    """An unsigned item of Zabbix 6.0 dies of 1e+06."""
    assert zabbix.say(number) == text


def test_every_path_of_the_agent_template_is_there() -> None:
    """What the JSONPath steps and discovery rules of the agent template name is in the document."""
    document = zabbix.document(busy())
    text = (ROOT / "checks" / "zabbix" / "smtpq_by_agent.yaml").read_text("utf-8")
    [template] = yaml.safe_load(text)["zabbix_export"]["templates"]
    paths = [item["preprocessing"][0]["parameters"][0] for item in template["items"][1:]]
    for rule in template["discovery_rules"]:
        _, _, kind = rule["preprocessing"][0]["parameters"][0].split(".")
        rows = document["discovery"][kind]
        assert rows
        for macro in rule["lld_macro_paths"]:
            assert all(macro["path"].removeprefix("$.") in row for row in rows), macro
        paths += [item["preprocessing"][0]["parameters"][0].replace("{#ID}", rows[0]["id"])
                  for item in rule["item_prototypes"]]
    for path in paths:
        found: Any = document
        for word in path.removeprefix("$.").replace("['", ".").replace("']", "").split("."):
            found = found[word]
        assert found is not None


def test_program() -> None:
    """json, discover and get print one line each from a real HTTP answer."""
    with FakeExporter(busy()) as exporter:
        done = ask("json", url=exporter.url)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
        assert json.loads(done.stdout)["queues"]["postfix:postfix:deferred"]["messages"] == 9
        assert ask("get", "messages", "postfix", "deferred", url=exporter.url).stdout == "9\n"
        assert isinstance(json.loads(ask("discover", "queues", url=exporter.url).stdout), list)


@pytest.mark.parametrize("answer", ["absent", "silent", "garbage", "broken off", "refused"])
def test_no_answer_prints_nothing(answer: str) -> None:
    """Whatever is wrong with the exporter: no output, so the item is not supported; stderr says why."""
    body = json.dumps(busy()).encode()
    with FakeExporter(b"") as exporter:
        exporter.answer = {"silent": silence(exporter.done), "garbage": http(b"<html>"), "absent": b"",
                           "broken off": http(body[:500], length=len(body)),
                           "refused": http(b"", "401 Unauthorized")}[answer]
        url = "http://127.0.0.1:1" if answer == "absent" else exporter.url
        for words in (("json",), ("discover", "queues"), ("get", "messages")):
            done = ask(*words, "--timeout", "0.5", url=url)
            assert (done.returncode, done.stdout) == (1, ""), words
            assert done.stderr.startswith("smtpq zabbix: ")
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", [(), ("discover",), ("discover", "nothing"), ("get",), ("json", "x"),
                                   ("nothing",), ("get", "a", "b", "c", "d")])
def test_wrong_usage(words: tuple[str, ...]) -> None:
    """A mistake is 2 and prints nothing on stdout."""
    done = ask(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr


def test_imports_are_light() -> None:
    """A process a minute on every mail server: nothing that is slow to import."""
    code = (f"import sys; sys.path.insert(0, {str(ROOT)!r}); import smtpq_exporter.smtpq_zabbix; "
            "print(*sorted(sys.modules))")
    argv = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    heavy = {"asyncio", "http.client", "ssl", "subprocess", "yaml", "psutil", "prometheus_client", "email",
             "logging", "smtpq_exporter.model", "smtpq_exporter.view"}
    assert not heavy & set(done.stdout.split())


def test_a_large_host_fits_into_one_value() -> None:
    """An agent of Zabbix 6.0 refuses more than 512 KB."""
    body = sample(*(server(instance=f"mx{number}", reasons={"greylisted": 1}, filesystem=disk(),
                           log=tally(sent=1)) for number in range(40)))
    assert len(json.dumps(zabbix.document(body), separators=(",", ":"))) < 512 * 1024
    assert body["time"] == NOW
