"""A certificate for 127.0.0.1 made for one test by the openssl program."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def certificate(directory: Path) -> Path:
    """A file with key and self-signed certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: Debian package openssl")
    key, cert, both = (directory / name for name in ("key.pem", "cert.pem", "both.pem"))
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


def server_context(pem: Path) -> ssl.SSLContext:
    """A server's side with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
