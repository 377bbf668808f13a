"""The envelopes that container engines put around log lines; what the mail server wrote comes out.

An engine cuts a long line into partial records of one stream (stdout, stderr); they are joined again. Both
decoders do no I/O: the files are followed like any log. Parts without their end are in `state`, so a restart
does not tear a line. Source of truth: Docker's json-file logging driver; Kubernetes CRI logging format (`TIME
STREAM TAGS CONTENT`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from smtpq_exporter.io.lines import LINE_LIMIT

#: Streams that a container has.
_STREAMS = (b"stdout", b"stderr")


class Decoder(Protocol):
    """Takes the lines of a file, returns those of the mail server."""

    cut: int
    """Joined lines that were longer than LINE_LIMIT and were cut."""
    foreign: int
    """Lines without the expected envelope; they are passed over."""

    def decode(self, lines: Sequence[bytes]) -> list[bytes]:
        """Take the envelopes off; lines that are not complete yet are kept."""

    def state(self) -> dict[str, str]:
        """The kept parts by stream, JSON-able."""

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned; ValueError for anything else."""


class _Joiner:
    """Joins the parts of each stream."""

    def __init__(self) -> None:
        self.cut = self.foreign = 0
        self._parts: dict[bytes, bytes] = {}

    def _add(self, lines: list[bytes], stream: bytes, text: bytes, *, complete: bool) -> None:
        kept = self._parts.pop(stream, b"")
        if len(kept) <= LINE_LIMIT:
            kept = (kept + text)[: LINE_LIMIT + 1]
        if not complete:
            self._parts[stream] = kept
            return
        if len(kept) > LINE_LIMIT:
            self.cut += 1
            kept = kept[:LINE_LIMIT]
        lines.append(kept)

    def state(self) -> dict[str, str]:
        """The kept parts by stream, JSON-able."""
        return {stream.decode(): part.decode("latin-1") for stream, part in self._parts.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned; ValueError for anything else."""
        parts = {stream: state[stream.decode()] for stream in _STREAMS if stream.decode() in state}
        if not all(isinstance(part, str) for part in parts.values()):
            raise ValueError("not the parts of container log lines")
        self._parts = {stream: part.encode("latin-1") for stream, part in parts.items()}


class DockerDecoder(_Joiner):
    r"""`{"log":"text\n","stream":"stdout","time":"..."}`; a log without a newline at its end is a part."""

    def decode(self, lines: Sequence[bytes]) -> list[bytes]:
        """Take the envelopes off. Where the text was not UTF-8, the engine has put U+FFFD already."""
        out: list[bytes] = []
        for line in lines:
            try:
                record = json.loads(line)
                text = record["log"].encode("utf-8", "surrogatepass")
                stream = record.get("stream", "stdout").encode()
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                self.foreign += 1
                continue
            complete = text.endswith(b"\n")
            *whole, last = text.split(b"\n")
            for part in whole:
                self._add(out, _known(stream), part, complete=True)
            if not complete:
                self._add(out, _known(stream), last, complete=False)
        return out


class CriDecoder(_Joiner):
    """`2026-11-24T06:50:01.123456789Z stdout F text`; the first tag is P for a part, F for an end."""

    def decode(self, lines: Sequence[bytes]) -> list[bytes]:
        """Take the envelopes off."""
        out: list[bytes] = []
        for line in lines:
            fields = line.split(b" ", 3)
            if len(fields) < 3 or fields[1] not in _STREAMS:
                self.foreign += 1
                continue
            text = fields[3] if len(fields) == 4 else b""
            self._add(out, fields[1], text, complete=fields[2].split(b":")[0] != b"P")
        return out


def _known(stream: bytes) -> bytes:
    return stream if stream in _STREAMS else _STREAMS[0]


#: Decoders by kind of source.
DECODERS: dict[str, type[DockerDecoder | CriDecoder]] = {"docker": DockerDecoder, "cri": CriDecoder}
