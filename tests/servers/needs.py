"""Which programs a test needs, where they are, and which Debian package has them.

A test says so with ``@pytest.mark.server("postfix")``. Where the program is missing the test skips and names
the package; in continuous integration (environment variable CI) the same is a failure: a skip would hide it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass

#: Where servers and plugins live that a user's PATH does not name.
PLACES = ("/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/lib/nagios/plugins", "/usr/lib/postfix/sbin")


@dataclass(frozen=True, slots=True)
class Need:
    """Programs and files that must all be there, their Debian package, whether only root can use them."""

    programs: tuple[str, ...]
    package: str
    root: bool = False
    files: tuple[str, ...] = ()


NEEDS: dict[str, Need] = {
    "postfix": Need(("postfix", "postqueue"), "postfix", root=True),
    # unpacked from their packages over the host's own files; see overlay.py
    "exim": Need(("unshare", "nsenter", "dpkg-deb"), "util-linux", root=True),
    "sendmail": Need(("unshare", "nsenter", "dpkg-deb", "rsyslogd"), "rsyslog", root=True),
    "opensmtpd": Need(("unshare", "nsenter", "dpkg-deb", "rsyslogd"), "rsyslog", root=True),
    "prometheus": Need(("prometheus", "promtool"), "prometheus"),
    "promtool": Need(("promtool",), "prometheus"),
    "nagios4": Need(("nagios4",), "nagios4-core"),
    "icinga2": Need(("icinga2",), "icinga2-bin"),
    "nrpe": Need(("nrpe", "check_nrpe"), "nagios-nrpe-server nagios-nrpe-plugin"),
    "monitoring-plugins": Need(("check_mailq", "check_smtp"),
                               "monitoring-plugins-basic monitoring-plugins-standard"),
    "zabbix": Need(("zabbix_server", "zabbix_agentd", "psql", "php"),
                   "zabbix-server-pgsql zabbix-agent zabbix-frontend-php postgresql php-cli php-pgsql",
                   root=True,
                   files=("/usr/share/zabbix/api_jsonrpc.php", "/usr/share/zabbix-server-pgsql/schema.sql.gz",
                          "/usr/lib/postgresql")),
    "zabbix-frontend": Need(("php",), "zabbix-frontend-php php-cli",
                            files=("/usr/share/zabbix/include/classes/import",)),
    "zabbix-agent": Need(("zabbix_agentd",), "zabbix-agent"),
    "postgresql": Need(("psql",), "postgresql"),
    "php": Need(("php",), "php-cli"),
    "strace": Need(("strace",), "strace", root=True),
    "systemd": Need(("systemd-analyze",), "systemd"),
    "journal": Need(("journalctl",), "systemd"),
    "journal-remote": Need(("journalctl",), "systemd-journal-remote", files=("/lib/systemd/systemd-journal-remote",)),
    "chromium": Need(("chromium",), "chromium"),
    "mtail": Need(("mtail",), "mtail"),
    "pflogsumm": Need(("pflogsumm",), "pflogsumm"),
    "postfix-exporter": Need(("prometheus-postfix-exporter",), "prometheus-postfix-exporter"),
    "rsyslog": Need(("rsyslogd",), "rsyslog"),
    "sshd": Need(("sshd",), "openssh-server"),
    "unshare": Need(("unshare", "nsenter"), "util-linux", root=True),
}


def find(program: str) -> str | None:
    """Path of a program, also where PATH does not look."""
    return shutil.which(program, path=os.pathsep.join([os.environ.get("PATH", os.defpath), *PLACES]))


def missing(name: str) -> str:
    """Why the tests that need `name` cannot run here; empty if they can."""
    need = NEEDS[name]
    absent = [program for program in need.programs if find(program) is None]
    absent += [file for file in need.files if not os.path.exists(file)]
    if absent:
        return (f"needs {' and '.join(absent)}: Debian package {need.package} "
                "(tests/servers/install.sh installs it)")
    if need.root and os.geteuid() != 0:
        return f"a real {name} needs root for its own users and directories"
    return ""


def strict() -> bool:
    """Whether a missing program is a failure: in continuous integration."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false", "no")
