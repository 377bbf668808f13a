"""The files of one log: the live one, and its predecessors as logrotate, newsyslog or the kubelet left them.

Names: FILE.1, FILE.01, FILE-20241124, FILE.20241124-065001, STEM-20241124.log, each also compressed (.gz,
.xz, .bz2). Only names and attributes are read here; what is inside decides later whether a file is the one
that was looked for. Source of truth: logrotate(8) (dateext, dateformat, extension, start), kubelet's
container log rotation.
"""

from __future__ import annotations

import os
import re
from collections.abc import Container, Iterable, Sequence
from stat import S_ISREG
from typing import NamedTuple

#: Compressions that can be read, by the end of the name.
COMPRESSIONS = {"gz": "gz", "xz": "xz", "bz2": "bz2"}
#: At most so many predecessors are looked at, the newest ones.
MAX_FILES = 64
_SUFFIX = re.compile(r"[.-]\d+(?:[-._T:]\d+)*")
_SUFFIX_AT_END = re.compile(_SUFFIX.pattern + "()$")
_SUFFIX_BEFORE_EXTENSION = re.compile(_SUFFIX.pattern + r"(\.\w+)$")
_DIGITS = re.compile(r"\d+")
#: A single number with fewer digits counts rotations (1 is the newest); else it is a date (the greatest is
#: the newest).
_DATE_DIGITS = 6


class LogFile(NamedTuple):
    """One file that carries lines of the log. `compression` is "" or a value of COMPRESSIONS."""

    path: str
    compression: str
    dev: int
    ino: int
    size: int
    mtime: float
    live: bool = False


def listing(path: str, former: Iterable[str] = ()) -> list[LogFile]:
    """All files of the log, the newest first, the live one at the front.

    `former` are real paths that the log had before (a symlink may point to another file by now); their files
    count as older. A directory that may be passed but not listed shows the live file only. While renaming
    goes on, a listing may show a file twice or not at all: only two in a row that agree are to be trusted.
    Raises FileNotFoundError if it notices by itself that a file was renamed.

    """
    real = os.path.realpath(path)
    found: list[LogFile] = []
    _add(found, path, live=True)
    for base in dict.fromkeys((path, real, *former)):
        if base not in {path, real}:
            _add(found, base)
        found += _predecessors(base)
    unique: dict[tuple[int, int], LogFile] = {}
    for entry in found:
        unique.setdefault((entry.dev, entry.ino), entry)
    return list(unique.values())[: MAX_FILES + 1]


def agree(one: Sequence[LogFile], other: Sequence[LogFile]) -> bool:
    """Whether two listings show the same files under the same names."""
    return [file[:4] for file in one] == [file[:4] for file in other]


def is_predecessor(path: str, paths: Container[str]) -> bool:
    """Whether a file belongs to another log of `paths`, by its name; one that is compressed is never live."""
    bare, compression = _bare(path)
    if compression:
        return True
    matches = (_SUFFIX_AT_END.search(bare), _SUFFIX_BEFORE_EXTENSION.search(bare))
    return any(match and bare[: match.start()] + match[1] in paths for match in matches)


def _add(found: list[LogFile], path: str, *, live: bool = False) -> None:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return
    if S_ISREG(status.st_mode):
        found.append(
            LogFile(path, "", status.st_dev, status.st_ino, status.st_size, status.st_mtime, live=live)
        )


def _predecessors(base: str) -> list[LogFile]:
    directory, live = os.path.split(base)
    plain: dict[tuple[int, ...], LogFile] = {}
    try:
        names = os.listdir(directory or ".")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []
    for name in names:
        suffix = _suffix(name, live)
        if suffix is None:
            continue
        numbers, compression = suffix
        entries: list[LogFile] = []
        path = os.path.join(directory, name)
        _add(entries, path)
        if not entries and not os.path.lexists(path):
            raise FileNotFoundError(f"{path} was renamed while the directory was listed")
        # While FILE.1 becomes FILE.1.gz both exist: the plain one is complete, the other may not be yet.
        if entries and not (compression and numbers in plain):
            plain[numbers] = entries[0]._replace(compression=compression)
    return _newest_first(plain)


def _newest_first(files: dict[tuple[int, ...], LogFile]) -> list[LogFile]:
    counted = [len(numbers) == 1 and len(str(numbers[0])) < _DATE_DIGITS for numbers in files]
    if all(counted):
        return [files[numbers] for numbers in sorted(files)]
    if not any(counted):
        return [files[numbers] for numbers in sorted(files, reverse=True)]
    return sorted(files.values(), key=lambda entry: entry.mtime, reverse=True)


def _suffix(name: str, live: str) -> tuple[tuple[int, ...], str] | None:
    """Numbers and compression in the name of a predecessor; None for any other name."""
    bare, compression = _bare(name)
    for front, back in ((live, ""), os.path.splitext(live)):
        if bare.startswith(front) and bare.endswith(back):
            match = _SUFFIX.fullmatch(bare, len(front), len(bare) - len(back))
            if match:
                return tuple(map(int, _DIGITS.findall(match[0]))), compression
    return None


def _bare(name: str) -> tuple[str, str]:
    bare, _, ending = name.rpartition(".")
    return (bare, COMPRESSIONS[ending]) if ending in COMPRESSIONS else (name, "")
