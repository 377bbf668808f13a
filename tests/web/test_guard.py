"""TLS, client certificates, passwords and rate limits over real connections."""

from __future__ import annotations

import base64
import http.client
import shutil
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from smtpq_exporter.errors import ConfigError
from smtpq_exporter.web.guard import FileGuard
from tests.web.client import PATIENCE, connect, exchange, get, server, serving

bcrypt = pytest.importorskip("bcrypt")
#: bcrypt of "secret", as cheap as it can be.
HASH = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()


class Authority:
    """Certificates made for one test run by the openssl program."""

    def __init__(self, directory: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl: Debian package openssl")
        self.directory = directory
        self._run("req", "-x509", *self._key("ca"), "-subj", "/CN=test ca", "-days", "2", "-out", "ca.crt")
        self.ca = directory / "ca.crt"
        self.server = self.certificate("server", "IP:127.0.0.1")

    def certificate(self, name: str, names: str) -> Path:
        """A certificate for `names`; its key lies beside it."""
        (self.directory / "ext").write_text(f"subjectAltName={names}\n")
        self._run("req", "-new", *self._key(name), "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self._run(
            "x509",
            "-req",
            "-in",
            f"{name}.csr",
            "-CA",
            "ca.crt",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "2",
            "-extfile",
            "ext",
            "-out",
            f"{name}.crt",
        )
        return self.directory / f"{name}.crt"

    def client(self, name: str = "") -> ssl.SSLContext:
        """A client's side that trusts this authority, with the certificate `name`."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if name:
            context.load_cert_chain(self.directory / f"{name}.crt", self.directory / f"{name}.key")
        return context

    @staticmethod
    def _key(name: str) -> list[str]:
        return [
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            f"{name}.key",
        ]

    def _run(self, *words: str) -> None:
        subprocess.run(
            ["openssl", *words],
            cwd=self.directory,
            check=True,
            capture_output=True,
            timeout=60,
            stdin=subprocess.DEVNULL,
        )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests here."""
    return Authority(tmp_path_factory.mktemp("tls"))


def guard(directory: Path, content: str) -> FileGuard:
    """A guard with this file."""
    path = directory / "web.yml"
    path.write_text(content, "utf-8")
    return FileGuard(path)


def tls(authority: Authority, more: str = "") -> str:
    """A web.config.file with TLS."""
    key = authority.directory / "server.key"
    return f"tls_server_config:\n  cert_file: {authority.server}\n  key_file: {key}\n{more}"


def fetch(port: int, context: ssl.SSLContext) -> int:
    """Status of one request over TLS."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=PATIENCE, context=context)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    finally:
        connection.close()


def basic(user: str, password: str) -> dict[str, str]:
    """The header of basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_tls_serves_and_silent_clients_delay_nobody(authority: Authority, tmp_path: Path) -> None:
    """The handshake happens in the connection's own thread: clients that say nothing do not matter."""
    with serving(server(guard=guard(tmp_path, tls(authority)))) as port:
        silent = [connect(port) for _ in range(20)]
        half = [connect(port) for _ in range(5)]
        for sock in half:
            sock.sendall(b"\x16\x03\x01")
        assert [fetch(port, authority.client()) for _ in range(5)] == [200] * 5
        for sock in (*silent, *half):
            sock.close()


def test_plain_http_to_a_tls_port_is_told_so(authority: Authority, tmp_path: Path) -> None:
    """A client that forgot the s in https learns it."""
    with serving(server(guard=guard(tmp_path, tls(authority)))) as port:
        received = exchange(port, b"GET / HTTP/1.1\r\n\r\n")
        assert received.startswith(b"HTTP/1.1 400 ")
        assert b"HTTPS" in received


def test_a_new_certificate_holds_for_the_next_connection(authority: Authority, tmp_path: Path) -> None:
    """Certificates are renewed without a restart."""
    for name in ("server.crt", "server.key"):
        shutil.copy(authority.directory / name, tmp_path / name)
    content = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"
    with serving(server(guard=guard(tmp_path, content))) as port:

        def serial() -> bytes:
            with (
                connect(port) as sock,
                authority.client().wrap_socket(sock, server_hostname="127.0.0.1") as secure,
            ):
                found = secure.getpeercert(binary_form=True)
                assert found is not None
                return found

        before = serial()
        authority.certificate("renewed", "IP:127.0.0.1")
        for name in ("crt", "key"):
            shutil.copy(authority.directory / f"renewed.{name}", tmp_path / f"new.{name}")
            (tmp_path / f"new.{name}").replace(tmp_path / f"server.{name}")
        assert serial() != before


def test_certificates_may_stand_in_the_file(authority: Authority, tmp_path: Path) -> None:
    """`cert` and `key` hold the PEM itself."""

    def block(path: Path) -> str:
        return "\n".join(f"    {line}" for line in path.read_text().splitlines())

    content = (
        f"tls_server_config:\n  cert: |\n{block(authority.server)}\n  key: |\n"
        f"{block(authority.directory / 'server.key')}\n"
    )
    with serving(server(guard=guard(tmp_path, content))) as port:
        assert fetch(port, authority.client()) == 200


def test_client_certificates(authority: Authority, tmp_path: Path) -> None:
    """Only clients with a certificate of our authority and an allowed name may ask."""
    authority.certificate("good", "DNS:prometheus.example")
    authority.certificate("stranger", "DNS:stranger.example")
    content = tls(
        authority,
        f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {authority.ca}\n"
        "  client_allowed_sans: [prometheus.example]\n",
    )
    with serving(server(guard=guard(tmp_path, content))) as port:
        assert fetch(port, authority.client("good")) == 200
        assert fetch(port, authority.client("stranger")) == 403
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.RemoteDisconnected)):
            fetch(port, authority.client())


def test_old_protocols_are_refused(authority: Authority, tmp_path: Path) -> None:
    """min_version is kept."""
    context = authority.client()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with serving(server(guard=guard(tmp_path, tls(authority, "  min_version: TLS13\n")))) as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            fetch(port, context)
        assert fetch(port, authority.client()) == 200


def test_passwords(tmp_path: Path) -> None:
    """Known users with their password may ask; all others get 401 and a challenge."""
    with serving(server(guard=guard(tmp_path, f"basic_auth_users:\n  alice: {HASH}\n"))) as port:
        refused = get(port)
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"] == 'Basic realm="smtpq_exporter"'
        assert get(port, headers=basic("alice", "secret")).status == 200
        assert get(port, headers=basic("alice", "wrong")).status == 401
        assert get(port, headers=basic("bob", "secret")).status == 401
        assert get(port, headers=basic("alice", "x" * 200)).status == 401
        for header in ("Basic", "Basic !!!", "Bearer abc", "basic " + base64.b64encode(b"alice").decode()):
            assert get(port, headers={"Authorization": header}).status == 401


def test_users_are_read_again(tmp_path: Path) -> None:
    """A user who is taken out of the file is out at once."""
    made = guard(tmp_path, f"basic_auth_users:\n  alice: {HASH}\n")
    with serving(server(guard=made)) as port:
        assert get(port, headers=basic("alice", "secret")).status == 200
        (tmp_path / "web.yml").write_text(f"basic_auth_users:\n  bobby: {HASH}\n")
        assert get(port, headers=basic("alice", "secret")).status == 401
        assert get(port, headers=basic("bobby", "secret")).status == 200


def test_a_file_that_became_bad_lets_nobody_in(tmp_path: Path) -> None:
    """A broken lock is no open door; when it is mended, it opens again."""
    made = guard(tmp_path, f"basic_auth_users:\n  alice: {HASH}\n")
    with serving(server(guard=made)) as port:
        (tmp_path / "web.yml").write_text("basic_auth_users: [\n")
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            get(port, headers=basic("alice", "secret"))
        (tmp_path / "web.yml").write_text(f"basic_auth_users:\n  alice: {HASH}\n")
        assert get(port, headers=basic("alice", "secret")).status == 200


def test_the_rate_limit(tmp_path: Path) -> None:
    """After the burst the answer is 429."""
    with serving(server(guard=guard(tmp_path, "rate_limit:\n  interval: 1h\n  burst: 3\n"))) as port:
        assert [get(port).status for _ in range(5)] == [200, 200, 200, 429, 429]


def test_headers_are_sent(tmp_path: Path) -> None:
    """Headers of the file stand on every answer."""
    with serving(
        server(guard=guard(tmp_path, "http_server_config:\n  headers:\n    X-Frame-Options: deny\n"))
    ) as port:
        assert get(port).headers["X-Frame-Options"] == "deny"


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (
            "tls_server_config:\n  cert_file: none.crt\n  key_file: none.key\n",
            "cannot be used: .*No such file",
        ),
        ("tls_server_config:\n  cert_file: web.yml\n  key_file: web.yml\n", "cannot be used"),
        ("nonsense: true\n", "nonsense: unknown key"),
    ],
)
def test_a_file_that_cannot_be_used_at_the_start(tmp_path: Path, content: str, error: str) -> None:
    """The program does not start with a lock that does not work; the error names the file."""
    with pytest.raises(ConfigError, match=rf"web\.yml: .*{error}|web\.yml: {error}"):
        guard(tmp_path, content)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path stands in the error."""
    with pytest.raises(ConfigError, match=r"gone\.yml: cannot be used: .*No such file"):
        FileGuard(tmp_path / "gone.yml")


def test_a_reset_in_the_handshake_is_no_matter(authority: Authority, tmp_path: Path) -> None:
    """Clients that break off leave nothing behind."""
    with serving(server(guard=guard(tmp_path, tls(authority)))) as port:
        for _ in range(10):
            with connect(port) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                sock.sendall(b"\x16")
        assert fetch(port, authority.client()) == 200
