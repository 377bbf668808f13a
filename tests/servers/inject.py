"""Varied messages for a mail server: newsletters, people, bounces, several recipients, headers and sizes as in
real life.

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
#: A signature of 2,048 bits, and what stands before it.
_SIGNATURE = "".join(f"\r\n\t{'bhQ7kZ3pX9' * 7}" for _ in range(5))
_COVERED = (
    "\r\n\th=From:To:Reply-To:Subject:Date:Message-ID:MIME-Version:Content-Type:\r\n\t List-Id:List-Unsubscribe:"
    "List-Unsubscribe-Post:Feedback-ID;\r\n\tbh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b="
)
_SEEN = "dkim=pass header.i=@sender.example;\r\n\tspf=pass smtp.mailfrom=a@sender.example; dmarc=pass"
_HOPS = tuple(
    f"Received: from mx{hop}.relay.example (mx{hop}.relay.example [192.0.2.{hop}])\r\n\tby mail.relay.example "
    f"(Postfix) with ESMTPS id 4XyZ{hop}\r\n\tfor <user@sender.example>; Wed, 25 Nov 2026 01:13:4{hop} +0000 (UTC)\r\n"
    for hop in range(3)
)
_WRITTEN = (
    "Date: Wed, 25 Nov 2026 01:13:50 +0000\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n"
    "Content-Type: text/plain; charset=UTF-8;\r\n format=flowed\r\n"
)
_SIGNED = (
    f"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=sender.example; s=2024;{_COVERED}{_SIGNATURE}\r\n"
)
#: Header lines beside those that every message has, and how many of a hundred messages have them. Public collections
#: of real mail (the tests of SpamAssassin and of mail-parser) have 12 and 15 header lines, 0.8 and 1.2 KB, in the
#: middle.
HEADERS: dict[str, tuple[int, str]] = {
    "script": (25, ""),
    "person": (35, _WRITTEN + "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0)\r\n Thunderbird/128.5.0\r\n"
               "References: <0f9c2b1e-7d3a-4c55-9a1e-2b7f60c1d9aa@sender.example>\r\n"
               " <CAJ8f3k2+x9aQm0sV7b1hT4yPz@mail.sender.example>\r\n"
               "In-Reply-To: <CAJ8f3k2+x9aQm0sV7b1hT4yPz@mail.sender.example>\r\nContent-Language: en-US\r\n"),
    "newsletter": (25, _WRITTEN + _SIGNED + "Reply-To: Service <service@news.sender.example>\r\nPrecedence: bulk\r\n"
                   "List-Id: <news.sender.example>\r\nFeedback-ID: 1234:5678:campaign:sender\r\n"
                   "List-Unsubscribe: <https://news.sender.example/u/8f1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e>,\r\n"
                   " <mailto:unsubscribe-8f1c2d3e@news.sender.example>\r\n"
                   "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"),
    "forwarded": (15, "".join(_HOPS) + _WRITTEN + _SIGNED + f"ARC-Seal: i=1; a=rsa-sha256; cv=none;{_SIGNATURE}\r\n"
                  f"ARC-Message-Signature: i=1; a=rsa-sha256; d=relay.example;{_COVERED}{_SIGNATURE}\r\n"
                  f"ARC-Authentication-Results: i=1; mx.relay.example; {_SEEN}\r\n"
                  f"Authentication-Results: mx.relay.example; {_SEEN}\r\nX-Virus-Scanned: clamav at relay.example\r\n"
                  "X-Spam-Status: No, score=-2.1 required=5.0 tests=BAYES_00,\r\n\tDKIM_SIGNED,SPF_PASS\r\n"),
}
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
              f"Message-ID: <{i}.{rng.getrandbits(40):x}@sender.example>\r\n")
    ((_, more),) = rng.choices(list(HEADERS.values()), [share for share, _ in HEADERS.values()])
    return Mail(sender, recipients, f"{header}{more}\r\n".encode() + FILLER * (1 + size // len(FILLER)))


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
