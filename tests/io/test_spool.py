"""The spool engine over Postfix's layout: what it opens, what it counts, what it survives."""

from __future__ import annotations

import os
import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import spool as engine
from smtpq_exporter.io.spool import PASS, SpoolReader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.postfix.queue_spool import PostfixSpool
from smtpq_exporter.mta.postfix.write import maildrop_file, queue_file, record
from tests.io.spools import NOW, Files, Spool
from tests.mta.spooled import Class


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty queue directory."""
    return Spool(tmp_path)


def reader_of(spool: Spool, files: Files | None = None) -> SpoolReader:
    """A reader that has seen nothing yet."""
    return SpoolReader(PostfixSpool(str(spool.root), Class(), hash_depth=spool.depth), files=files or Files())


def read(reader: SpoolReader, now: float = NOW) -> QueueSnapshot:
    """One reading with time enough."""
    return reader.read(now, time.monotonic() + 30)


def counts(snapshot: QueueSnapshot) -> dict[str, int]:
    """Messages of the queues that have some."""
    return {name: queue.messages for name, queue in snapshot.queues.items() if queue.messages}


def queue_files(files: Files) -> list[bytes]:
    """Queue files that were opened, without defer logs."""
    return [path for path in files.opened if b"/defer/" not in path]


def test_an_unchanged_queue_is_read_without_opening_or_listing_anything(spool: Spool) -> None:
    """A later reading of an unchanged queue opens no file; only `active` is listed again."""
    names = [spool.add() for _ in range(20)] + [spool.add("hold")]
    files = Files()
    reader = reader_of(spool, files)
    first = read(reader)
    assert counts(first) == {"deferred": 20, "hold": 1}
    assert len(queue_files(files)) == len(names)
    files.opened.clear()
    files.listed.clear()
    second = read(reader)
    assert files.opened == []
    assert files.listed == [os.fsencode(spool.root / "active")]
    assert second == first


def test_only_new_files_are_opened(spool: Spool) -> None:
    """A message that comes is opened once, its neighbours not again."""
    for _ in range(20):
        spool.add()
    files = Files()
    reader = reader_of(spool, files)
    read(reader)
    files.opened.clear()
    name = spool.add(recipients=[b"x@new.example", b"y@new.example"])
    found = read(reader)
    assert [path.rpartition(b"/")[2] for path in queue_files(files)] == [name]
    assert counts(found) == {"deferred": 21}
    assert dict(found.destinations)["new.example"] == 1
    assert found.queues["deferred"].recipients == 22


def test_what_vanishes_is_dropped(spool: Spool) -> None:
    """A delivered message leaves no trace in any sum."""
    name = spool.add(sender=b"x@gone.example", recipients=[b"x@gone.example"], reason=b"gone")
    spool.add()
    reader = reader_of(spool)
    assert len(read(reader).destinations) == 2
    spool.remove(name)
    found = read(reader)
    assert counts(found) == {"deferred": 1}
    assert "gone" not in str(found)


def test_a_retry_renews_reasons_retry_time_and_recipients(spool: Spool) -> None:
    """Under the same id a retry changes mtime, recipients and the defer log; all are read again."""
    recipients = [b"a@relay.example", b"b@relay.example"]
    name = spool.add(recipients=recipients, reason=b"first try", retry=NOW - 5)
    reader = reader_of(spool)
    first = read(reader)
    assert dict(first.reasons) == {"first": 2}
    assert first.queues["deferred"].retry_due == 1
    spool.add("deferred", name, recipients=recipients, reason=b"second try", retry=NOW + 900, done=[0])
    second = read(reader)
    assert dict(second.reasons) == {"second": 1}
    assert second.queues["deferred"].retry_due == 0
    assert second.queues["deferred"].recipients == 1
    assert read(reader, NOW + 901).queues["deferred"].retry_due == 1


@pytest.mark.parametrize("path", [
    ("deferred", "hold"), ("hold", "deferred"), ("incoming", "active"), ("active", "deferred"),
])
def test_a_move_is_one_message_and_opens_nothing(spool: Spool, path: tuple[str, str]) -> None:
    """A file that moves under its id is counted once, in its new queue, whichever is visited first."""
    source, target = path
    name = spool.add(source, reason=b"why not")
    files = Files()
    reader = reader_of(spool, files)
    first = read(reader)
    assert counts(first) == {source: 1}
    files.opened.clear()
    spool.move(name, source, target)
    found = read(reader)
    assert counts(found) == {target: 1}
    assert files.opened == []
    assert found.queues[target].held == (target == "hold")
    assert found.queues[target].retry_due == 0
    assert found.queues["deferred"].retry_due == 0
    assert found == read(reader_of(spool)) or source == "incoming"


def test_a_move_during_the_walk_to_a_place_already_visited(spool: Spool) -> None:
    """A message taken for delivery between the look at active and the look at deferred is counted, in
    active.
    """
    name = spool.add(retry=NOW - 5)
    spool.add()
    files = Files()
    reader = reader_of(spool, files)
    assert counts(read(reader)) == {"deferred": 2}
    spool.settle(spool.path("deferred", name).parent)
    listdir = files.listdir

    def move_first(path: bytes) -> list[bytes]:
        if path == os.fsencode(spool.path("deferred", name).parent) and spool.path("deferred", name).exists():
            spool.move(name, "deferred", "active")
        return listdir(path)

    files.listdir = move_first
    assert counts(read(reader)) == {"active": 1, "deferred": 1}


def test_a_move_with_a_new_mtime_is_read_again(spool: Spool) -> None:
    """Back from active with another retry time the message shows its new reason."""
    name = spool.add("active", reason=b"", recipients=[b"r@relay.example"])
    reader = reader_of(spool)
    assert dict(read(reader).reasons) == {}
    spool.move(name, "active", "deferred")
    spool.add("deferred", name, reason=b"late again", retry=NOW + 300)
    found = read(reader)
    assert counts(found) == {"deferred": 1}
    assert dict(found.reasons) == {"late": 1}


def test_reasons_stay_while_a_delivery_runs(spool: Spool) -> None:
    """In active the defer log is away; the reasons of the last attempt are kept for recipients that still
    wait.
    """
    name = spool.add(recipients=[b"a@x.example", b"b@x.example"], reason=b"slow down")
    reader = reader_of(spool)
    read(reader)
    spool.path("defer", name).unlink()
    spool.move(name, "deferred", "active")
    made = queue_file(
        NOW - 1000, b"s@sender.example", [b"a@x.example", b"b@x.example"], 700, queue_id=name, done=[0])
    spool.put("active", name, made.data, mtime=NOW - 1)
    found = read(reader)
    assert counts(found) == {"active": 1}
    assert found.queues["active"].recipients == 1
    assert dict(found.reasons) == {"slow": 1}


def test_the_same_id_in_two_queues_counts_once(spool: Spool) -> None:
    """The later queue wins, the other file is named as a duplicate, reading after reading; it counts when
    alone.
    """
    name = spool.add("deferred")
    spool.add("hold", name)
    files = Files()
    reader = reader_of(spool, files)
    for _ in range(3):
        found = read(reader)
        assert counts(found) == {"hold": 1}
        assert found.skipped == {"duplicate": 1}
    spool.remove(name, "hold")
    spool.add("defer", name, reason=b"")  # any other change
    found = read(reader)
    assert counts(found) == {"deferred": 1}
    assert not found.skipped


def test_a_duplicate_that_comes_later_counts_once(spool: Spool) -> None:
    """A second file of a known id, in an earlier or a later queue, never makes two messages."""
    first, second = spool.add("hold"), spool.add("deferred")
    reader = reader_of(spool)
    read(reader)
    spool.add("deferred", first)
    spool.add("hold", second)
    for _ in range(2):
        found = read(reader)
        assert counts(found) == {"hold": 2}
        assert found.skipped == {"duplicate": 2}


@pytest.mark.parametrize("broken", ["deferred", "hold", "deferred/sub"])
def test_an_unreadable_directory_fails_the_whole_reading(spool: Spool, broken: str) -> None:
    """No number comes out of half a walk, and afterwards the sums are right again."""
    names = [spool.add() for _ in range(30)]
    spool.add("hold")
    path = spool.path("deferred", names[7]).parent if broken == "deferred/sub" else spool.root / broken
    files = Files()
    reader = reader_of(spool, files)
    for _ in range(2):
        files.faults = {os.fsencode(path): PermissionError(13, "Permission denied")}
        with pytest.raises(SourceError) as caught:
            read(reader)
        assert caught.value.kind == "permission"
        assert str(path) in str(caught.value)
        assert caught.value.hint
        spool.remove(names.pop())
        spool.add()
        files.faults = {}
        assert read(reader) == replace(read(reader_of(spool)), skipped=read(reader).skipped)


def test_an_input_output_error_is_a_failure_too(spool: Spool) -> None:
    """Any other error of the system is "unavailable", not an empty directory."""
    files = Files({os.fsencode(spool.root / "incoming"): OSError(5, "Input/output error")})
    with pytest.raises(SourceError) as caught:
        read(reader_of(spool, files))
    assert caught.value.kind == "unavailable"


def test_a_file_that_may_not_be_opened_fails_the_reading(spool: Spool) -> None:
    """A message that cannot be read is not left out silently."""
    name = spool.add()
    files = Files({os.fsencode(spool.path("deferred", name)): PermissionError(13, "Permission denied")})
    with pytest.raises(SourceError) as caught:
        read(reader_of(spool, files))
    assert caught.value.kind == "permission"


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), OSError(5, "Input/output error")])
def test_a_file_that_cannot_be_opened_now_is_no_foreign_name(spool: Spool, error: OSError) -> None:
    """A message that the system cannot give now fails the reading; the next one counts it."""
    name = spool.add()
    files = Files({os.fsencode(spool.path("deferred", name)): error})
    reader = reader_of(spool, files)
    with pytest.raises(SourceError) as caught:
        read(reader)
    assert caught.value.kind == "unavailable"
    files.faults = {}
    assert counts(read(reader)) == {"deferred": 1}


def test_an_error_while_a_move_is_followed_fails_the_reading(spool: Spool) -> None:
    """No error of the system leaves the engine as anything but a SourceError."""
    name = spool.add("active")
    files = Files()
    reader = reader_of(spool, files)
    read(reader)
    spool.move(name, "active", "hold")
    files.faults = {os.fsencode(spool.path("hold", name)): OSError(5, "Input/output error")}
    with pytest.raises(SourceError):
        read(reader)
    files.faults = {}
    assert counts(read(reader)) == {"hold": 1}


def test_a_missing_queue_directory_is_unavailable(spool: Spool) -> None:
    """A queue directory that is not one is said to be absent; optional queues may be missing."""
    (spool.root / "corrupt").rmdir()
    assert counts(read(reader_of(spool))) == {}
    (spool.root / "deferred").rmdir()
    with pytest.raises(SourceError) as caught:
        read(reader_of(spool))
    assert caught.value.kind == "unavailable"


def test_files_that_vanish_between_list_and_open_are_normal(spool: Spool) -> None:
    """They are counted as vanished, and the others are read."""
    for _ in range(3):
        spool.add()
    gone = spool.add()
    files = Files()

    def before(path: bytes) -> None:
        if path.endswith(b"/" + gone):
            spool.path("deferred", gone).unlink(missing_ok=True)

    files.before = before
    found = read(reader_of(spool, files))
    assert counts(found) == {"deferred": 3}
    assert found.skipped == {"vanished": 1}


def test_a_known_file_that_vanishes_before_it_is_looked_at_is_dropped(spool: Spool) -> None:
    """A name listed a moment ago and gone now is no message any more."""
    name = spool.add()
    reader = reader_of(spool)
    read(reader)
    os.utime(spool.path("deferred", name).parent)
    os.unlink(spool.path("deferred", name))
    spool.settle(spool.path("deferred", name).parent)
    assert counts(read(reader)) == {}


def test_a_directory_changed_twice_within_one_tick_is_listed_again(spool: Spool) -> None:
    """A stamp younger than the guard is not trusted; the same stamp, old enough, is."""
    name = spool.add()
    folder = spool.path("deferred", name).parent
    files = Files()
    reader = reader_of(spool, files)
    os.utime(folder, (NOW - 1, NOW - 1))
    assert counts(read(reader)) == {"deferred": 1}
    spool.path("deferred", name).unlink()
    os.utime(folder, (NOW - 1, NOW - 1))  # the second change in the same tick
    assert counts(read(reader)) == {}
    files.time = NOW + 10
    read(reader, NOW + 10)
    files.listed.clear()
    read(reader, NOW + 11)
    assert os.fsencode(folder) not in files.listed


def test_a_stamp_in_the_future_is_never_trusted(spool: Spool) -> None:
    """A clock that went backwards costs time, not correctness."""
    name = spool.add()
    folder = spool.path("deferred", name).parent
    os.utime(folder, (NOW + 1000, NOW + 1000))
    files = Files()
    reader = reader_of(spool, files)
    read(reader)
    files.listed.clear()
    read(reader)
    assert os.fsencode(folder) in files.listed


def test_force_expiry_is_noticed_although_no_directory_changes(spool: Spool) -> None:
    """Postfix marks it by a mode bit only; a small queue shows it in the next reading."""
    name = spool.add()
    reader = reader_of(spool)
    assert read(reader).forced_expiry == 0
    spool.path("deferred", name).chmod(0o710)
    assert read(reader).forced_expiry == 1


def test_a_file_being_written_is_no_message_yet(spool: Spool) -> None:
    """cleanup(8) sets mode 0700 at the end, which does not change the directory."""
    name = spool.add("incoming", mode=0o600)
    reader = reader_of(spool)
    found = read(reader)
    assert counts(found) == {}
    assert found.skipped == {"incomplete": 1}
    spool.path("incoming", name).chmod(0o700)
    found = read(reader)
    assert counts(found) == {"incoming": 1}
    assert not found.skipped


def test_a_file_marked_corrupt_is_in_corrupt(spool: Spool) -> None:
    """Owner bits r-- alone mean corrupt wherever the file is; in corrupt/ even garbage is a message."""
    spool.add("deferred", mode=0o400)
    spool.put("corrupt", spool.new_id(), b"garbage", 0o400)
    found = read(reader_of(spool))
    assert counts(found) == {"corrupt": 2}
    assert found.queues["corrupt"].oldest_arrival == NOW - 1000


def test_a_broken_queue_file_is_left_out_and_named(spool: Spool) -> None:
    """A file that is no queue file is skipped as corrupt_record; once mended it counts."""
    name = spool.new_id()
    spool.put("deferred", name, b"garbage")
    spool.add()
    reader = reader_of(spool)
    for _ in range(2):
        found = read(reader)
        assert counts(found) == {"deferred": 1}
        assert found.skipped == {"corrupt_record": 1}
    spool.add("deferred", name)
    found = read(reader)
    assert counts(found) == {"deferred": 2}
    assert not found.skipped


def test_names_that_are_no_queue_ids_are_counted_apart(spool: Spool) -> None:
    """Editors' files, links, directories and pipes in a queue are foreign names, and nothing is read from
    them.
    """
    folder = spool.root / "hold"
    for name in ("core", ".nfs0001", "README.txt", "4jYSJS1Q1vz1QPZB.bak", "ünicode"):
        (folder / name).write_text("x")
    (folder / "4jYSJS1Q1vz1QPZB").mkdir()
    (folder / "4jYSJS1Q1vz1QPZC").symlink_to("/etc/passwd")
    os.mkfifo(folder / "4jYSJS1Q1vz1QPZD")
    spool.add("hold")
    found = read(reader_of(spool))
    assert counts(found) == {"hold": 1}
    assert found.skipped == {"foreign_name": 8}


def test_maildrop_files_have_the_size_of_the_file(spool: Spool) -> None:
    """Files of maildrop begin with T and have no sizes."""
    data = maildrop_file(NOW - 60, b"root@sender.example", [b"x@relay.example"], [b"Subject: x", b"", b"x"])
    spool.put("maildrop", spool.new_id(), data, 0o744, NOW - 60)
    queue = read(reader_of(spool)).queues["maildrop"]
    assert (queue.messages, queue.recipients, queue.bytes) == (1, 1, len(data))
    assert queue.oldest_arrival == NOW - 60


def test_recipients_behind_the_content_and_delivered_ones(spool: Spool) -> None:
    """Mail by sendmail -t, always_bcc, partly delivered, 60 recipients, all but one done: only those that wait
    count.
    """
    many = [b"u%d@many.example" % i for i in range(60)]
    spool.add(recipients=[b"a@tail.example", b"b@tail.example"], behind=[0, 1])
    spool.add(recipients=[b"a@head.example", b"archive@tail.example"], behind=[1])
    spool.add(recipients=many)
    spool.add(recipients=many, done=range(59))
    spool.add(recipients=[b"a@done.example", b"b@part.example"], done=[0])
    found = read(reader_of(spool))
    assert found.queues["deferred"].recipients == 2 + 2 + 60 + 1 + 1
    assert dict(found.destinations) == {
        "tail.example": 2, "head.example": 1, "many.example": 2, "part.example": 1}
    assert dict(found.reasons) == {"greylisted": 66}
    assert not found.skipped


def test_a_requeued_message_keeps_its_arrival(spool: Spool) -> None:
    """The T record counts, not the id, which is as old as the last requeue; an id may even be of the
    future.
    """
    spool.add(name=spool.new_id(NOW - 10), arrival=NOW - 90_000)
    spool.add(name=spool.new_id(NOW + 10_000_000), arrival=NOW - 50)
    found = read(reader_of(spool)).queues["deferred"]
    assert found.oldest_arrival == NOW - 90_000
    assert found.ages is not None
    assert found.ages.total == 90_050


def test_short_ids_are_read_like_long_ones(spool: Spool) -> None:
    """Short queue ids hash by their first character; arrival comes from the file."""
    for number in range(20):
        spool.add(name=b"%05X%X" % (number * 49999, 123456 + number), arrival=NOW - 100 - number)
    found = read(reader_of(spool))
    assert counts(found) == {"deferred": 20}
    assert dict(found.reasons) == {"greylisted": 20}
    assert found.queues["deferred"].oldest_arrival == NOW - 119


@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_any_hash_depth(tmp_path: Path, depth: int) -> None:
    """Sub-directories nest as deep as hash_queue_depth says, and reasons are found beside."""
    spool = Spool(tmp_path, depth)
    names = [spool.add() for _ in range(40)]
    reader = reader_of(spool)
    found = read(reader)
    assert counts(found) == {"deferred": 40}
    assert dict(found.reasons) == {"greylisted": 40}
    for name in names[:39]:
        spool.remove(name)
        if depth:
            try:
                spool.path("deferred", name).parent.rmdir()
                spool.settle(spool.path("deferred", name).parent.parent)
            except OSError:
                continue
    assert counts(read(reader)) == {"deferred": 1}


def test_retry_due_and_ages_move_with_the_clock_alone(spool: Spool) -> None:
    """Nothing changes on disk, yet messages grow older and become due; held ones never do."""
    spool.add(retry=NOW + 100, arrival=NOW - 50)
    spool.add("hold", retry=NOW + 100)
    spool.add("active", retry=NOW - 100)
    files = Files()
    reader = reader_of(spool, files)
    first, later = read(reader), read(reader, NOW + 100)
    assert first.queues["deferred"].retry_due == 0
    assert later.queues["deferred"].retry_due == 1
    assert later.queues["hold"].retry_due == later.queues["active"].retry_due == 0
    assert first.queues["deferred"].ages is not None
    assert later.queues["deferred"].ages is not None
    assert first.queues["deferred"].ages.counts[0] == 1
    assert later.queues["deferred"].ages.counts[1] == 1


def test_mtimes_in_the_far_future_and_before_1970_are_bounded(spool: Spool) -> None:
    """A stamp that no clock shows makes neither an error nor a negative number."""
    name = spool.add(retry=2**33)
    os.utime(spool.path("deferred", spool.add()), (-5, -5))
    found = read(reader_of(spool))
    assert counts(found) == {"deferred": 2}
    assert spool.path("deferred", name).exists()


def test_a_deadline_in_the_middle_loses_nothing(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reading that ends by its deadline fails; the next ones go on from there until the queue is
    complete.
    """
    monkeypatch.setattr(engine, "_STRIDE", 1)
    for _ in range(50):
        spool.add()
    files = Files()
    reader = reader_of(spool, files)
    budget = 0

    def before(path: bytes) -> None:
        nonlocal budget
        budget -= 1
        if budget < 0:
            reader._deadline = 0.0

    files.before = before
    failures = 0
    while True:
        budget = 15
        try:
            found = read(reader)
        except SourceError as error:
            assert error.kind == "timeout"  # noqa: PT017 - it is raised in some of the rounds only
            failures += 1
            assert failures < 50
        else:
            break
    assert failures > 2
    assert counts(found) == {"deferred": 50}
    assert len(set(queue_files(files))) == 50
    assert replace(found, skipped={}) == replace(read(reader_of(spool)), skipped={})


def test_without_the_right_to_leave_atime_alone_files_are_opened_plainly(spool: Spool) -> None:
    """O_NOATIME is refused to readers that are neither owner nor root: then without it."""
    for _ in range(3):
        spool.add()

    class Strict(Files):
        refused = 0

        def _open(self, path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
            if flags & os.O_NOATIME:
                self.refused += 1
                raise PermissionError(1, "Operation not permitted")
            return super()._open(path, flags, dir_fd=dir_fd)

    files = Strict()
    assert counts(read(reader_of(spool, files))) == {"deferred": 3}
    assert files.refused <= 2


def test_a_log_of_another_owner_is_read_all_the_same(spool: Spool) -> None:
    """Where only the atime of the defer logs may not be left alone, their reasons are known nevertheless."""
    for _ in range(3):
        spool.add(reason=b"old")

    class Strict(Files):
        refused = 0

        def _open(self, path: bytes, flags: int, *, dir_fd: int | None = None) -> int:
            if flags & os.O_NOATIME and b"/defer/" in self._folders.get(dir_fd or -1, b"") + b"/":
                self.refused += 1
                raise PermissionError(1, "Operation not permitted")
            return super()._open(path, flags, dir_fd=dir_fd)

    files = Strict()
    assert dict(read(reader_of(spool, files)).reasons) == {"old": 3}
    assert files.refused == 3


def test_a_first_reading_leaves_no_trace(spool: Spool) -> None:
    """Neither messages nor their logs get another atime."""
    names = [spool.add(reason=b"old") for _ in range(3)]
    paths = [spool.path(part, name) for part in ("deferred", "defer") for name in names]
    for path in paths:
        os.utime(path, (NOW - 1000, path.stat().st_mtime))  # older than mtime: a plain read renews it
    assert dict(read(reader_of(spool)).reasons) == {"old": 3}
    assert {path.stat().st_atime for path in paths} == {NOW - 1000}


def test_a_long_queue_notices_due_retries_at_once_and_a_flush_too(
    spool: Spool, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Beyond EXACT only due messages and a sample are compared; a flush of all shows in the sample."""
    monkeypatch.setattr(engine, "EXACT", 10)
    monkeypatch.setattr(engine, "SAMPLE", 8)
    monkeypatch.setattr(engine, "SMALL", 0)
    spool.depth = 0
    recipients = [b"r@relay.example"]
    offset = queue_file(NOW, b"s@sender.example", recipients).offsets[0]
    names = [spool.add(name=spool.new_id(), retry=NOW + 500 + i, reason=b"old") for i in range(100)]
    names.append(spool.add(retry=NOW - 5, reason=b"old"))
    reader = reader_of(spool)
    assert dict(read(reader).reasons) == {"old": 101}
    found = len(spool.path("deferred", names[-1]).read_bytes())
    assert found
    offset = int(spool.path("defer", names[-1]).read_bytes().split(b"offset=")[1].split(b"\n")[0])
    spool.reason(names[-1], recipients[0], offset, b"due")
    spool.touch(names[-1], NOW + 900)
    assert dict(read(reader).reasons) == {"old": 100, "due": 1}
    for name in names:
        spool.reason(name, recipients[0], offset, b"flushed")
        spool.touch(name, NOW + 2000)
    assert dict(read(reader).reasons) == {"flushed": 101}


def test_a_single_message_flushed_by_hand_is_noticed_within_an_hour(
    spool: Spool, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In a long queue every message is looked at once in PASS seconds, whatever its directory says."""
    monkeypatch.setattr(engine, "SMALL", 0)
    names = [spool.add() for _ in range(100)]
    files = Files()
    reader = reader_of(spool, files)
    read(reader)
    spool.path("deferred", names[50]).chmod(0o710)
    seen = []
    for step in range(1, 61):
        files.time = NOW + step * PASS / 59
        seen.append(read(reader, files.time).forced_expiry)
    assert seen[-1] == 1
    assert seen.index(1) > 0


def test_a_reader_that_followed_equals_one_that_starts_anew(spool: Spool) -> None:
    """After any mixture of arrivals, moves, retries, deliveries and faults the sums are those of a fresh
    reading.
    """
    rng = random.Random(5)
    files = Files()
    reader = reader_of(spool, files)
    where: dict[bytes, str] = {}
    for step in range(250):
        for _ in range(rng.randint(0, 4)):
            action = rng.random()
            if action < 0.4 or not where:
                queue = rng.choice(["incoming", "active", "deferred", "deferred", "hold"])
                recipients = [b"u@d%d.example" % rng.randrange(5) for _ in range(rng.randint(1, 4))]
                name = spool.add(queue, arrival=NOW - rng.randrange(10**6), recipients=recipients,
                                 sender=rng.choice([b"", b"a@s1.example", b"b@s2.example"]),
                                 size=rng.randrange(100, 9000), retry=NOW + rng.randrange(-500, 500),
                                 reason=rng.choice([b"one", b"two", b"three"]))
                where[name] = queue
                continue
            name = rng.choice(list(where))
            if action < 0.6:
                target = rng.choice(["active", "deferred", "hold"])
                spool.move(name, where[name], target)
                where[name] = target
            elif action < 0.75:
                spool.remove(name, where.pop(name))
            elif action < 0.9:
                spool.touch(name, NOW + rng.randrange(-500, 500), where[name])
            else:
                spool.path(where[name], name).chmod(rng.choice([0o700, 0o710]))
        if rng.random() < 0.1:
            closed = spool.root / rng.choice(["active", "deferred", "hold"])
            files.faults = {os.fsencode(closed): PermissionError()}
            with pytest.raises(SourceError):
                read(reader)
            files.faults = {}
        if rng.random() < 0.1:
            files.time += PASS
        if step % 5 == 0:
            found, fresh = read(reader, files.time), read(reader_of(spool), files.time)
            assert counts(found) == counts(fresh)
            if "active" not in where.values():
                assert replace(found, skipped={}, reasons={}) == replace(fresh, skipped={}, reasons={})
            for name, queue in found.queues.items():
                assert (queue.recipients, queue.bytes, queue.arrivals) == (
                    fresh.queues[name].recipients, fresh.queues[name].bytes, fresh.queues[name].arrivals)
    assert len(where) > 100


def test_envelopes_longer_than_the_limit_count_the_rest(
    spool: Spool, monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Recipients beyond the part that is read are counted, in no domain and with reason unknown; never
    silently.
    """
    from smtpq_exporter.mta.postfix import queue_file as format_module

    monkeypatch.setattr(format_module, "LONGEST", 3000)
    spool.add(recipients=[b"u%d@many.example" % i for i in range(200)])
    found = read(reader_of(spool))
    assert found.queues["deferred"].recipients == 200
    assert dict(found.destinations) == {"many.example": 1, "other": 1}
    assert sum(found.reasons.values()) == 200
    assert found.reasons["unknown"] > 100


def test_a_pointer_loop_ends(spool: Spool) -> None:
    """A queue file whose pointers lead in a circle is a corrupt record, quickly."""
    good = queue_file(NOW, b"s@sender.example", [b"r@relay.example"], 700).data
    at = good.index(b"R\x0fr@relay.example")
    loop = good[:at] + record(b"p", b"%015d" % 97) + good[at + 17 :]
    spool.put("deferred", spool.new_id(), loop)
    started = time.monotonic()
    assert read(reader_of(spool)).skipped == {"corrupt_record": 1}
    assert time.monotonic() - started < 20
