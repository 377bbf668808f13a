"""One GET over HTTP/1.0, as small as it can be: 200 plugins that start at once cannot afford http.client.

Law: one deadline spans connection, request and the whole answer; an answer that ends early, is too large or
is not 200 is a SourceError, never a shorter body. ssl is loaded only for https. Redirects and proxies are not
followed: the exporter is asked where the administrator said it is.
Source: RFC 9112 (message syntax), RFC 1945 (HTTP/1.0), RFC 7617 (basic authentication).
"""

from __future__ import annotations

import time

from smtpq_exporter.checks.url import split
from smtpq_exporter.errors import SourceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket as sockets
else:
    try:
        import _socket as sockets  # what module socket adds is not needed here, and takes as long as the request
    except ImportError:
        import socket as sockets

#: The sample of a host with many mail servers is some hundred kilobytes.
LARGEST_ANSWER = 16 * 1024 * 1024


class AbsentError(SourceError):
    """Nobody listens there."""


class Access:
    """How to reach an exporter: files for credentials (``user:password``), CA and client certificate."""

    __slots__ = ("ca_file", "certificate", "credentials", "insecure")

    def __init__(
        self, *, credentials: str = "", ca_file: str = "", certificate: str = "", insecure: bool = False
    ) -> None:
        self.credentials, self.ca_file = credentials, ca_file
        self.certificate, self.insecure = certificate, insecure


def get(url: str, path: str, access: Access, deadline: float) -> tuple[bytes, float | None]:
    """Body and moment of a 200 answer; raises SourceError. `deadline` is monotonic."""
    tls, host, port, path = split(url, path)
    place = f"http{'s' if tls else ''}://{host}:{port}"
    request = (
        f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\nAccept: application/json\r\n"
        f"User-Agent: check_smtpq\r\n{_authorization(access)}\r\n"
    )
    try:
        answer = _exchange(request.encode("ascii"), host, port, tls, access, deadline)
    except TimeoutError:
        raise SourceError("timeout", f"no answer from the exporter at {place} in time",
                          "see whether smtpq-exporter hangs, or raise -t") from None
    except ConnectionRefusedError:
        raise AbsentError("unavailable", f"no exporter listens at {place}",
                          "start smtpq-exporter, or use --source mta") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SourceError("unavailable", f"the exporter at {place} cannot be reached: {reason}",
                          "check --url and the network") from None
    return _body(answer, place)


def _exchange(request: bytes, host: str, port: int, tls: bool, access: Access, deadline: float) -> bytes:
    link = _connect(host, port, deadline)
    try:
        if tls:
            link = _secure(link, host, access)
        link.sendall(request)
        return _read(link, deadline)
    finally:
        link.close()


def _connect(host: str, port: int, deadline: float) -> sockets.socket:
    failure: OSError = OSError("no address")
    # as bytes: a text would load the tables of international names
    found = sockets.getaddrinfo(host.encode("ascii"), port, 0, sockets.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        link = sockets.socket(family, kind, protocol)
        try:
            link.settimeout(_left(deadline))
            link.connect(address)
        except OSError as error:
            link.close()
            failure = error
        else:
            return link
    raise failure


def _secure(plain: sockets.socket, host: str, access: Access) -> sockets.socket:
    import socket
    import ssl  # 15 ms: only who asks for https pays

    try:
        context = ssl.create_default_context(cafile=access.ca_file or None)
        if access.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if access.certificate:
            context.load_cert_chain(access.certificate)
    except OSError as error:
        name = access.certificate or access.ca_file
        raise SourceError("permission", f"cannot load {name}: {error.strerror or error}",
                          "name PEM files that this user may read") from None
    left = plain.gettimeout()
    link = socket.socket(fileno=plain.detach())  # ssl wants the larger class
    link.settimeout(left)
    try:
        return context.wrap_socket(link, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        raise SourceError("unavailable", f"the exporter's certificate is not trusted: {error.verify_message}",
                          "name its CA with --ca-file") from None


def _authorization(access: Access) -> str:
    if not access.credentials:
        return ""
    from binascii import b2a_base64

    try:
        with open(access.credentials, "rb") as file:  # noqa: PTH123  # pathlib costs 5 ms
            line = file.read(4096).split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as error:
        raise SourceError("permission", f"cannot read {access.credentials}: {error.strerror}",
                          "--credentials names a file with one line user:password") from None
    return f"Authorization: Basic {b2a_base64(line, newline=False).decode('ascii')}\r\n"


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _read(link: sockets.socket, deadline: float) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        link.settimeout(_left(deadline))
        part = link.recv(65536)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise SourceError("truncated", f"the exporter's answer is larger than {LARGEST_ANSWER} bytes",
                              "check --url: this is no sample")


def _body(answer: bytes, place: str) -> tuple[bytes, float | None]:
    head, mark, body = answer.partition(b"\r\n\r\n")
    first, *fields = head.decode("latin-1").split("\r\n")
    version, _, status = first.partition(" ")
    if not mark or not version.startswith("HTTP/1."):
        raise SourceError("parse", f"what listens at {place} does not speak HTTP", "check --url")
    code = status[:3]
    if code in ("401", "403"):
        raise SourceError("permission", f"the exporter at {place} refuses access ({status})",
                          "name a file with user:password by --credentials")
    if code != "200":
        raise SourceError("unavailable", f"{place} answered {status}", "check --url and the exporter's log")
    moment = None
    for field in fields:
        name, _, value = field.partition(":")
        if name.lower() == "content-length" and value.strip().isdigit() and int(value) != len(body):
            raise SourceError("truncated", f"the answer of {place} broke off after {len(body)} bytes",
                              "see whether smtpq-exporter was restarted")
        if name.lower() == "transfer-encoding":
            raise SourceError("parse", f"{place} answered HTTP/1.0 with {value.strip()}",
                              "name the exporter itself by --url, not its proxy")
        if name.lower() == "date":
            moment = _moment(value.split())
    return body, moment


def _moment(words: list[str]) -> float | None:
    """The epoch of ``Tue, 24 Nov 2026 07:03:13 GMT``; None if it is no such date. RFC 9110, section 5.6.7."""
    months = "JanFebMarAprMayJunJulAugSepOctNovDec"
    try:
        _, day, month, year, clock, _ = words
        hour, minute, second = clock.split(":")
        # years begin in March here: the leap day is the last day of a year
        index = (months.index(month) // 3 + 10) % 12
        years = int(year) - (index > 9)
        days = 365 * years + years // 4 - years // 100 + years // 400 + (153 * index + 2) // 5 + int(day)
        return float((days - 719469) * 86400 + int(hour) * 3600 + int(minute) * 60 + int(second))
    except ValueError:
        return None
