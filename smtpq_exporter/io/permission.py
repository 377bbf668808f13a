"""Whether a log file can be read, and if not, the words that tell what to do."""

from __future__ import annotations

import grp
import os
from stat import S_ISREG

from smtpq_exporter.errors import SourceError


def look(path: str) -> os.stat_result | None:
    """What stands at the path; None if nothing does. Raises SourceError for anything but a regular file."""
    try:
        seen = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise denied(path) from None
    except OSError as reason:
        hint = "is its file system mounted?"
        raise SourceError("unavailable", f"cannot look at {path}: {reason.strerror}", hint) from None
    if not S_ISREG(seen.st_mode):
        raise SourceError("unavailable", f"{path} is not a regular file", "give the log file itself")
    return seen


def trace(seen: os.stat_result) -> tuple[int, ...]:
    """What changes when something is written. The same size may hide a truncation, so the time is in it."""
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns


def denied(path: str, what: str = "") -> SourceError:
    """The error for a path that this process may not read, with the group that may."""
    obstacle = _obstacle(path)
    text = f"{what or 'may not read'} {path}"
    if obstacle != path:
        text += f" (directory {obstacle} is closed)"
    return SourceError("permission", text, _hint(obstacle))


def _obstacle(path: str) -> str:
    """The first directory on the way that cannot be passed, else the file itself."""
    directory = os.path.dirname(os.path.abspath(path))
    closed = path
    while not os.access(directory, os.X_OK) and directory != "/":
        closed, directory = directory, os.path.dirname(directory)
    return closed


def _hint(path: str) -> str:
    try:
        status = os.stat(path)
        group = grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):
        group = ""
    else:
        if not status.st_mode & 0o040:
            group = ""
    if group and group != "root":
        return f"add the service's user to group {group} (systemd: SupplementaryGroups={group})"
    return "its group may not read it either: log to the journal, or give it to group adm with mode 0640"
