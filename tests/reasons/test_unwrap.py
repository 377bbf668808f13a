"""The innermost reply is found in whatever mail servers wrap around it."""

from __future__ import annotations

import pytest

from smtpq_exporter.reasons.fold import Folder
from smtpq_exporter.reasons.unwrap import LONGEST_TEXT, Reply, unwrap


def reply(text: str) -> Reply:
    """Fold and unwrap."""
    return unwrap(Folder().fold(text.encode()))


INNER = (
    ("550 5.1.1 No such user", "550 5.1.1 no such user"),
    ("host a.example[192.0.2.1] said: 450 4.2.0 Wait (in reply to RCPT TO command)", "450 4.2.0 wait"),
    ("host a.example[192.0.2.1] refused to talk to me: 554 a.example No", "554 0.0.0 a.example no"),
    ("delivery temporarily suspended: host a[192.0.2.1] refused to talk to me: 421 4.7.0 No", "421 4.7.0 no"),
    ("SMTP error from remote mail server after RCPT TO:<a@b>: host a [192.0.2.1]: 451 No", "451 0.0.0 no"),
    ("defer (-46) H=a.example [192.0.2.1]: SMTP error from remote: 421-A\\n421 B", "421 0.0.0 a b"),
    ("Deferred: 450 4.1.8 Domain of sender", "450 4.1.8 domain of sender"),
    ("192.0.2.1 does not like recipient. Remote host said: 550 5.1.1 unknown", "550 5.1.1 unknown"),
    ("[{LED=450 4.4.316 Refused};{MSG=x};{FQDN=a};{IP=b}]", "450 4.4.316 refused x a b}]"),
    ("451 4.4.395 Target responded. -> 421 4.3.2 Not available", "421 4.3.2 not available"),
    ("smtp; 550 5.1.1 unknown", "550 5.1.1 unknown"),
    ("550-5.1.1 The one 550-5.1.1 you tried 550 5.1.1 is gone", "550 5.1.1 the one you tried is gone"),
    ("553-you are trying to use me 553-as a relay", "553 0.0.0 you are trying to use me as a relay"),
    ("550-5.7.26 not taken due to5.7.26 domain's policy", "550 5.7.26 not taken due to domain's policy"),
    ("220-laposte 421 4.2.1 Service refuse", "421 4.2.1 service refuse"),
    ("sorry, no mailbox here by that name (#5.1.1)", "000 5.1.1 sorry, no mailbox here by that name (# )"),
    ("Remote Server returned '550 5.1.0 not allowed'", "550 5.1.0 not allowed'"),
    ("host a.example[2001:470:1::1] said: 550 no", "550 0.0.0 no"),
    ("554 5.7.1 <a@b>: No; from=<c@d> to=<a@b> proto=ESMTP helo=<e>", "554 5.7.1 <>: no ; proto="),
    ("cipher AES_256 size 552 bytes", "000 0.0.0 cipher aes_256 size 552 bytes"),
    ("550 5.1.1 It is so. Not otherwise", "550 5.1.1 it is so ; not otherwise"),
)


@pytest.mark.parametrize(("text", "subject"), INNER)
def test_inner(text: str, subject: str) -> None:
    """Code, enhanced code and words are the peer's, without codes that a reply of several lines repeats."""
    found = reply(text)
    assert found.subject == subject
    assert found.remote is not subject.startswith("000")


@pytest.mark.parametrize(
    ("text", "suspended"),
    [
        ("delivery temporarily suspended: connect to a[192.0.2.1]:25: Connection refused", True),
        ("defer (-54): retry time not reached for any host for 'a.example'", True),
        ("450 4.2.0 said: delivery temporarily suspended", False),
        ("connect to a[192.0.2.1]:25: Connection refused", False),
    ],
)
def test_suspended(text: str, suspended: bool) -> None:
    """Only what the own server says about an attempt that it did not make is suspended, not what a peer
    writes.
    """
    assert reply(text).suspended is suspended


def test_bounded() -> None:
    """The inner text is cut."""
    assert len(reply("550 " + "word " * 2000).text) <= LONGEST_TEXT
