"""Log files in chunks and parts."""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpq_exporter.errors import SourceError
from smtpq_exporter.report.files import CHUNK, GREATEST, LONGEST, SMALLEST, Segment, chunks, segments


def lines(path: Path, divide: int = 1 << 30) -> list[bytes]:
    """All lines of a file, part by part; the same come with their newlines."""
    parts = segments(str(path), 0.0, divide)
    bare = [line for part in parts for chunk in chunks(part) for line in chunk]
    ended = [line for part in parts for chunk in chunks(part, ends=True) for line in chunk]
    assert [line.removesuffix(b"\n") for line in ended] == bare
    return bare


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"")), max_size=40),
    st.integers(1, 90),
)
def test_parts_hold_each_line_once(tmp_path_factory, written: list[bytes], divide: int) -> None:
    """However a file is divided, its parts together hold its lines, in order, each once."""
    path = tmp_path_factory.mktemp("parts") / "log"
    written = [b"no packed file begins so", *written]
    path.write_bytes(b"".join(line + b"\n" for line in written) + b"last")
    assert lines(path, divide) == [*written, b"last"]


@pytest.mark.parametrize(
    ("size", "readers", "parts"),
    [(SMALLEST, 2, 1), (3 * SMALLEST, 2, 2), (3 * SMALLEST, 8, 3), (3 * SMALLEST, 1, 1), (GREATEST + 1, 1, 2),
     (2 * GREATEST, 2, 2), (2 * GREATEST + 1, 2, 4)],
)  # fmt: skip
def test_all_readers_get_as_many_parts_of_a_great_file(tmp_path: Path, size: int, readers: int, parts: int) -> None:
    """A file is divided into few parts, those of the first reader a little greater; not at all unless asked."""
    path = tmp_path / "log"
    with path.open("wb") as out:
        out.truncate(size)
    found = segments(str(path), 0.0, GREATEST, readers)
    assert len(found) == parts
    assert sum(part.size for part in found) == size
    own, others = found[::readers], [part for number, part in enumerate(found) if number % readers]
    for alike in (own, others):
        assert max((part.size for part in alike), default=0) - min((part.size for part in alike), default=0) <= 1
    assert all(1.0 < own[0].size / part.size < 1.05 for part in others)
    assert len(segments(str(path), 0.0, readers=readers)) == 1


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_packed_files_are_known_by_their_first_bytes(tmp_path: Path, pack) -> None:
    """A compressed file reads as the plain one, whatever its name."""
    text = b"".join(b"line %d\n" % n for n in range(60_000))
    path = tmp_path / "no-suffix"
    path.write_bytes(pack(text))
    assert b"\n".join(lines(path)) + b"\n" == text
    told: list[int] = []
    for part in segments(str(path), 0.0):
        for _ in chunks(part, told.append):
            pass
    assert sum(told) == path.stat().st_size


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_a_damaged_packed_file_is_a_fault_after_what_could_be_read(tmp_path: Path, pack) -> None:
    """What is missing is said, not taken for the end."""
    path = tmp_path / "cut"
    path.write_bytes(pack(os.urandom(400_000))[:300_000])
    with pytest.raises(SourceError, match="cut"):
        lines(path)


def test_long_lines_are_cut_and_do_not_swallow_the_next(tmp_path: Path) -> None:
    """A line of a megabyte is cut to 64 KiB; the line after it is whole."""
    path = tmp_path / "log"
    path.write_bytes(b"a\n" + b"x" * 1_000_000 + b"\nb\n")
    found = lines(path)
    assert (found[0], found[-1]) == (b"a", b"b")
    assert len(found) == 3
    assert len(found[1]) == LONGEST


@pytest.mark.parametrize("before", [0, 1, LONGEST // 2 - 1, LONGEST // 2, LONGEST - 1])
@pytest.mark.parametrize(
    "length", [LONGEST - 1, LONGEST, LONGEST + 1, 3 * LONGEST // 2, CHUNK - LONGEST, CHUNK, 2 * CHUNK]
)
def test_a_line_is_cut_wherever_it_lies(tmp_path: Path, before: int, length: int) -> None:
    """No line is longer than LONGEST, within a chunk or across several; those beside it are whole."""
    path = tmp_path / "log"
    path.write_bytes(b"b" * before + b"\n" + b"x" * length + b"\nlast one\n")
    assert lines(path) == [b"b" * before, b"x" * min(length, LONGEST), b"last one"]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=["gz", "bz2", "xz"])
def test_what_comes_before_a_damage_is_read(tmp_path: Path, pack) -> None:
    """All that can be unpacked is read before the damage is told; no line of it is another one."""
    text = b"".join(b"%d %s\n" % (n, os.urandom(30).hex().encode()) for n in range(60_000))
    path = tmp_path / "cut"
    packed = pack(text)
    path.write_bytes(packed[: len(packed) * 9 // 10])
    found: list[bytes] = []
    parts = chunks(segments(str(path), 0.0)[0])
    with pytest.raises(SourceError) as caught:
        found.extend(line for chunk in parts for line in chunk)
    assert caught.value.kind == "truncated"
    assert found[:-1] == text.split(b"\n")[: len(found) - 1]
    assert text.startswith(b"\n".join(found))
    assert len(b"\n".join(found)) > len(text) * (0.6 if pack is bz2.compress else 0.89)  # bzip2 has blocks of 900 kB


def test_what_cannot_be_read_says_what_to_do(tmp_path: Path) -> None:
    """A missing file and a directory are faults with words."""
    for path, words in ((tmp_path / "none", "no such file"), (tmp_path, "directory")):
        with pytest.raises(SourceError, match=words):
            segments(str(path), 0.0)


def test_a_pipe_is_refused_before_anything_of_it_is_lost(tmp_path: Path) -> None:
    """A named pipe, as of a shell's <(...), is read once only, and opening it may wait for ever."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(SourceError, match=r"no regular file.*standard input"):
            segments(str(path), 0.0)


def test_permission_is_a_fault_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that may not be read is told from one that is not there; root may read all, so it is played."""

    def denied(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    path = tmp_path / "log"
    path.touch()
    monkeypatch.setattr("builtins.open", denied)
    with pytest.raises(SourceError) as caught:
        segments(str(path), 0.0)
    assert caught.value.kind == "permission"


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    """Nothing is nothing, and no fault."""
    path = tmp_path / "log"
    path.write_bytes(b"")
    assert lines(path) == []
    assert segments(str(path), 0.0) == [Segment(str(path), 0, None, 0, path.stat().st_mtime)]
