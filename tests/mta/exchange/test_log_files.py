"""Tracking logs as they lie in their directory: a file each hour and for each part, none of them renamed."""

from __future__ import annotations

from pathlib import Path

from smtpq_exporter.io.logfile import LOOK_SECONDS, LogFiles
from smtpq_exporter.logs.tally import Tally
from smtpq_exporter.mta.exchange.log import ExchangeLog
from smtpq_exporter.reasons import Classifier
from tests.mta.exchange.test_log import record

HEADER = b"\xef\xbb\xbf#Software: Microsoft Exchange Server\r\n#Log-type: Message Tracking Log\r\n"
NAMES = ("MSGTRK2026112408-1.LOG", "MSGTRK2026112408-2.LOG", "MSGTRKMD2026112408-1.LOG",
         "MSGTRKMS2026112408-1.LOG",
         "MSGTRK2026112409-1.LOG", "MSGTRK2026112409-10.LOG", "msgtrk2026112410-1.log")


def test_each_file_is_read_once_also_across_a_restart(tmp_path: Path) -> None:
    """Files that come one after the other, grow, and are deleted by Exchange: each record counts once."""
    clock = [0.0]
    pattern = str(tmp_path / "[Mm][Ss][Gg][Tt][Rr][Kk]*.[Ll][Oo][Gg]")
    source = LogFiles(pattern, start="beginning", clock=lambda: clock[0])
    tally = Tally()
    parser = ExchangeLog(tally, Classifier())

    def follow() -> None:
        clock[0] += LOOK_SECONDS + 1
        for _ in range(5):
            parser.feed(source.poll(1 << 20))

    for number, name in enumerate(NAMES, 1):
        path = tmp_path / name
        path.write_bytes(HEADER + record(event_id="RECEIVE", network_message_id=f"a-{number}") + b"\r\n")
        follow()
        with path.open("ab") as file:
            file.write(record(event_id="RECEIVE", network_message_id=f"b-{number}") + b"\r\n")
        follow()
        assert tally.received == 2 * number, name
        position = source.position()
        source.close()
        source = LogFiles(pattern, position, clock=lambda: clock[0])
        parser = ExchangeLog(tally, Classifier())
    (tmp_path / NAMES[0]).unlink()
    follow()
    source.close()
    assert (tally.received, tally.lines["unparsed"]) == (2 * len(NAMES), 0)
