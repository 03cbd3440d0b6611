"""How things stand, as Prometheus reads it: real cases, counted by Temporal and asked since when they wait."""

from __future__ import annotations

import re

from starters.service.monitoring.standing import Standing
from tests.observability.observed_world import ObservedWorld, Span, eventually


def value(text: str, name: str, **labels: str) -> float | None:
    """Of one series."""
    for line in text.splitlines():
        if line.startswith((f"{name}{{", f"{name} ")):
            found = dict(re.findall(r"(\w+)=\"([^\"]*)\"", line))
            if found == labels:
                return float(line.rsplit(" ", 1)[1])
    return None


def test_a_case_that_nobody_claimed_is_counted_with_its_age(world: ObservedWorld, spans: list[Span]) -> None:
    claim = {"tenant": "default", "waiting_for": "claim"}

    def waits() -> str:
        shown = world.metrics("service")
        return shown if value(shown, "surehand_waiting", **claim) else ""

    text = eventually(waits)
    assert value(text, "surehand_waiting", **claim) == 1
    age = value(text, "surehand_waiting_oldest_seconds", **claim)
    assert age is not None
    assert 0 < age < 3600
    assert value(text, "surehand_waiting_overdue", **claim) == 0
    assert value(text, "surehand_cases", tenant="default", status="waiting_claim") == 1
    assert value(text, "surehand_cases", tenant="acme-us", status="waiting_claim") == 0
    assert value(text, "surehand_inbox_waiting") == 0
    assert {value(text, "surehand_standing_read", of=name) for name in ("temporal", "store")} == {1}


def test_numbers_that_could_not_be_read_say_so() -> None:
    standing = Standing(read={"temporal": False, "store": True})
    families = {family.name: family.samples for family in standing.collect()}
    said = {sample.labels["of"]: sample.value for sample in families["surehand_standing_read"]}
    assert said == {"temporal": 0, "store": 1}
