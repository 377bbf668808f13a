"""Exim spools made by hand: both layouts, named queues, ids of both lengths."""

from __future__ import annotations

import os
import time
from pathlib import Path

from smtpq_exporter.io.files import Files
from smtpq_exporter.io.spool import SpoolReader
from smtpq_exporter.model import QueueSnapshot
from smtpq_exporter.mta.exim.queue_spool import EximSpool
from smtpq_exporter.reasons import Classifier

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
CAME = 1790000000
HEADERS = b"014F From: <a@b.c>\n"
LOG = (
    "2026-11-24 03:19:27 {to} R=mx T=t defer (-44) H=h [127.0.0.5]: "
    "SMTP error from remote mail server after RCPT TO:<{to}>: {text}\n"
)


def message_id(number: int, *, new: bool = False, came: int = CAME) -> str:
    """An id of one or the other length."""
    time_, rest = "", came + number
    for _ in range(6):
        time_, rest = DIGITS[rest % 62] + time_, rest // 62
    return f"{time_}-{number:011d}-0000" if new else f"{time_}-{number:06d}-00"


class Spool:
    """A spool directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "input").mkdir(parents=True)
        (root / "msglog").mkdir()
        (root / "db").mkdir()
        (root / "db" / "retry").write_bytes(b"\0")

    def place(self, name: str, *, split: bool = False, queue: str = "", kind: str = "input") -> Path:
        """The directory in which the files of a message lie."""
        place = self.root / queue / kind
        return place / name[5] if split else place

    def add(
        self,
        name: str,
        *recipients: str,
        sender: str = "a@s.example",
        frozen: bool = False,
        body: int = 10,
        split: bool = False,
        queue: str = "",
        tree: bytes = b"XX\n",
        log: str = "",
    ) -> Path:
        """Write a message as Exim does, the -H last; returns the path of that."""
        place = self.place(name, split=split, queue=queue)
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}-D").write_bytes(f"{name}-D\n".encode() + b"x" * body)
        if log:
            logs = self.place(name, split=split, queue=queue, kind="msglog")
            logs.mkdir(parents=True, exist_ok=True)
            (logs / name).write_text(log)
        option = b"-frozen 1790000100\n" if frozen else b""
        text = b"%b-H\nx 1 2\n<%b>\n%d 0\n-local\n%b%b%d\n" % (
            name.encode(),
            sender.encode(),
            CAME,
            option,
            tree,
            len(recipients),
        )
        part = place / "hdr.1"
        part.write_bytes(text + b"".join(one.encode() + b"\n" for one in recipients) + b"\n" + HEADERS)
        part.rename(place / f"{name}-H")
        return place / f"{name}-H"

    def reader(self, files: Files | None = None, queues: tuple[str, ...] = ()) -> SpoolReader:
        """Its reader."""
        return SpoolReader(EximSpool(str(self.root), Classifier(), queues), files=files)


def read(reader: SpoolReader) -> QueueSnapshot:
    """One reading, now."""
    return reader.read(time.time(), time.monotonic() + 60)


def rest(root: Path, ago: float = 60.0) -> None:
    """Let all directories look as if nothing had happened in them for a while, so that they are trusted."""
    then = time.time() - ago
    for place in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        os.utime(place, (then, then))
