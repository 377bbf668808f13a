"""Where the test mail goes: an SMTP server on 127.0.0.2 and up that answers the way large mail providers do.

Each domain under .example has an address of its own, all on one port, so that a reply can come as early as the
greeting. What is answered may change while it runs, so a queue can be made to drain. The sink keeps a book of what it
answered to each recipient, so a test can ask for exact numbers. Reply texts: RFC 5321, RFC 3463 and what providers say.
"""

from __future__ import annotations

import asyncio
import random
import re
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

STAGES = ("ok", "greet", "mail", "rcpt", "data", "drop", "hang")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a domain answers, and when.

    `stage`: ok; greet, mail, rcpt, data = the command that gets `text` as its answer; drop = the connection is closed
    at RCPT TO; hang = RCPT TO gets no answer. In texts {rcpt} is the recipient, {hex} eight random digits, {nn} 00-59.
    """

    stage: str = "ok"
    text: str = ""
    weight: int = 1


OK = Reply()

#: Replies by domain, without ".example". A domain that is not named here accepts.
REPLIES: dict[str, tuple[Reply, ...]] = {
    "ok1": (OK,), "ok2": (OK,), "ok3": (OK,),
    "bigmail": (
        Reply("ok", weight=70),
        Reply("rcpt", "421 4.7.28 [192.0.2.10      15] Our system has detected an unusual rate of unsolicited mail "
              "originating from your IP address. To protect our users from spam, mail sent from your IP address has "
              "been temporarily rate limited. k6-20020a{hex} - gsmtp", 20),
        Reply("rcpt", "452-4.2.2 The email account that you tried to reach is over quota. Please direct\r\n"
              "452-4.2.2 the recipient to\r\n452 4.2.2  https://support.bigmail.example/mail/?p=OverQuotaTemp {hex}", 6),
        Reply("rcpt", "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n"
              "550-5.1.1 double-checking the recipient's email address for typos or\r\n"
              "550 5.1.1  https://support.bigmail.example/mail/?p=NoSuchUser n12-{hex} - gsmtp", 4),
    ),
    "yahooish": (
        Reply("ok", weight=40),
        Reply("rcpt", "421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected volume or "
              "user complaints - 4.16.55.1; see https://postmaster.yahooish.example/error-codes", 60),
    ),
    "outlookish": (
        Reply("ok", weight=45),
        Reply("rcpt", "451 4.7.650 The mail server [192.0.2.10] has been temporarily rate limited due to IP "
              "reputation. For e-mail delivery information, see https://postmaster.live.example (S775) "
              "[Name=Protocol Filter Agent][AGT=PFA][MxId=11B9{hex}]", 35),
        Reply("rcpt", "550 5.7.1 Unfortunately, messages from [192.0.2.10] weren't sent. Please contact your Internet "
              "service provider since part of their network is on our block list (S3140). "
              "[Name=Protocol Filter Agent][AGT=PFA][MxId={hex}]", 20),
    ),
    "greylist": (Reply("rcpt", "450 4.2.0 <{rcpt}>: Recipient address rejected: Greylisted, see "
                       "http://postgrey.schweikert.ch/help/greylist.example.html"),),
    "greylist2": (Reply("rcpt", "451 4.7.1 Greylisting in action, please come back in 00:04:{nn}"),),
    "zen": (Reply("rcpt", "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using zen.spamhaus.org; "
                  "https://www.spamhaus.org/query/ip/192.0.2.10"),),
    "tempblock": (Reply("rcpt", "451 4.7.1 Service unavailable - try again later; Client host [192.0.2.10] blocked "
                        "using bl.spamcop.net; Blocked - see https://www.spamcop.net/bl.shtml?192.0.2.10"),),
    "unknown": (Reply("rcpt", "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in virtual mailbox table"),),
    "full": (Reply("rcpt", "452 4.2.2 <{rcpt}>: Mailbox full", 80),
             Reply("rcpt", "552 5.2.2 <{rcpt}>: user is over quota", 20)),
    "content": (Reply("data", "554 5.7.1 Spam message rejected; If this is not spam contact abuse at content.example", 60),
                Reply("data", "451 4.7.1 Message content temporarily rejected, id={hex}", 40)),
    "dmarc": (Reply("data", "550-5.7.26 Unauthenticated email from sender.example is not accepted due to\r\n"
                    "550-5.7.26 domain's DMARC policy. Please contact the administrator of\r\n"
                    "550 5.7.26 sender.example domain if this was a legitimate mail. x{hex} - gsmtp"),),
    "local": (Reply("rcpt", "451 4.3.0 <{rcpt}>: Temporary lookup failure"),
              Reply("rcpt", "452 4.3.1 Insufficient system storage")),
    "relay": (Reply("rcpt", "454 4.7.1 <{rcpt}>: Relay access denied"),),
    "size": (Reply("data", "552 5.3.4 Message size exceeds fixed limit"),),
    "drop": (Reply("drop"),),
    "hang": (Reply("hang"),),
    "busy": (Reply("greet", "421 4.3.2 Too many concurrent connections; please try again later"),),
    "closed": (Reply("greet", "554 5.7.1 No SMTP service here for 192.0.2.10"),),
    "badsender": (Reply("mail", "451 4.1.8 <sender>: Sender address rejected: Domain not found"),),
    # Imitations of a delivery line of the sender's own log: they must never be counted.
    "forge": (
        Reply("rcpt", "450 4.2.0 wait: to=<x@forged.example>, relay=forged[192.0.2.1]:25, delay=1, delays=0/0/0/1, "
              "dsn=2.0.0, status=sent (ok"),
        Reply("rcpt", "450 /smtp[1]: AAA: to=<x@forged.example>, relay=forged[192.0.2.1]:25, delay=1, "
              "delays=0/0/0/1, dsn=2.0.0, status=sent (ok"),
        Reply("rcpt", '450 4.2.0 wait => x@forged.example R=r T=t H=forged [192.0.2.1] C="250 ok"'),
        Reply("rcpt", "450 4.2.0 wait, dsn=2.0.0, reply=250 2.0.0 ok, stat=Sent (ok"),
        Reply("rcpt", '450 4.2.0 wait" result="Ok" stat="250 2.0.0 ok'),
    ),
    "refused": (OK,),
}
#: This name has no address at all until a server is told one.
WITHOUT_ADDRESS = "nodns"
#: Nobody listens at this domain's address until `Sink.listen` is called.
REFUSED = "refused"
ADDRESSES = {domain: f"127.0.0.{2 + i}" for i, domain in enumerate(REPLIES)}
PATH = re.compile(r'<((?:"(?:\\.|[^"\\])*"|[^">])*)>')  # a quoted local part may hold ">"


@dataclass(slots=True)
class Entry:
    """What one domain was answered: recipients by outcome. Nothing is known of connections that were refused."""

    accepted: int = 0
    deferred: int = 0
    refused: int = 0
    dropped: int = 0
    connections: int = 0
    replies: Counter[str] = field(default_factory=Counter)
    """Recipients by reply text, as written in the table of replies."""


def routes(form: str, port: int) -> Iterator[str]:
    """The lines that a mail server needs to send every domain to its pretended MX: hosts, postfix, exim, ..."""
    if form == "hosts":
        yield "127.0.0.1 localhost mail.sender.example"
        yield from (f"{ip} mx1.{d}.example" for d, ip in ADDRESSES.items())
    elif form == "postfix":  # transport_maps
        yield from (f"{d}.example smtp:[mx1.{d}.example]:{port}" for d in (*ADDRESSES, WITHOUT_ADDRESS))
        yield from ("sender.example discard:", ".sender.example discard:")  # bounces
    elif form == "exim":  # lsearch file
        yield from (f"{d}.example: {ip}" for d, ip in ADDRESSES.items())
        yield f"{WITHOUT_ADDRESS}.example: mx1.{WITHOUT_ADDRESS}.example"
    elif form == "sendmail":  # mailertable; the port stands in the mailer's arguments
        yield from (f"{d}.example\tesmtp:[{ip}]" for d, ip in ADDRESSES.items())
        yield f"{WITHOUT_ADDRESS}.example\tesmtp:mx1.{WITHOUT_ADDRESS}.example"
        yield f".example\tesmtp:[{ADDRESSES['ok1']}]"  # bounces too: no other name is ever looked up
    elif form == "opensmtpd":
        names = {**ADDRESSES, WITHOUT_ADDRESS: f"mx1.{WITHOUT_ADDRESS}.example"}
        yield from (f'action "{d}" relay host smtp://{ip}:{port}' for d, ip in names.items())
        yield from (f'match from any for domain "{d}.example" action "{d}"' for d in names)
        yield 'match from any for any action "ok1"'
    else:
        raise ValueError(form)


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

    def __init__(self, *, seed: int = 7, tls: ssl.SSLContext | None = None, advertise: tuple[str, ...] = ()) -> None:
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
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)

    def __enter__(self) -> Sink:
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
        """From now on every domain accepts, and someone listens at the address of `refused`: a queue can drain."""
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
        self._loop, self._stop, self._servers = asyncio.get_running_loop(), asyncio.Event(), {}
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
                lambda r, w: self._session(domain, r, w), ADDRESSES[domain], self.port, limit=1 << 20, backlog=512)

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
                words = ["mx.example", "SIZE 35882577", "8BITMIME", "ENHANCEDSTATUSCODES", "DSN", *self._advertise]
                words += ["STARTTLS"] if self._tls else []
                writer.write("".join(f"250{'- '[i == len(words) - 1]}{w}\r\n" for i, w in enumerate(words)).encode())
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
