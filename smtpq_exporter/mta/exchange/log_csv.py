"""Lines of an Exchange log -> records by the names of their fields.

Pure. The header ``#Fields:`` names the fields, and stands at the beginning of each file only: who goes on in
the middle of a file, or reads several in turn, has not just seen it. So a record is understood by how many
fields it has: the last header with as many, or else the layouts that are known. Newer versions add fields at
the end. A quoted field (RFC 4180) may hold line breaks. Source of truth: Microsoft, "Message tracking",
"Connectivity logging".
"""

from __future__ import annotations

import csv
import re

#: Exchange 2013 to SE, 2010, and the connectivity log.
TRACKING = (
    "date-time", "client-ip", "client-hostname", "server-ip", "server-hostname", "source-context",
    "connector-id", "source", "event-id", "internal-message-id", "message-id", "network-message-id",
    "recipient-address", "recipient-status", "total-bytes", "recipient-count",
    "related-recipient-address", "reference", "message-subject", "sender-address", "return-path",
    "message-info", "directionality", "tenant-id", "original-client-ip", "original-server-ip",
    "custom-data", "transport-traffic-type", "log-id", "schema-version",
)
_LACKING = {"network-message-id", "transport-traffic-type", "log-id", "schema-version"}
TRACKING_2010 = tuple(name for name in TRACKING if name not in _LACKING)
CONNECTIVITY = ("date-time", "session", "source", "destination", "direction", "description")
_FIELDS = "#fields:"
_DATED = re.compile(rb"\"?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}")
#: Bounds of what a record may spread over, and of layouts that are remembered.
_LINES, _BYTES, _LAYOUTS, _MOST_FIELDS = 50, 65536, 16, 100
Record = dict[str, str]


class Records:
    """Reads lines one after the other."""

    def __init__(self) -> None:
        self._layouts = {len(layout): layout for layout in (TRACKING, TRACKING_2010, CONNECTIVITY)}
        self._begun: list[bytes] = []

    def read(self, line: bytes) -> Record | bool:
        """The record that ends with this line; True for a line that is none, or not yet; False for a broken
        one.
        """
        line = line.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
        if self._begun:
            return self._more(line)
        if line.startswith(b"#"):
            self._learn(line)
            return True
        if not _DATED.match(line):
            return True
        return self._begin(line)

    def _begin(self, line: bytes) -> Record | bool:
        if line.count(b'"') % 2:
            self._begun = [line]
            return True
        return self._record(line)

    def _more(self, line: bytes) -> Record | bool:
        """A record's next line; a line that begins like another record ends one that is broken."""
        whole = line.count(b'"') % 2 == 0 and line.count(b",") >= 5
        if line.startswith(b"#") or (whole and _DATED.match(line)):
            self._begun = []
            return self.read(line)
        self._begun.append(line)
        if line.count(b'"') % 2:
            record = b" ".join(self._begun)
            self._begun = []
            return self._record(record)
        if len(self._begun) >= _LINES or sum(map(len, self._begun)) > _BYTES:
            self._begun = []
            return False
        return True

    def _record(self, line: bytes) -> Record | bool:
        try:
            values = next(csv.reader([line.decode("utf-8", "replace").replace("\0", "")], strict=True))
        except (csv.Error, StopIteration):
            return False
        layout = self._layouts.get(len(values))
        if layout is None and len(TRACKING) < len(values) <= _MOST_FIELDS:
            layout = TRACKING
        return dict(zip(layout, values, strict=False)) if layout else False

    def _learn(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace")
        if not text.lower().startswith(_FIELDS):
            return
        names = tuple(name.strip().lower() for name in text[len(_FIELDS) :].split(","))
        if len(names) <= _MOST_FIELDS and all(map(_NAME.fullmatch, names)) and names[0] == "date-time":
            if len(self._layouts) >= _LAYOUTS and len(names) not in self._layouts:
                return
            self._layouts[len(names)] = names
