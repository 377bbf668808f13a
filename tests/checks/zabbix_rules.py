"""What a Zabbix template must keep, without a Zabbix: all that servers let through and that then goes wrong.

Two items with one key lose one silently, a trigger that names another host drops all triggers, an unknown
macro shows as its own name. Sources: the Zabbix 6.0 manual, and experiments with 6.0.14 and 7.0.22.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

UUID = re.compile(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}")
KEY = re.compile(r"[a-z][a-z0-9_.]*(\[[^\]]*\])?")
USER_MACRO = re.compile(r"\{\$[A-Z0-9_.]+(?::\"[^\"]*\")?\}")
LLD_MACRO = re.compile(r"\{#[A-Z0-9_.]+\}")
ITEM = re.compile(r"/([^/()]+)/([a-z][a-z0-9_.]*(?:\[[^\]]*\])?)")
REQUIRED = {"HTTP_AGENT": "url", "DEPENDENT": "master_item"}


def problems(text: str) -> list[str]:
    """Everything that is wrong with a template; empty if nothing is."""
    # Zabbix's reader takes 12345678901244e3... for a number where Python's does not.
    signs = {"a byte order mark": "^\ufeff", "a tab": "\t", "a uuid without quotes": r"(?m)\buuid: [^'\"\n]"}
    found = [word for word, sign in signs.items() if re.search(sign, text)]
    try:
        export = yaml.safe_load(text)["zabbix_export"]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        return [*found, f"not a template: {error}"]
    found += [f"{where}: {value!r} is not text" for where, value in scalars(export)
              if not isinstance(value, str)]
    if found:
        return found
    if export["version"] != "6.0":
        found.append("version is not 6.0")
    found += _uuids(export)
    for template in export["templates"]:
        found += _Template(template, export).problems()
    return found


def scalars(node: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """All leaves with their places."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from scalars(inner, f"{where}/{name}")
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from scalars(inner, f"{where}[{place}]")
    else:
        yield where, node


def nodes(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """All objects with the name of the list or key that holds them."""
    if isinstance(node, dict):
        yield name, node
        for key, inner in node.items():
            yield from nodes(inner, key)
    elif isinstance(node, list):
        for inner in node:
            yield from nodes(inner, name)


#: What must have a uuid, by the list that it stands in.
OWN = ("templates", "items", "item_prototypes", "triggers", "trigger_prototypes", "graphs",
       "graph_prototypes", "discovery_rules", "valuemaps", "dashboards")


def _uuids(export: dict[str, Any]) -> list[str]:
    found, seen = [], Counter[str]()
    for kind, node in nodes(export):
        if kind in OWN and "uuid" not in node:
            found.append(f"{kind} {node.get('name')}: no uuid")
        if "uuid" in node:
            seen[node["uuid"].lower()] += 1
            if not UUID.fullmatch(node["uuid"]):
                found.append(f"{node.get('name')}: {node['uuid']} is no version 4 uuid")
    return found + [f"uuid {uuid} stands {count} times" for uuid, count in seen.items() if count > 1]


class _Template:
    """One template, looked at from all sides."""

    def __init__(self, template: dict[str, Any], export: dict[str, Any]) -> None:
        self.template, self.export = template, export
        self.name = template["template"]
        self.rules = template.get("discovery_rules", [])
        self.items = template.get("items", [])
        self.prototypes = [item for rule in self.rules for item in rule.get("item_prototypes", [])]
        self.keys = Counter(item["key"] for item in (*self.items, *self.rules, *self.prototypes))

    def problems(self) -> list[str]:
        """All that is wrong."""
        return [*self._items(), *self._macros(), *self._discovery(), *self._triggers(), *self._graphs()]

    def _items(self) -> Iterator[str]:
        yield from (f"key {key} stands {count} times" for key, count in self.keys.items() if count > 1)
        maps = {valuemap["name"] for valuemap in self.template.get("valuemaps", [])}
        masters = {item["key"] for item in self.items}
        for item in (*self.items, *self.prototypes, *self.rules):
            key = item["key"]
            if not KEY.fullmatch(key):
                yield f"{key!r} is no dotted key in lower case"
            needed = REQUIRED.get(item.get("type", ""))
            if needed and needed not in item:
                yield f"{key}: {item['type']} without {needed}"
            if item.get("master_item", {}).get("key", next(iter(masters))) not in masters:
                yield f"{key}: its master item does not exist"
            if "valuemap" in item and item["valuemap"]["name"] not in maps:
                yield f"{key}: no value map {item['valuemap']['name']}"
            if item in self.rules:
                continue
            if item.get("value_type", "UNSIGNED") == "UNSIGNED":
                yield f"{key}: UNSIGNED dies of 1e+06"
            if item.get("history") == "0" and item.get("triggers"):
                yield f"{key}: triggers on an item without history"
        for item in (*self.items, *self.prototypes, *self.rules):
            for place, step in enumerate(item.get("preprocessing", [])):
                if step["type"] == "PROMETHEUS_PATTERN" and (place or len(step["parameters"]) != 3):
                    yield f"{item['key']}: PROMETHEUS_PATTERN comes first and has three parameters"
                if step["type"] == "PROMETHEUS_PATTERN" and item in self.rules:
                    yield f"{item['key']}: PROMETHEUS_PATTERN in a discovery rule"

    def _macros(self) -> Iterator[str]:
        defined = {macro["macro"] for macro in self.template.get("macros", [])}
        used = set()
        for where, value in scalars({**self.template, "macros": []}):
            if where.endswith("description"):
                continue
            used |= {re.sub(r':"[^"]*"', "", macro) for macro in USER_MACRO.findall(value)}
            if wrong := re.findall(r"\{\$[^}:]*[a-z][^}:]*[:}]", value):
                yield f"{where}: {wrong[0]} is no macro"
        yield from (f"macro {macro} is used and not defined" for macro in sorted(used - defined))
        plain = {macro for macro in defined if '"' not in macro}
        yield from (f"macro {macro} is defined and not used" for macro in sorted(plain - used))
        yield from (f"{macro}: no macro without context" for macro in sorted(defined - plain)
                    if re.sub(r':"[^"]*"', "", macro) not in plain)
        for macro in self.template.get("macros", []):
            if "{HOST." in macro.get("value", ""):
                yield f"{macro['macro']}: host macros are not expanded in a macro"

    def _discovery(self) -> Iterator[str]:
        for rule in self.rules:
            paths = {path["lld_macro"] for path in rule.get("lld_macro_paths", [])}
            for item in rule.get("item_prototypes", []):
                if not LLD_MACRO.search(item["key"]):
                    yield f"{item['key']}: a prototype's key without a macro of its rule"
            inner = {key: value for key, value in rule.items() if key != "lld_macro_paths"}
            for where, value in scalars(inner):
                for macro in set(LLD_MACRO.findall(value)) - paths:
                    yield f"{rule['key']}{where}: {macro} is not among its paths"
            for condition in rule.get("filter", {}).get("conditions", []):
                if "formulaid" not in condition:
                    yield f"{rule['key']}: a condition without formulaid"

    def _triggers(self) -> Iterator[str]:
        own = [node for kind, node in nodes(self.export) if kind in ("triggers", "trigger_prototypes")]
        known = {(trigger["name"], trigger["expression"]) for trigger in own}
        for trigger in own:
            places = ITEM.findall(trigger["expression"])
            if not places:
                yield f"{trigger['name']}: no item in {trigger['expression']!r}"
            for host, key in places:
                if host != self.name or key not in self.keys:
                    yield f"{trigger['name']}: no item /{host}/{key}"
            if "{HOST." in trigger["name"]:
                yield f"{trigger['name']}: names its host"
            for other in trigger.get("dependencies", []):
                if (other["name"], other["expression"]) not in known:
                    yield f"{trigger['name']}: depends on {other['name']}, which does not exist"

    def _graphs(self) -> Iterator[str]:
        graphs = [node for kind, node in nodes(self.export) if kind in ("graphs", "graph_prototypes")]
        for graph in graphs:
            for line in graph["graph_items"]:
                if line["item"]["host"] != self.name or line["item"]["key"] not in self.keys:
                    yield f"{graph['name']}: no item {line['item']}"
        names = {graph["name"] for graph in graphs}
        for kind, field in nodes(self.template.get("dashboards", [])):
            if kind == "value" and field["name"] not in names:
                yield f"dashboard: no graph {field['name']}"
