"""Lines of 64 KiB that are made to have a pattern look back again and again, for each mail server's grammar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_LONG = 60_000
_POSTFIX = b"Nov 24 03:00:00 mail postfix/smtp[1]: "
_EXIM = b"2026-11-24 03:00:00 1xVh2S-0002gu-0s "
_SENDMAIL = b"Nov 24 03:22:59 vm sm-mta[9]: 6AO3Mx3Y000001: "
_OPENSMTPD = b"Nov 24 03:23:57 vm smtpd[4529]: "
_SESSION = _OPENSMTPD + b"b7dc7d8ae003ee52 "

HOSTILE: Mapping[str, Sequence[bytes]] = {
    "postfix": [
        *(
            _POSTFIX + b"4jYSJS1Q1vz1QPZB: " + text
            for text in (
                b'to=<"' + b'\\"' * 32768,
                b"to=<" + b'""' * 32768 + b">",
                b"to=<a@b.example>, relay=" + b"[" * 65536,
                b"host " + b"a[" * 32768 + b" said: 450 no",
                b"reject: RCPT from " + b"[]:" * 21845,
            )
        ),
        _POSTFIX + b"warning: " + b"x" * 65536,
        _POSTFIX + b"message repeated 2 times: [ " * 2048,
        b"Nov 24 03:00:00 " * 4096,
    ],
    "exim": [
        _EXIM + flag + text
        for flag in (b"=> ", b"== ", b"** ", b"<= ", b"")
        for text in (
            b'"' + b'\\"' * 32768,
            b"<" + b'""' * 32768 + b">",
            b"a@b.example" + b" R=x" * 16384,
            b"a@b.example H=" + b"[" * 65536,
            b"a b " * 16384,
            b"|x " * 20000,
            b"a@b.example R=m T=t defer (1)" + b" DT=1s" * 10000,
            b"a <b@c.example" * 4000,
            b"H=(x) [1.2.3.4] " * 4000 + b"rejected",
            b"a (b) <" * 9000,
            b'a@b.example C="250 ' + b"x" * _LONG + b'" QT=1s',
            b"F=<" + b'"' * _LONG,
            b"a@b.example R=m: SMTP error from remote mail server after RCPT TO:<" + b"a:" * 30000,
        )
    ],
    "sendmail": [
        _SENDMAIL + front + piece * (_LONG // len(piece))
        for piece in (
            b"<", b"a,", b"<a>,", b'"', b'<"', b"\\", b"<\\>", b", reject=", b", stat=", b"x@", b"<x@y>,",
        )
        for front in (b"to=", b"from=", b"ruleset=check_rcpt, arg1=", b"Milter: to=", b"<")
    ],
    "opensmtpd": [
        *(
            _SESSION + text
            for text in (
                b"mta delivery evpid=0000000100000001 from=<" + b'"' * _LONG,
                b"mta delivery evpid=0000000100000001 from=<" + b'""' * 30000 + b">",
                b"mta delivery evpid=0000000100000001 from=<> to=<" + b'"\\' * 30000,
                b"mda delivery evpid=0000000100000001 from=<> to=<> user=" + b" delay=1s" * 7000,
                b"smtp failed-command command=" + b'" result="' * 6000,
                b"mta error reason=" + b"x" * 65536,
                b'mta delivery evpid=0000000100000001 from=<> to=<a@b> rcpt=<-> source="-" relay="' + b"(" * _LONG,
                b"mta delivery evpid=0000000100000001 from=<a@b.example> to=<c@d.example> rcpt=<-> "
                b'source="192.0.2.9" relay="192.0.2.4 (mx.d.example)" delay=3s result="Ok" stat="250 2.0.0 Ok'
                + b'" result="Ok" stat="' * 3000,
            )
        ),
        _OPENSMTPD + b"relay: Ok for 0000000100000001: session=b7dc7d8ae003ee52, from=<" + b">, to=<" * 9000,
        _OPENSMTPD + b"delivery: Ok for 0000000100000001: from=<>, to=<>, user=" + b", method=" * 7000,
    ],
}
