"""The shapes of Sendmail's log lines: the one place where both ways of reading a log look them up.

Pure. Laws (they keep strangers from forging what never happened): every pattern is matched at a fixed place,
from the left; an address is parsed as an address, quotes and all; the fields that Sendmail writes before the
words of others stand in a fixed order, so the first ``, dsn=`` behind them is Sendmail's own and decides.
``stat=`` and ``reply=`` behind it repeat what remote servers say, and give only the reason. Sources:
logdelivery() in sendmail/deliver.c, logsender() in envelope.c, 8.8 to 8.18.
"""

from __future__ import annotations

import re

#: Tags of Sendmail's programs; a process may also log under what it does (sm-acceptingconnections).
NAMES = frozenset(
    (b"sendmail", b"sm-mta", b"sm-msp-queue", b"sm-que", b"sendmail-mta", b"sendmail-msp", b"sm-client")
)
NAME_FRONT = b"sm-"
#: A queue id has a digit, words of Sendmail ("runqueue: ") do not.
MESSAGE = re.compile(rb"(?P<id>NOQUEUE|(?=[A-Za-z]{0,16}\d)[0-9A-Za-z]{7,20}): ")
NOQUEUE = b"NOQUEUE"
#: An address in brackets; quotes and escapes may hold anything. Possessive: hostile text cannot make it
#: backtrack.
BRACKETS = rb"<(?:\"(?:[^\"\\]|\\.)*+\"|\\.|[^\">\\])*+>"
#: Local names, files and programs have no brackets.
BARE = rb"(?:\"(?:[^\"\\]|\\.)*+\"|[^\",<>\s])++"
ADDRESS = rb"(?:" + BRACKETS + rb"|" + BARE + rb")"
ONE_ADDRESS = re.compile(ADDRESS)
_TIME = rb"(?:\d{1,4}\+)?\d\d:\d\d:\d\d"
TIME = re.compile(rb"(?:(\d{1,4})\+)?(\d\d):(\d\d):(\d\d)")
_DSN = rb"[245]\.\d{1,3}\.\d{1,3}"
_RELAY = rb"[^, \t\n\r\f\v]*+(?: \[[^\], \t\n\r\f\v]*+\])?(?: \(may be forged\))?"
#: Everything of an attempt that Sendmail itself writes; what remote servers say follows.
ATTEMPT = re.compile(
    rb"to=(?P<to>" + ADDRESS + rb"(?:," + ADDRESS + rb")*+)"
    rb"(?:, ctladdr=" + ADDRESS + rb"(?: \([^()]{0,60}\))?)?"
    rb"(?:, delay=(?P<delay>"
    + _TIME
    + rb"))?(?:, xdelay="
    + _TIME
    + rb")?(?:, mailer=[^,\s]{1,64})?(?:, pri=-?\d{1,18})?"
    rb"(?:, relay=(?P<relay>" + _RELAY + rb"))?(?:,? dsn=(?P<dsn>" + _DSN + rb"))?(?:, ntries=\d+)?, ",
    re.DOTALL,
)
_NAME = rb"[A-Za-z0-9_.-]++"
#: White space is written out here: a set that names a class is tried member by member, another one is one table.
_PLAIN = rb"[^\"<>,\\ \t\n\r\f\v@]*+@"
_HEAD = rb"(?P<head>[^ \t\n\r\f\v\[]++ [^ \t\n\r\f\v\[:]++)\[\d++\]: (?P<id>[0-9A-Za-z]{7,20}): "
#: The frequent lines, from the host on: an attempt with nothing odd in its addresses and all fields there, an
#: arrival.
FREQUENT = re.compile(
    _HEAD + rb"(?:to=<(?P<local>" + _PLAIN + rb")(?P<domain>" + _NAME + rb")>"
    rb"(?P<more>(?:,<" + _PLAIN + _NAME + rb">)*+), (?:ctladdr=<[^\"<>,\\ \t\n\r\f\v]*+> (?:\([^()]{0,60}\))?, )?"
    rb"delay=(?P<delay>" + _TIME + rb"), xdelay=" + _TIME + rb", mailer=[^, \t\n\r\f\v]++, pri=\d++, relay=" + _RELAY
    + rb", dsn=(?P<dsn>" + _DSN + rb"), "
    rb"|from=<[^\"<>,\\ \t\n\r\f\v]*+>, size=\d++, class=-?\d++, nrcpts=(?P<nrcpts>[1-9]\d{0,8}+), )",
)
#: A notice that a message bounced, from the host on.
FREQUENT_NOTICE = re.compile(_HEAD + rb"[0-9A-Za-z]{7,20}: DSN: (?P<words>(?!Cannot |could ).*)", re.DOTALL)
#: What may follow where releases before 8.9 wrote no dsn=.
STATUS_ONLY = b"stat="
RECEIVED = re.compile(
    rb"from=(?:"
    + BRACKETS
    + rb"|"
    + BARE
    + rb"), size=(?P<size>-?\d{1,18})(?:, class=-?\d+)?(?:, pri=-?\d+)?"
    rb"(?:, nrcpts=(?P<nrcpts>\d{1,9}))?",
    re.DOTALL,
)
#: The sender's host stands last, and what stands before it may be a stranger's: only for people to read.
CLIENT = re.compile(rb", relay=(" + _RELAY + rb")$")
#: A notice about a message, sent as another message.
NOTICE = re.compile(
    rb"[0-9A-Za-z]{7,20}: (?P<what>DSN|sender notify|return to sender|postmaster notify|postmaster warning|"
    rb"clone|convert DSN|NotifyByMail): (?P<words>.*)",
    re.DOTALL,
)
TOO_LATE = (
    b"Cannot send message for ",
    b"Cannot send message within ",
    b"Cannot send within ",
    b"could not send message for ",
)
RULESET = re.compile(
    rb"ruleset=(?P<set>[A-Za-z0-9_]{1,40}), arg1=(?P<arg>"
    + BRACKETS
    + rb"|[^,]*+)(?:, arg2=(?:"
    + BRACKETS
    + rb"|[^,]*+))?"
    rb"(?:, relay=(?P<relay>" + _RELAY + rb"))?, (?P<action>reject|discard|quarantine)(?:=(?P<words>.*))?",
    re.DOTALL,
)
MILTER = re.compile(
    rb"Milter: (?:[a-z ]{2,12}(?:=" + ADDRESS + rb")?[,:]? )?(?:[^=]*?, )?"
    rb"(?P<action>reject|discard|tempfail|quarantine)(?:=(?P<words>.*))?",
    re.DOTALL,
)
#: What our own server says to a client about a recipient.
REFUSED = re.compile(rb"(?P<to>" + BRACKETS + rb")\.\.\. (?P<words>.*)", re.DOTALL)
REPLY = re.compile(rb"(?P<code>[245]\d\d)[ -](?P<dsn>" + _DSN + rb")?")
TLS = re.compile(
    rb"STARTTLS=(?:client|server), relay="
    + _RELAY
    + rb",(?:.{0,200}?,)? version=(?P<version>[A-Za-z0-9.]{1,12}),"
)


def told(words: bytes) -> bytes:
    """What a line told about the message of its queue id: the words behind "<address>... " or "ID: DSN: "."""
    found = MESSAGE.match(words)
    rest = words[found.end() :] if found else words
    about = NOTICE.match(rest) or REFUSED.match(rest)
    return about["words"] if about else b""
