"""The metrics as a file for node_exporter's textfile collector: always whole, never half written.

The new file is complete and on the disk before it takes the name of the old one. When that fails, for
instance because the disk is full, the old file stays as it is. Source: node_exporter, "Textfile Collector";
rename(2).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from smtpq_exporter.errors import SourceError

#: node_exporter runs as another user and must be able to read it.
_MODE = 0o644


def write(path: Path, data: bytes) -> None:
    """Replace `path` by a file with `data`; raises SourceError and then leaves the old file alone."""
    temporary: Path | None = None
    try:
        # The suffix is not .prom: node_exporter must not read it meanwhile.
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise SourceError(
            "unavailable", f"cannot write {path}: {error.strerror}", _hint(path, error)
        ) from error


def _hint(path: Path, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"make the directory {path.parent} first"
    if isinstance(error, PermissionError):
        return f"this user must be able to write in {path.parent}"
    return "the old file was left as it is"
