"""YAML without its traps: what a person wrote is what the program gets, or an error that names the place.

Pure. Of YAML 1.1 only plain forms are kept: `true` and `false` are the only booleans, `010` and `1:30` are
text and not 8 and 90, keys are text and stand once, and there are no tags, anchors, aliases or second
documents. `section` turns a mapping into a frozen dataclass whose fields say how they are read.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar

import yaml

from smtpq_exporter.errors import ConfigError

T = TypeVar("T")
Read = Callable[[Any, str], Any]

#: Longest configuration, characters.
LARGEST = 1_000_000
_DEEPEST = 20


class _Loader(yaml.SafeLoader):
    """Composes nodes only; implicit types are those of `_PLAIN` alone."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  (PyYAML's own form)

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise ConfigError(
                _line(event), "anchors and aliases (& and *) are not used here; write the value out"
            )
        return super().compose_node(parent, index)


_PLAIN: dict[str, tuple[str, Callable[[str], Any]]] = {
    "tag:yaml.org,2002:bool": ("true|false", lambda text: text == "true"),
    "tag:yaml.org,2002:null": ("~|null|", lambda _text: None),
    "tag:yaml.org,2002:int": ("-?(?:0|[1-9][0-9]{0,17})", int),
    "tag:yaml.org,2002:float": (r"-?[0-9]{1,17}\.[0-9]{1,17}", float),
}
_COLLECTIONS: dict[type, str] = {
    yaml.MappingNode: "tag:yaml.org,2002:map",
    yaml.SequenceNode: "tag:yaml.org,2002:seq",
}
for _tag, (_pattern, _) in _PLAIN.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), None)


def load(text: str) -> Any:
    """The one document in `text`: dict, list, str, int, float, bool or None. Raises ConfigError."""
    if len(text) > LARGEST:
        raise ConfigError("", f"the file is larger than {LARGEST} characters")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError(_line(error), f"this is not YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError("", f"this is not YAML: {str(error).splitlines()[0]}") from error
    return None if node is None else _value(node, "", 0)


def _value(node: Any, where: str, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ConfigError(where, "this is nested too deeply")
    expected = _COLLECTIONS.get(type(node), node.tag)
    if node.tag != expected:
        raise ConfigError(where, f"the tag {node.tag} is not used here; leave it out")
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, where, depth)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, f"{where}[{index}]", depth + 1) for index, item in enumerate(node.value)]
    if node.tag in _PLAIN:
        pattern, make = _PLAIN[node.tag]
        if re.fullmatch(pattern, node.value):
            return make(node.value)
    if node.tag != "tag:yaml.org,2002:str":
        raise ConfigError(where, f"the tag {node.tag} is not used here; leave it out")
    return node.value


def _mapping(node: Any, where: str, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError(where or f"line {line}", "a key must be a word")
        key = key_node.value
        if key in found:
            raise ConfigError(
                join(where, key), f"stands twice, in line {lines[key]} and in line {line}; keep one"
            )
        found[key], lines[key] = _value(value_node, join(where, key), depth + 1), line
    return found


def _line(thing: Any) -> str:
    mark = getattr(thing, "problem_mark", None) or getattr(thing, "start_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""


def join(where: str, key: str) -> str:
    """The path of a key: ``mtas[1].interval``."""
    return f"{where}.{key}" if where else key


def kind(value: Any) -> str:
    """What a value is, in words for an error."""
    names = {dict: "a mapping", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return "nothing" if value is None else names.get(type(value), "text")


def key(read: Read, default: Any = MISSING) -> Any:
    """A field of a section: how its value is read, and its default."""
    return (
        field(default=default, metadata={"read": read})
        if default is not MISSING
        else field(metadata={"read": read})
    )


def section(cls: type[T], value: Any, where: str) -> T:
    """Read a mapping into the dataclass `cls`. A key without a value counts as not written."""
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise ConfigError(where, f"must be a mapping of keys, not {kind(value)}")
    known: dict[str, Field[Any]] = {f.name: f for f in fields(cls) if "read" in f.metadata}  # type: ignore[arg-type]
    for name in value:
        if name not in known:
            raise ConfigError(join(where, name), f"unknown key; {suggest(name, known)}")
    given = {
        name: known[name].metadata["read"](item, join(where, name))
        for name, item in value.items()
        if item is not None
    }
    for name, spec in known.items():
        if name not in given and spec.default is MISSING:
            raise ConfigError(join(where, name), "is missing")
    return cls(**given)


def suggest(word: str, known: Any) -> str:
    """``did you mean 'x'?`` or the whole choice."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
