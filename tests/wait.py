"""Wait for a condition with a deadline: the only way in which a test waits."""

import time
from collections.abc import Callable
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
