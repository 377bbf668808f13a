"""Following one file through all that happens to log files."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import follow
from smtpq_exporter.io.follow import GAP, LINGER, Tail
from smtpq_exporter.io.lines import LINE_LIMIT, LineSplitter
from tests.io.growing import GrowingLog, number_of

MANY = 1 << 20


class Clock:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(tmp_path: Path) -> Iterator[GrowingLog]:
    with GrowingLog(tmp_path / "mail.log") as made:
        yield made


def drain(tail: Tail, max_bytes: int = MANY) -> list[bytes]:
    """Poll until three polls in a row bring nothing and promise nothing."""
    lines: list[bytes] = []
    quiet = 0
    while quiet < 3:
        new = tail.poll(max_bytes)
        quiet = 0 if new or tail.behind else quiet + 1
        lines += new
    return lines


def numbers(lines: list[bytes]) -> list[int]:
    return [number_of(text) for text in lines]


def again(tail: Tail, clock: Callable[[], float] | None = None) -> Tail:
    """What a new process makes of the stored position."""
    position = tail.position()
    tail.close()
    return Tail(tail.path, position) if clock is None else Tail(tail.path, position, clock=clock)


def test_begins_at_the_end(log: GrowingLog) -> None:
    """Without a position only lines count that are written after the start."""
    log.write(5)
    tail = Tail(str(log.path))
    assert drain(tail) == []
    log.write(3)
    assert numbers(drain(tail)) == [5, 6, 7]


def test_begins_at_the_beginning(log: GrowingLog) -> None:
    """With start "beginning" what is in the file counts too, but not its predecessors."""
    log.write(5)
    log.rename()
    log.write(2)
    assert numbers(drain(Tail(str(log.path), start="beginning"))) == [5, 6]


def test_begins_before_an_incomplete_line(log: GrowingLog) -> None:
    """A line whose end is written after the start is delivered whole."""
    log.write_text(b"old\nhalf")
    tail = Tail(str(log.path))
    assert drain(tail) == []
    log.write_text(b" whole\n")
    assert drain(tail) == [b"half whole"]


def test_holds_back_an_incomplete_line(log: GrowingLog) -> None:
    """A line without its newline waits, through a restart too, and comes out in one piece."""
    tail = Tail(str(log.path))
    drain(tail)
    log.write_text(b"a\nbegin")
    assert drain(tail) == [b"a"]
    tail = again(tail)
    assert drain(tail) == []
    log.write_text(b" end\n")
    assert drain(tail) == [b"begin end"]


def test_rename_rotation(log: GrowingLog) -> None:
    """The old file is read to its end, then the new one."""
    tail = Tail(str(log.path), start="beginning")
    log.write(3)
    drain(tail)
    log.write(3)
    log.rename()
    log.write(3)
    assert numbers(drain(tail)) == [3, 4, 5, 6, 7, 8]
    assert tail.rotations == 1


def test_lines_still_go_to_the_old_file(log: GrowingLog) -> None:
    """A writer that was not told of the rotation goes on in the old file; its lines count."""
    tail = Tail(str(log.path), start="beginning")
    log.write(2)
    drain(tail)
    log.rename(keep_writing=True)
    assert drain(tail) == []
    log.write(2)
    assert numbers(drain(tail)) == [2, 3]
    log.reopen()
    log.write(2)
    assert numbers(drain(tail)) == [4, 5]


def test_old_file_is_let_go(log: GrowingLog) -> None:
    """After a while without new lines the old file is closed, and its last line counts although it has no
    newline.
    """
    clock = Clock()
    tail = Tail(str(log.path), start="beginning", clock=clock)
    log.write_text(b"a\nlast")
    assert drain(tail) == [b"a"]
    log.rename()
    assert drain(tail) == []
    assert len(open_files(tail)) == 2
    clock.now += LINGER + 1
    assert drain(tail) == [b"last"]
    assert len(open_files(tail)) == 1


def test_many_rotations_between_two_looks(log: GrowingLog) -> None:
    """Files that came and went between two looks are read in order."""
    tail = Tail(str(log.path), start="beginning")
    drain(tail)
    for _ in range(5):
        log.write(2)
        log.rename()
    log.write(1)
    assert numbers(drain(tail)) == list(range(11))
    assert tail.rotations == 5


def test_open_files_stay_few(log: GrowingLog) -> None:
    """However often a log is rotated, only some predecessors are kept open."""
    tail = Tail(str(log.path), start="beginning", clock=Clock())
    got = numbers(drain(tail))
    for _ in range(30):
        log.write(1)
        log.rename()
        got += numbers(drain(tail))
    assert got == list(range(30))
    assert len(open_files(tail)) <= follow.MAX_LINGERING + 1


@pytest.mark.parametrize("size", [1, 40], ids=["shorter", "longer than before"])
def test_copytruncate(log: GrowingLog, size: int) -> None:
    """A truncated file is read from its beginning, also when it has grown beyond the old position already."""
    tail = Tail(str(log.path), start="beginning")
    log.write(20)
    drain(tail)
    log.copytruncate()
    log.write(size)
    assert numbers(drain(tail)) == list(range(20, 20 + size))
    assert tail.rotations == 1


def test_copytruncate_before_all_was_read(log: GrowingLog) -> None:
    """What was not read when the file was truncated is read from the copy, plain or compressed."""
    tail = Tail(str(log.path), start="beginning")
    log.write(20)
    drain(tail)
    log.write(5)
    log.copytruncate()
    log.write(2)
    assert numbers(drain(tail)) == list(range(20, 27))
    log.write(5)
    log.copytruncate()
    log.compress()
    log.write(1)
    assert numbers(drain(tail)) == list(range(27, 33))


def test_truncated_without_a_copy(log: GrowingLog) -> None:
    """Somebody empties the log: what comes then counts, and nothing twice."""
    tail = Tail(str(log.path), start="beginning")
    log.write(9)
    drain(tail)
    os.truncate(log.path, 0)
    assert drain(tail) == []
    log.write(2)
    assert numbers(drain(tail)) == [9, 10]


def test_hole_of_a_writer_without_append(log: GrowingLog) -> None:
    """The NULs that such a writer leaves after a truncation are no part of its next line."""
    tail = Tail(str(log.path), start="beginning")
    log.write_text(b"x" * 300_000 + b"\n")
    drain(tail)
    os.truncate(log.path, 0)
    with log.path.open("r+b") as file:
        file.seek(300_001)
        file.write(b"next\n")
    assert drain(tail) == [b"next"]


def test_missing_for_a_while(log: GrowingLog) -> None:
    """A missing file is a fault only after the time that a rotation may take; it heals by itself."""
    clock = Clock()
    tail = Tail(str(log.path), start="beginning", clock=clock)
    log.write(1)
    drain(tail)
    log.path.rename(f"{log.path}.1")
    assert drain(tail) == []
    clock.now += GAP + 1
    with pytest.raises(SourceError, match="does not exist") as caught:
        tail.poll(MANY)
    assert caught.value.kind == "unavailable"
    assert caught.value.hint
    log.write(1)  # still into the old one
    assert numbers(tail.poll(MANY)) == [1]
    log.reopen()
    log.write(1)
    assert numbers(drain(tail)) == [2]


def test_missing_at_the_start(tmp_path: Path) -> None:
    """A log that does not exist yet is a fault at once; when it comes it counts from its first line."""
    tail = Tail(str(tmp_path / "mail.log"))
    with pytest.raises(SourceError, match="does not exist"):
        tail.poll(MANY)
    GrowingLog(tmp_path / "mail.log").write(2)
    assert numbers(drain(tail)) == [0, 1]


def test_predecessors_of_the_first_start_do_not_count(log: GrowingLog) -> None:
    """What was rotated away before the first start stays uncounted, even if the live file is empty or comes
    later.
    """
    log.write(5)
    log.rename()
    tail = Tail(str(log.path), start="beginning")
    assert drain(tail) == []
    log.write(1)
    log.rename()
    log.write(1)
    assert numbers(drain(again(tail))) == [5, 6]


def test_replaced_by_another_file(log: GrowingLog, tmp_path: Path) -> None:
    """Another file in its place is a new log, read from its beginning."""
    tail = Tail(str(log.path), start="beginning")
    log.write(3)
    drain(tail)
    other = GrowingLog(tmp_path / "other")
    other.written = 100
    other.write(2)
    os.replace(other.path, log.path)
    assert numbers(drain(tail)) == [100, 101]


def test_replaced_by_a_copy(log: GrowingLog, tmp_path: Path) -> None:
    """A copy of the log in its place (an editor, sed -i, a restored disk) does not count again."""
    tail = Tail(str(log.path), start="beginning")
    log.write(50)
    drain(tail)
    (tmp_path / "copy").write_bytes(log.path.read_bytes())
    os.replace(tmp_path / "copy", log.path)
    assert drain(tail) == []
    log.reopen()
    log.write(1)
    assert numbers(drain(tail)) == [50]


def test_comes_back(log: GrowingLog) -> None:
    """A log that is moved away and back goes on where it was."""
    clock = Clock()
    tail = Tail(str(log.path), start="beginning", clock=clock)
    log.write(30)
    drain(tail)
    away = log.path.with_name("elsewhere")
    for seconds in (1.0, LINGER + 10):
        log.path.rename(away)
        tail.poll(MANY)
        clock.now += seconds
        if seconds > GAP:
            with pytest.raises(SourceError):
                tail.poll(MANY)
        away.rename(log.path)
        log.write(1)
        assert numbers(drain(tail)) == [log.written - 1]


def test_symlink(log: GrowingLog, tmp_path: Path) -> None:
    """A symlink is followed, and when it points to another file, the old one is read to its end first."""
    link = tmp_path / "current"
    link.symlink_to(log.path)
    tail = Tail(str(link), start="beginning")
    log.write(2)
    assert numbers(drain(tail)) == [0, 1]
    log.write(1)
    second = GrowingLog(tmp_path / "second.log")
    second.written = 10
    second.write(1)
    link.unlink()
    link.symlink_to(second.path)
    assert numbers(drain(tail)) == [2, 10]


def test_symlinked_log_is_rotated_where_it_lies(log: GrowingLog, tmp_path: Path) -> None:
    """The predecessors of a symlinked log are looked for beside the real file."""
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "pod.log"
    link.symlink_to(log.path)
    tail = Tail(str(link), start="beginning")
    log.write(2)
    drain(tail)
    log.write(1)
    log.rename()
    log.compress()
    log.write(1)
    assert numbers(drain(again(tail))) == [2, 3]


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2"])
def test_rotated_and_compressed_while_dead(log: GrowingLog, kind: str) -> None:
    """After a restart the unread rest is found in compressed predecessors, the oldest first."""
    tail = Tail(str(log.path), start="beginning")
    log.write(10)
    drain(tail)
    log.write(5)
    log.rename()
    log.write(5)
    log.compress(kind=kind)
    log.rename()
    log.compress(kind=kind)
    log.write(5)
    tail = again(tail)
    assert numbers(drain(tail, 200)) == list(range(10, 25))
    assert drain(again(tail)) == []


def test_dated_predecessors(log: GrowingLog) -> None:
    """Predecessors that carry a date are read in the order of their dates."""
    tail = Tail(str(log.path), start="beginning")
    log.write(1)
    drain(tail)
    for day in ("20261124", "20261125", "20261126"):
        log.write(2)
        log.rename_dated(day)
    log.write(1)
    log.compress("-20261125")
    assert numbers(drain(again(tail))) == list(range(1, 8))


def test_copytruncate_while_dead(log: GrowingLog) -> None:
    """After a restart the unread rest is found in the copy although it has another inode."""
    tail = Tail(str(log.path), start="beginning")
    log.write(10)
    drain(tail)
    log.write(5)
    log.copytruncate()
    log.write(5)
    log.copytruncate()
    log.write(40)
    assert numbers(drain(again(tail))) == list(range(10, 60))


def test_inode_reuse(log: GrowingLog) -> None:
    """A new file with the inode of the old one is known by its first bytes and read from its beginning."""
    tail = Tail(str(log.path), start="beginning")
    log.write(10)
    drain(tail)
    position = tail.position()
    tail.close()
    log.path.unlink()
    log.reopen()
    log.write(30)
    position["files"][0]["ino"] = log.path.stat().st_ino
    tail = Tail(str(log.path), position)
    assert numbers(drain(tail)) == list(range(10, 40))
    assert tail.lost == 1


def test_everything_was_rotated_out_while_dead(log: GrowingLog) -> None:
    """If no file is known any more, all that were written since count, older ones do not, and the loss is
    noted.
    """
    log.write(5)
    log.rename()
    os.utime(f"{log.path}.1", (1, 1))
    tail = Tail(str(log.path), start="beginning")
    log.write(3)
    drain(tail)
    position = tail.position()
    tail.close()
    log.path.unlink()
    log.reopen()
    log.write(2)
    log.rename()
    log.write(1)
    Path(f"{log.path}.2").unlink()
    tail = Tail(str(log.path), position)
    assert numbers(drain(tail)) == [8, 9, 10]
    assert tail.lost == 1


def test_damaged_archive(log: GrowingLog) -> None:
    """An archive that breaks off gives what it has, and the loss is noted; following goes on."""
    tail = Tail(str(log.path), start="beginning")
    log.write(50)
    drain(tail)
    log.write(2000)
    log.rename()
    log.compress()
    archive = Path(f"{log.path}.1.gz")
    archive.write_bytes(archive.read_bytes()[:-400])
    log.write(1)
    tail = again(tail)
    got = numbers(drain(tail)[:-2])
    assert got == list(range(50, 50 + len(got)))
    assert tail.lost == 1
    log.write(1)
    assert numbers(drain(tail)) == [2051]


def test_same_content_again_after_a_rotation(log: GrowingLog) -> None:
    """A new file that repeats the old one word for word is a new file; a truncated one too, if it was seen
    shorter.
    """
    tail = Tail(str(log.path), start="beginning")
    for rotate in (log.rename, log.copytruncate, log.rename):
        log.written = 0
        log.write(30)
        assert numbers(drain(tail)) == list(range(30))
        rotate()
        if rotate == log.copytruncate:
            assert drain(tail) == []


def test_long_lines(log: GrowingLog) -> None:
    """A line of 64 KiB passes whole; a longer one is delivered once, cut and counted; memory is bounded."""
    tail = Tail(str(log.path), start="beginning")
    log.write_text(b"a" * LINE_LIMIT + b"\n" + b"b" * (5 * LINE_LIMIT) + b"\nc\n")
    assert drain(tail, 1000) == [b"a" * LINE_LIMIT, b"b" * LINE_LIMIT, b"c"]
    assert tail.cut == 1
    log.write_text(b"d" * (3 * LINE_LIMIT))
    drain(tail)
    tail = again(tail)
    log.write_text(b"\ne\n")
    assert drain(tail) == [b"d" * LINE_LIMIT, b"e"]


def test_any_bytes(log: GrowingLog) -> None:
    """NUL bytes and invalid UTF-8 pass as they are; an empty line is a line."""
    tail = Tail(str(log.path), start="beginning")
    log.write_text(b"a\0b\n\xff\xfe\n\n\xc3\n")
    assert drain(tail) == [b"a\0b", b"\xff\xfe", b"", b"\xc3"]


@given(st.binary(max_size=400).map(lambda data: data.replace(b"\x07", b"\n")), st.lists(st.integers(0, 400)))
def test_lines_do_not_depend_on_the_pieces(data: bytes, cuts: list[int]) -> None:
    """However a stream is divided, the same lines come out, and held counts what waits."""
    whole, pieces = LineSplitter(50), LineSplitter(50)
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    got = [text for a, b in pairwise(places) for text in pieces.feed(data[a:b])]
    assert got == whole.feed(data)
    assert pieces.held == whole.held == len(data) - (data.rfind(b"\n") + 1)
    assert pieces.cut == whole.cut
    assert pieces.end() == whole.end()


def test_work_of_a_poll_is_bounded(log: GrowingLog) -> None:
    """A poll delivers about what was asked for and says that there is more."""
    log.write(20_000)
    tail = Tail(str(log.path), start="beginning")
    first = tail.poll(10_000)
    assert 0 < sum(map(len, first)) <= 10_000
    assert tail.behind
    assert tail.lag() > 1_000_000
    rest = drain(tail)
    assert numbers(first + rest) == list(range(20_000))
    assert not tail.behind
    assert tail.lag() == 0


def test_not_a_file(tmp_path: Path) -> None:
    """A directory or a pipe is refused in words, and never blocks."""
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SourceError, match="not a regular file"):
            Tail(str(path)).poll(MANY)


@pytest.mark.parametrize(
    "position", [{}, {"at": 1, "files": [{"ino": -1}], "finished": None}, {"at": "x", "files": []}]
)
def test_foreign_position(log: GrowingLog, position: dict[str, object]) -> None:
    """A position that no Tail made is refused, not guessed at."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Tail(str(log.path), position)


def test_archive_still_being_written(log: GrowingLog) -> None:
    """While gzip works both files exist; the plain one, which is complete, is read."""
    tail = Tail(str(log.path), start="beginning")
    log.write(10)
    drain(tail)
    log.write(1)
    log.rename()
    Path(f"{log.path}.1.gz").write_bytes(gzip.compress(Path(f"{log.path}.1").read_bytes())[:30])
    assert numbers(drain(again(tail))) == [10]


def open_files(tail: Tail) -> list[str]:
    """Descriptors of this process that are files of the log."""
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{fd}")
            flags = int(Path(f"/proc/self/fdinfo/{fd}").read_text(encoding="ascii").split()[3], 8)
        except FileNotFoundError:
            continue
        if target.startswith(tail.path) and flags & os.O_ACCMODE == os.O_RDONLY:
            found.append(target)
    return found
