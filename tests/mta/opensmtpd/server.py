"""A private OpenSMTPD that also has a mailbox: one that can never take anything for now (EX_TEMPFAIL)."""

from __future__ import annotations

import re

from tests.servers.opensmtpd import OpensmtpdServer

BOX = "nobody@box.example"
#: No error, but the next try is many seconds away.
_WAITS = re.compile(r"\|pending\|[1-9]\d+\|$")
#: Without these a server that refuses mail is left alone for many seconds, and tests wait.
LIMITS = {
    "max-failures-per-session": 1000,
    "conn-delay-host": 0,
    "conn-delay-route": 0,
    "conn-delay-source": 0,
    "conn-delay-connector": 0,
    "conn-delay-relay": 0,
    "conn-delay-domain": 0,
    "reconn-delay-route": 0,
}


class LocalServer(OpensmtpdServer):
    """The usual one with a local delivery that is always deferred, and in haste."""

    def files(self) -> dict[str, str]:
        """Its configuration: the local rule comes first."""
        files = super().files()
        lines = files["/etc/smtpd.conf"].splitlines()
        at = next(i for i, line in enumerate(lines) if line.startswith("match "))
        lines[at:at] = ['action "box" mda "exit 75"', 'match from any for domain "box.example" action "box"']
        lines[:0] = [f"mta limit {name} {value}" for name, value in LIMITS.items()]
        files["/etc/smtpd.conf"] = "\n".join(lines) + "\n"
        return files

    def idle(self) -> bool:
        """Each envelope waits and has failed, or its next try is set; addresses may hold bars.

        Of a destination whose routes were just disabled smtpd keeps no error, only the time of the next try.
        """
        lines = self.run("smtpctl", "show", "queue").splitlines()
        return all("|pending|" in line and (line[-1] != "|" or _WAITS.search(line)) for line in lines)
