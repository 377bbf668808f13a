"""All rules in the order in which they are tried; the first that matches decides.

Pure data. The order is the knowledge. Who knows exactly comes first: providers' codes, the own network
errors. Then what is said in passing comes after what is meant: "blocked using grey.rbl, try in 5 minutes"
is greylisting, "relaying denied, your IP is a spammer" is a blocklist, "mailbox full, try again later" is
a full mailbox. Words that everybody uses ("denied", "try again later") come last.
"""

from __future__ import annotations

from smtpq_exporter.reasons import (
    rules_gateways,
    rules_google,
    rules_mailbox,
    rules_message,
    rules_microsoft,
    rules_network,
    rules_own,
    rules_providers,
    rules_recipient,
    rules_reputation,
    rules_sender,
    rules_server,
    rules_trust,
    rules_volume,
)
from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    *rules_google.RULES,
    *rules_microsoft.RULES,
    *rules_providers.RULES,
    *rules_gateways.RULES,
    *rules_message.VERIFY,
    *rules_own.FIRST,
    *rules_network.RULES,
    *rules_trust.GREYLIST,
    *rules_trust.TLS,
    *rules_trust.PROOF,
    *rules_sender.RELAY_PLAIN,
    *rules_trust.LOGIN,
    *rules_reputation.LISTS,
    *rules_sender.REVERSE,
    *rules_reputation.REPUTATION,
    *rules_message.SIZE,
    *rules_volume.RULES,
    *rules_mailbox.FULL,
    *rules_message.HEADER,
    *rules_server.MEMBERS,
    *rules_sender.SENDER,
    *rules_sender.RELAY,
    *rules_reputation.SPAM,
    *rules_mailbox.DISABLED,
    *rules_message.FORM,
    *rules_recipient.RULES,
    *rules_message.SEQUENCE,
    *rules_own.LATE,
    *rules_server.HINTS,
    *rules_server.RULES,
)
"""A rule's place in this tuple is its precedence."""
