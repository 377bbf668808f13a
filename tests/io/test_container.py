"""Log lines out of the envelopes of container engines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io import logfile
from smtpq_exporter.io.container import CriDecoder, DockerDecoder
from smtpq_exporter.io.lines import LINE_LIMIT
from smtpq_exporter.io.logfile import LogFiles
from tests.io.growing import GrowingLog, line

TIME = b"2026-11-24T06:50:01.123456789Z"


def docker(text: str, stream: str = "stdout") -> bytes:
    return json.dumps({"log": text, "stream": stream, "time": TIME.decode()}).encode()


def cri(text: bytes, tag: bytes = b"F", stream: bytes = b"stdout") -> bytes:
    return b"%s %s %s %s" % (TIME, stream, tag, text)


def drain(files: LogFiles) -> list[bytes]:
    lines: list[bytes] = []
    quiet = 0
    while quiet < 3:
        new = files.poll(1 << 20)
        lines += new
        quiet = 0 if new or files.behind else quiet + 1
    return lines


def test_docker_lines() -> None:
    """A record that ends in a newline is a line, of any text."""
    decoder = DockerDecoder()
    lines = decoder.decode([docker('a \u00e9 \x00 "q"\n'), docker("\n"), docker("two\nlines\n")])
    assert lines == ['a \u00e9 \x00 "q"'.encode(), b"", b"two", b"lines"]


def test_docker_partial_records() -> None:
    """Records without a newline are joined per stream."""
    decoder = DockerDecoder()
    assert decoder.decode([docker("a" * 16384), docker("x", "stderr"), docker("b")]) == []
    assert decoder.decode([docker("c\n"), docker("y\n", "stderr")]) == [b"a" * 16384 + b"bc", b"xy"]


def test_cri_partial_records() -> None:
    """P records are joined with the F record of their stream; more tags may follow the first."""
    decoder = CriDecoder()
    assert decoder.decode([cri(b"a ", b"P"), cri(b"x", b"P", b"stderr"), cri(b"b", b"P:more")]) == []
    assert decoder.decode([cri(b" c"), cri(b"y", b"F", b"stderr"), cri(b"")]) == [b"a b c", b"xy", b""]


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"null", b"[1]", b'{"log":1}', b'{"log":"a\\n","stream":[]}', b"\xff\xfe", b"[" * 99_999],
)
def test_foreign_lines_are_passed_over(text: bytes) -> None:
    """What has no envelope is counted as foreign and yields nothing, in both forms."""
    for decoder in (DockerDecoder(), CriDecoder()):
        assert decoder.decode([text]) == []
        assert decoder.foreign == 1


def test_endless_parts_are_bounded() -> None:
    """A line of parts without end is cut at the limit, and counted when it ends."""
    decoder = CriDecoder()
    for _ in range(200):
        decoder.decode([cri(b"z" * 16384, b"P")])
    assert sum(map(len, decoder.state().values())) <= LINE_LIMIT + 1
    assert decoder.decode([cri(b"end")]) == [b"z" * LINE_LIMIT]
    assert decoder.cut == 1


@given(
    st.lists(
        st.tuples(
            st.binary(max_size=9), st.sampled_from([b"P", b"F"]), st.sampled_from([b"stdout", b"stderr"])
        )
    )
)
def test_parts_survive_a_restart_anywhere(records: list[tuple[bytes, bytes, bytes]]) -> None:
    """With a restart between any two records the same lines come out."""
    whole, got = CriDecoder(), []
    restarted = CriDecoder()
    lines = [cri(text.replace(b"\n", b""), tag, stream) for text, tag, stream in records]
    for record in lines:
        state = json.loads(json.dumps(restarted.state()))
        restarted = CriDecoder()
        restarted.restore(state)
        got += restarted.decode([record])
    assert got == whole.decode(lines)


def test_docker_file_is_followed(tmp_path: Path) -> None:
    """Docker's file is followed through its rotation, and a line torn between two files and a restart is
    whole.
    """
    path = tmp_path / "id-json.log"
    with GrowingLog(path) as log:
        files = LogFiles(str(path), None, "beginning", "docker")
        log.write_text(docker("one\n") + b"\n" + docker("tw") + b"\n")
        assert drain(files) == [b"one"]
        position = json.loads(json.dumps(files.position()))
        files.close()
        log.rename()
        log.write_text(docker("o\n") + b"\n" + docker("three\n") + b"\n")
        files = LogFiles(str(path), position, "end", "docker")
        assert drain(files) == [b"two", b"three"]
        files.close()


def test_pods_come_and_go(tmp_path: Path) -> None:
    """A pattern over the kubelet's symlinks finds new containers; one that was rotated or has gone is read to
    its end.
    """
    now = 1000.0
    (tmp_path / "pods").mkdir()
    (tmp_path / "containers").mkdir()

    def start(number: int) -> GrowingLog:
        real = tmp_path / "pods" / f"{number}.log"
        link = tmp_path / "containers" / f"postfix-{number}_mail_smtp-abc.log"
        link.symlink_to(real)
        return GrowingLog(real)

    files = LogFiles(str(tmp_path / "containers" / "postfix-*.log"), None, "end", "cri", lambda: now)
    with pytest.raises(SourceError, match="no file fits"):
        files.poll(1 << 20)
    with start(0) as first, start(1) as second:
        first.write_text(cri(b"a") + b"\n")
        second.write_text(cri(b"b", b"P") + b"\n")
        now += logfile.LOOK_SECONDS + 1
        assert drain(files) == [b"a"]
        first.write_text(cri(b"c") + b"\n")
        first.path.rename(tmp_path / "pods" / "0.log.20261124-065001")
        first.reopen()
        first.write_text(cri(b"d") + b"\n")
        second.write_text(cri(b"b") + b"\n")
        assert sorted(drain(files)) == [b"bb", b"c", b"d"]
        second.write_text(cri(b"last") + b"\n")
        (tmp_path / "containers" / "postfix-1_mail_smtp-abc.log").unlink()
        assert drain(files) == [b"last"]
        for _ in range(4):
            now += 61.0
            assert drain(files) == []
        assert list(files.position()["files"]) == [
            str(tmp_path / "containers" / "postfix-0_mail_smtp-abc.log")
        ]
        files.close()


def test_pattern_does_not_count_predecessors(tmp_path: Path) -> None:
    """FILE.1 and FILE-DATE.gz fit the pattern too, but are predecessors, not logs of their own."""
    with GrowingLog(tmp_path / "mail.log") as log, GrowingLog(tmp_path / "mail-out.log") as other:
        log.write(2)
        log.rename()
        log.write(1)
        log.rename_dated("20261124")
        log.compress("-20261124")
        log.write(1)
        other.write_text(b"x: 5: y\n")
        files = LogFiles(str(tmp_path / "mail*"), None, "beginning")
        assert len(drain(files)) == 2
        assert len(files.position()["files"]) == 2
        files.close()


def test_one_closed_file_does_not_stop_the_others(tmp_path: Path) -> None:
    """Files that fit are read in turn; a directory among them is no file."""
    (tmp_path / "a.log").mkdir()
    with GrowingLog(tmp_path / "b.log") as one, GrowingLog(tmp_path / "c.log") as two:
        one.write(10_000)
        two.write(1)
        files = LogFiles(str(tmp_path / "*.log"), None, "beginning")
        first = [files.poll(1000) for _ in range(4)]
        assert sum(lines.count(line(0)) for lines in first) == 2  # the small one had its turn
        assert sum(map(len, first)) + len(drain(files)) == 10_001
        files.close()
