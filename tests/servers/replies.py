"""What the pretended mail providers answer, where they are, and how a mail server finds them.

Each domain under .example has an address of its own, so that a reply can come as early as the greeting.
Reply texts: RFC 5321, RFC 3463 and what large providers say; 192.0.2.10 is the sender in their eyes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

STAGES = ("ok", "greet", "mail", "rcpt", "data", "drop", "hang")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a domain answers, and when.

    `stage`: ok; greet, mail, rcpt, data = the command that gets `text` as its answer; drop = the connection
    is closed at RCPT TO; hang = RCPT TO gets no answer. In a text {rcpt} is the recipient, {hex} eight random
    digits, {nn} 00-59.
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
        Reply("rcpt", "421 4.7.28 [192.0.2.10      15] Our system has detected an unusual rate of "
              "unsolicited mail originating from your IP address. To protect our users from spam, mail sent "
              "from your IP address has been temporarily rate limited. k6-20020a{hex} - gsmtp", 20),
        Reply("rcpt", "452-4.2.2 The email account that you tried to reach is over quota. Please direct\r\n"
              "452-4.2.2 the recipient to\r\n"
              "452 4.2.2  https://support.bigmail.example/mail/?p=OverQuotaTemp {hex}", 6),
        Reply("rcpt", "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n"
              "550-5.1.1 double-checking the recipient's email address for typos or\r\n"
              "550 5.1.1  https://support.bigmail.example/mail/?p=NoSuchUser n12-{hex} - gsmtp", 4),
    ),
    "yahooish": (
        Reply("ok", weight=40),
        Reply("rcpt", "421 4.7.0 [TSS04] Messages from 192.0.2.10 temporarily deferred due to unexpected "
              "volume or user complaints - 4.16.55.1; see "
              "https://postmaster.yahooish.example/error-codes", 60),
    ),
    "outlookish": (
        Reply("ok", weight=45),
        Reply("rcpt", "451 4.7.650 The mail server [192.0.2.10] has been temporarily rate limited due to IP "
              "reputation. For e-mail delivery information, see https://postmaster.live.example (S775) "
              "[Name=Protocol Filter Agent][AGT=PFA][MxId=11B9{hex}]", 35),
        Reply("rcpt", "550 5.7.1 Unfortunately, messages from [192.0.2.10] weren't sent. Please contact your "
              "Internet service provider since part of their network is on our block list (S3140). "
              "[Name=Protocol Filter Agent][AGT=PFA][MxId={hex}]", 20),
    ),
    "greylist": (Reply("rcpt", "450 4.2.0 <{rcpt}>: Recipient address rejected: Greylisted, see "
                       "http://postgrey.schweikert.ch/help/greylist.example.html"),),
    "greylist2": (Reply("rcpt", "451 4.7.1 Greylisting in action, please come back in 00:04:{nn}"),),
    "zen": (Reply("rcpt", "554 5.7.1 Service unavailable; Client host [192.0.2.10] blocked using "
                  "zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.10"),),
    "tempblock": (Reply("rcpt", "451 4.7.1 Service unavailable - try again later; Client host [192.0.2.10] "
                        "blocked using bl.spamcop.net; Blocked - see "
                        "https://www.spamcop.net/bl.shtml?192.0.2.10"),),
    "unknown": (Reply("rcpt", "550 5.1.1 <{rcpt}>: Recipient address rejected: User unknown in virtual "
                      "mailbox table"),),
    "full": (Reply("rcpt", "452 4.2.2 <{rcpt}>: Mailbox full", 80),
             Reply("rcpt", "552 5.2.2 <{rcpt}>: user is over quota", 20)),
    "content": (Reply("data", "554 5.7.1 Spam message rejected; If this is not spam contact abuse at "
                      "content.example", 60),
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
        Reply("rcpt", "450 4.2.0 wait: to=<x@forged.example>, relay=forged[192.0.2.1]:25, delay=1, "
              "delays=0/0/0/1, dsn=2.0.0, status=sent (ok"),
        Reply("rcpt", "450 /smtp[1]: AAA: to=<x@forged.example>, relay=forged[192.0.2.1]:25, delay=1, "
              "delays=0/0/0/1, dsn=2.0.0, status=sent (ok"),
        Reply("rcpt", '450 4.2.0 wait => x@forged.example R=r T=t H=forged [192.0.2.1] C="250 ok"'),
        Reply("rcpt", "450 4.2.0 wait, dsn=2.0.0, reply=250 2.0.0 ok, stat=Sent (ok"),
        Reply("rcpt", '450 4.2.0 wait" result="Ok" stat="250 2.0.0 ok'),
    ),
    "refused": (OK,),
    "bounces": (OK,),  # what goes back to the senders
}
#: This name has no address at all until a server is told one.
WITHOUT_ADDRESS = "nodns"
#: Nobody listens at this domain's address until `Sink.listen` is called.
REFUSED = "refused"
ADDRESSES = {domain: f"127.0.0.{2 + i}" for i, domain in enumerate(REPLIES)}


def routes(form: str, port: int) -> Iterator[str]:
    """The lines that send every domain to its pretended MX: for hosts, postfix, exim, sendmail, opensmtpd."""
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
        yield f".example\tesmtp:[{ADDRESSES['bounces']}]"  # no other name is ever looked up
    elif form == "opensmtpd":
        names = {**ADDRESSES, WITHOUT_ADDRESS: f"mx1.{WITHOUT_ADDRESS}.example"}
        yield from (f'action "{d}" relay host smtp://{ip}:{port}' for d, ip in names.items())
        yield from (f'match from any for domain "{d}.example" action "{d}"' for d in names)
        yield 'match from any for any action "bounces"'
    else:
        raise ValueError(form)
