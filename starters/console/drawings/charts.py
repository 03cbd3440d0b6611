"""Charts, drawn here as SVG: bars with a title each, and no style that a strict policy would have to allow."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT, _FOOT, _HEAD = 640, 150, 18, 14


def bars(name: str, points: Sequence[tuple[str, float]], *, unit: str = "") -> Markup:
    """A bar chart.

    Args:
        name: what it shows, for who cannot see it.
        points: names and values, from left to right; none is below 0.
        unit: behind a value.
    """
    top = max((value for _, value in points), default=0.0)
    if not points or top <= 0:
        return Markup("")
    step = _WIDTH / len(points)
    room = _HEIGHT - _FOOT - _HEAD
    drawn = [_bar(place * step, step, value / top * room, f"{of}: {_number(value)}{unit}", _HEIGHT - _FOOT)
             for place, (of, value) in enumerate(points)]  # fmt: skip
    axis = Markup('<line x1="0" y1="{y}" x2="{w}" y2="{y}"/>').format(y=_HEIGHT - _FOOT, w=_WIDTH)
    texts = [
        Markup('<text x="0" y="10">{}{}</text>').format(_number(top), unit),
        Markup('<text x="0" y="{}">{}</text>').format(_HEIGHT - 4, points[0][0]),
        Markup('<text x="{}" y="{}" class="end">{}</text>').format(_WIDTH, _HEIGHT - 4, points[-1][0]),
    ]
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, _HEIGHT, name)
    return head + Markup("").join([*drawn, axis, *texts]) + Markup("</svg>")


def shares(name: str, parts: Sequence[tuple[str, int]]) -> Markup:
    """Horizontal bars, one a line, the largest first."""
    total = sum(count for _, count in parts)
    if not total:
        return Markup("")
    most, line = max(count for _, count in parts), 24
    rows = [
        Markup(
            '<text x="0" y="{y}">{of}</text><rect x="190" y="{t}" width="{w:.1f}" height="14" rx="2"/>'
            '<text x="{e:.1f}" y="{y}">{count}</text>'
        ).format(
            y=place * line + 15,
            of=of[:28],
            t=place * line + 4,
            w=count / most * 380,
            e=count / most * 380 + 198,
            count=f"{count} ({count / total:.0%})",
        )
        for place, (of, count) in enumerate(sorted(parts, key=lambda part: -part[1]))
    ]
    head = Markup('<svg class="chart shares" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
        _WIDTH, len(parts) * line, name
    )
    return head + Markup("").join(rows) + Markup("</svg>")


def _bar(left: float, step: float, height: float, title: str, floor: int) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>').format(
        left + step * 0.1, floor - height, step * 0.8, height, title
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:,.2f}"
