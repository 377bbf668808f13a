"""What the own mail server says about itself: limits, configuration, resources, expiry.

Pure data. Sources: Postfix local(8), pipe(8), qmgr(8) and bounce texts, Exim's transports and routers,
Sendmail's sysexits texts, OpenSMTPD. FIRST is certain; LATE holds words that others use as well.
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

FIRST: tuple[Rule, ...] = (
    Rule(
        "own-smtpd-storage", "local_resource",
        "452 4.3.1 Insufficient system storage; from=<a@example.org> proto=ESMTP helo=<mx>",
        ("(?:insufficient system (?:storage|resources)|queue file write error).{0,60}(?:proto=|helo=)",),
    ),
    Rule(
        "own-command", "local_config",
        "Child process of pipe transport returned 127 from command: /usr/local/bin/filter",
        (
            "child process of", "command (?:output|died|not found|time limit|failed|returned)",
            "no command specified", "unable to execute", "no such file or directory", "terminated by signal",
            "returned non-?zero", "exit status", r"x-unix; \\d", "procmail", "not owned by recipient",
            "transport (?:unavailable|error|filter|process)", "alias database",
            "(?:mail|mailer|mail system) configuration error", "premature end-of-input on",
            "failed to (?:lock|open|expand|get)", "expansion (?:of|failed|depth)", "forced defer",
            "mail to (?:file|command) is restricted", "unreasonable (?:include|alias|virtual)",
            r"\b(?:lookup|check) (?:or other )?defer", "table lookup", "transport map", "map entry",
            r"\btransport \w{1,20}: ", r"\btransport: ", "look up transport", "home directory",
            "delivery to (?:file|pipe) forbidden", "maildir access problem",
            "(?:bounce|trace) service failure", "delivery via transport", r"^000 0\.0\.0 router ",
            "bad [ug]id", "unsupported (?:mail )?transport", "database (?:is )?locked",
            "lookup of (?!host)[^;]{0,40} failed",
        ),
        "own",
    ),
    Rule(
        "own-connection-limit", "rate_limited", "connection limit reached for all hosts for 'example.org'",
        ("connection limit reached", "max(?:imum)? parallel", "hiwat reached"),
        "own",
    ),
)

LATE: tuple[Rule, ...] = (
    Rule(
        "own-resource", "local_resource", "local data error while talking to mx.example.org[192.0.2.1]",
        (
            "no space left", "cannot allocate memory", "out of memory", "too many open files",
            "process limit", "load average", "queue file write error", "local data error",
            "file ?system (?:is )?full", "(?:insufficient|not enough) disk space", "disk full",
            "concurrency limit reached for transport", "resource temporarily unavailable", "back ?pressure",
            "input/output error", "i/o error", "read-only file ?system", "too many processes", "cannot fork",
            "unable to fork", "resource problem", "system resource",
            "(?:queue|spool)(?: directory| file ?system)? (?:is )?full",
        ),
        "own",
    ),
    Rule(
        "own-config", "local_config", "user lookup error",
        (
            "transport unavailable", "unknown mail transport", "mail transport error", "user lookup error",
            "alias database", "address resolver fail", "table lookup failure", "lookup error",
            "lookup defer for", "error looking up", "command (?:output|died|not found|time limit)",
            "unable to execute", "cannot (?:access|open|create|update|append|find)", "not owned by",
            "permission denied", "no such file or directory", "is a directory",
            "failed to (?:lock|open|expand|create)", "filter process", "expansion of",
            "unknown (?:transport|variable|router|local-part)", "local configuration error",
            "child process of", "operating system error", "mailbox? lock", "maildir", r"\.forward",
            "virtual mailbox (?:base|uid)", "bad (?:transport|configuration)", "retrieve source address",
            r"x-unix; \d", "exec(?:ve)? (?:failed|of)", "pipe command", "unix; 255",
            "internal software error", "delivery agent", "configuration problem",
            "can(?:no|')t (?:lookup|resolve) own", "proxymap", "mysql", "ldap", "pgsql", "tainted",
            "missing (?:file|owner)", "software error", "data format error", "unknown mailer error",
            "can't create", "system file missing", "command line usage", "cannot open", "bad usage",
            "in router", "retrieve helo name", "message file",
        ),
        "own",
    ),
    Rule(
        "own-expired", "expired", "Message could not be delivered for 5 days",
        (
            "retry time(?:out| not)", "message expired", "delivery (?:time )?expired", "has expired",
            "too old", "not (?:be )?(?:delivered|send message|sent) for",
            "been (?:in the queue|failing) (?:too|for a)", "in the queue too long",
            "will be (?:deleted|retried)", "retry timeout", "envelope expired", "message delayed",
            "unable to deliver this message after", "queue lifetime", "maximum (?:queue )?(?:time|lifetime)",
            "giving up after", "message timed", "delivery time", r"undeliverable for \d",
            "warning: could not send", "not delivered within", "delivery attempts will continue",
            "has been delayed", "giving up on", "could not be delivered (?:for|within)",
            "allowed queue period", "after multiple retries", r"failed \d{1,3} attempts",
            "attempts? (?:failed|to deliver)", "not been collected", "attempts? to deliver",
            "past expiration", "undeliverable (?:after|for)", r"^000 0\.0\.0 expired",
        ),
        "own",
    ),
    Rule(
        "own-queued", "unknown", "defer (-1): domain matches queue_smtp_domains, or -odqs set",
        ("queue_smtp_domains", "-odqs", "queue_domains", "domain is held", "intentional"),
        "own",
    ),
)
