"""One Zabbix template as the plain value that its YAML file holds (format 6.0, taken by 6.0 and later).

Pure and deterministic. Law: a uuid follows from what an object is (template, kind, id), never from its name
or place, so an upgrade keeps the history of every item. Each number is FLOAT: a queue of a million is printed
as 1e+06, which an unsigned item of Zabbix 6.0 refuses just then.
Source: Zabbix 6.0 manual, "Template export format", "Prometheus checks", "Trigger expression".
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from checks.zabbix.macros import MACROS
from checks.zabbix.plan import DISCOVERED, EXPORTER, NO_DATA, VALUEMAPS, Graph, Group, Trigger, Value

Node = dict[str, Any]
#: Known to every Zabbix under this uuid.
GROUP = {"uuid": "a571c0d144b14fd4a87a9d9b2aa9fcd6", "name": "Templates/Applications"}
COLOURS = ("1A7C11", "2774A4", "F63100", "A54F10", "FC6EA3")
_DISTINCT = """\
var seen = {}, rows = [];
JSON.parse(value).forEach(function (row) {
    var found = {}, id;
    %s.forEach(function (name) { found[name] = row.labels[name]; });
    id = JSON.stringify(found);
    if (!seen[id]%s) {
        seen[id] = 1;
        rows.push(found);
    }
});
return JSON.stringify(rows);"""
_WITH_SERVER = " && found.mta"


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the templates. `id` is for the uuids and never changes; `name` may."""

    id: str
    name: str
    file: str
    about: str
    master: Node
    macros: tuple[tuple[str, str, str], ...]

    @property
    def http(self) -> bool:
        """Whether its master item is the page /metrics, else it is the document of `smtpq zabbix json`."""
        return bool(self.master.get("type") == "HTTP_AGENT")


HTTP = Kind(
    "http", "SMTP queue by HTTP", "smtpq_by_http.yaml",
    "Mail queues by smtpq_exporter: the Zabbix server reads its page of metrics.",
    {
        "type": "HTTP_AGENT", "key": "smtpq.metrics", "timeout": "10s", "status_codes": "200",
        "url": "{$SMTPQ.SCHEME}://{HOST.CONN}:{$SMTPQ.PORT}{$SMTPQ.PATH}",
        "authtype": "BASIC", "username": "{$SMTPQ.USER}", "password": "{$SMTPQ.PASSWORD}",
        "verify_peer": "YES", "verify_host": "YES",
    },
    (("{$SMTPQ.SCHEME}", "http", "http or https"), ("{$SMTPQ.PORT}", "10125", "Where the exporter listens."),
     ("{$SMTPQ.PATH}", "/metrics", "The page of metrics."),
     ("{$SMTPQ.USER}", "", "For an exporter with basic authentication."),
     ("{$SMTPQ.PASSWORD}", "", "For an exporter with basic authentication.")),
)
AGENT = Kind(
    "agent", "SMTP queue by Zabbix agent", "smtpq_by_agent.yaml",
    "Mail queues by smtpq_exporter: the Zabbix agent on its host runs `smtpq zabbix json`. "
    "Needs userparameter_smtpq.conf there.",
    {"key": "smtpq.json"}, (),
)
ACTIVE = Kind(
    "active", "SMTP queue by Zabbix agent active", "smtpq_by_agent_active.yaml",
    "Mail queues by smtpq_exporter: the Zabbix agent on its host runs `smtpq zabbix json` and sends it. "
    "Needs userparameter_smtpq.conf there.",
    {"type": "ZABBIX_ACTIVE", "key": "smtpq.json"}, (),
)
KINDS = (HTTP, AGENT, ACTIVE)


def uuid(*path: str) -> str:
    """A version 4 uuid that follows from the path of an object alone."""
    digits = list(hashlib.sha256("/".join(("smtpq_exporter", *path)).encode()).hexdigest()[:32])
    digits[12] = "4"
    digits[16] = "89ab"[int(digits[16], 16) % 4]
    return "".join(digits)


def template(kind: Kind) -> Node:
    """The whole file of one template."""
    return Builder(kind).build()


class Builder:
    """Makes the objects of one template."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    def build(self) -> Node:
        """All of it."""
        items = [self._master(), *(self._item(EXPORTER, value) for value in EXPORTER.values)]
        made: Node = {
            "uuid": uuid(self.kind.id), "template": self.kind.name, "name": self.kind.name,
            "description": f"{self.kind.about}\n\nWritten by checks/zabbix/build.py of smtpq_exporter.",
            "groups": [{"name": GROUP["name"]}],
            "items": items,
            "discovery_rules": [self._rule(group) for group in DISCOVERED],
            "tags": [{"tag": "class", "value": "application"}, {"tag": "target", "value": "smtp-queue"}],
            "macros": [self._macro(*macro) for macro in sorted((*self.kind.macros, *MACROS))],
            "dashboards": [self._dashboard()],
            "valuemaps": [
                {"uuid": uuid(self.kind.id, "valuemap", name), "name": name,
                 "mappings": [{"value": value, "newvalue": text} for value, text in mappings.items()]}
                for name, mappings in VALUEMAPS.items()
            ],
        }
        self._triggers(EXPORTER, items, "triggers")
        graphs = [self._graph(EXPORTER, graph) for graph in EXPORTER.graphs]
        return {"zabbix_export": {"version": "6.0", "groups": [dict(GROUP)],
                                  "templates": [made], "graphs": graphs}}

    # --- items ---

    def key(self, group: Group, name: str) -> str:
        """The key of a value, with the macros of its group as parameters."""
        macros = ",".join(macro for macro, _ in group.labels)
        return f"smtpq.{name}[{macros}]" if macros else f"smtpq.{name}"

    def _master(self) -> Node:
        return {
            "uuid": uuid(self.kind.id, "item", self.kind.master["key"]), "name": "SMTP queue: all values",
            **self.kind.master, "delay": "{$SMTPQ.INTERVAL}", "history": "0", "trends": "0",
            "value_type": "TEXT", "description": "Master item: all others are taken from it.",
            "tags": [{"tag": "component", "value": "raw"}],
        }

    def _item(self, group: Group, value: Value) -> Node:
        steps = [self._prometheus(group, value) if self.kind.http else self._jsonpath(group, value)]
        if value.rate:
            steps += [{"type": "CHANGE_PER_SECOND", "parameters": [""]},
                      {"type": "MULTIPLIER", "parameters": ["60"]}]
        made: Node = {"uuid": uuid(self.kind.id, "item", value.name), "name": f"{group.title}: {value.text}",
                      "type": "DEPENDENT", "key": self.key(group, value.name), "delay": "0"}
        made |= {"value_type": "FLOAT"} if value.number else {"value_type": "CHAR", "trends": "0"}
        made |= {"units": value.units} if value.units else {}
        made |= {"description": value.about} if value.about else {}
        made |= {"valuemap": {"name": value.valuemap}} if value.valuemap else {}
        tags = [{"tag": "component", "value": group.id}]
        tags += [{"tag": label.removeprefix("mta_"), "value": macro} for macro, label in group.labels]
        return made | {"preprocessing": steps, "master_item": {"key": self.kind.master["key"]}, "tags": tags}

    def _prometheus(self, group: Group, value: Value) -> Node:
        # The label with the most different values first: Zabbix looks series up by it.
        match = [f'{label}="{macro}"' for macro, label in reversed(group.labels)]
        compared = value.match if value.match.startswith("=") else ""
        if value.match and not compared:
            match.append(value.match)
        pattern = value.metric.name + (f"{{{','.join(match)}}}" if match else "")
        pick = ["value", ""] if value.pick == "value" else ["function", value.pick]
        pick = ["label", value.pick] if not value.number else pick
        step: Node = {"type": "PROMETHEUS_PATTERN", "parameters": [f"{pattern} {compared}".strip(), *pick]}
        # What is not known has no series: no value then, and neither a 0 nor an item that is not supported.
        return step if value.pick == "count" else step | {"error_handler": "DISCARD_VALUE"}

    def _jsonpath(self, group: Group, value: Value) -> Node:
        row = f"$.{group.collection}" + ("['{#ID}']" if group.labels else "")
        step: Node = {"type": "JSONPATH", "parameters": [f"{row}.{value.field}"]}
        return step | {"error_handler": "DISCARD_VALUE"} if group.labels else step

    # --- discovery ---

    def _rule(self, group: Group) -> Node:
        items = [self._item(group, value) for value in group.values]
        macro, word = group.labels[-1][0], group.id.upper()
        condition = {"macro": macro, "value": f"{{$SMTPQ.{word}.MATCHES}}", "formulaid": "A"}
        other = {"macro": macro, "value": f"{{$SMTPQ.{word}.NOT_MATCHES}}", "operator": "NOT_MATCHES_REGEX",
                 "formulaid": "B"}
        made: Node = {
            "uuid": uuid(self.kind.id, "discovery", group.id), "name": group.text, "type": "DEPENDENT",
            "key": f"smtpq.{group.id}.discovery", "delay": "0", "lifetime": "7d",
            "filter": {"evaltype": "AND", "conditions": [condition, other]},
            "item_prototypes": items,
        }
        self._triggers(group, items, "trigger_prototypes")
        if group.graphs:
            made["graph_prototypes"] = [self._graph(group, graph) for graph in group.graphs]
        names = dict(group.labels)
        if self.kind.http:
            wanted = _WITH_SERVER if group.id == "server" else ""
            labels = ", ".join(f"'{label}'" for label in names.values())
            steps = [{"type": "PROMETHEUS_TO_JSON", "parameters": [group.seed.name]},
                     {"type": "JAVASCRIPT", "parameters": [_DISTINCT % (f"[{labels}]", wanted)]}]
        else:
            names = {"{#ID}": "id", **names, "{#INSTANCE}": "instance"}
            steps = [{"type": "JSONPATH", "parameters": [f"$.discovery.{group.collection}"]}]
        paths = [{"lld_macro": macro, "path": f"$.{label}"} for macro, label in names.items()]
        steps.append({"type": "DISCARD_UNCHANGED_HEARTBEAT", "parameters": ["1h"]})
        return made | {"master_item": {"key": self.kind.master["key"]}, "lld_macro_paths": paths,
                       "preprocessing": steps}

    # --- triggers ---

    def _triggers(self, group: Group, items: list[Node], word: str) -> None:
        """Put each trigger below the first item of its expression."""
        by_key = {item["key"]: item for item in items}
        for trigger in group.triggers:
            first = re.findall(r"@([a-z_.]+)", trigger.expression)[0]
            by_key[self.key(group, first)].setdefault(word, []).append(self._trigger(group, trigger))

    def _trigger(self, group: Group, trigger: Trigger) -> Node:
        made: Node = {
            "uuid": uuid(self.kind.id, "trigger", group.id, trigger.id),
            "expression": self._expression(group, trigger.expression),
            "name": f"{group.title}: {trigger.text}",
        }
        if trigger.data:
            order = re.findall(r"@([a-z_.]+)", trigger.expression)
            made["opdata"] = re.sub(
                r"@([a-z_]+\.[a-z_]+)",
                lambda found: f"{{ITEM.LASTVALUE{order.index(found[1]) + 1}}}", trigger.data)
        made |= {"priority": trigger.priority, "description": trigger.about, "manual_close": "YES"}
        if trigger.under:
            made["dependencies"] = [self._named(group, trigger.under)]
        return made | {"tags": [{"tag": "scope", "value": trigger.scope}]}

    def _named(self, group: Group, under: str) -> Node:
        """How a trigger names another on which it depends."""
        if under == NO_DATA:
            group, under = EXPORTER, "no_data"
        [other] = [trigger for trigger in group.triggers if trigger.id == under]
        return {"name": f"{group.title}: {other.text}",
                "expression": self._expression(group, other.expression)}

    def _expression(self, group: Group, text: str) -> str:
        return re.sub(r"@([a-z_.]+)", lambda found: f"/{self.kind.name}/{self.key(group, found[1])}", text)

    # --- graphs ---

    def _graph(self, group: Group, graph: Graph) -> Node:
        lines = []
        for place, name in enumerate(graph.values):
            line: Node = {"sortorder": str(place), "color": COLOURS[place]}
            if name.endswith("!"):
                line["yaxisside"] = "RIGHT"
            line["item"] = {"host": self.kind.name, "key": self.key(group, name.rstrip("!"))}
            lines.append(line)
        return {"uuid": uuid(self.kind.id, "graph", group.id, graph.id),
                "name": f"{group.title}: {graph.text}", "graph_items": lines}

    def _dashboard(self) -> Node:
        pages = []
        for name, groups in (("Queues", DISCOVERED[:2]), ("Exporter", (EXPORTER, *DISCOVERED[2:]))):
            widgets: list[Node] = []
            graphs = [(group, graph) for group in groups for graph in group.graphs]
            for place, (group, graph) in enumerate(graphs):
                widgets.append(self._widget(group, graph, place))
            pages.append({"name": name, "widgets": widgets})
        return {"uuid": uuid(self.kind.id, "dashboard"), "name": "SMTP queue", "pages": pages}

    def _widget(self, group: Group, graph: Graph, place: int) -> Node:
        prototype = bool(group.labels)
        word = "GRAPH_PROTOTYPE" if prototype else "GRAPH"
        fields: list[Node] = [{"type": "INTEGER", "name": "columns", "value": "1"},
                              {"type": "INTEGER", "name": "rows", "value": "3"}] if prototype else [
                              {"type": "INTEGER", "name": "source_type", "value": "0"}]
        fields.append({"type": word, "name": "graphid",
                       "value": {"host": self.kind.name, "name": f"{group.title}: {graph.text}"}})
        height = 12 if prototype else 5
        return {"type": word if prototype else "GRAPH_CLASSIC", "x": str(place % 2 * 12),
                "y": str(place // 2 * 12), "width": "12", "height": str(height), "fields": fields}

    def _macro(self, macro: str, value: str, text: str) -> Node:
        secret = {"type": "SECRET_TEXT"} if macro == "{$SMTPQ.PASSWORD}" else {"value": value}
        return {"macro": macro, **secret, "description": text}
