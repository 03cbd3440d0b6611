"""Who calls whom, as a drawing: made here, so that no script has to run in the browser."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from domain.troubleshooting.topology import Topology

_MOST = 40
_WIDTH, _HEIGHT, _GAP, _DROP = 150, 34, 16, 62
_LONGEST = 20


def drawn(topology: Topology, marks: Mapping[str, str]) -> Markup:
    """A drawing in layers: whoever calls stands above whom they call. Empty where nobody calls anybody, or too many do.

    Args:
        topology: the services.
        marks: `affected`, `at risk` or `faulty`, by name.
    """
    names = topology.names()
    if not topology.calls or len(names) > _MOST:
        return Markup("")
    layers = _layers(topology)
    widest = max(len(layer) for layer in layers)
    places = {
        name: (
            2 + place * (_WIDTH + _GAP) + (widest - len(layer)) * (_WIDTH + _GAP) // 2,
            depth * (_HEIGHT + _DROP) + 2,
        )
        for depth, layer in enumerate(layers)
        for place, name in enumerate(layer)
    }
    width, height = widest * (_WIDTH + _GAP), len(layers) * (_HEIGHT + _DROP) - _DROP + 4
    lines = [_line(places[caller], places[callee]) for caller, callee in topology.calls if caller != callee]
    boxes = [_box(name, places[name], marks.get(name, "")) for name in names]
    head = Markup(
        '<svg class="graph" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="Services">'
    ).format(w=width, h=height)
    return head + Markup("").join([*lines, *boxes]) + Markup("</svg>")


def _layers(topology: Topology) -> list[list[str]]:
    names = topology.names()
    depth = {name: 0 for name in names if not topology.callers(name)} or {names[0]: 0}
    waiting = list(depth)
    while waiting:
        here = waiting.pop(0)
        for callee in topology.callees(here):
            if callee not in depth:
                depth[callee] = depth[here] + 1
                waiting.append(callee)
    deepest = max(depth.values())
    return [[name for name in names if depth.get(name, 0) == level] for level in range(deepest + 1)]


def _line(above: tuple[int, int], below: tuple[int, int]) -> Markup:
    return Markup('<line x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        above[0] + _WIDTH // 2,
        above[1] + (_HEIGHT if above[1] <= below[1] else 0),
        below[0] + _WIDTH // 2,
        below[1] + (0 if above[1] <= below[1] else _HEIGHT),
    )


def _box(name: str, place: tuple[int, int], mark: str) -> Markup:
    short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    return Markup(
        '<g class="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="5"/>'
        '<text x="{}" y="{}">{}</text><title>{}</title></g>'
    ).format(
        mark.replace(" ", "-"),
        *(place[0], place[1], _WIDTH, _HEIGHT),
        *(place[0] + _WIDTH // 2, place[1] + 22, short, f"{name} {mark}".strip()),
    )
