"""The mail servers that this program knows. One word each; everything else about it is in its own package.

Pure: no clock, no files.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from smtpq_exporter.mta.mail_server import Mta


class _Known(Mapping[str, "Mta"]):
    """Name -> mail server: <NAME> in the package <name>, which is imported when it is asked for. A plugin or a report
    looks at one mail server and does not wait for the others.
    """

    def __init__(self, *names: str) -> None:
        self._names = names

    def __getitem__(self, name: str) -> Mta:
        if name not in self._names:
            raise KeyError(name)
        return cast("Mta", getattr(import_module(f"{__name__}.{name}"), name.upper()))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


MTAS = _Known("postfix", "exim", "sendmail", "opensmtpd", "exchange")
