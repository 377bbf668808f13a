"""What to do when a file may not be read: the words of the hint."""

from __future__ import annotations

import grp
import os

from smtpq_exporter.errors import SourceError


def denied(path: str, what: str = "") -> SourceError:
    """The error for a path that this process may not read, with the group that may."""
    obstacle = _obstacle(path)
    text = f"{what or 'may not read'} {path}" + ("" if obstacle == path else f" (directory {obstacle} is closed)")
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
    return "its group may not read it either: log to the journal instead, or give the file to group adm with mode 0640"
