"""The README of the Zabbix templates, from the same plan: what is watched, when it alerts, how to set it."""

from __future__ import annotations

import re

from checks.zabbix.macros import MACROS
from checks.zabbix.plan import DISCOVERED, EXPORTER, Group
from checks.zabbix.template import HTTP, KINDS

HEAD = """\
# Zabbix

Written by `python3 -m checks.zabbix.build` from plan.py; edit that. For Zabbix 6.0 and newer; the tests
import the templates into a real Zabbix 6.0 and let it watch a real mail server.

| file | template | for |
|---|---|---|
{files}

All three have the same keys, triggers, graphs and macros. By HTTP needs nothing but the exporter, which must
listen where the Zabbix server can reach it. By agent suits an exporter that listens on 127.0.0.1 only.

## By HTTP

1. Configuration → Templates → Import (7.0: Data collection → Templates): smtpq_by_http.yaml.
2. Link the template to the host. The host's interface must have the exporter's address; `{{$SMTPQ.PORT}}` and
   `{{$SMTPQ.SCHEME}}` say the rest. For basic authentication set `{{$SMTPQ.USER}}` and `{{$SMTPQ.PASSWORD}}`.

## By agent

1. Import smtpq_by_agent.yaml, or smtpq_by_agent_active.yaml for active checks, and link it.
2. On the mail server: `cp userparameter_smtpq.conf /etc/zabbix/zabbix_agentd.d/` (Debian's own package:
   `/etc/zabbix/zabbix_agentd.conf.d/`) and restart the agent.
3. See what is sent: `zabbix_agentd -t smtpq.json`, `zabbix_agentd -t 'smtpq.get[messages,postfix,deferred]'`.

`smtpq zabbix` asks the running exporter and never the mail server: it answers in a fraction of a second at
any queue length. What is not known is not printed. `smtpq.get` and `smtpq.discovery` are for your own items;
names are cleaned to `a-z 0-9 . _ -` there, because a UserParameter takes little else.

The uuids stay the same from release to release: import a newer file over the old one, and history is kept.

## What is watched

Values that are not known (a queue that could not be read) get no value, never 0. Where nothing arrives at all
the trigger "exporter gives no data" tells.
"""


def text() -> str:
    """The whole page."""
    rows = "\n".join(f"| {kind.file} | {kind.name} | {kind.about} |" for kind in KINDS)
    parts = [HEAD.format(files=rows), *map(_group, (EXPORTER, *DISCOVERED))]
    parts.append("## Macros\n\nA macro with context holds for one queue (or reason), as in "
                 '`{$SMTPQ.MESSAGES.WARN:"deferred"}`. '
                 "Set it on the host.\n\n| macro | default | |\n|---|---|---|")
    rows = "\n".join(f"| `{macro}` | {value or 'empty'} | {about} |"
                     for macro, value, about in sorted((*HTTP.macros, *MACROS)))
    parts.append(f"{rows}\n")
    return "\n".join(parts)


def _group(group: Group) -> str:
    macros = ",".join(macro for macro, _ in group.labels)
    keys = f"[{macros}]" if macros else ""
    lines = [f"### {group.text}\n", "| key | value |", "|---|---|"]
    for value in group.values:
        about = f". {value.about}" if value.about else ""
        lines.append(f"| `smtpq.{value.name}{keys}` | {value.text}{about} |")
    lines += ["", "| trigger | severity | when |", "|---|---|---|"]
    for trigger in group.triggers:
        when = re.sub(r"@([a-z_.]+)", r"\1", trigger.expression)
        lines.append(f"| {trigger.text} | {trigger.priority.lower()} | `{when}` |")
    return "\n".join([*lines, ""])
