"""The way to the peer: TLS and login as a client, loops, DNS, refused, lost and timed out connections.

Pure data. Sources: Postfix smtp(8), Exim's smtp transport, Sendmail, OpenSMTPD mta.c and Exchange
LastError. A peer may use the same words for its own trouble, so what can only be true of the own server has
the scope "own".
"""

from __future__ import annotations

from smtpq_exporter.reasons.rule import Rule

RULES: tuple[Rule, ...] = (
    Rule(
        "own-tls", "tls_failure", "TLS is required, but was not offered by host mx.example.org[192.0.2.1]",
        (
            "cannot start tls", "tls is required, but", "tls required but", "tlsa lookup error",
            "non dnssec destination", "server certificate not (?:trusted|verified)",
            "certificate verification failed", "tls session",
            "tls (?:lookup|engine|library) (?:error|unavailable)", "tls-?required but", "requiretls",
            "ssl_connect", "ssl_accept", "gnutls_handshake", "tls handshake", "handshake failure",
            "no usable tlsa", "dane (?:tlsa )?(?:error|required|failure)",
            "mta-sts (?:policy|validation|failure)", "tls negotiation failed", "failed to start tls",
            "starttls (?:failed|failure)", "tls connect", "ssl routines", "wrong version number",
            "ssl connect",
        ),
    ),
    Rule(
        "own-sasl", "smtp_auth_failed",
        "SASL authentication failed; cannot authenticate to server smtp.example.org[192.0.2.1]: no "
        "mechanism available",
        (
            "sasl authentication fail", "sasl mechanism", "cannot authenticate to server",
            "auth not advertised", "refuse to auth", "auth rejected", "could not retrieve credentials",
            "authenticat(?:or|ion) failed (?:in|for|to) .{0,20}(?:smarthost|relay|server)", "no worthy mechs",
        ),
    ),
    Rule(
        "own-loop", "mail_loop", "mail for example.org loops back to myself",
        (
            "loops? back to (?:me|myself)", "too many hops", "mail forwarding loop", "loop detected",
            "points? back to", "mx (?:list|points|record)[^:]{0,40}(?:points back|local host)",
            "lowest numbered mx record points to local", "all relevant mx records point to local",
            "remote host address is the local host", "mail loop",
        ),
    ),
    Rule(
        "own-retry", "expired", "retry time not reached for any host for 'example.org'",
        ("retry time(?:out exceeded| not)", "have been failing for a long time"),
        "own",
    ),
    Rule(
        "dns-lookup", "dns_failure", "Name server timeout for mx.example.org",
        (
            "name server(?::| timeout| loop| error| fail)", "name service error", "host name lookup fail",
            "name or service not known", "name resolution", "nodename nor servname",
            "no address associated with", "could not resolve host",
        ),
    ),
    Rule(
        "own-dns", "dns_failure", "all relevant MX records point to non-existent hosts",
        (
            "name service error", "host (?:or domain name )?not found", "name server(?: loop)?:",
            "host (?:name )?lookup", "lookup (?:of host|did not complete|failed)", "unrouteable",
            "unroutable", "can't route by dns", "no mx (?:found|record)", "missing mx",
            "mx records? point to (?:non-?existent|missing|no)", "non-?existent hosts?", "host unknown",
            "unknown (?:host|mail domain|domain)", "domain name not found",
            "dns (?:error|lookup|query|failure|server)", "malformed or unexpected name server reply",
            "no data record of requested type", "non-?existent domain", "nonexistentdomain", r"dns\.domain",
            "domain (?:does not exist|not found|doesn't exist)", "bad address syntax in dns",
            "couldn't find any host", "valid hostname", "no (?:address|a) record", "infodomainnonexistent",
            "illegal host/domain", "host by that name", "any host by", "can't resolve", "cannot resolve",
            "dns records? for", "mx records? [^;]{0,60}(?:points? to|invalid)",
            r"unable to find (?:\w{1,12} )?relay", r"host \S{1,80} not found", "not found in dns",
            "mail exchanger", r"(?:lookup|resolution) of (?:the )?(?:mx|host|name|domain)\b",
            r"\bdns\b[^;]{0,40}timed? ?out", r"host ?name (?:\S{1,60} )?does not resolve",
        ),
        "own",
    ),
    Rule(
        "own-refused", "connection_refused", "connect to mx.example.org[192.0.2.1]:25: Connection refused",
        (
            "^(?:000|4..) [0-9.]{5,9} .{0,60}connection refused(?! by)", "^000 .{0,120}connection refused",
            "actively refused", "10061", r"errno 111\b", r"^000 .{0,80}\brefused$", "econnrefused",
        ),
    ),
    Rule(
        "own-unreachable", "network_unreachable",
        "connect to mx.example.org[2001:db8::1]:25: Network is unreachable",
        (
            "no route to host", "network is unreachable", "network unreachable", "host is unreachable",
            "host unreachable", "network is down", "host is down", r"\b1005[01]\b", r"\b10065\b",
            "can't assign requested address", "no valid route", "protocol not supported",
            "address family not supported", "addr(?:ess)? not available", "cannot assign requested address",
            "network error$", "ehostunreach", "enetunreach", "unreachable network",
        ),
    ),
    Rule(
        "own-timeout", "connection_timeout",
        "conversation with mx.example.org[192.0.2.1] timed out while sending MAIL FROM",
        (
            "(?<!retry )timed? ?out", "connection timeout", "smtp timeout",
            "(?<!retry )timeout (?:while|during|after|-|exceeded|waiting)", r"\b10060\b",
            "connection expired", "read timeout", "idle too long", "zeit(?:ue|u)berschreitung",
            "no response from", "(?:did|does) not (?:respond|answer)",
            "unable to establish an? smtp connection", "able to establish an? smtp connection",
            "no (?:answer|reply|response) (?:from|within)", "etimedout",
        ),
    ),
    Rule(
        "own-lost", "connection_lost",
        "lost connection with mx.example.org[192.0.2.1] while receiving the initial server greeting",
        (
            "lost connection", "connection (?:was )?(?:lost|closed|reset|dropped|died|aborted|broken)",
            "closed (?:the )?connection", r"connection with \S{1,80} is broken",
            "connection (?:has been |was )?(?:unexpectedly|forcibly) closed",
            "closed (?:abruptly|unexpectedly)", "broken pipe", "remote host closed", r"\b10054\b",
            r"\b10053\b", "premature end of", "unexpected (?:eof|end of|disconnect)", "reply: read error",
            "connected to .{0,60}but (?:my name|connection died|greeting failed|sender was)", "end of file",
            (
                r"connection (?:to|with|from) \S{1,80} (?:was |has been |is )?(?:reset|lost|closed|dropped|"
                "broken)"
            ),
            "lost (?:input |output |the )?connection", "hung up", "side closed", "disconnected", "econnreset",
        ),
        "own",
    ),
    Rule(
        "own-destination-mx", "connection_timeout", "Network error on destination MXs",
        ("network error on destination", "could not connect to any"),
        "own",
    ),
)
