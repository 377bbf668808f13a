"""HTML by construction: what is text is escaped, always; only what these functions made is markup. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

_VOID = frozenset(("meta", "link", "br", "rect", "path", "line", "circle"))


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def el(name: str, /, *children: str | None, **attributes: str | float | None) -> Markup:
    """An element. A child that is no Markup is escaped; attributes that are None are left out.

    A trailing "_" of an attribute's name is dropped and "_" becomes "-": class_, aria_label.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value), quote=True)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not children:
        return Markup(f"<{name}{given}>" if name in ("meta", "link", "br") else f"<{name}{given}/>")
    return Markup(f"<{name}{given}>{join(*children)}</{name}>")


def join(*children: str | None) -> Markup:
    """One after the other; None is left out."""
    return Markup(
        "".join(
            child if isinstance(child, Markup) else escape(child) for child in children if child is not None
        )
    )


def prose(text: str) -> Markup:
    """Text in which `backticks` mark what is typed."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:  # a backtick without its partner is only a backtick
        return join(text)
    return join(*(el("code", piece) if index % 2 else piece for index, piece in enumerate(pieces)))


def table(
    caption: str,
    head: tuple[str, ...],
    rows: Sequence[tuple[str, ...]],
    *,
    numbers: tuple[int, ...] = (),
    class_: str | None = None,
) -> Markup:
    """A table whose columns `numbers` are right-aligned; the first cell of a row is its heading."""

    def cell(name: str, index: int, content: str, **attributes: str) -> Markup:
        return el(name, content, class_="num" if index in numbers else None, **attributes)

    return el(
        "div",
        el(
            "table",
            el("caption", caption),
            el("thead", el("tr", *(cell("th", i, text, scope="col") for i, text in enumerate(head)))),
            el(
                "tbody",
                *(
                    el(
                        "tr",
                        cell("th", 0, row[0], scope="row"),
                        *(cell("td", i, content) for i, content in enumerate(row[1:], 1)),
                    )
                    for row in rows
                ),
            ),
            class_=class_,
        ),
        class_="scroll",
    )
