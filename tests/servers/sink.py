"""Where the test mail goes: an SMTP server on 127.0.0.2 and up that answers the way large mail providers do.

What is answered stands in replies.py and may change while it runs, so a queue can be made to drain. The sink
keeps a book of what it answered to each recipient, so a test can ask for exact numbers.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import ssl
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from tests.servers.replies import ADDRESSES, OK, REFUSED, REPLIES, Reply

PATH = re.compile(r'<((?:"(?:\\.|[^"\\])*"|[^">])*)>')  # a quoted local part may hold ">"


@dataclass(slots=True)
class Entry:
    """What one domain was answered: recipients by outcome. Connections that were refused leave no trace."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    dropped: int = 0
    connections: int = 0
    replies: Counter[str] = field(default_factory=Counter)
    """Recipients by reply text, as written in the table of replies."""


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on, outside the range that the kernel gives to outgoing connections."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError("no free port between 20000 and 32000")


class Sink:
    """The server, in a thread of this process. A context manager; `port` is the same at all addresses."""

    def __init__(self, *, seed: int = 7, tls: ssl.SSLContext | None = None,
                 advertise: tuple[str, ...] = ()) -> None:
        """Choose replies with `seed`; offer STARTTLS with `tls`; name more EHLO keywords with `advertise`."""
        self.port = 0
        self.book: dict[str, Entry] = {domain: Entry() for domain in REPLIES}
        self.tables: dict[str, tuple[Reply, ...]] = dict(REPLIES)
        self._random = random.Random(seed)
        self._tls = tls
        self._advertise = advertise
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._ready = threading.Event()
        self._failure: OSError | None = None
        self._servers: dict[str, asyncio.Server] = {}
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20), "the sink did not start"
        if self._failure:
            raise self._failure
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop and self._stop:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)

    def answer(self, domain: str, *replies: Reply) -> None:
        """From now on `domain` (without .example) answers with these."""
        self.tables[domain] = replies or (OK,)

    def accept_all(self) -> None:
        """From now on every domain accepts, also `refused`, where somebody listens now: a queue can drain."""
        for domain in self.tables:
            self.tables[domain] = (OK,)
        self.listen(REFUSED)

    def listen(self, domain: str) -> None:
        """Begin to listen at the address of `domain`, if nobody does."""
        assert self._loop
        asyncio.run_coroutine_threadsafe(self._listen(domain), self._loop).result(20)

    def total(self, outcome: str) -> int:
        """Recipients of all domains with this outcome: accepted, deferred, refused or dropped."""
        return sum(getattr(entry, outcome) for entry in self.book.values())

    # --- in the thread ---

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        for _ in range(20):
            self.port, self._failure = free_port(ADDRESSES["ok1"]), None
            try:
                for domain in ADDRESSES:
                    if domain != REFUSED:
                        await self._listen(domain)
                break
            except OSError as failure:  # another program was faster at one of the addresses
                self._failure = failure
                self._close()
        self._ready.set()
        if not self._failure:
            await self._stop.wait()
            self._close()

    async def _listen(self, domain: str) -> None:
        if domain not in self._servers:
            self._servers[domain] = await asyncio.start_server(
                lambda r, w: self._session(domain, r, w), ADDRESSES[domain], self.port,
                limit=1 << 20, backlog=512)

    def _close(self) -> None:
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def _choose(self, domain: str) -> Reply:
        table = self.tables[domain]
        return self._random.choices(table, [r.weight for r in table])[0]

    def _fill(self, text: str, rcpt: str = "") -> bytes:
        rng = self._random
        text = text.replace("{hex}", f"{rng.getrandbits(32):08x}").replace("{nn}", f"{rng.randrange(60):02d}")
        return (text.replace("{rcpt}", rcpt) + "\r\n").encode()

    def _enter(self, domain: str, text: str) -> None:
        entry = self.book[domain]
        if text.startswith("2"):
            entry.accepted += 1
        elif text.startswith("4"):
            entry.deferred += 1
        else:
            entry.refused += 1
        entry.replies[text] += 1

    async def _session(self, home: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection to the address of the domain `home`."""
        try:
            await self._talk(home, reader, writer)
        except (ConnectionError, asyncio.LimitOverrunError, ValueError, ssl.SSLError):
            pass  # the client went away or sends what no mail server sends
        finally:
            writer.close()

    async def _talk(self, home: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.book[home].connections += 1
        whole = [r for r in self.tables[home] if r.stage in ("greet", "mail")]  # these are no recipient's own
        if whole and whole[0].stage == "greet":
            self.book[home].replies[whole[0].text] += 1
            writer.write(self._fill(whole[0].text))
            await writer.drain()
            return
        waiting: list[tuple[str, Reply]] = []
        writer.write(b"220 mx.example ESMTP\r\n")
        while line := (await reader.readline()).decode("latin-1"):
            verb = line[:4].upper()
            if verb == "EHLO":
                words = ["mx.example", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", *self._advertise]
                words += ["STARTTLS"] if self._tls else []
                lines = "".join(f"250-{word}\r\n" for word in words) + "250 SIZE 35882577\r\n"
                writer.write(lines.encode())
            elif verb == "STAR" and self._tls:
                writer.write(b"220 2.0.0 Ready to start TLS\r\n")
                await writer.drain()
                await writer.start_tls(self._tls)
            elif verb == "MAIL":
                waiting = []
                if whole:
                    self.book[home].replies[whole[0].text] += 1
                writer.write(self._fill(whole[0].text) if whole else b"250 2.1.0 Ok\r\n")
            elif verb == "RCPT":
                path = PATH.search(line)
                rcpt = path[1] if path else ""
                domain = rcpt.rpartition("@")[2].lower().removesuffix(".example")
                domain = domain if domain in self.tables else home
                reply = self._choose(domain)
                if reply.stage == "drop":
                    self.book[domain].dropped += 1
                    return
                if reply.stage == "hang":
                    self.book[domain].dropped += 1
                    await reader.read()
                    return
                if reply.stage == "rcpt":
                    self._enter(domain, reply.text)
                    writer.write(self._fill(reply.text, rcpt))
                else:
                    waiting.append((domain, reply))
                    writer.write(b"250 2.1.5 Ok\r\n")
            elif verb == "DATA" and not waiting:
                writer.write(b"554 5.5.1 No valid recipients\r\n")
            elif verb == "DATA":
                writer.write(b"354 End data with <CR><LF>.<CR><LF>\r\n")
                while await reader.readline() not in (b".\r\n", b""):
                    pass
                bad = [reply.text for _, reply in waiting if reply.stage == "data"]
                text = bad[0] if bad else "250 2.0.0 OK  {hex} - gsmtp"
                for domain, _ in waiting:  # one answer for all of them
                    self._enter(domain, text)
                waiting = []
                writer.write(self._fill(text))
            elif verb == "QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                await writer.drain()
                return
            else:
                writer.write(b"250 2.0.0 Ok\r\n")
            await writer.drain()
