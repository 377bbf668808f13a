"""A private OpenSMTPD that also has a mailbox: one that can never take anything for now (EX_TEMPFAIL)."""

from __future__ import annotations

from tests.servers.opensmtpd import OpensmtpdServer

BOX = "nobody@box.example"
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
        """Each envelope waits and has failed once; addresses may hold bars."""
        lines = self.run("smtpctl", "show", "queue").splitlines()
        return all("|pending|" in line and not line.endswith("|") for line in lines)
