"""A Postfix queue directory without a Postfix: a showq socket that says what a test wants, or files."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

from smtpq_exporter.mta.postfix.queue_id import hash_path, long_id
from smtpq_exporter.mta.postfix.write import queue_file

Speak = Callable[[socket.socket], None]


class FakeQueue:
    """A configuration directory (`config`) whose queue has a showq socket that answers with `speak`.

    `runs` holds the lock that a running master process holds.
    """

    def __init__(self, speak: Speak | None = None, *, runs: bool = True) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="smtpq-queue-"))
        self.directory.chmod(0o755)
        self.config, self.queue = self.directory / "etc", self.directory / "queue"
        self.config.mkdir()
        (self.queue / "public").mkdir(parents=True)
        (self.config / "main.cf").write_text(f"queue_directory = {self.queue}\n")
        self._speak, self.done = speak, threading.Event()
        self._listener: socket.socket | None = None
        (self.queue / "pid").mkdir()
        self._lock = (self.queue / "pid" / "master.pid").open("w")
        if runs:
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def __enter__(self) -> Self:
        if self._speak:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.queue / "public" / "showq"))
            (self.queue / "public" / "showq").chmod(0o666)
            self._listener.listen(16)
            threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.done.set()
        self._lock.close()
        if self._listener:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        shutil.rmtree(self.directory)

    def _serve(self) -> None:
        while self._listener:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(link,), daemon=True).start()

    def _answer(self, link: socket.socket) -> None:
        with link:
            try:
                if self._speak:
                    self._speak(link)
            except OSError:
                return  # who only looked whether somebody listens is gone

    def folders(self) -> None:
        """Make the queue directories."""
        for name in ("maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer"):
            (self.queue / name).mkdir()

    def put(self, queue: str, age: float, count: int = 1, size: int = 500) -> None:
        """Write message files of this age."""
        moment = int(time.time() - age)
        for number in range(count):
            name = long_id(moment, number % 1_000_000, 2**33 + number)
            place = self.queue / queue
            if queue == "deferred":
                place /= hash_path(name, 1).decode().rstrip("/")
                place.mkdir(exist_ok=True)
            path = place / name.decode()
            made = queue_file(moment, b"a@sender.example", [b"b@example.org"], size, queue_id=name)
            path.write_bytes(made.data)
            path.chmod(0o700)
            os.utime(path, (moment, moment + 300))


def message(number: int, age: float = 60, queue: str = "deferred") -> bytes:
    """One message as showq 3.7 sends it."""
    pairs = {"queue_name": queue, "queue_id": f"4{number:011X}", "time": str(int(time.time() - age)),
             "size": "1500", "forced_expire": "0", "sender": "a@sender.example"}
    head = b"".join(f"{name}\0{value}\0".encode() for name, value in pairs.items())
    return head + b"recipient\x00b@example.org\x00reason\x00451 4.7.1 greylisted | try again\x00\x00"


def listing(messages: Iterable[bytes], *, end: bool = True) -> Speak:
    """A whole listing of these messages."""
    def speak(link: socket.socket) -> None:
        link.sendall(b"protocol\0mail_queue_list_protocol\0\0")
        for one in messages:
            link.sendall(one)
        if end:
            link.sendall(b"\0")

    return speak
