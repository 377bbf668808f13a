"""The address of an exporter, taken apart. Pure; urllib.parse costs more than the whole request."""

from __future__ import annotations


def split(url: str, path: str) -> tuple[bool, str, int, str]:
    """Take a URL apart: (tls, host, port, path); `path` where the URL has none. ValueError if it is none."""
    scheme, mark, rest = url.partition("://")
    plain = rest.isascii() and rest.isprintable() and " " not in rest
    if not mark or scheme not in ("http", "https") or not plain:
        raise ValueError(f"{url!r} is no URL: write http://127.0.0.1:10125")
    authority, slash, own = rest.partition("/")
    if "@" in authority:
        raise ValueError("a password in a URL can be read by everybody: use --credentials FILE")
    host, port = authority, ""
    if authority.startswith("["):
        host, _, port = authority[1:].partition("]")
        port = port.removeprefix(":")
    elif ":" in authority:
        host, _, port = authority.rpartition(":")
    if not host or (port and not (port.isdigit() and 0 < int(port) < 65536)):
        raise ValueError(f"{url!r} is no URL: its host or port is wrong")
    tls = scheme == "https"
    return tls, host, int(port or (443 if tls else 80)), f"/{own}" if slash and own else path
