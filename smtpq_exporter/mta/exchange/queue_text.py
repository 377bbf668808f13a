"""Output of PowerShell -> the one JSON document in it, whatever stands around it.

Pure. PowerShell writes UTF-8, UTF-16 or a code page, with or without a byte order mark; profile banners,
warnings, terminal escapes and CLIXML may stand before the document and behind it. A document begins at the
first column of a line: an object inside of a cut document does not, so half a document is never taken for a
whole one. Sources of truth: ConvertTo-Json and about_Character_Encoding of Microsoft's PowerShell
documentation.
"""

from __future__ import annotations

import json
import re
from typing import Any

from smtpq_exporter.errors import ParseError

#: So many lines that begin like a document are tried.
_TRIES = 50
#: Deeper documents are refused.
_DEPTH = 12
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_CLIXML = re.compile(r"#< CLIXML\s*|<Objs\b[^>]*>.*?</Objs>", re.DOTALL)
_BEGINNING = re.compile(r"^[{\[]", re.MULTILINE)
_SAID = re.compile(r'<S S="(?:Error|Warning)">(.*?)</S>', re.DOTALL)
_HEX = re.compile(r"_x([0-9A-Fa-f]{4})_")


def decode(data: bytes) -> str:
    """The text of an output in any of the encodings that PowerShell writes."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            return data[len(mark) :].decode(name, "replace")
    head = data[:400]
    if len(head) > 3 and head.count(0) * 3 > len(head):
        return data.decode("utf-16-le" if head[1] == 0 else "utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        # Names of organisations may suffer in another code page; numbers, codes and domains do not.
        return data.decode("cp1252", "replace")


def document(data: bytes) -> Any:
    """The first JSON object or array that begins a line, its keys in lower case. Raises ParseError."""
    text = _ESCAPES.sub("", decode(data)).lstrip("\ufeff")
    if "<Objs" in text or "#<" in text:
        text = _CLIXML.sub("\n", text)
    if not text.strip():
        raise ParseError("report", "is empty: not even the Submission queue is in it")
    decoder = json.JSONDecoder(object_pairs_hook=_folded, strict=False, parse_constant=_no_number)
    problem = "holds no JSON document"
    for tries, found in enumerate(_BEGINNING.finditer(text)):
        if tries >= _TRIES:
            break
        try:
            value, _ = decoder.raw_decode(text, found.start())
        except (ValueError, RecursionError) as error:
            problem = f"holds no whole JSON document ({str(error)[:80]})"
            continue
        if isinstance(value, (dict, list)) and _shallow(value, _DEPTH) and _speaks(value):
            return value
    raise ParseError("report", problem, text.lstrip()[:60])


def complaint(data: bytes) -> str:
    """What standard error says, without CLIXML and progress records, in one line."""
    text = _ESCAPES.sub("", decode(data))
    if "CLIXML" in text or "<Objs" in text:
        said = "".join(_SAID.findall(text))
        rest = re.sub(r"<Objs\b.*", "", _CLIXML.sub(" ", text), flags=re.DOTALL)  # cut in the middle
        text = _HEX.sub(lambda found: chr(int(found[1], 16)), said) + " " + rest
        for name, sign in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
            text = text.replace(f"&{name};", sign)
    line = " ".join(text.split())[:300]
    return "".join(c if c.isprintable() else "?" for c in line)


def _folded(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keys in lower case. Deserialised enums come as {"value":3,"Value":"Retry"}: the word wins."""
    made: dict[str, Any] = {}
    for key, value in pairs:
        name = key.lower()
        if name not in made or isinstance(value, str) or not isinstance(made[name], str):
            made[name] = value
    return made


def _no_number(word: str) -> None:
    """NaN and the infinities are no values that can be told."""


def _speaks(value: Any) -> bool:
    """Whether it is a report: noise such as ``[1]`` or ``{}`` is none."""
    if isinstance(value, list):
        return all(isinstance(item, dict) for item in value)
    return bool({"queues", "error", "identity", "messagecount", "value"} & value.keys())


def _shallow(value: Any, depth: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    elif not isinstance(value, list):
        return True
    return depth > 0 and all(_shallow(item, depth - 1) for item in value)
