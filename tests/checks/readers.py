"""How monitoring systems read a plugin's output, written from their documented rules, as judges for tests."""

from __future__ import annotations

import re


def sensu(output: str) -> dict[str, float]:
    """Sensu's nagios_perfdata: exactly one bar in the whole output, blanks, cut at ``;``, digits only."""
    parts = output.split("|")
    if len(parts) != 2:
        return {}
    found = {}
    for word in parts[1].split():
        head = word.split(";", 1)[0].split("=")
        if len(head) == 2:
            found[head[0]] = float(re.sub(r"[^-0-9.]", "", head[1]))
    return found


def checkmk_mrpe(output: str) -> dict[str, tuple[float, float | None, float | None]]:
    """Checkmk's MRPE: perfdata of line 1; of a range the part after the last ``:`` counts; U is an error."""
    found = {}
    for word in output.split("\n", 1)[0].partition("|")[2].split():
        label, _, rest = word.partition("=")
        value, *levels = rest.split(";")
        match = re.fullmatch(r"(-?[0-9.]+)([A-Za-z%]*)", value)
        assert match, f"Checkmk cannot read {word!r}"
        ends = [level.rsplit(":", 1)[-1] for level in (*levels, "", "")[:2]]
        warning, critical = (float(x) if re.fullmatch(r"-?[0-9.]+", x) else None for x in ends)
        found[label] = (float(match[1]), warning, critical)
    return found


def check_rules(output: str, code: int) -> None:
    """Assert every rule that holds for any plugin in any state."""
    data = output.encode("utf-8", "strict")
    assert code in (0, 1, 2, 3)
    assert data.endswith(b"\n")
    assert len(data) <= 4096
    first, *rest = output[:-1].split("\n")
    assert first.strip()
    assert len(first.encode()) <= 1000
    assert f"{('OK', 'WARNING', 'CRITICAL', 'UNKNOWN')[code]} - " in first
    assert all(line.isprintable() and line.strip() for line in (first, *rest))
    assert not re.search('[`$&;"<>]', first.partition("|")[0])
    assert output.count("|") == ("|" in first) <= 1
    if code == 3:
        assert "|" not in output
    pairs = first.partition(" | ")[2].split(" ") if "|" in first else []
    shape = r"[a-z][a-z0-9_]{0,18}=-?[0-9]+(\.[0-9]+)?(s|B|%|c)?;[-0-9.:@~;]*"
    for pair in pairs:
        assert re.fullmatch(shape, pair), pair
    labels = [pair.split("=")[0] for pair in pairs]
    assert len(set(labels)) == len(labels)
    # Both readers see these numbers and no others, whatever the long output says.
    assert list(sensu(output)) == labels
    assert list(checkmk_mrpe(output)) == labels
    assert [value for value, *_ in checkmk_mrpe(output).values()] == list(sensu(output).values())
