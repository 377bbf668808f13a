"""docs/reasons.md, printed from the data: `python -m smtpq_exporter.reasons.reference` (make docs). Pure."""

from __future__ import annotations

from smtpq_exporter.reasons.advice import ADVICE
from smtpq_exporter.reasons.causes import CAUSES
from smtpq_exporter.reasons.codes import DETAIL, EXACT, REPLY
from smtpq_exporter.reasons.rule import Rule
from smtpq_exporter.reasons.rules import RULES

_HEAD = """\
# Reasons: why mail is deferred or bounced

<!-- Printed from smtpq_exporter/reasons by `make docs`; a test compares them. -->

Every text that a mail server writes about a delivery that failed gets one of {classes} classes: the label
`reason` of `smtpq_queue_deferred_recipients`, `smtpq_log_deferrals_total`, `smtpq_log_bounces_total` and
`smtpq_log_rejects_total`. Try a text of your own log:

    echo '450 4.2.0 <a@b.example>: Greylisted, try again in 300 seconds' | smtpq classify --explain

How it is decided: the text is made comparable (lower case, no addresses, no ids), the innermost reply is
taken out of what servers on the way wrapped around it, then {rules} rules are tried in a fixed order; the
first that matches wins. Words go before codes, since servers send misleading codes: Gmail uses 5.2.1 for a
rate and 4.7.23 for a missing PTR record, and 5.7.1 is used for everything. Only where no word tells anything
the enhanced code decides, then the reply code. The code that the own mail server wrote (`dsn=`) helps where
the text is as vague as "Service unavailable".

## Rules of your own

They come before ours, in the order in which they are written, and are searched without regard to case in the
text as the mail server wrote it (its first 1024 characters):

```yaml
reasons:
  - pattern: 'not on our partner list'
    reason: policy_rejected
```

`smtpq-exporter --config.check` tests them; `smtpq classify --rule 'PATTERN=CLASS'` tries one on your texts. A
pattern that repeats something that repeats, such as `(a+)+`, or that has more than one `.*` (write
`.{{0,80}}`), is refused, because a stranger's text could make it run for ever.
"""


def markdown() -> str:
    """The whole page."""
    head = _HEAD.format(classes=len(CAUSES), rules=len(RULES))
    return "\n".join([head, "## Classes\n", _table(), *(_section(reason) for reason in CAUSES)])


def _table() -> str:
    lines = ["| class | root cause | meaning |", "|---|---|---|"]
    for reason, cause in CAUSES.items():
        lines.append(f"| [`{reason}`](#{reason}) | `{cause}` | {ADVICE[reason].meaning} |")
    return "\n".join(lines) + "\n"


def _section(reason: str) -> str:
    advice = ADVICE[reason]
    rules = [rule for rule in RULES if rule.reason == reason]
    lines = [
        f"## {reason}\n",
        f"{advice.meaning} (root cause `{CAUSES[reason]}`)\n",
        f"**Heals by itself?** {advice.heals}\n",
        f"**What to do.** {advice.action}\n",
    ]
    if rules:
        lines += ["| rule | example |", "|---|---|", *map(_row, rules), ""]
    codes = _codes(reason)
    if codes:
        lines.append(f"Codes, if the words say nothing: {codes}.\n")
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    example = rule.example.replace("|", "\\|")
    return f"| `{rule.id}` | `{example}` |"


def _codes(reason: str) -> str:
    found = [f"`{code}`" for code, named in EXACT.items() if named == reason]
    found += [f"`x.{detail}`" for detail, named in DETAIL.items() if named == reason]
    found += [f"`{code}`" for code, named in REPLY.items() if named == reason]
    return ", ".join(found)


if __name__ == "__main__":
    print(markdown(), end="")
