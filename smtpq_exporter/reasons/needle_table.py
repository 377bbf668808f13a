"""needle_data.py, printed from the rules: `python -m smtpq_exporter.reasons.needle_table` (make docs). Pure."""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.reasons.needles import checksum, row
from smtpq_exporter.reasons.rule import Rule
from smtpq_exporter.reasons.rules import RULES

_WIDTH = 100


def module(rules: Sequence[Rule]) -> str:
    """The text of needle_data.py."""
    lines = [
        '"""Needles of the rules, as needles.py explains. Printed by `make docs`; a test compares them."""\n',
        "from __future__ import annotations\n",
        "NEEDLES: dict[str, tuple[int, str]] = {",
    ]
    for rule in rules:
        lines.append(f"    {_quoted(rule.id)}: ({checksum(rule)}, (")
        for line in row(rule).splitlines(keepends=True):
            lines += [f"        {_quoted(line[at : at + _WIDTH])}" for at in range(0, len(line), _WIDTH)]
        lines.append("    )),")
    return "\n".join([*lines, "}", '"""Rule -> checksum of its phrases, needles of each."""', ""])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"') + '"'


if __name__ == "__main__":
    print(module(RULES), end="")
