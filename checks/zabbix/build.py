"""Write the Zabbix templates and their README from plan.py.

    python3 -m checks.zabbix.build

Deterministic: the same plan gives the same bytes. A test compares the committed files with what this writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from checks.zabbix import manual
from checks.zabbix.template import KINDS, template

HERE = Path(__file__).resolve().parent
_PLAIN = re.compile(r"[A-Z][A-Z_]*|[a-z]{2,}[a-z_.]*")
_WORDS = {"yes", "no", "on", "off", "true", "false", "null"}


class _Dumper(yaml.SafeDumper):
    """Quotes whatever another YAML parser could take for a number, a date or a truth."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        """Write everything out."""
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.Node:
    style = "'"
    if "\n" in value:
        style = "|"
    elif _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        style = ""
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style or None)


_Dumper.add_representer(str, _text)


def files() -> dict[str, str]:
    """Name and content of every file that is written."""
    made = {
        kind.file: yaml.dump(template(kind), Dumper=_Dumper, sort_keys=False, width=1 << 20)
        for kind in KINDS
    }
    return {**made, "README.md": manual.text()}


def main() -> int:
    """Write the files."""
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
