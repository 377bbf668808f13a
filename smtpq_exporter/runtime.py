"""How the interpreter is set up for a process that answers quickly while it reads a long queue.

Two things make a thread wait for another: the switch interval (5 ms by default, several times a request) and
the full garbage collection, which walks every object that lives: 0.3 s at a million messages. So automatic
collection is off; `tidy` looks at young objects only and then counts them as old. Nothing here makes
reference cycles as a rule; the few that outlive their youth stay.
"""

from __future__ import annotations

import gc
import sys

#: Seconds after which a busy thread gives way.
SWITCH_SECONDS = 0.0005
#: More young objects than this are a queue that was just learnt, not garbage: walking them would take too
#: long.
_MANY = 20_000


def tune() -> None:
    """Call once at the start."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.disable()
    gc.freeze()


def tidy() -> None:
    """Call now and then, while no reading is in progress: free the cycles among the young, keep the rest."""
    if gc.get_count()[0] < _MANY:
        gc.collect()
    gc.freeze()
