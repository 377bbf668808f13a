"""A real Zabbix 6.0 watches a real Postfix through all three templates: import, discovery, trigger, recovery.

The templates are those that are shipped; macros on the hosts make windows of minutes into seconds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import yaml

from tests.checks.nagios import ROOT
from tests.checks.samples import QUEUES
from tests.checks.zabbix_rules import nodes
from tests.e2e.process import Exporter
from tests.servers.postfix import PostfixServer
from tests.servers.sink import Sink
from tests.servers.zabbix import Zabbix
from tests.wait import wait_for

pytestmark = [pytest.mark.server(name) for name in ("zabbix", "postfix")]
HERE = ROOT / "checks" / "zabbix"
TEMPLATES = {"http": "smtpq_by_http.yaml", "agent": "smtpq_by_agent.yaml",
             "active": "smtpq_by_agent_active.yaml"}
PARTS = ("templates", "items", "discoveryRules", "triggers", "graphs", "valueMaps", "templateDashboards")
RULES = {"groups": {"createMissing": True}, "templateLinkage": {"createMissing": True},
         **{part: {"createMissing": True, "updateExisting": True} for part in PARTS}}
CONFIG = """
sampling: {{interval: 1s, timeout: 10s, duty: 100%}}
host: {{interval: 1s}}
mtas:
  - {{mta: postfix, name: postfix, config_directory: {p.config_directory},
      queue_directory: {p.queue_directory}, logs: [{p.log}]}}
"""
NAME = "postfix postfix"
MESSAGES = "smtpq.queue.messages[postfix,postfix,deferred]"
LONG, LATE = f"{NAME} [deferred]: queue is long", f"{NAME} [deferred]: mail has been waiting long"
DOWN, GROWS = f"{NAME}: mail system is down", f"{NAME}: queue grows"
MANY = {f"{NAME}: many deferrals", f"{NAME}: very many deferrals"}
SILENT = "SMTP queue: exporter gives no data"
#: Seconds instead of minutes, and limits that a few messages exceed.
MACROS = {"{$SMTPQ.INTERVAL}": "1s", "{$SMTPQ.WINDOW}": "6s", "{$SMTPQ.NODATA}": "30s",
          "{$SMTPQ.GROWTH.PERIOD}": "20s", "{$SMTPQ.GROWTH.WARN}": "5", "{$SMTPQ.DEFERRALS.WINDOW}": "6s",
          '{$SMTPQ.MESSAGES.WARN:"deferred"}': "15", '{$SMTPQ.AGE.WARN:"deferred"}': "2s"}
#: An item of each discovery rule, and its value while eight messages are deferred.
ONE_OF_EACH = {
    MESSAGES: 8, "smtpq.queue.messages[postfix,postfix,hold]": 0, "smtpq.server.messages[postfix,postfix]": 8,
    "smtpq.server.up[postfix,postfix]": 1, "smtpq.source.success[postfix,postfix,log]": 1,
    "smtpq.source.success[,,host]": 1, "smtpq.reason.recipients[postfix,postfix,greylisted]": 12,
    "smtpq.reason.recipients[postfix,postfix,mailbox_full]": 0, "smtpq.exporter.sources": 2,
    "smtpq.exporter.sources_failed": 0, "smtpq.server.bounced[postfix,postfix]": 0,
}
#: What the API is asked for, the list of the file in which that stands, and what the API calls its number.
COUNTED = {"item": ("items", "itemid"), "discoveryrule": ("discovery_rules", "itemid"),
           "itemprototype": ("item_prototypes", "itemid"), "trigger": ("triggers", "triggerid"),
           "triggerprototype": ("trigger_prototypes", "triggerid"), "graph": ("graphs", "graphid"),
           "graphprototype": ("graph_prototypes", "graphid"),
           "templatedashboard": ("dashboards", "dashboardid"), "valuemap": ("valuemaps", "valuemapid"),
           "usermacro": ("macros", "hostmacroid")}


class World:
    """A mail server, its exporter, and a Zabbix with one host for each template."""

    def __init__(self, postfix: PostfixServer, exporter: Exporter, zabbix: Zabbix) -> None:
        self.postfix, self.exporter, self.zabbix = postfix, exporter, zabbix
        self.hosts: dict[str, str] = {}

    def load(self, file: str) -> Any:
        """Import a template as the frontend does."""
        return self.zabbix.call("configuration.import", format="yaml", rules=RULES,
                                source=(HERE / file).read_text("utf-8"))

    def template(self, file: str) -> str:
        """The number that Zabbix has given to a template."""
        name = yaml.safe_load((HERE / file).read_text())["zabbix_export"]["templates"][0]["template"]
        [template] = self.zabbix.call("template.get", filter={"host": name})
        return str(template["templateid"])

    def objects(self, file: str) -> dict[str, set[str]]:
        """The numbers of everything that Zabbix has for a template."""
        template, found = self.template(file), {}
        for what, (_, number) in COUNTED.items():
            where = "hostids" if what in ("usermacro", "valuemap") else "templateids"
            found[what] = {row[number] for row in self.zabbix.call(f"{what}.get", **{where: template})}
        return found

    def watch(self) -> None:
        """One host for each template, with an agent where it needs one."""
        macros = {**MACROS, "{$SMTPQ.PORT}": str(self.exporter.port)}
        [group] = self.zabbix.call("hostgroup.get", filter={"name": "Linux servers"})
        for kind, file in TEMPLATES.items():
            template = self.template(file)
            made = self.zabbix.call(
                "host.create", host=f"mx-{kind}", groups=[{"groupid": group["groupid"]}],
                templates=[{"templateid": template}],
                macros=[{"macro": macro, "value": value} for macro, value in macros.items()],
                interfaces=[{"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "",
                             "port": str(self.zabbix.agent_port)}])
            [self.hosts[kind]] = made["hostids"]

    def start_agent(self) -> None:
        """An agent with the shipped UserParameters; only the place of the programs is another."""
        wrapper = self.zabbix.directory / "smtpq"
        wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m smtpq_exporter.smtpq "$@" '
                           f"--url {self.exporter.url}\n")
        wrapper.chmod(0o755)
        text = (HERE / "userparameter_smtpq.conf").read_text("utf-8")
        text = text.replace("/usr/bin/smtpq", str(wrapper))
        text = text.replace("/usr/lib/nagios/plugins/check_smtpq_$1",
                            f"{ROOT}/checks/check_smtpq_$1 --url {self.exporter.url}")
        self.zabbix.agent("mx-active", text)

    def items(self, kind: str) -> dict[str, dict[str, str]]:
        """All items of a host by key."""
        rows = self.zabbix.call("item.get", hostids=self.hosts[kind],
                                output=["key_", "lastvalue", "lastclock", "state", "error", "value_type"])
        return {row["key_"]: row for row in rows}

    def values(self, kind: str) -> dict[str, str]:
        """The last value of every item that has had one."""
        return {key: item["lastvalue"] for key, item in self.items(kind).items() if item["lastclock"] != "0"}

    def value(self, kind: str, key: str) -> str | None:
        """The last value of an item; None before the first."""
        return self.values(kind).get(key)

    def problems(self, kind: str) -> set[str]:
        """The names of all triggers of a host that are in problem state."""
        rows = self.zabbix.call("trigger.get", hostids=self.hosts[kind], output=["description", "value"],
                                filter={"value": "1"}, expandDescription=True)
        return {row["description"] for row in rows}

    def happened(self, kind: str) -> set[str]:
        """The names of all problems that a host has ever had."""
        rows = self.zabbix.call("event.get", hostids=self.hosts[kind], output=["name"], filter={"value": "1"})
        return {row["name"] for row in rows}

    def impatient(self) -> None:
        """Let silence be a problem after 5 s; before, a machine under load must not seem silent."""
        macros = self.zabbix.call("usermacro.get", hostids=list(self.hosts.values()),
                                  filter={"macro": "{$SMTPQ.NODATA}"})
        assert len(macros) == len(TEMPLATES)
        for macro in macros:
            self.zabbix.call("usermacro.update", hostmacroid=macro["hostmacroid"], value="5s")

    def until(self, condition: Any, seconds: float = 90) -> None:
        """Wait until it holds on all three hosts."""
        try:
            wait_for(lambda: all(condition(kind) for kind in TEMPLATES), seconds, every=0.3)
        except AssertionError:
            seen = {kind: (self.value(kind, MESSAGES), self.problems(kind)) for kind in TEMPLATES}
            pytest.fail(f"not within {seconds} s; messages and problems are {seen}\n{self.zabbix.log}")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """Everything runs; the templates are imported; nothing is watched yet."""
    with ExitStack() as stack:
        postfix = stack.enter_context(PostfixServer(stack.enter_context(Sink())))
        postfix.inject(8, {"greylist": 1}, seed=1)
        postfix.wait_idle()
        exporter = stack.enter_context(Exporter(CONFIG.format(p=postfix)))
        made = World(postfix, exporter, stack.enter_context(Zabbix()))
        for file in TEMPLATES.values():
            assert made.load(file) is True
        yield made


@pytest.fixture(scope="module")
def watching(world: World) -> World:
    """Three hosts watch the server, and have discovered its queues."""
    world.watch()
    wait_for(lambda: world.value("http", "smtpq.exporter.version"), 60, every=0.3)
    # The server knows the hosts by now: an active agent that is not known would ask again in a minute.
    world.start_agent()
    world.until(lambda kind: set(ONE_OF_EACH) <= set(world.values(kind)))
    return world


@pytest.fixture(scope="module")
def grown(watching: World) -> World:
    """The queue has grown, and all three hosts know."""
    watching.postfix.inject(22, {"greylist": 1}, seed=2)
    watching.postfix.wait_idle()
    watching.until(lambda kind: watching.value(kind, MESSAGES) == "30"
                   and {LONG, LATE} <= watching.problems(kind) and GROWS in watching.happened(kind))
    return watching


@pytest.fixture(scope="module")
def drained(grown: World) -> World:
    """The mail server stopped and started, then all mail was delivered."""
    grown.postfix.stop()
    grown.until(lambda kind: DOWN in grown.problems(kind))
    grown.postfix.start()
    grown.postfix.drain()
    grown.until(lambda kind: not grown.problems(kind))
    return grown


@pytest.mark.parametrize("file", TEMPLATES.values())
def test_import_takes_everything(world: World, file: str) -> None:
    """Of every kind of object Zabbix has as many as the file; importing again changes none of them."""
    export = yaml.safe_load((HERE / file).read_text("utf-8"))["zabbix_export"]
    kinds = [kind for kind, _ in nodes(export)]
    expected = {what: kinds.count(kind) for what, (kind, _) in COUNTED.items()}
    before = world.objects(file)
    assert {what: len(found) for what, found in before.items()} == expected
    assert world.load(file) is True
    assert world.objects(file) == before


def test_discovery_finds_the_queues(watching: World) -> None:
    """All three find the same queues, servers, sources and spools, with the exporter's values."""
    keys = {kind: set(watching.items(kind)) - {"smtpq.metrics", "smtpq.json"} for kind in TEMPLATES}
    assert keys["http"] == keys["agent"] == keys["active"]
    assert {f"smtpq.queue.messages[postfix,postfix,{queue}]" for queue in QUEUES} <= keys["http"]
    for kind in TEMPLATES:
        found = watching.values(kind)
        assert {key: float(found[key]) for key in ONE_OF_EACH} == ONE_OF_EACH
        assert float(found["smtpq.queue.oldest[postfix,postfix,deferred]"]) > 0


def test_no_item_is_unsupported(watching: World) -> None:
    """Every item and discovery rule of all three works; an empty queue has no age by HTTP, and 0 by agent."""
    for kind, host in watching.hosts.items():
        assert not [item for item in watching.items(kind).values() if item["state"] != "0"]
        rules = watching.zabbix.call("discoveryrule.get", hostids=host, output=["key_", "state", "error"])
        assert len(rules) == 5
        assert {rule["error"] for rule in rules} == {""}


def test_a_growing_queue_is_a_problem(grown: World) -> None:
    """Long by the limit of its context, late, growing, with many deferrals; and nothing else."""
    for kind in TEMPLATES:
        assert grown.happened(kind) - MANY == {LONG, LATE, GROWS}
    assert MANY & set().union(*map(grown.happened, TEMPLATES))


def test_recovery(drained: World) -> None:
    """What was down, long and late is well again, although the empty queue has no oldest message."""
    for kind in TEMPLATES:
        assert {DOWN, LONG, LATE, GROWS} <= drained.happened(kind)
        assert drained.value(kind, MESSAGES) == "0"


@pytest.mark.parametrize(("key", "answer"), [
    ("smtpq.get[messages,postfix,deferred]", "0"), ("smtpq.get[messages]", "0"),
    ("smtpq.get[up,postfix]", "1"), ("smtpq.get[messages,postfix,nosuch]", ""),
    ("smtpq.get[oldest,nosuch]", ""),
    ("smtpq.check[queue,postfix]", "0"), ("smtpq.check[nosuch,postfix]", "127")])
def test_user_parameters(drained: World, key: str, answer: str) -> None:
    """The agent gives one value for a key, and nothing for what is not known."""
    assert drained.zabbix.ask_agent(key).split("|", 1)[1] == f"{answer}]"


def test_user_parameter_discovers(drained: World) -> None:
    """The agent's own discovery is a bare array of all queues."""
    text = drained.zabbix.ask_agent("smtpq.discovery[queues]").split("|", 1)[1].removesuffix("]")
    assert [row["{#QUEUE}"] for row in json.loads(text)] == list(QUEUES)


def test_silence_is_a_problem_and_no_zero(drained: World) -> None:
    """Without an exporter the one trigger for it fires, every value stays as it was, and it recovers."""
    drained.impatient()
    drained.exporter.stop()
    drained.until(lambda kind: SILENT in drained.problems(kind), 120)
    for kind in TEMPLATES:
        assert drained.problems(kind) == {SILENT}
        assert int(drained.items(kind)[MESSAGES]["lastclock"]) < time.time() - 4
    drained.exporter.start()
    drained.until(lambda kind: SILENT not in drained.problems(kind), 120)
