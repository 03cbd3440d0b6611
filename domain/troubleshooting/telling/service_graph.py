"""The services of an incident as a Mermaid diagram: the faulty one, the affected ones, and who is next to them."""

from __future__ import annotations

from domain.troubleshooting.state import IncidentState
from domain.troubleshooting.telling.escaping import mermaid_label

MOST_NODES = 40
_STYLES = {
    "faulty": "fill:#c62828,color:#ffffff,stroke:#7f0000,stroke-width:3px",
    "affected": "fill:#ffe0b2,color:#3e2723,stroke:#e65100",
    "at_risk": "fill:#fff9c4,color:#3e2723,stroke:#fbc02d,stroke-dasharray:4 3",
}
_WORDS = {"faulty": "faulty", "affected": "affected", "at_risk": "at risk"}


def mermaid(state: IncidentState) -> str:
    """The graph as Mermaid text; empty when no service is known.

    Only services that the incident concerns and their neighbours are drawn, at most `MOST_NODES`. Marks are words in
    the label too, for those who do not see colours.
    """
    marks = marks_of(state)
    topology = state.known().topology
    beside = [other for name in marks for other in (*topology.callers(name), *topology.callees(name))]
    names = list(dict.fromkeys([*marks, *beside, *([] if marks else topology.names())]))[:MOST_NODES]
    if not names:
        return ""
    ids = {name: f"s{number}" for number, name in enumerate(names)}
    lines = ["flowchart TD"]
    for name, node in ids.items():
        mark = marks.get(name)
        label = mermaid_label(f"{name} ({_WORDS[mark]})" if mark else name, 60)
        lines.append(f"  {node}[{label}]{f':::{mark}' if mark else ''}")
    lines += [
        f"  {ids[caller]} --> {ids[callee]}" for caller, callee in topology.calls if caller in ids and callee in ids
    ]
    lines += [f"  classDef {mark} {style}" for mark, style in _STYLES.items() if mark in marks.values()]
    return "\n".join(lines)


def marks_of(state: IncidentState) -> dict[str, str]:
    """Service -> `faulty`, `affected` or `at_risk`; the faulty one first."""
    marks: dict[str, str] = {}
    if state.cause is not None and state.cause.service is not None:
        marks[state.cause.service] = "faulty"
    if state.diagnosis is not None:
        for name in state.diagnosis.blast_radius.affected:
            marks.setdefault(name, "affected")
        for name in state.diagnosis.blast_radius.at_risk:
            marks.setdefault(name, "at_risk")
    return marks
