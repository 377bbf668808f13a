"""The web.config.file applied: a new certificate or user holds for the next connection, without a restart.

A file that became bad lets nobody in and is logged: the operator asked for a lock, so there is no way around
it. Source: prometheus/exporter-toolkit, web/handler.go (dummy hash, cache of good passwords, one bcrypt at a
time).
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import logging
import os
import ssl
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.web import toolkit
from smtpq_exporter.web.request import HttpError, Request
from smtpq_exporter.web.toolkit import Tls, WebConfig

log = logging.getLogger(__name__)

#: Compared when the user is unknown, so that the answer takes as long as for a known one.
_NOBODY = "$2b$10$CwTycUXWue0Thq9StjUM0uJ8Q6V1mPZnI4p5E8c2XWcW1Yw8cIVGW"
_MOST_CACHED = 100
_CHALLENGE = (("WWW-Authenticate", 'Basic realm="smtpq_exporter"'),)


class FileGuard:
    """Guards the server as a web.config.file says. Raises ConfigError at once if it cannot be used now."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._stamp: tuple[object, ...] = ()
        self._config = WebConfig()
        self._context: ssl.SSLContext | None = None
        self._passwords = _Passwords()
        self._bucket = _Bucket()
        self._refresh()
        if self._config.basic_auth_users:
            _bcrypt()
        tls = self._config.tls_server_config
        if tls is not None and len(tls.curve_preferences) > 1:
            log.info("web.config.file: of curve_preferences only the first is used")

    def context(self) -> ssl.SSLContext | None:
        """TLS as configured now."""
        self._refresh()
        return self._context

    def admit(self, request: Request, peer: ssl.SSLSocket | None) -> None:
        """Check the rate, the client's certificate and its password."""
        config = self._config
        if config.rate_limit is not None and not self._bucket.take(config.rate_limit):
            raise HttpError(429, "Too many requests.", (("Retry-After", "1"),))
        tls = config.tls_server_config
        if tls is not None and tls.client_allowed_sans and not _named(peer, tls.client_allowed_sans):
            raise HttpError(403, "The names in this client certificate are not allowed here.")
        if config.basic_auth_users and not self._known(request, dict(config.basic_auth_users)):
            raise HttpError(401, "Unauthorized.", _CHALLENGE)

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Headers of http_server_config."""
        return self._config.http_server_config.headers

    def _known(self, request: Request, users: dict[str, str]) -> bool:
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return False
        try:
            user, _, password = base64.b64decode(value, validate=True).partition(b":")
        except binascii.Error:
            return False
        digest = users.get(user.decode("utf-8", "replace"))
        return self._passwords.match(password, digest or _NOBODY) and digest is not None

    def _refresh(self) -> None:
        with self._lock:
            stamp = self._stamps()
            if stamp == self._stamp:
                return
            try:
                config = toolkit.parse(self._path.read_text("utf-8"))
                tls = config.tls_server_config
                context = None if tls is None else _context(tls, self._path.parent)
            except (OSError, UnicodeDecodeError, ssl.SSLError) as error:
                raise ConfigError(str(self._path), f"cannot be used: {error}") from error
            except ConfigError as error:
                raise ConfigError(
                    f"{self._path}: {error.where}" if error.where else str(self._path), error.what
                ) from error
            self._config, self._context = config, context
            self._stamp = self._stamps()

    def _stamps(self) -> tuple[object, ...]:
        tls = self._config.tls_server_config
        names = [
            self._path,
            *(
                self._path.parent / name
                for name in ((tls.cert_file, tls.key_file, tls.client_ca_file) if tls is not None else ())
                if name
            ),
        ]
        return tuple(_stamp(name) for name in names)


def _stamp(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        return error.errno
    return (str(path), status.st_ino, status.st_size, status.st_mtime_ns)


def _context(tls: Tls, base: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    versions = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
    context.minimum_version, context.maximum_version = versions[tls.min_version], versions[tls.max_version]
    with _file(tls.cert, tls.cert_file, base) as cert, _file(tls.key, tls.key_file, base) as key:
        context.load_cert_chain(cert, key)
    ask, must = toolkit.AUTH_TYPES[tls.client_auth_type]
    if ask:
        if tls.client_ca:
            context.load_verify_locations(cadata=tls.client_ca)
        else:
            context.load_verify_locations(cafile=str(base / tls.client_ca_file))
        context.verify_mode = ssl.CERT_REQUIRED if must else ssl.CERT_OPTIONAL
    ciphers = [name for name in (toolkit.CIPHERS[suite] for suite in tls.cipher_suites) if name]
    if ciphers:
        context.set_ciphers(":".join(ciphers))
    if tls.prefer_server_cipher_suites:
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    if tls.curve_preferences:
        context.set_ecdh_curve(toolkit.CURVES[tls.curve_preferences[0]])
    return context


@contextlib.contextmanager
def _file(text: str, name: str, base: Path) -> Iterator[str]:
    """A path under which OpenSSL finds a PEM: the file itself, or memory that is gone afterwards."""
    if not text:
        yield str(base / name)
        return
    descriptor = os.memfd_create("pem", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(descriptor), "w") as file:
            file.write(text)
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _named(peer: ssl.SSLSocket | None, allowed: tuple[str, ...]) -> bool:
    certificate = peer.getpeercert() if peer is not None else None
    names = (certificate or {}).get("subjectAltName", ())
    return any(len(pair) == 2 and pair[1] in allowed for pair in names)


class _Passwords:
    """Remembers which passwords fitted which hash: bcrypt is slow on purpose, scrapes come often."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cache: dict[bytes, bool] = {}

    def match(self, password: bytes, digest: str) -> bool:
        """Whether the password has this hash."""
        key = hashlib.sha256(digest.encode() + b"\0" + password).digest()
        known = self._cache.get(key)
        if known is not None:
            return known
        with self._lock:
            # bcrypt itself looks at 72 bytes; its newer versions refuse more instead of cutting.
            good = bool(_bcrypt().checkpw(password[:72], digest.encode()))
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            self._cache[key] = good
            return good


class _Bucket:
    """A token bucket for all clients together."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens, self._at = -1.0, 0.0

    def take(self, limit: toolkit.RateLimit) -> bool:
        """Whether one more request may pass now."""
        if limit.interval <= 0:
            return True
        with self._lock:
            now = time.monotonic()
            self._tokens = (
                min(float(limit.burst), self._tokens + (now - self._at) / limit.interval)
                if (self._tokens >= 0)
                else float(limit.burst)
            )
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


def _bcrypt() -> Any:
    try:
        import bcrypt  # noqa: PLC0415  (an extra: only needed with basic_auth_users)
    except ImportError:
        raise ConfigError(
            "basic_auth_users",
            "the Python module bcrypt is missing; install python3-bcrypt or smtpq-exporter[auth]",
        ) from None
    return bcrypt
