"""A process of its own that asks Exchange by PowerShell Remoting and prints the report: needs pypsrp.

It is run by io/report.py, which ends it at the deadline. Law: what is secret is read here from a file, never
an argument, and never printed. The endpoint of Exchange runs single cmdlets only. Arguments: host=, port=,
tls=, auth=, user=, password_file=, kerberos_cache=. Exit code 3 with {"error": ..} where it fails.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from smtpq_exporter.mta.exchange.queue_clixml import report

#: Seconds for a connection, for an answer.
_CONNECT, _ANSWER = 10, 60
_AUTHS = ("kerberos", "negotiate", "ntlm", "certificate", "credssp", "basic")


class GoneError(LookupError):
    """A cmdlet said that what it was asked for is not there."""


def main(arguments: Sequence[str]) -> int:
    """Print the report; returns the exit code."""
    options = dict(argument.partition("=")[::2] for argument in arguments)
    secret = ""
    try:
        secret = _secret(options.get("password_file", ""))
        collected = datetime.now(UTC).isoformat(timespec="milliseconds")
        made = _ask(options, secret, collected)
    except Exception as error:  # whatever three libraries raise: it is told, in one line
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        made = {"schema": 1, "error": text.replace(secret, "***") if secret else text}
    print(json.dumps(made))
    return 3 if "error" in made else 0


def _ask(options: Mapping[str, str], secret: str, collected: str) -> dict[str, Any]:
    from pypsrp.powershell import PowerShell, RunspacePool  # noqa: PLC0415  (not in every installation)
    from pypsrp.wsman import WSMan  # noqa: PLC0415

    auth = options.get("auth", "kerberos")
    if auth not in _AUTHS:
        raise ValueError(f"the option psrp_auth is none of {', '.join(_AUTHS)}")
    if options.get("kerberos_cache"):
        os.environ["KRB5CCNAME"] = options["kerberos_cache"]
    tls = options.get("tls", "no") in ("yes", "true", "1")
    if auth == "basic" and not tls:
        raise ValueError("psrp_auth: basic would send the password in clear text; set psrp_tls: yes")
    wsman = WSMan(
        options["host"], port=int(options.get("port", "443" if tls else "80")), ssl=tls, path="PowerShell",
        auth=auth, username=options.get("user") or None, password=secret or None,
        connection_timeout=_CONNECT, read_timeout=_ANSWER, operation_timeout=_ANSWER - 10,
        # Kerberos encrypts the messages themselves; without it and without TLS there is no way in.
        encryption="auto",
    )
    with wsman, RunspacePool(wsman, configuration_name="Microsoft.Exchange") as pool:

        def invoke(cmdlet: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
            shell = PowerShell(pool)
            shell.add_cmdlet(cmdlet)
            for name, value in parameters.items():
                shell.add_parameter(name, value)
            found: Sequence[Any] = shell.invoke()
            if shell.had_errors:
                said = "; ".join(str(error) for error in shell.streams.error) or "failed and does not say why"
                kind = GoneError if cmdlet == "Get-Message" else RuntimeError
                raise kind(f"{cmdlet}: {said}")
            return found

        return report(invoke, options["host"], collected)


def _secret(path: str) -> str:
    return Path(path).read_text("utf-8").rstrip("\r\n") if path else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
