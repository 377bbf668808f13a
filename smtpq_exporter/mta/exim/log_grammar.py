"""The shapes of Exim's log lines: the one place where both ways of reading a log look them up.

Pure. Laws (they keep strangers from forging what never happened): a flag counts only directly after the
message id; an address is parsed as an address, quotes and all; fields are taken from the left, the first
one wins; what a remote server said begins at the first ``: `` behind the fields and is never searched for
anything but its codes. Times stand at the very end, behind every text that is quoted. Sources: the Exim
specification, chapter 53 (log files), and src/deliver.c, log.c, receive.c of 4.80 to the main branch of
2026.
"""

from __future__ import annotations

import re

from smtpq_exporter.mta.exim.message_id import MESSAGE_ID

_QUOTED = rb'"(?:[^"\\]|\\.)*+"'
#: An address in angle brackets.
_ANGLE = rb"<(?:" + _QUOTED + rb"|[^\">])*+>"
#: NAME (HELO) [IP]:PORT*, of which only the address is certain.
HOST = rb"(?:[^\s(\[]\S* )?(?:\([^\s)]*\) )?\[[^\s\]]*\](?::\w{1,6})?\*?"
_FIELD = (
    rb"(?: H="
    + HOST
    + rb"| (?:F|P|SRS|from)="
    + _ANGLE
    + rb"| [A-Za-z]{1,5}="
    + _QUOTED
    + rb"| (?!C=)[A-Z][A-Za-z]{0,4}=[^\s\":]*(?::[^\s\":]+)*+| TFO\*?| L\*?)"
)
FIELDS = re.compile(_FIELD)
#: Exim's own time, its process id, both with a blank behind.
STAMP = re.compile(rb"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?(?: [+-]\d{4})?) ")
PID = re.compile(rb"\[\d{1,10}\] ")
#: Syslog mode breaks long lines: [n/m] at a length, [n\m] at a line end.
PIECE = re.compile(rb"\[(\d{1,3})[/\\]\d{1,3}\] ?")
MESSAGE = re.compile(rb"(" + MESSAGE_ID + rb") ")
#: Who a delivery was for: an address, a local name, a file, a pipe with its arguments; then those it was
#: made from.
_TO = rb"(?P<to>" + _QUOTED + rb"@\S+?|[|/][^\n]*?(?= <)|[^\s\"@<>|/:=]+(?: [^\s\"@<>:=]+)+(?= <)|\S+?)"
_FROM = rb"(?: \([^()]{0,1000}\))?(?: (?P<parent>" + _ANGLE + rb"))?"
_WHO = _TO + _FROM + rb"(?P<fields>" + _FIELD + rb"*)"
DELIVERED = re.compile(_WHO + rb"(?= |$)")
DEFERRED = re.compile(
    _WHO + rb" (?:routing )?defer \((?P<number>-?\w{1,5})\)(?P<more>" + _FIELD + rb"*)(?:: |$)"
)
FAILED = re.compile(_WHO + rb"(?: ?: |$)")
RECEIVED = re.compile(rb"(?:" + _ANGLE + rb"|" + _QUOTED + rb"@\S+|\S+)(?P<fields>" + _FIELD + rb"*)")
#: The same for what nearly all lines are: no quotes, no files.
_PLAIN = rb"(?P<to>[^\s\"@<>|/:()]++@(?P<domain>[A-Za-z0-9._-]++))"
_NAMES = rb"(?: R=[^\s:=\"]++)?(?: T=[^\s:=\"]++)?"
_PEER = rb"(?: H=[^\s(\[]++ \[[^\s\]]*+\](?::\d{1,5})?)?"
_PARENT = rb"(?: <[^\s\"<>]*+>)?"
_DEFERRAL = _PARENT + _NAMES + rb" defer \((?P<number>-?\d{1,5})\)" + _PEER + rb"(?: DT=[0-9a-z.]++)?"
FREQUENT_DEFERRED = re.compile(_PLAIN + _DEFERRAL + rb": ")
#: The same from behind "@". To the first quote, if that is a confirmation's, or to a time: ADDRESS, perhaps <ADDRESS it
#: was made from>, or LOCAL <ADDRESS> where a mailbox of this host was meant. To the text of a deferral or a failure.
_DOMAIN = rb"(?P<domain>[A-Za-z0-9._-]++)"
_DELIVERY = _DOMAIN + rb"(?:(?P<close>>)|" + _PARENT + rb")(?= [A-Z])[^\"]*"
CONFIRMED_PLACE, DELIVERED_PLACE = re.compile(_DELIVERY + rb" C="), re.compile(_DELIVERY)
DEFERRED_PLACE = re.compile(_DOMAIN + _DEFERRAL)
FAILED_PLACE = re.compile(_DOMAIN + _PARENT + _NAMES + _PEER + rb"(?P<number>) ?")
#: How long, at the end of a line: on the queue, for this delivery.
_TIME = rb"(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+(?:\.\d+)?s)?"
TIMES = re.compile(rb" QT=(?P<queue>" + _TIME + rb")(?: DT=" + _TIME + rb")?")
TIME = re.compile(rb"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
LATE_TIME = re.compile(rb" (?:QT=" + _TIME + rb" )?DT=" + _TIME + rb"$")
#: What a remote server said, inside Exim's own words for when it did.
REMOTE = re.compile(
    rb"(?:SMTP|LMTP) error from remote mail(?:er| server) after (?:pipelined )?(?:[A-Z]{2,8} (?:FROM|TO):"
    + _ANGLE
    + rb"[^:]{0,200}|[^:]{1,60}?): "
    rb"(?:host " + HOST + rb": )?"
)
REPLY = re.compile(rb"(\d{3})[ -](?:#?(\d\.\d{1,3}\.\d{1,3}))?")
CONFIRMED = re.compile(rb"\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b")

# --- lines without a flag ---

#: What stands before "rejected": who spoke to us and as whom.
_CALLER = (
    rb"(?:(?:H="
    + HOST
    + rb"|F="
    + _ANGLE
    + rb"|(?:DN|SNI)="
    + _QUOTED
    + rb"|(?:I|U|X|CV|A|P|Ci|TFO|CHUNKING)=\S+"
    rb"|(?:DN|SNI)=\S+|[^\s=:\"<>()\[\]]+@[^\s:=]+|<>) )*+"
)
REJECTED = re.compile(
    rb"(?P<caller>" + _CALLER + rb")(?:(?P<soft>temporarily )?rejected |dropped by )"
    rb"(?P<what>RCPT (?:" + _ANGLE + rb"|[^\s:]+)|[^:]*)(?:: (?P<words>.*))?",
    re.DOTALL,
)
ABOUT_HOST = re.compile(
    rb"(?:H=(?P<host>"
    + HOST
    + rb")|(?P<old>[^\s(\[=]+ \[[^\s\]]*\](?::\d{1,5})?))(?:"
    + _FIELD
    + rb")*:? (?P<words>.*)",
    re.DOTALL,
)
#: Who used the program itself (-bs) and what about: before the same words as of a host.
LOCAL = re.compile(rb"U=\S+ (?:F=" + _ANGLE + rb" )?")
CLIENT = re.compile(HOST)
AUTHENTICATOR = re.compile(rb"[\w.-]{1,64} authenticator failed for (?P<client>" + HOST + rb")?")
