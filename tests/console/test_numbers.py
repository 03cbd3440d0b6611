"""Numbers and charts against what the store holds, reckoned by hand; of nothing; and of one tenant alone."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from domain.cases.records import CaseRecord, OutcomeRecord
from starters.console.numbers import charts_of, figures_of
from tests.console.browser import Browser, is_safe
from tests.service.service_world import ServiceWorld

MONDAY = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAYS = [date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)]


def case(number: int, day: int, kind: str = "escalation", category: str | None = "bug_report") -> CaseRecord:
    at = MONDAY + timedelta(days=day)
    return CaseRecord(workflow_id=f"{kind}:default:N-{number}", tenant="default", kind=kind, case_id=f"N-{number}",
                      ticket_id=f"N-{number}", status="closed", phase="done", opened_at=at, updated_at=at,
                      category=category)  # fmt: skip


def outcome(number: int, day: int, **more: Any) -> OutcomeRecord:
    known = {"decision": "no_escalation", "category": "billing", "priority": "high", "risk": 1, "escalated": False}
    return OutcomeRecord(workflow_id=f"escalation:default:N-{number}", tenant="default",
                         recorded_at=MONDAY + timedelta(days=day), **{**known, **more})  # fmt: skip


CASES = [case(1, 0), case(2, 0, category="billing"), case(3, 2, "troubleshooting"), case(4, 2, "playbook", None)]
OUTCOMES = [
    outcome(1, 0, first_response_seconds=60.0, resolution_seconds=3600.0, satisfaction=5, model_cost=0.5),
    outcome(2, 0, first_response_seconds=180.0, escalated=True, reopened=2, sla_breaches=1, satisfaction=2,
            decision="management_escalation", escalation_was_right=True),
    outcome(3, 2, resolution_seconds=7200.0, model_cost=0.25, escalation_was_right=False),
]  # fmt: skip


def test_figures_are_what_the_records_say() -> None:
    figures = {one.name: (one.value, one.note) for one in figures_of(CASES, OUTCOMES)}
    assert figures["tickets"][0] == "2"
    assert figures["incidents"][0] == figures["runs of playbooks"][0] == "1"
    assert figures["first response"] == ("2 min", "median; 95 of 100 within 3 min")
    assert figures["resolution"][0] == "1 h 30 min"
    assert figures["within the service level"] == ("67%", "2 of 3")
    assert figures["escalated"] == figures["reopened"] == ("33%", "1 of 3")
    assert figures["escalation was right"] == ("50%", "1 of 2")
    assert figures["satisfaction"] == ("3.5 of 5", "2 ratings")
    assert figures["model cost"] == ("0.75", "0.2500 a case")


def test_each_bar_is_as_high_as_its_value_and_the_table_says_the_same() -> None:
    charts = {chart.name: chart for chart in charts_of(DAYS, CASES, OUTCOMES)}
    opened = charts["Cases opened a day"]
    assert opened.rows == (("2026-03-02", "2"), ("2026-03-04", "2"))
    assert charts["Tickets that ended a day"].rows == (("2026-03-02", "2"), ("2026-03-04", "1"))
    assert charts["Median first response a day, in minutes"].rows == (("2026-03-02", "2"),)
    assert charts["Model cost a day"].rows == (("2026-03-02", "0.50"), ("2026-03-04", "0.25"))
    assert dict(charts["Cases by category"].rows) == {"bug report": "2", "billing": "1"}
    assert dict(charts["Tickets by decision"].rows) == {"no escalation": "2", "management escalation": "1"}
    assert dict(charts["Ratings of 5"].rows) == {"5": "1", "2": "1"}
    cost = str(charts["Model cost a day"].drawing)
    heights = [float(one) for one in re.findall(r'<rect [^>]*height="([\d.]+)"', cost)]
    assert heights[0] > 0
    assert heights[1] == 0
    assert heights[2] * 2 == heights[0]
    assert "02 Mar: 0.50" in cost
    widths = [
        float(one) for one in re.findall(r'width="([\d.]+)" height="14"', str(charts["Cases by category"].drawing))
    ]
    assert widths[0] == widths[1] * 2


def test_of_nothing_there_are_no_charts_and_no_numbers_that_look_like_some() -> None:
    figures = {one.name: one.value for one in figures_of([], [])}
    assert figures["tickets"] == "0"
    assert {figures[name] for name in ("first response", "resolution", "escalated", "satisfaction")} == {"none yet"}
    assert all(chart.drawing == "" and chart.rows == () for chart in charts_of(DAYS, [], []))


def test_numbers_are_of_one_tenant(world: ServiceWorld, browsers: Callable[..., Browser]) -> None:
    stranger = browsers("other")
    before = is_safe(stranger.get("/numbers"))
    theirs = {"tenant": "acme-us", "workflow_id": "escalation:acme-us:N-9", "recorded_at": datetime.now(UTC)}
    ended = outcome(9, 0, model_cost=77.0).model_copy(update=theirs)
    world.do(world.services.store.cases.save_outcome(ended))
    assert "77.00" not in before
    assert "77.00" in is_safe(stranger.get("/numbers"))
    assert "77.00" not in is_safe(browsers("person").get("/numbers"))
