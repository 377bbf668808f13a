"""Compressed log files, of which what comes before a damage counts.

Only who meets one waits for the libraries to be imported.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from io import BufferedReader

from smtpq_exporter.report.files import BZIP2, GZIP


class Packed:
    """Reads one, from its first byte on; what comes before a damage is given before the damage is told."""

    def __init__(self, raw: BufferedReader) -> None:
        begins = raw.peek(len(BZIP2))
        self._stream: gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile
        if begins.startswith(GZIP):
            self._stream = gzip.GzipFile(fileobj=raw)
        elif begins.startswith(BZIP2):
            self._stream = bz2.BZ2File(raw)
        else:
            self._stream = lzma.LZMAFile(raw)  # noqa: SIM115 - who opened `raw` closes it
        self._damage: Exception | None = None

    def read(self, size: int, /) -> bytes:
        """Return up to so many bytes, none at the end; OSError or EOFError if a damage comes next."""
        pieces: list[bytes] = []
        while size > 0 and (piece := self._try(self._stream.read1, size)):
            pieces.append(piece)
            size -= len(piece)
        if self._damage is not None and not pieces:
            raise self._damage
        return b"".join(pieces)

    def readline(self, size: int, /) -> bytes:
        """Return a line, as far as it can be read and up to so many bytes."""
        return self._try(self._stream.readline, size)

    def _try(self, read: Callable[[int], bytes], size: int) -> bytes:
        try:
            return read(size) if self._damage is None else b""
        except OSError as damage:
            self._damage = damage
        except (EOFError, zlib.error, lzma.LZMAError) as damage:
            self._damage = EOFError(str(damage))
        return b""
