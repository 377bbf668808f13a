"""Queues to measure on: real messages of a private Postfix, multiplied to a given length; and synthetic ones.

The multiplied files are for readers: a queue manager that met them would send them. So nothing here flushes.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.measure import progress
from smtpq_exporter.mta.postfix import write
from smtpq_exporter.mta.postfix.queue_id import hash_path, long_id
from tests.servers.postfix import PostfixServer
from tests.servers.replies import REPLIES

#: How many messages at most go in by SMTP; the rest are copies.
REAL = 4000
DAY = 86400


def deferred(server: PostfixServer) -> list[Path]:
    """The files of the deferred queue, sorted."""
    return sorted(server.files("deferred"))


def fill(server: PostfixServer, target: int) -> None:
    """Bring the deferred queue to exactly `target` messages."""
    seed = 1
    while (have := server.count("deferred")) < min(target, REAL):
        progress(f"injecting: {have} of {min(target, REAL)} are deferred")
        server.inject(max(100, int((min(target, REAL) - have) * 1.25)), "defer", seed=seed)
        server.wait_idle(300)
        seed += 1
    files = deferred(server)
    if len(files) < target:
        progress(f"copying: {len(files)} become {target:,}")
        multiply(server.queue_directory, files, target - len(files))
    for surplus in files[target:]:
        surplus.unlink()
        log_of(server.queue_directory, surplus.name).unlink(missing_ok=True)


def log_of(queue: Path, name: str) -> Path:
    """The defer log of a message."""
    return queue / "defer" / hash_path(name.encode(), 1).decode().rstrip("/") / name


def place(queue: Path, name: str) -> Path:
    """Where the file of a deferred message with this id belongs."""
    return queue / "deferred" / hash_path(name.encode(), 1).decode().rstrip("/") / name


def make_room(queue: Path, name: str) -> None:
    """Make the directories of a deferred message if they are not there; Postfix must be able to read them."""
    owner = (queue / "deferred").stat()
    for target in (place(queue, name), log_of(queue, name)):
        if not target.parent.is_dir():
            target.parent.mkdir(mode=0o700)
            os.chown(target.parent, owner.st_uid, owner.st_gid)


def fresh_id(rng: random.Random, now: int, age: int) -> str:
    """A long queue id given out up to `age` seconds ago; no file has such an inode number."""
    moment = now - rng.randrange(1, age)
    return long_id(moment, rng.randrange(1_000_000), rng.randrange(2**33, 2**36)).decode()


def multiply(queue: Path, sources: list[Path], copies: int, seed: int = 3) -> None:
    """Copies under fresh ids: queue files with their owner, mode and times, defer logs as hard links."""
    rng, now = random.Random(seed), int(time.time())
    for i in range(copies):
        source = sources[i % len(sources)]
        name = fresh_id(rng, now, 4 * DAY)
        make_room(queue, name)
        state = source.stat()
        target = place(queue, name)
        target.write_bytes(source.read_bytes())
        target.chmod(state.st_mode & 0o7777)
        os.chown(target, state.st_uid, state.st_gid)
        os.utime(target, (now, now + rng.randrange(4 * 3600, 8 * 3600)))
        log = log_of(queue, source.name)
        if log.exists():
            log_of(queue, name).hardlink_to(log)


# --- synthetic ---

SENDERS, DOMAINS = 300, 5000
TEXTS = [reply.text.replace("\r\n", " ").replace("{nn}", "07")
         for table in REPLIES.values() for reply in table if reply.text.startswith("4")]
TIMEOUT = "connect to mx.{domain}[192.0.2.77]:25: Connection timed out"


def synthetic(queue: Path, messages: int) -> None:
    """Write a deferred queue of many senders, destinations and reasons in Postfix's format, on all cores."""
    for part in ("deferred", "defer"):
        for digit in "0123456789ABCDEF":
            (queue / part / digit).mkdir(mode=0o700, parents=True, exist_ok=True)
    workers = min(4, os.cpu_count() or 1)
    chunk = 20_000
    jobs = [(str(queue), seed, min(chunk, messages - seed * chunk)) for seed in range(-(-messages // chunk))]
    done = 0
    with ProcessPoolExecutor(workers) as pool:
        for count in pool.map(_write, jobs):
            done += count
            if done % 100_000 < chunk:
                progress(f"writing: {done:,} of {messages:,}")


def _write(job: tuple[str, int, int]) -> int:
    """One chunk of the synthetic queue."""
    queue, seed, count = job
    rng, now = random.Random(seed), int(time.time())
    for name, file, log in _messages(rng, now, count):
        digit = hash_path(name, 1).decode().rstrip("/")
        path = f"{queue}/deferred/{digit}/{name.decode()}"
        log_path = f"{queue}/defer/{digit}/{name.decode()}"
        for target, mode, data in ((path, 0o700, file), (log_path, 0o600, log)):
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            os.write(descriptor, data)
            os.close(descriptor)
        os.utime(path, (now, now + rng.randrange(60, 8 * 3600)))
    return count


def _messages(rng: random.Random, now: int, count: int) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Queue id, queue file and defer log of each message; few destinations have most of the mail (Zipf)."""
    popular = rng.choices(range(DOMAINS), [1 / (i + 1) for i in range(DOMAINS)], k=4096)
    senders = rng.choices(range(SENDERS), [1 / (i + 1) for i in range(SENDERS)], k=4096)
    used = set()
    for _ in range(count):
        arrival = now - int(rng.expovariate(1 / (DAY / 2))) % (5 * DAY) - 1
        name = long_id(arrival, rng.randrange(1_000_000), rng.randrange(2**33, 2**36))
        if name in used:
            continue
        used.add(name)
        many = 1 if rng.random() < 0.93 else 3
        domains = [f"dest{popular[rng.randrange(4096)]}.example" for _ in range(many)]
        recipients = [f"user{rng.randrange(10**6)}@{domain}".encode() for domain in domains]
        sender = f"list{rng.randrange(1000)}@from{senders[rng.randrange(4096)]}.example".encode()
        size = min(10**7, int(rng.lognormvariate(9, 1.5))) + 300
        file = write.queue_file(arrival, sender, recipients, size, queue_id=name, body=False)
        blocks = []
        for recipient, offset, domain in zip(recipients, file.offsets, domains, strict=True):
            text = rng.choice(TEXTS).replace("{hex}", f"{rng.getrandbits(32):08x}")
            text = text.replace("{rcpt}", recipient.decode())
            whole = f"host mx.{domain}[192.0.2.77] said: {text} (in reply to RCPT TO command)"
            if rng.random() < 0.2:
                whole, text = TIMEOUT.replace("{domain}", domain), ""
            status = (text[4:9] if text[4:5].isdigit() else "4.4.1").encode()
            blocks.append(write.Deferral(recipient, offset, status, whole.encode(), text.encode()))
        yield name, file.data, write.defer_log(blocks)


def clear(queue: Path) -> None:
    """Remove a long queue: rm(1) goes by inode number, which on ext4 is many times faster than by name."""
    subprocess.run(["rm", "-rf", queue / "deferred", queue / "defer"], check=False)


# --- change ---

class Changes:
    """What happens to a queue between two readings: some messages are tried again, some go, some come."""

    def __init__(self, queue: Path, number: int, rounds: int, seed: int = 11) -> None:
        """Choose the messages: `number` for each of `rounds`; those to be tried again become due now."""
        self._queue, self._number = queue, number
        self._rng = random.Random(seed)
        files = [p for folder in sorted((queue / "deferred").iterdir()) for p in folder.iterdir()]
        chosen = self._rng.sample(files, min(len(files), 2 * number * rounds))
        self._retried, self._leaving = chosen[: len(chosen) // 2], chosen[len(chosen) // 2:]
        for path in self._retried:
            os.utime(path, (time.time() - 5,) * 2)

    def happen(self) -> int:
        """Let one round of changes happen; returns how many messages it touched."""
        now = time.time()
        retried = [self._retried.pop() for _ in range(min(self._number, len(self._retried)))]
        leaving = [self._leaving.pop() for _ in range(min(self._number, len(self._leaving)))]
        for path in retried:  # active and back, with a new defer log and a new time
            log, active = log_of(self._queue, path.name), self._queue / "active" / path.name
            path.rename(active)
            if log.exists():
                text, state = log.read_bytes(), log.stat()
                log.unlink()
                log.write_bytes(text)
                os.chown(log, state.st_uid, state.st_gid)
            os.utime(active, (now, now + 14400))
            active.rename(path)
        for path in leaving:  # one is delivered, another arrives and is deferred
            log = log_of(self._queue, path.name)
            name = fresh_id(self._rng, int(now), 60)
            make_room(self._queue, name)
            for source, target in ((path, place(self._queue, name)), (log, log_of(self._queue, name))):
                if source.exists():
                    state = source.stat()
                    shutil.copy2(source, target)
                    os.chown(target, state.st_uid, state.st_gid)
                    source.unlink()
        return len(retried) + 2 * len(leaving)
