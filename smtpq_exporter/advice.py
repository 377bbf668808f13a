"""What each reason class means, what heals by itself and what to do: plain words for the admin of one server.

Pure data. Page, checks, `smtpq logs` and docs/reasons.md show these texts; they live here and nowhere else. Apart
from reasons/, and imports nothing: a plugin that starts thousands of times a day wants three of them and no classifier.
"""

from __future__ import annotations

#: Reason class -> meaning, heals (what happens if nobody acts), action (what to do): a sentence or two each, no markup.
TEXTS: dict[str, tuple[str, str, str]] = {
    "rate_limited": (
        ("The receiver takes mail from you more slowly than you send it: too many messages, connections or"
         " recipients in a time."),
        ("Mostly by itself: retries go through when the rate falls. If the queue for this domain keeps "
         "growing, it does not."),
        ("Send more slowly to this domain (Postfix: a transport of its own with "
         "smtp_destination_rate_delay and a lower destination_concurrency_limit; Exim: max_parallel and "
         "serialize_hosts). Look for one sender or a hacked account that floods, and spread newsletters "
         "over hours."),
    ),
    "dns_failure": (
        ("The domain of the recipient, or its mail host, cannot be found in DNS, or your resolver does not"
         " answer."),
        ("If only the resolver or the other side's name servers are down, the next retry works. A misspelt"
         " or dead domain never heals."),
        ("Run `dig MX domain` on this host. If many domains fail, mend the resolver (/etc/resolv.conf, "
         "local unbound or named). If it is one domain, tell the sender that the address is wrong."),
    ),
    "connection_refused": (
        "The receiver's host answers, but nothing listens on its SMTP port, or a firewall refuses you.",
        "By itself when the other side's mail server is started again.",
        ("Try `nc -vz host 25` from here and from another network. If only you are refused, ask the "
         "receiver or your provider about a block; if it is your own relay or content filter (127.0.0.1, "
         "port 10024 and the like), start it."),
    ),
    "connection_timeout": (
        "The receiver's host does not answer in time, while connecting or in the middle of a transfer.",
        "By itself if the host was down or overloaded. Not if a firewall on the way drops the packets.",
        ("If it is one domain, wait. If all domains time out, outgoing port 25 is blocked or the line is "
         "down: test with `nc -vz gmail-smtp-in.l.google.com 25` and ask your provider. Timeouts after "
         "DATA hint at an MTU or firewall problem."),
    ),
    "connection_lost": (
        "The receiver hung up in the middle of the conversation without saying why.",
        "Often by itself: a restart, overload, or too many connections on the other side.",
        ("If it goes on with one domain, look for a firewall that rewrites SMTP, for TLS trouble and for a"
         " block of your address; try by hand with `swaks --to user@domain`. Lower the concurrency for "
         "this domain."),
    ),
    "network_unreachable": (
        "There is no route from this host to the receiver's address.",
        "By itself if a router or a line was down for a short time.",
        ("Test with `ip route get ADDRESS`. If only IPv6 addresses fail, your IPv6 does not work: mend it "
         "or switch it off for outgoing mail (Postfix: inet_protocols = ipv4 or smtp_address_preference = "
         "ipv4; Exim: disable_ipv6)."),
    ),
    "greylisted": (
        "The receiver does not know you yet and asks you to come back in some minutes. This is normal.",
        "Yes: the next retry after the delay goes through, and later mail at once.",
        ("Nothing, if the mail leaves within an hour or so. If not, retry more often in the first hour, "
         "always from the same address, and check that several sending addresses do not take turns."),
    ),
    "blocklisted": (
        "The address or network you send from is on a blocklist, or the receiver thinks badly of it.",
        "Rarely. Some lists forget after hours or days, but only when the cause has ended.",
        ("First find the cause: a hacked account, an open relay, a web form, a newsletter. Then read the "
         "link in the reply, ask that list for removal, and check your address at multirbl.valli.org. A "
         "home or cloud address needs a relay of your provider."),
    ),
    "spam_content": (
        ("The receiver takes this very message for spam, or found a virus, a forbidden attachment or a bad"
         " link in it."),
        "No: the same message is refused again.",
        ("Look at who sends it and what is in it. If it is wanted mail: check SPF, DKIM and DMARC, links "
         "and attachments, and the share of complaints. If nobody knows it: lock the account, it is "
         "hacked."),
    ),
    "sender_rejected": (
        ("The receiver does not accept how you introduce yourself: reverse DNS, HELO name, or the sender's"
         " address or domain."),
        "No, except where the receiver could not look up a name for a moment.",
        ("The sending address needs a PTR record to a name that points back to it; HELO must be that name "
         "(Postfix: myhostname, smtp_helo_name). The sender's domain must exist and have an MX or A "
         "record. Do not send as root@localhost."),
    ),
    "relay_denied": (
        ("The server you handed the mail to says that it is not responsible for the recipient's domain, or"
         " not for you."),
        "No, except when the domain is being moved to another server just now.",
        ("If it is your own relay: log in there or have your address allowed, and check relayhost or the "
         "smarthost. If it is the recipient's server: its MX record points to a server that does not know "
         "the domain; tell its owner."),
    ),
    "smtp_auth_failed": (
        "The server wants a login, and yours is missing or wrong.",
        "No, except a 'temporary authentication failure' of the other side.",
        ("Check user and password for the relay (Postfix: smtp_sasl_password_maps, then postmap and "
         "reload). Large providers want an application password or OAuth. After a changed password mend "
         "every program that sends."),
    ),
    "protocol_error": (
        ("The receiver does not accept the form of the message or of the conversation: headers, line ends,"
         " 8-bit or SMTPUTF8, commands."),
        "No: the same message fails again.",
        ("Look at the program that makes the message: one From, a Date and a Message-ID, lines below 998 "
         "characters, CRLF line ends. For broken conversations switch off firewall features that change "
         "SMTP (Cisco 'smtp fixup')."),
    ),
    "local_config": (
        ("Your own mail server cannot handle the mail as it is configured: a transport, map, alias, "
         "permission or command is missing or broken."),
        "No. The mail waits until you mend it and expires after some days.",
        ("Read the lines before this one in the mail log, and the warnings of the master or main process. "
         "Postfix: `postfix check`, `postconf -M`, postmap the changed tables. Exim: `exim -bV`, `exim -bt"
         " ADDRESS`. Then flush the queue."),
    ),
    "mail_loop": (
        ("The mail runs in a circle: a domain's MX points to a server that sends it back, or two forwards "
         "point at each other."),
        "No.",
        ("If the MX points to you, add the domain to those you accept (Postfix: mydestination, virtual or "
         "relay domains; Exim: local_domains). Otherwise take out the forward or alias that sends the mail"
         " round."),
    ),
    "message_too_large": (
        "The message is larger than the receiver, or your own server, allows.",
        "No.",
        ("Tell the sender the limit and send a link instead. If the limit is your own, see "
         "message_size_limit (Postfix, Exim), MaxMessageSize (Sendmail) or max-message-size (OpenSMTPD); "
         "attachments grow by a third when encoded."),
    ),
    "tls_failure": (
        ("An encrypted connection is demanded and does not come about: no STARTTLS, a bad certificate, "
         "DANE or MTA-STS, no common cipher."),
        "By itself when the other side renews its certificate or mends DNSSEC. Not if the cause is yours.",
        ("Test with `openssl s_client -starttls smtp -connect host:25`. Check whether your own policy "
         "demands too much for this domain (Postfix: smtp_tls_policy_maps, smtp_tls_security_level), your "
         "system's clock and its CA certificates."),
    ),
    "auth_failure": (
        "The receiver cannot verify that the mail comes from you: SPF, DKIM or DMARC fails or is missing.",
        "No, except when the receiver could not read your DNS for a moment.",
        ("Publish SPF with every address that sends for the domain, sign with DKIM, then DMARC. Test with "
         "a mail to a checking service. Forwarded mail breaks SPF: sign it, use SRS, or deliver it without"
         " forwarding."),
    ),
    "local_resource": (
        ("Your own host is short of something: disk space, inodes, memory, open files, processes, or it is"
         " overloaded."),
        "Only if the shortage passes. With a full spool no mail is accepted.",
        ("Look at `df -h` and `df -i` of the spool, free memory and load. Make room, stop what eats it, "
         "raise the limit that the log names. Then look again: a full disk is often the symptom of a "
         "flood."),
    ),
    "recipient_server_error": (
        "The receiver's server has trouble of its own: busy, full, broken or under maintenance.",
        "Yes, as a rule: your server tries again until the mail expires.",
        ("Wait. If it lasts more than a day, tell the receiver by another way and quote the reply. If "
         "every domain says so, your relay or content filter is the one in trouble."),
    ),
    "policy_rejected": (
        "The receiver refuses by a rule of its own and does not say which.",
        "No.",
        ("Read the link in the reply, if there is one. Check reputation, reverse DNS, SPF and DKIM. If "
         "these are in order, ask the receiver's postmaster and quote the reply with its time."),
    ),
    "mailbox_full": (
        "The recipient's mailbox has no room left.",
        "When the recipient deletes something; many full mailboxes are abandoned.",
        ("Tell the recipient by another way. Take addresses that stay full for weeks from your lists. If "
         "the mailbox is on your own server, raise the quota or make room."),
    ),
    "mailbox_disabled": (
        "The mailbox exists or existed, but its owner or provider has locked or abandoned it.",
        "Hardly ever.",
        "Take the address from lists and address books, or ask the person for another one.",
    ),
    "invalid_recipient": (
        "There is no such mailbox: misspelt, or gone.",
        "No.",
        ("Correct the address or take it from your lists. Many of these at once: an old list, a hacked "
         "account or somebody guessing addresses; it harms your reputation, so stop that sender. On your "
         "own server check aliases and recipient maps."),
    ),
    "expired": (
        ("Your server has given up, or waits because the destination has been dead for long; the real "
         "reason stands in earlier lines."),
        "No: after the queue lifetime the mail goes back to its sender.",
        ("Look up the queue id in the log for the first deferral of this mail and treat that reason. If "
         "many mails expire at once, your line, DNS or relay was broken for days."),
    ),
    "unknown": (
        "The text says nothing that this program knows.",
        "Not known.",
        ("Read the text itself (`smtpq events`, or the mail log). If you see it often, add a rule of your "
         "own under `reasons` in the configuration, and send us the text without addresses."),
    ),
}
