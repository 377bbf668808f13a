"""A host on which only some files are."""

from __future__ import annotations

from collections.abc import Collection, Sequence


class Nothing:
    """A Probe that sees these paths and no content."""

    def __init__(self, paths: Collection[str] = ()) -> None:
        self.paths = paths

    def read(self, path: str) -> bytes | None:
        return None

    def exists(self, path: str) -> bool:
        return path in self.paths

    def listdir(self, path: str) -> list[str] | None:
        return None

    def run(self, argv: Sequence[str]) -> bytes | None:
        return None
