"""Varied messages for a mail server: newsletters, people, bounces, several recipients, sizes as in real life.

Message i of a seed is the same wherever it is made, so a test knows what it put into a queue.
"""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass

#: How recipients spread over the domains of sink.py: name -> weights.
MIXES: dict[str, dict[str, int]] = {
    "defer": {"greylist": 18, "greylist2": 8, "tempblock": 8, "full": 8, "local": 8, "relay": 4,
              "yahooish": 20, "bigmail": 14, "outlookish": 8, "refused": 12, "nodns": 8, "drop": 2,
              "content": 2, "busy": 2},
    "mixed": {"ok1": 20, "ok2": 14, "ok3": 8, "bigmail": 22, "outlookish": 10, "yahooish": 6, "greylist": 6,
              "greylist2": 2, "zen": 2, "tempblock": 1, "unknown": 3, "full": 2, "content": 2, "dmarc": 1,
              "local": 1, "relay": 1, "size": 1, "refused": 2, "nodns": 1, "drop": 1, "closed": 1},
    # every one of these stays in the queue, whatever the dice say
    "stay": {"greylist": 5, "greylist2": 3, "tempblock": 2, "local": 2, "relay": 2, "refused": 2, "nodns": 2},
    "deliver": {"ok1": 2, "ok2": 1, "ok3": 1},
}
PEOPLE = ("info", "john.doe", "a.smith", "mary", "bob", "carol", "sales", "dave")
FILLER = b"The quick brown fox jumps over the lazy dog, a line of text for padding xxx.\r\n"


@dataclass(frozen=True, slots=True)
class Mail:
    """One message as it is handed over: bare addresses, and header and body with CRLF."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes


def weights(mix: str | Sequence[str] | dict[str, int]) -> dict[str, int]:
    """A mix by name, or domains (without .example) in equal parts, or weights."""
    if isinstance(mix, str):
        mix = MIXES[mix] if mix in MIXES else mix.split(",")
    return dict(mix) if isinstance(mix, dict) else dict.fromkeys(mix, 1)


def mail(i: int, mix: dict[str, int], seed: int = 1) -> Mail:
    """Message i of `seed`: one in ten has 2-5 recipients, 4 % have the null sender."""
    rng = random.Random(f"{seed}.{i}")
    count = 1 if rng.random() < 0.9 else rng.randint(2, 5)
    draw = rng.random()
    if draw < 0.04:
        sender = ""
    elif draw < 0.34:
        sender = f"bounce+{i % 977}-{rng.getrandbits(24):06x}@news{i % 13}.sender.example"
    else:
        sender = f"user{rng.randrange(400)}@host{rng.randrange(40)}.sender.example"
    domains = rng.choices(list(mix), list(mix.values()), k=count)
    recipients = tuple(f"{rng.choice(PEOPLE)}{rng.randrange(30000)}@{d}.example" for d in domains)
    size = min(200_000, int(rng.lognormvariate(7.6, 1.1)))
    header = (f"From: <{sender or 'mailer-daemon@sender.example'}>\r\nTo: <{recipients[0]}>\r\n"
              f"Subject: test message {i}\r\n"
              f"Message-ID: <{i}.{rng.getrandbits(40):x}@sender.example>\r\n\r\n")
    return Mail(sender, recipients, header.encode() + FILLER * (1 + size // len(FILLER)))


class Refused(Exception):  # noqa: N818 - it is what the server did
    """The server did not take a message over: its answer."""


def inject(port: int, mails: Sequence[Mail], *, host: str = "127.0.0.1", parallel: int = 8,
           pipelining: bool = True, timeout: float = 120.0) -> None:
    """Hand all `mails` over by SMTP, 50 a connection; raises Refused or OSError if one was not taken."""
    todo = list(reversed(mails))
    failures: list[Exception] = []

    def work() -> None:
        try:
            while todo and not failures:
                _session(host, port, todo, pipelining, timeout)
        except (OSError, Refused) as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(min(parallel, len(todo)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _session(host: str, port: int, todo: list[Mail], pipelining: bool, timeout: float) -> None:
    with socket.create_connection((host, port), timeout) as connection, connection.makefile("rb") as answers:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def answer(wanted: bytes) -> None:
            while True:
                line = answers.readline()
                if line[3:4] != b"-":
                    break
            if not line.startswith(wanted):
                raise Refused(line.decode("latin-1").strip() or "connection closed by the server")

        answer(b"220")
        connection.sendall(b"EHLO client.sender.example\r\n")
        answer(b"250")
        for _ in range(50):
            try:
                one = todo.pop()
            except IndexError:
                break
            commands = [f"MAIL FROM:<{one.sender}>", *(f"RCPT TO:<{r}>" for r in one.recipients), "DATA"]
            if pipelining:
                connection.sendall("".join(c + "\r\n" for c in commands).encode())
            for command in commands:
                if not pipelining:
                    connection.sendall(command.encode() + b"\r\n")
                answer(b"354" if command == "DATA" else b"250")
            connection.sendall(one.content.replace(b"\r\n.", b"\r\n..") + b".\r\n")
            answer(b"250")
        connection.sendall(b"QUIT\r\n")
        answer(b"221")
