"""Domains are bounded, printable values; nothing of an address but its domain comes out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpq_exporter.mta.address import LITERAL, LONGEST, NO_DOMAIN, domain_of, masked


@pytest.mark.parametrize(("address", "domain"), [
    (b"a@Example.COM", "example.com"),
    (b'"a@b> c"@x.example', "x.example"),
    (b"a@b@c.example", "c.example"),
    (b"a@x.example.", "x.example"),
    (b"postmaster", NO_DOMAIN),
    (b"a@", NO_DOMAIN),
    (b"", NO_DOMAIN),
    (b"a@[192.0.2.1]", LITERAL),
    (b"a@[IPv6:2001:db8::1]", LITERAL),
    ("a@bücher.example".encode(), "bücher.example"),
    (b"a@b\xff\xfec.example", "b??c.example"),
    (b'a@x".example\\', "x?.example?"),
    (b"a@x\x01\n.example", "x??.example"),
])
def test_domains(address: bytes, domain: str) -> None:
    """The part behind the last @, lower case, with marks for what cannot be shown."""
    assert domain_of(address) == domain


@given(st.binary(max_size=600))
def test_any_bytes_give_a_bounded_printable_domain(address: bytes) -> None:
    """Never empty, never longer than a domain may be, never a quote, a backslash or a control character."""
    domain = domain_of(address)
    assert 0 < len(domain) <= LONGEST
    assert domain.isprintable()
    assert not set(domain) & set('"\\\n@')


def test_masking_takes_out_the_address_alone() -> None:
    """The recipient's address becomes "@"; something that is no address is left as it is."""
    assert masked(b"450 <a@x.example>: try later", b"a@x.example") == b"450 <@>: try later"
    assert masked(b"450 a: try later", b"a") == b"450 a: try later"
