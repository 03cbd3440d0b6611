"""Boxes, lines and texts of drawings: escaped, cut to fit, and styled by classes only, as a strict policy wants it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from starters.cli.words import harmless

LETTER = 7.6
"""Width of a bold letter of the usual size; a letter of the small size takes less."""
_SMALL_LETTER = 6.4

Paint = Callable[[int, int], list[Markup]]
"""Draws something whose upper left corner stands at a place."""


@dataclass(frozen=True)
class Block:
    """Something drawn, with its size. It is entered at the middle of its upper edge and left at that of its lower."""

    width: int
    height: int
    paint: Paint
    falls: bool = True
    """Whether what stands below comes next."""


def cut(text: str, width: int, *, small: bool = False) -> str:
    """A text on one line that fits into a width in pixels."""
    flat = " ".join(harmless(text).split())
    most = max(int(width / (_SMALL_LETTER if small else LETTER)), 4)
    return flat if len(flat) <= most else f"{flat[: most - 1]}…"


def words(x: float, y: float, text: str, css: str = "") -> Markup:
    """A line of text."""
    return Markup('<text x="{:.0f}" y="{:.0f}"{}>{}</text>').format(x, y, _class(css), text)


def rect(x: int, y: int, width: int, height: int, css: str = "", *, radius: int = 6) -> Markup:
    """A rectangle."""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="{}"{}/>').format(
        x, y, width, height, radius, _class(css)
    )


def group(css: str, title: str, parts: list[Markup]) -> Markup:
    """Parts that belong together; a pointer that rests on them shows the whole text."""
    return Markup("<g{}><title>{}</title>{}</g>").format(_class(css), harmless(title), Markup("").join(parts))


def arrow(*points: tuple[float, float], css: str = "way") -> Markup:
    """A line through points, with a head at its end."""
    (x0, y0), (x, y) = points[-2:]
    line = " ".join(f"{a:.0f},{b:.0f}" for a, b in points)
    if x0 == x:
        down = 1 if y > y0 else -1
        head = f"{x - 4:.0f},{y - 6 * down:.0f} {x + 4:.0f},{y - 6 * down:.0f} {x:.0f},{y:.0f}"
    else:
        right = 1 if x > x0 else -1
        head = f"{x - 6 * right:.0f},{y - 4:.0f} {x - 6 * right:.0f},{y + 4:.0f} {x:.0f},{y:.0f}"
    return Markup('<polyline class="{}" points="{}"/><polygon points="{}"/>').format(css, line, head)


def picture(css: str, name: str, block: Block, margin: int = 6) -> Markup:
    """The whole drawing.

    Args:
        css: its class.
        name: what it shows, for who cannot see it.
        block: what is in it.
        margin: around it.
    """
    width, height = block.width + 2 * margin, block.height + 2 * margin
    head = Markup(
        '<svg class="{}" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{name}">'
    ).format(css, w=width, h=height, name=harmless(name))
    return head + Markup("").join(block.paint(margin, margin)) + Markup("</svg>")


def _class(css: str) -> Markup:
    return Markup(' class="{}"').format(css) if css else Markup("")
