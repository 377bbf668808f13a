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
#: A file that holds the envelope of a message. Sendmail itself takes no longer names (MAXQFNAME).
CONTROL_FILE = rb"[qhQ]f[0-9A-Za-z]{7,18}"
is_control_file = re.compile(CONTROL_FILE).fullmatch
