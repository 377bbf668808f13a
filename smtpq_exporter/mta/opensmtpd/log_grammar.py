"""The shapes of OpenSMTPD's log lines: the one place where both ways of reading a log look them up.

Pure. Laws (they keep strangers from forging what never happened): everything is found from the left, at its
place; addresses are parsed as addresses, quotes and all; the first result= behind relay= is smtpd's own, and
what follows its stat= is the remote server's text, never searched for anything but the code it begins with.
What a client said in command=".." is followed by smtpd's own answer, so there the last result= counts.
Sources: log_info() in usr.sbin/smtpd/{mta,mta_session,mda,smtp_session,queue}.c of 5.4 to the main branch of
2026: three generations, told apart by `smtp-out:` (to 5.7), `event=` (5.9 to 6.0) and neither (from 6.4 on).
"""

from __future__ import annotations

import re

_QUOTED = rb'"(?:[^"\\]|\\.)*+"'
#: An address in angle brackets, its domain apart.
_ANGLE = rb"<(?:" + _QUOTED + rb"|[^\">])*+>"
_ID = rb"[0-9a-f]{16}"
_TIME = rb"-?(?:\d{1,9}[dhms]){0,4}"
_EVPID = rb"(?P<message>[0-9a-f]{8})[0-9a-f]{8}"
#: From 5.9 on a line begins with its session and one of three parts of smtpd.
SESSION = re.compile(
    rb"(?P<session>" + _ID + rb") (?P<part>smtp|mta|mda) (?:event=)?(?P<verb>[a-z][a-z-]*)(?: |$)"
)
_FROM_TO = rb"from=" + _ANGLE + rb" to=(?P<to>" + _ANGLE + rb") "
_RESULT = rb"(?P<result>Ok|TempFail|PermFail)"
#: Behind "mta delivery ": source and relay are quoted; the relay is an address, then its name in brackets.
RELAYED = re.compile(
    rb"evpid="
    + _EVPID
    + rb" "
    + _FROM_TO
    + rb"rcpt="
    + _ANGLE
    + rb' source="[^" ]*" relay="(?P<relay>[^" ]*(?: \([^" ]*\))?)" delay=(?P<delay>'
    + _TIME
    + rb') result="'
    + _RESULT
    + rb'" stat="(?P<stat>.*?)"?',
    re.DOTALL,
)
#: The same with all that stands before it, for what nearly all lines are: no quotes.
FREQUENT = re.compile(
    _ID
    + rb" mta delivery evpid="
    + _EVPID
    + rb' from=<[^>"]*> to=<(?P<to>[^>@"]*@(?P<domain>[^>@"]*))> rcpt=<[^>"]*> source="[^" ]*"'
    rb' relay="(?P<relay>[^" ]*(?: \([^" ]*\))?)" delay=(?P<delay>'
    + _TIME
    + rb') result="'
    + _RESULT
    + rb'" stat="'
)
#: Behind "mda delivery ": nothing is quoted; the user stands between address and delay.
LOCAL = re.compile(
    rb"evpid="
    + _EVPID
    + rb" "
    + _FROM_TO
    + rb"(?:rcpt="
    + _ANGLE
    + rb" )?user=.{0,512}? (?:method=\S* )?delay=(?P<delay>"
    + _TIME
    + rb") result="
    + _RESULT
    + rb" stat=(?P<stat>.*)",
    re.DOTALL,
)
#: "mta connecting ": where to.
_WHERE = rb"address=[a-z+]{1,12}://(?P<ip>\[?[0-9A-Fa-f.:]{2,46}\]?):\d{1,5} "
CONNECTING = re.compile(_WHERE)
#: "smtp message ": one line a message, before 6.4 one for each recipient with how many there are.
MESSAGE = re.compile(rb"(?:address=\S* host=\S* )?msgid=(?P<message>[0-9a-f]{8}) (?P<old>from=)?")
ENVELOPE = re.compile(rb"evpid=" + _EVPID + rb" ")
FREQUENT_ENVELOPE = re.compile(_ID + rb" smtp envelope evpid=" + _EVPID + rb" ")
FREQUENT_MESSAGE = re.compile(_ID + rb" smtp message msgid=(?P<message>[0-9a-f]{8}) size=")
FREQUENT_CONNECTING = re.compile(rb"(?P<session>" + _ID + rb") mta connecting " + _WHERE)
FREQUENT_END = re.compile(rb"(?P<session>" + _ID + rb") mta disconnected(?: |$)")
#: Lines of a session in which nothing is counted or remembered.
QUIET = re.compile(_ID + rb" (?:smtp (?:event=)?disconnected|mta (?:event=)?connected)(?: |$)")
RECIPIENTS = re.compile(rb"from=" + _ANGLE + rb",? to=" + _ANGLE + rb",? size=\d+,? ndest=(?P<count>\d{1,6})")
CLIENT = re.compile(rb"address=(?P<address>\S*) host=(?P<host>\S*)")
PROTOCOL = re.compile(rb'ciphers="?(?:version=)?(?P<protocol>(?:TLS|SSL)v[0-9.]{1,3})')
COMMAND = re.compile(rb'(?:address=\S* host=\S* )?command="(?P<command>[^"]*)')
REPLY = re.compile(rb"(?P<code>[245]\d\d)[ -](?:#?(?P<dsn>[245]\.\d{1,3}\.\d{1,3}))?")

# --- lines without a session ---

#: Of the queue: an envelope that was given up or removed.
QUEUE_LOG = re.compile(
    rb"(?:relay|delivery): (?P<what>[A-Z][a-z]+) for "
    + _EVPID
    + rb": from="
    + _ANGLE
    + rb", to=(?P<to>"
    + _ANGLE
    + rb"), rcpt="
    + _ANGLE
    + rb", delay=(?P<delay>"
    + _TIME
    + rb"), stat=(?P<stat>.*)",
    re.DOTALL,
)
#: 5.4: "relay: Ok for", 5.7: "smtp-out: session ..: evpid=".
OLD_RELAYED = re.compile(
    rb"(?:relay: (?P<first>Ok|TempFail|PermFail) for (?P<one>[0-9a-f]{8})[0-9a-f]{8}: session="
    + _ID
    + rb"|smtp-out: session "
    + _ID
    + rb": evpid=(?P<other>[0-9a-f]{8})[0-9a-f]{8}, status=(?P<second>Ok|TempFail|PermFail))"
    rb", from="
    + _ANGLE
    + rb", to=(?P<to>"
    + _ANGLE
    + rb"), rcpt="
    + _ANGLE
    + rb", source=[^ ,]*, relay=(?P<relay>[^ ,]*(?: \([^ ,]*\))?), delay=(?P<delay>"
    + _TIME
    + rb"), stat=(?P<stat>.*)",
    re.DOTALL,
)
OLD_LOCAL = re.compile(
    rb"delivery: "
    + _RESULT
    + rb" for "
    + _EVPID
    + rb": from="
    + _ANGLE
    + rb", to=(?P<to>"
    + _ANGLE
    + rb"), (?:rcpt="
    + _ANGLE
    + rb", )?user=.{0,512}?, method=[^ ,]*, delay=(?P<delay>"
    + _TIME
    + rb"), stat=(?P<stat>.*)",
    re.DOTALL,
)
OLD_MESSAGE = re.compile(
    rb"smtp-in: (?:Accepted message (?P<one>[0-9a-f]{8}) on session "
    + _ID
    + rb": |session "
    + _ID
    + rb": msgid=(?P<other>[0-9a-f]{8}), status=Ok, )from="
    + _ANGLE
    + rb", to="
    + _ANGLE
    + rb", size=\d+, ndest=(?P<count>\d{1,6})"
)
OLD_CONNECTION = re.compile(
    rb"smtp-in: (?:New session " + _ID + rb" from host (?P<new>\S+ \[[^\]]*\])"
    rb"|session " + _ID + rb": connection from host (?P<old>\S+ \[[^\]]*\]) established)"
)
OLD_COMMAND = re.compile(
    rb"smtp-in: Failed command on session " + _ID + rb': "(?P<command>.*)" => (?P<result>[245]\d\d[ -].*)',
    re.DOTALL,
)
OLD_TLS = re.compile(
    rb"smtp-(?:in|out): (?:Started TLS on session "
    + _ID
    + rb": |session "
    + _ID
    + rb": TLS started )version=(?P<protocol>[^ ,]*),"
)
OLD_LOGIN = re.compile(
    rb"smtp-in: session "
    + _ID
    + rb": authentication (?P<what>successful|failure|temporary failure) for user "
)
OLD_CONNECTING = re.compile(
    rb"smtp-out: session (?P<session>"
    + _ID
    + rb"): connecting to [a-z+]{1,12}://(?P<ip>\[?[0-9A-Fa-f.:]{2,46}\]?):\d{1,5} "
)
ERROR = re.compile(
    rb"smtp-out: (?:Error on session (?P<new>" + _ID + rb")|session (?P<old>" + _ID + rb"): error)"
    rb"(?: after \d+ messages? sent)?: (?P<words>.*)",
    re.DOTALL,
)
#: How long: 1d2h3m4s.
TIME = re.compile(rb"(-?)(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
