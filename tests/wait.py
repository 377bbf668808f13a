"""Wait for a condition with a deadline: the only way in which a test waits."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], seconds: float = 10.0, every: float = 0.02) -> T:
    """Return the first true value of `condition`; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not true within {seconds} s: {condition!r}"
        time.sleep(every)


def quiet(path: Path, seconds: float = 0.05) -> bool:
    """Whether nothing is written to a file for so long: a log is written by a process of its own, a moment later."""
    def size() -> int:
        return path.stat().st_size if path.exists() else -1
    before = size()
    time.sleep(seconds)
    return size() == before
