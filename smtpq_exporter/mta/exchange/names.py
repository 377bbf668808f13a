"""Names of Exchange's queues as this program shows them: what every program loads, so it is small.

Pure. Source of truth: Microsoft, "Queues"; docs/mta/exchange.md says what each holds.
"""

from __future__ import annotations

NAME = "exchange"
#: All queues, in the order in which mail may stand in them. `other` is one whose state was not told.
QUEUES = ("submission", "delivery", "retry", "suspended", "unreachable", "poison", "other")
#: Redundant copies of mail that another server delivers: not empty, and nothing is wrong.
ASIDES = ("shadow",)
