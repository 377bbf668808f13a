"""Small pictures as inline SVG: no script, and they say in words what they show. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from smtpq_exporter.web.html import Markup, el

#: Upper edges in seconds of the bands that ages are drawn in, and what they are called.
AGE_BANDS = (
    (300, "under 5m"),
    (3600, "5m to 1h"),
    (14400, "1h to 4h"),
    (86400, "4h to 1d"),
    (172800, "1d to 2d"),
    (float("inf"), "over 2d"),
)


def bar(value: float, largest: float, class_: str = "bar") -> Markup:
    """A bar as long as `value` is of `largest`; the number beside it is for the reader."""
    width = 0.0 if largest <= 0 else max(1.0, 100 * value / largest) if value else 0.0
    return el(
        "svg",
        el("rect", width=f"{width:.2f}", height="10", rx="1"),
        class_=class_,
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def bands(bounds: Sequence[float], counts: Sequence[int]) -> list[int]:
    """Counts of an age distribution gathered in AGE_BANDS: each band's edge is an edge of it too."""
    gathered = [0] * len(AGE_BANDS)
    for bound, count in zip((*bounds, float("inf")), counts, strict=True):
        gathered[next(i for i, (edge, _) in enumerate(AGE_BANDS) if bound <= edge)] += count
    return gathered


def ages(counts: Sequence[int], longest: int) -> Markup:
    """A bar of all messages, coloured by how long they have been waiting."""
    total = sum(counts)
    parts, left = [], 0.0
    for index, count in enumerate(counts):
        if count:
            width = 100 * count / max(longest, 1)
            title = el("title", f"{AGE_BANDS[index][1]}: {count}")
            parts.append(
                el("rect", title, x=f"{left:.3f}", width=f"{width:.3f}", height="10", class_=f"age{index}")
            )
            left += width
    said = ", ".join(f"{count} {AGE_BANDS[i][1]}" for i, count in enumerate(counts) if count)
    return el(
        "svg",
        *parts,
        class_="bar ages",
        viewBox="0 0 100 10",
        preserveAspectRatio="none",
        role="img",
        aria_label=f"{total} messages: {said}" if said else "no messages",
    )


def legend() -> Markup:
    """What the colours of `ages` mean."""
    return el(
        "p",
        *(
            part
            for i, (_, name) in enumerate(AGE_BANDS)
            for part in (
                el(
                    "span",
                    el(
                        "svg",
                        el("rect", width="10", height="10", class_=f"age{i}"),
                        viewBox="0 0 10 10",
                        class_="key",
                        aria_hidden="true",
                    ),
                    name,
                ),
            )
        ),
        class_="legend",
    )


def spark(points: Sequence[tuple[float, float]], label: str) -> Markup:
    """A line over time; `points` are (time, value), oldest first, two at least."""
    first, last = points[0][0], points[-1][0]
    top = max(1.0, *(value for _, value in points))
    span = max(last - first, 1.0)
    spots = [(600 * (when - first) / span, 58 - 54 * value / top) for when, value in points]
    line = " ".join(f"{'M' if i == 0 else 'L'}{x:.1f} {y:.1f}" for i, (x, y) in enumerate(spots))
    area = f"{line} L600 60 L0 60 Z"
    return el(
        "svg",
        el("path", d=area, class_="area"),
        el("path", d=line, class_="line"),
        class_="spark",
        viewBox="0 0 600 60",
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )


def thin(points: Sequence[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """At most about `most` points; of each group the largest value stays, so no peak is lost."""
    step = max(1, -(-len(points) // most))
    return [
        (group[-1][0], max(value for _, value in group))
        for group in (points[i : i + step] for i in range(0, len(points), step))
    ]
