"""The web.config.file of the Prometheus exporter toolkit: TLS, client certificates, basic auth, headers.

Pure: text in, WebConfig out; guard.py applies it. Strict as the original: unknown and duplicate keys are
errors. Where Python's ssl cannot do what the original does, the error or a note says so. Source:
prometheus/exporter-toolkit, docs/web-configuration.md and web/tls_config.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from smtpq_exporter import strict_yaml
from smtpq_exporter.checks.quantity import parse_duration
from smtpq_exporter.config_values import flag, several, text
from smtpq_exporter.errors import ConfigError
from smtpq_exporter.strict_yaml import key as item
from smtpq_exporter.strict_yaml import kind, section, suggest

#: client_auth_type -> whether a certificate is asked for, and whether it must be there.
AUTH_TYPES = {
    "": (False, False),
    "NoClientCert": (False, False),
    "RequestClientCert": (False, False),
    "VerifyClientCertIfGiven": (True, False),
    "RequireAndVerifyClientCert": (True, True),
}
VERSIONS = ("TLS12", "TLS13")
#: Go's names of cipher suites for TLS 1.2 -> OpenSSL's. Those of TLS 1.3 cannot be chosen, in Go neither.
CIPHERS = {
    "TLS_RSA_WITH_AES_128_CBC_SHA": "AES128-SHA",
    "TLS_RSA_WITH_AES_256_CBC_SHA": "AES256-SHA",
    "TLS_RSA_WITH_AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "TLS_RSA_WITH_AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
    "TLS_AES_128_GCM_SHA256": "",
    "TLS_AES_256_GCM_SHA384": "",
    "TLS_CHACHA20_POLY1305_SHA256": "",
}
#: Go's names of curves -> OpenSSL's.
CURVES = {"CurveP256": "prime256v1", "CurveP384": "secp384r1", "CurveP521": "secp521r1", "X25519": "X25519"}
_HEADERS: dict[str, tuple[str, ...] | None] = {
    "Content-Security-Policy": None,
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-Content-Type-Options": ("nosniff",),
    "X-XSS-Protection": None,
    "Strict-Transport-Security": None,
}
_BCRYPT = re.compile(r"\$2[abxy]\$(\d\d)\$[./A-Za-z0-9]{53}")


def _one_of(words: Any) -> Callable[[Any, str], str]:
    def read(value: Any, where: str) -> str:
        if value not in words:
            raise ConfigError(
                where, f"unknown value {value!r}; {suggest(str(value), [word for word in words if word])}"
            )
        return str(value)

    return read


def _auth_type(value: Any, where: str) -> str:
    if value == "RequireAnyClientCert":
        raise ConfigError(
            where,
            "RequireAnyClientCert cannot be had here, an unverified certificate proves nothing;"
            " use RequireAndVerifyClientCert",
        )
    return _one_of(AUTH_TYPES)(value, where)


def _version(value: Any, where: str) -> str:
    if value in ("TLS10", "TLS11"):
        raise ConfigError(where, f"{value} is broken and not offered; use TLS12")
    return _one_of(VERSIONS)(value, where)


def _users(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ConfigError(where, f"must be a mapping of user names to bcrypt hashes, not {kind(value)}")
    for name, digest in value.items():
        match = _BCRYPT.fullmatch(digest) if isinstance(digest, str) else None
        if match is None:
            raise ConfigError(
                strict_yaml.join(where, name), "is no bcrypt hash; make one with `htpasswd -nBC 10 USER`"
            )
        if ":" in name:
            raise ConfigError(strict_yaml.join(where, name), "a user name must not contain a colon")
    return tuple(value.items())


def _headers(value: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict):
        raise ConfigError(where, f"must be a mapping, not {kind(value)}")
    for name, written in value.items():
        if name not in _HEADERS:
            raise ConfigError(
                strict_yaml.join(where, name), f"this header cannot be set; {suggest(name, _HEADERS)}"
            )
        allowed = _HEADERS[name]
        if not isinstance(written, str) or not written.isprintable() or not written.isascii():
            raise ConfigError(strict_yaml.join(where, name), "must be one line of plain text")
        if allowed is not None and written.lower() not in allowed:
            raise ConfigError(
                strict_yaml.join(where, name), f"must be {' or '.join(allowed)}, not {written!r}"
            )
    return tuple(value.items())


def _interval(value: Any, where: str) -> float:
    try:
        return parse_duration(text(value, where))
    except ValueError as error:
        raise ConfigError(where, str(error)) from None


def _burst(value: Any, where: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 1_000_000:
        raise ConfigError(where, f"must be a whole number from 1, not {value!r}")
    return value


@dataclass(frozen=True, slots=True)
class Tls:
    """tls_server_config. Paths are as written; `cert`, `key`, `client_ca` are PEM texts."""

    cert_file: str = item(text, "")
    key_file: str = item(text, "")
    cert: str = item(text, "")
    key: str = item(text, "")
    client_auth_type: str = item(_auth_type, "")
    client_ca_file: str = item(text, "")
    client_ca: str = item(text, "")
    client_allowed_sans: tuple[str, ...] = item(several(text), ())
    min_version: str = item(_version, "TLS12")
    max_version: str = item(_version, "TLS13")
    cipher_suites: tuple[str, ...] = item(several(_one_of(CIPHERS)), ())
    prefer_server_cipher_suites: bool = item(flag, True)
    curve_preferences: tuple[str, ...] = item(several(_one_of(CURVES)), ())


@dataclass(frozen=True, slots=True)
class Http:
    """http_server_config."""

    http2: bool = item(flag, True)
    headers: tuple[tuple[str, str], ...] = item(_headers, ())


@dataclass(frozen=True, slots=True)
class RateLimit:
    """rate_limit: one request each `interval` seconds, `burst` at once."""

    interval: float = item(_interval, 0.0)
    burst: int = item(_burst, 1)


@dataclass(frozen=True, slots=True)
class WebConfig:
    """The whole file."""

    tls_server_config: Tls | None = item(lambda value, where: section(Tls, value, where), None)
    http_server_config: Http = item(lambda value, where: section(Http, value, where), Http())
    basic_auth_users: tuple[tuple[str, str], ...] = item(_users, ())
    rate_limit: RateLimit | None = item(lambda value, where: section(RateLimit, value, where), None)


def parse(content: str) -> WebConfig:
    """Read a web.config.file; raises ConfigError."""
    config = section(WebConfig, strict_yaml.load(content), "")
    tls = config.tls_server_config
    if tls is not None:
        _check(tls)
    return config


def _check(tls: Tls) -> None:
    where = "tls_server_config"
    for one, other in (("cert_file", "cert"), ("key_file", "key")):
        given = [name for name in (one, other) if getattr(tls, name)]
        if len(given) != 1:
            problem = "give only one of them" if given else "one of them is missing"
            raise ConfigError(f"{where}.{one}", f"{one} or {other}: {problem}")
    if tls.client_ca_file and tls.client_ca:
        raise ConfigError(f"{where}.client_ca", "client_ca_file or client_ca: give only one of them")
    ask, _ = AUTH_TYPES[tls.client_auth_type]
    if (tls.client_ca_file or tls.client_ca) and not ask:
        raise ConfigError(
            f"{where}.client_auth_type",
            "a client_ca without it does nothing; set it to RequireAndVerifyClientCert",
        )
    if ask and not (tls.client_ca_file or tls.client_ca):
        raise ConfigError(f"{where}.client_ca_file", "is missing: clients are verified against it")
    if tls.client_allowed_sans and not AUTH_TYPES[tls.client_auth_type][1]:
        raise ConfigError(
            f"{where}.client_allowed_sans", "needs client_auth_type: RequireAndVerifyClientCert"
        )
    if tls.min_version > tls.max_version:
        raise ConfigError(f"{where}.min_version", "is newer than max_version")
