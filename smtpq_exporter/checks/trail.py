"""A file that remembers how many messages there were at earlier runs: for a trend without an exporter.

Never in a place that is guessed; the user names it. Written beside and renamed, readable by its owner alone;
a file that is a link, no plain file, too large or not understood is refused, not overwritten.
"""

from __future__ import annotations

import json
import os
import stat
from dataclasses import replace

from smtpq_exporter.errors import SourceError
from smtpq_exporter.model import Moment, Sample

#: A day of minutes for each of many mail servers.
LARGEST, MOST = 4 * 1024 * 1024, 1500
FORM = "smtpq trail 1"


def follow(path: str, samples: tuple[Sample, ...], window: float) -> tuple[Sample, ...]:
    """Give each sample the history of the file and put its own count into it. Raises SourceError."""
    rows = _load(path)
    found = []
    for sample in samples:
        key = f"{sample.mta}/{sample.instance}"
        history = [row for row in rows.get(key, []) if sample.queue is None or row[0] < sample.queue.taken_at]
        found.append(replace(sample, history=tuple(Moment(t, n, None, None, None) for t, n in history)))
        if sample.queue is not None:
            messages = sum(queue.messages for queue in sample.queue.queues.values())
            since = sample.queue.taken_at - 2 * window
            history = [*(row for row in history if row[0] >= since), (sample.queue.taken_at, messages)]
        rows[key] = history[-MOST:]
    _save(path, rows)
    return tuple(found)


def _load(path: str) -> dict[str, list[tuple[float, int]]]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _refused(path, error.strerror or "cannot be opened") from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
            raise _refused(path, "is no small plain file")
        try:
            data = json.loads(file.read(LARGEST))
            rows = data[FORM]
            return {str(key): [(float(t), int(n)) for t, n in points] for key, points in rows.items()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise _refused(path, "was not written by this check") from None


def _save(path: str, rows: dict[str, list[tuple[float, int]]]) -> None:
    beside = f"{path}.new{os.getpid()}"
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            json.dump({FORM: rows}, file)
        os.replace(beside, path)  # noqa: PTH105
    except OSError as error:
        raise _refused(path, f"cannot be written: {error.strerror}") from None


def _refused(path: str, why: str) -> SourceError:
    return SourceError("unavailable", f"the state file {path} {why}",
                       "--state-file names a file of its own in a directory that this user may write")
