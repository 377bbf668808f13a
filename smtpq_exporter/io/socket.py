"""Reading a whole listing from a Unix socket of the mail server. Nothing is sent.

Law: bounded in time and bytes; what goes wrong is a SourceError that says whether it is permission or
absence.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Generator

from smtpq_exporter.errors import SourceError
from smtpq_exporter.io.command import MOST

_CHUNK = 1 << 18


def stream(path: str, deadline: float, *, most: int = MOST) -> Generator[bytes, None, None]:
    """Pieces of what the server at `path` sends until it closes; `deadline` on time.monotonic()."""
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.settimeout(_left(deadline))
            connect(client, path)
            read = 0
            while True:
                client.settimeout(_left(deadline))
                data = client.recv(_CHUNK)
                if not data:
                    return
                read += len(data)
                if read > most:
                    raise SourceError("truncated", f"{path} sent more than {most} bytes")
                yield data
        except TimeoutError:
            raise _late(path) from None
        except PermissionError as error:
            raise SourceError(
                "permission", f"{path}: permission denied",
                "run with the group that owns the directory (postdrop)",
            ) from error
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise SourceError(
                "unavailable", f"{path}: nobody listens", "is the mail system running?",
            ) from error
        except OSError as error:
            raise SourceError("unavailable", f"{path}: {error.strerror or error}") from error


def connect(client: socket.socket, path: str) -> None:
    """Connect to a path of any length: the address of a Unix socket holds about 100 bytes."""
    if len(os.fsencode(path)) < 100:
        client.connect(path)
        return
    folder, name = os.path.split(path)
    descriptor = os.open(folder, getattr(os, "O_PATH", os.O_RDONLY) | os.O_CLOEXEC)
    try:
        client.connect(f"/proc/self/fd/{descriptor}/{name}")
    finally:
        os.close(descriptor)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _late(path: str) -> SourceError:
    return SourceError("timeout", f"{path} did not end in time", "a longer timeout or the spool source helps")
