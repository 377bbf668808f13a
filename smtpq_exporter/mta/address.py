"""The domain of a mail address, as a value that may become a label: bounded, printable, no address, no IP.

Pure. An address is raw (queue files) or quoted (listings, logs): what follows the last ``@`` is the domain
in both. Non-printable bytes become ``?`` as in Postfix' printable(), so that all ways of reading a queue
agree.
"""

from __future__ import annotations

import sys

#: Addresses without ``@``: local names that no configuration completed.
NO_DOMAIN = "(none)"
#: Domains that are an address of a machine: ``user@[192.0.2.1]``.
LITERAL = "(literal)"
#: RFC 1035: no domain is longer. What is longer is cut.
LONGEST = 253

#: Domains already seen, by what begins with the last ``@``. Hot loops look here before they call domain_of.
KNOWN: dict[bytes, str] = {}
#: The table is emptied at this size.
_MOST = 50_000


def domain_of(address: bytes) -> str:
    """Domain of a recipient or of a sender that is not null, lower case."""
    raw = address[address.rfind(b"@") :]  # with the @; without one the last letter
    domain = KNOWN.get(raw)
    if domain is None:
        if len(KNOWN) >= _MOST:
            KNOWN.clear()
        domain = KNOWN[raw] = sys.intern(_clean(raw))
    return domain


def masked(text: bytes, address: bytes) -> bytes:
    """A reason text without the recipient's address: thousands of texts become one, and no class changes."""
    return text.replace(address, b"@") if b"@" in address else text


def _clean(raw: bytes) -> str:
    text = raw[1 : 4 * LONGEST].strip(b" .\t>")
    if not text or raw[:1] != b"@":
        return NO_DOMAIN
    if text.startswith(b"["):
        return LITERAL
    name = text.decode("utf-8", "surrogateescape").lower()
    return "".join(c if c.isprintable() and c not in '"\\' else "?" for c in name)[:LONGEST]
