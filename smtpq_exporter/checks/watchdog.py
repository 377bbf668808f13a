"""The end of a plugin, whatever happens: within its time, with one output, with no child left behind.

Law: a thread keeps the time, for a signal handler does not run while the main thread is stuck in a library
call. Who speaks first claims the output; nobody speaks twice. All descendants are killed with their groups.
"""

from __future__ import annotations

import _thread
import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal
    from collections.abc import Callable
    from typing import NoReturn
else:
    try:
        import _signal as signal  # without the enumerations, whose import takes longer than all of a plugin
    except ImportError:
        import signal


class Watchdog:
    """Speaks `late()` -> (text, exit code) and ends the process after `seconds`, unless it ended before."""

    def __init__(self, seconds: float, late: Callable[[], tuple[str, int]]) -> None:
        self._claim = _thread.allocate_lock()
        self._seconds, self._late = seconds, late

    def start(self) -> None:
        """Begin to keep the time."""
        _thread.start_new_thread(self._watch, ())

    def _watch(self) -> None:
        time.sleep(self._seconds)
        # Claimed before it is worked out: a main thread that was late by a moment stays silent.
        if self._claim.acquire(blocking=False):
            text, code = self._late()
            finish(text, code)

    def finish(self, text: str, code: int) -> NoReturn:
        """Speak and end the process, unless the time is over and the other thread is doing so."""
        if not self._claim.acquire(blocking=False):
            time.sleep(60)
        finish(text, code)


def finish(text: str, code: int) -> NoReturn:
    """Write `text` to stdout and end at once: 3 if nobody can read it. Costs no interpreter shutdown."""
    kill_descendants()
    data = text.encode("utf-8", "backslashreplace")
    try:
        while data:
            data = data[os.write(1, data) :]
    except OSError:
        code = 3
    os._exit(code)


def guard() -> None:
    """Make descriptors 0 to 2 safe: a closed one would be given to a socket, and stderr belongs to nobody."""
    null = os.open(os.devnull, os.O_RDWR)
    while null <= 2:
        null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.close(null)


def on_signals(handler: Callable[[int, object], object]) -> None:
    """Let a plugin that is told to end say UNKNOWN instead of dying silently."""
    for name in ("SIGTERM", "SIGHUP", "SIGINT"):
        signal.signal(getattr(signal, name), handler)


def kill_descendants() -> None:
    """Kill all children and theirs; each leads a process group of its own, so that group is killed whole."""
    own = os.getpgrp()
    for child in _children(os.getpid()):
        try:
            group = os.getpgid(child)
            if group == own:
                os.kill(child, signal.SIGKILL)
            else:
                os.killpg(group, signal.SIGKILL)
        except OSError:
            continue  # it ended by itself


def _children(parent: int, depth: int = 0) -> list[int]:
    found: list[int] = []
    try:
        tasks = os.listdir(f"/proc/{parent}/task")  # noqa: PTH208  # pathlib costs 5 ms
    except OSError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{parent}/task/{task}/children", "rb") as file:  # noqa: PTH123
                direct = [int(word) for word in file.read().split()]
        except OSError:
            continue
        for child in direct:
            found += [child, *(_children(child, depth + 1) if depth < 8 else [])]
    return found
