"""A ticket that is linked to an incident that is over: is the news true for its customer?"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.cases.escalation import EscalationState
from domain.tickets.ticket import Customer, Ticket
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.state import IncidentState
from starters.ticket_links import why_no_news

ENDED = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
NAME = "incident:I-1"


def an_incident(**changes: Any) -> IncidentState:
    opened = IncidentReport(incident_id="I-1", title="Checkout fails")
    state = IncidentState.opened("default", NAME, opened, ENDED - timedelta(hours=3))
    given = {"closed": True, "resolved_at": ENDED, "news": "It is solved.", **changes}
    return state.model_copy(update=given)


def a_case(**changes: Any) -> EscalationState:
    ticket = Ticket(ticket_id="T-1", subject="Help", body="Checkout is down.", customer=Customer())
    given = {"opened_at": ENDED - timedelta(hours=1), **changes}
    return EscalationState(tenant="default", case_number="T-1", ticket=ticket, **given)


def test_news_that_was_approved_is_true_for_a_ticket_of_that_time() -> None:
    assert why_no_news(an_incident(), a_case()) is None
    assert why_no_news(an_incident(), a_case(incidents={"incident:I-2": "Told."})) is None


@pytest.mark.parametrize(
    ("incident", "ticket", "sentence"),
    [
        ({}, {"closed": True}, "nobody to tell"),
        ({}, {"withdrawn": True}, "nobody to tell"),
        ({"withdrawn": True, "closed": False}, {}, "was withdrawn and solved nothing"),
        ({"closed": False}, {}, "was withdrawn and solved nothing"),
        ({"news": ""}, {}, "nobody approved news"),
        ({}, {"opened_at": ENDED + timedelta(minutes=1)}, "over before this ticket came in"),
        ({}, {"incidents": {"incident:I-2": ""}}, "belongs to incident:I-2 too"),
    ],
)
def test_news_that_is_not_true_or_was_not_approved_is_not_sent(
    incident: dict[str, Any], ticket: dict[str, Any], sentence: str
) -> None:
    why = why_no_news(an_incident(**incident), a_case(**ticket))
    assert why is not None
    assert sentence in why
    assert why.endswith(".")
