"""A process that forks followers: each is a real process, ready in milliseconds, that a test may kill at any
moment.

Usage: follower_child.py LOG STATE_DIRECTORY. Reads commands from standard input: `start` forks a follower and
answers with its process id; `reap PID` waits for its end and answers; the end of input ends everything.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

from smtpq_exporter.io.pump import open_pump
from smtpq_exporter.mta.base import Instance
from tests.io.growing import TinyParser, TinyTally

_PR_SET_PDEATHSIG = 1


def follow(log: str, state_directory: str) -> None:
    """Follow until SIGTERM."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    stop = threading.Event()

    def end() -> None:
        signal.sigwait({signal.SIGTERM})
        stop.set()

    # A thread, no handler: one that interrupts the wait for an Event must not set it, its lock is held.
    threading.Thread(target=end, daemon=True).start()
    instance = Instance("postfix", "test", logs=(log,))
    pump = open_pump(
        instance,
        state_directory=state_directory,
        start="beginning",
        tally=TinyTally,
        parser=TinyParser,
        save_seconds=0.01,
    )
    assert pump is not None
    pump.run(stop)


def main() -> None:
    """Serve commands."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})  # one that comes early waits for the follower
    for command in sys.stdin:
        verb, *arguments = command.split()
        if verb == "start":
            child = os.fork()
            if child == 0:
                status = 1
                try:
                    follow(sys.argv[1], sys.argv[2])
                    status = 0
                finally:
                    os._exit(status)
            print(child, flush=True)
        else:
            print(os.waitstatus_to_exitcode(os.waitpid(int(arguments[0]), 0)[1]), flush=True)


if __name__ == "__main__":
    main()
