r"""What a rule is, and what its patterns may not do.

Pure. A rule is data: an id, a class, an example that this very rule must decide (tested), and phrases.
Phrases are lower case without diacritics and are searched in the subject that unwrap.py makes: ``code
enhanced text``, where code is 000 and enhanced 0.0.0 if the text names none. So ``^5\d\d 5\.7\.``
asks for codes and everything else for words. No pattern nests quantifiers and none has an unbounded gap:
hostile text costs linear time.
"""

from __future__ import annotations

from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """One thing that servers say, in any of several phrases.

    `scope`: "any", "own" (only if no peer's reply is in the text), "remote" (only if one is).
    """

    id: str
    reason: str
    example: str
    phrases: tuple[str, ...]
    scope: str = "any"


REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)


def repeats(pattern: str) -> list[tuple[int, int, bool]]:
    """Return (minimum, maximum, holds another repeat) for each quantifier; raises re.error."""
    found: list[tuple[int, int, bool]] = []
    _walk(parser.parse(pattern), found)
    return found


def nested(pattern: str) -> bool:
    """Say whether a quantifier that may repeat holds another one: the patterns that can take forever."""
    return any(inside and most > 1 for _, most, inside in repeats(pattern))


def wildcards(pattern: str) -> int:
    r"""Count the quantifiers without a bound over almost any character: ``.*``, ``[^;]+``, ``\S*``."""
    return _wild(parser.parse(pattern))


def _wild(node: Any) -> int:
    found = 0
    for name, value in node:
        if name in REPEATS:
            _, most, body = value
            wide = any(_any_character(*part) for part in body)
            found += (wide and most is op.MAXREPEAT) + _wild(body)
        elif name is op.BRANCH:
            found += sum(_wild(branch) for branch in value[1])
        elif name is op.SUBPATTERN:
            found += _wild(value[3])
        elif name in (op.ASSERT, op.ASSERT_NOT):
            found += _wild(value[1])
    return found


def _any_character(name: Any, value: Any) -> bool:
    """Say whether a part of a pattern matches nearly every character."""
    if name is op.IN:
        return any(what is op.NEGATE or (what is op.CATEGORY and _negative(of)) for what, of in value)
    return name in (op.ANY, op.ANY_ALL, op.NOT_LITERAL)


def _negative(category: Any) -> bool:
    return category in (op.CATEGORY_NOT_SPACE, op.CATEGORY_NOT_DIGIT, op.CATEGORY_NOT_WORD)


def _walk(node: Any, found: list[tuple[int, int, bool]]) -> bool:
    """Collect the quantifiers under `node`; True if there is one that can repeat."""
    inside = False
    for name, value in node:
        if name in REPEATS:
            least, most, body = value
            deeper = _walk(body, found)
            found.append((int(least), int(most), deeper))
            inside = inside or deeper or int(most) > 1
        elif name is op.BRANCH:
            for branch in value[1]:
                inside = _walk(branch, found) or inside
        elif name is op.SUBPATTERN:
            inside = _walk(value[3], found) or inside
        elif name in (op.ASSERT, op.ASSERT_NOT):
            inside = _walk(value[1], found) or inside
        elif name is op.ATOMIC_GROUP:
            inside = _walk(value, found) or inside
        elif name is op.GROUPREF_EXISTS:
            for branch in value[1:]:
                inside = (branch is not None and _walk(branch, found)) or inside
    return inside
