"""The state file: replaced as a whole, never fatal, never lost by accident."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.checkpoint import MAX_CORRUPT, Checkpoint, CorruptError

STATE = {"tally": {"a": 1, "b": [1.5, None, "é"]}, "sources": {}}


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return Checkpoint(str(tmp_path), "postfix", "out/1 ü")


def test_round_trip(checkpoint: Checkpoint) -> None:
    """What is saved is loaded; before that there is nothing; one versioned JSON document is in the file."""
    assert checkpoint.load() is None
    checkpoint.save(STATE)
    assert checkpoint.load() == STATE
    whole = json.loads(Path(checkpoint.path).read_bytes())
    assert (whole["version"], whole["mta"], whole["instance"]) == (1, "postfix", "out/1 ü")


def test_one_file_for_each_instance(tmp_path: Path) -> None:
    """Instances do not share a file, whatever their names, and no name leads out of the directory."""
    names = ["a", "a/b", "a%2Fb", "..", "../a", "A"]
    paths = {Checkpoint(str(tmp_path), "postfix", name).path for name in names}
    assert len(paths) == len(names)
    assert {Path(path).parent for path in paths} == {tmp_path}


def test_every_damage_is_noticed(checkpoint: Checkpoint) -> None:
    """A file cut at any byte, or with any byte changed, is refused; it never yields other counters."""
    checkpoint.save(STATE)
    path = Path(checkpoint.path)
    whole = path.read_bytes()
    for place in range(len(whole) - 1):
        path.write_bytes(whole[:place])
        with pytest.raises(CorruptError):
            checkpoint.load()
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with suppress(CorruptError):
            assert checkpoint.load() == STATE  # a changed blank or escape that means the same


@pytest.mark.parametrize(
    "text",
    [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"state":{}}', b'{"format":"other","state":{}}'],
    ids=["empty", "list", "null", "not text", "deep", "bare", "foreign"],
)
def test_foreign_files_are_refused(checkpoint: Checkpoint, text: bytes) -> None:
    """What is not ours raises CorruptError and nothing else."""
    Path(checkpoint.path).write_bytes(text)
    with pytest.raises(CorruptError):
        checkpoint.load()


def test_newer_version_is_refused(checkpoint: Checkpoint) -> None:
    """A file of a version that is not known is not guessed at, and the text says what is wrong."""
    checkpoint.save(STATE)
    path = Path(checkpoint.path)
    path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
    with pytest.raises(CorruptError, match="version is '2', not 1"):
        checkpoint.load()


def test_set_aside_is_bounded(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Damaged files are kept for people, but not without end; the newest is always kept."""
    for number in range(MAX_CORRUPT + 3):
        Path(checkpoint.path).write_text(str(number))
        name = checkpoint.set_aside()
        assert Path(name).read_text() == str(number)
    assert len(list(tmp_path.glob("*.corrupt-*"))) == MAX_CORRUPT
    assert not Path(checkpoint.path).exists()


def test_lock(checkpoint: Checkpoint, tmp_path: Path) -> None:
    """Two users of one state file would count everything twice: the second one is told, until the first
    closes.
    """
    other = Checkpoint(str(tmp_path), "postfix", "out/1 ü")
    assert checkpoint.lock()
    assert checkpoint.lock()
    assert not other.lock()
    checkpoint.close()
    assert other.lock()
    other.close()


def test_old_state_survives_a_failed_save(checkpoint: Checkpoint) -> None:
    """If the new file cannot be written, the old one stays whole and the error says what to do."""
    checkpoint.save(STATE)
    Path(checkpoint.path + ".new").mkdir()
    with pytest.raises(SourceError) as caught:
        checkpoint.save({"tally": {}})
    assert caught.value.hint
    assert checkpoint.load() == STATE


def test_directory_that_cannot_be(tmp_path: Path) -> None:
    """A state directory under a file is a SourceError, not a traceback."""
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match="cannot keep state"):
        Checkpoint(str(tmp_path / "file" / "state"), "postfix", "a").lock()
