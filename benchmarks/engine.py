"""The log engine over one file, everything switched on: `python -m benchmarks.engine FILE [MTA]` prints what
it counted.

Whole chunks of lines are fed, as `smtpq logs` does, the interpreter is set up as for the exporter; timestamps, all
events, reasons, delays, destinations.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict

from smtpq_exporter import runtime
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta import MTAS
from smtpq_exporter.reasons import Classifier
from smtpq_exporter.report.files import chunks, segments


def main(path: str, mta: str = "postfix") -> None:
    runtime.tune()
    tally = Tally()
    make = MTAS[mta].log
    assert make is not None
    parser = make(tally, Classifier(), ())
    for segment in segments(path, time.time()):
        for lines in chunks(segment, ends=getattr(parser, "ends", False)):
            parser.feed(lines)
    frozen = tally.freeze(time.time())
    print(
        json.dumps(
            {"lines": frozen.lines, "deliveries": frozen.deliveries, "latency": asdict(frozen)["latency"]}
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:3])
    sys.stdout.flush()
    os._exit(0)  # as smtpq ends; an exporter does not
