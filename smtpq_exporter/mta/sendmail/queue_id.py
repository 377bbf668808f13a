"""File names of Sendmail's queue: a letter and f for the type, then the queue id.

Pure. Source of truth: assign_queueid() in sendmail/queue.c. The id is eight characters of time and sequence
and the process number, of five digits in old releases and six or more in others.
"""

from __future__ import annotations

import re

#: What a control file is: waiting; quarantined; lost, that is set aside by Sendmail because it was not fit to
#: be read.
WAITING, QUARANTINED, LOST = b"qf", b"hf", b"Qf"
CONTROL = frozenset((WAITING, QUARANTINED, LOST))
#: Sendmail itself takes no longer ones (MAXQFNAME).
_SHORTEST, _LONGEST = 7, 18


#: Whether all names, a NUL behind each, are those of control files.
are_control_files = re.compile(rb"(?:[qhQ]f[0-9A-Za-z]{7,18}\0)*+").fullmatch


def is_control_file(name: bytes) -> bool:
    """Whether a file of this name holds the envelope of a message."""
    return name[:2] in CONTROL and _SHORTEST <= len(name) - 2 <= _LONGEST and name.isalnum()
