"""Events by HTTP reach the runs that wait for them."""

from __future__ import annotations

import uuid

import httpx
import pytest

from tests.service.test_contract import is_refusal, until

OVER = ("closed", "resolved", "completed", "faulted")


@pytest.fixture
def run(http: httpx.Client) -> str:
    """A run that waits for a purchase."""
    given = {"key": f"E-{uuid.uuid4().hex[:8]}"}
    started = http.post("/api/v1/playbooks/waits/runs", json=given)
    assert started.status_code == 201, started.text
    case_id: str = started.json()["case_id"]
    until(lambda: http.get(f"/api/v1/cases/{case_id}").json()["status"] == "waiting_event")
    return case_id


def purchase(**more: str) -> dict[str, str]:
    kind = "com.surehand.contact.purchase"
    return {"specversion": "1.0", "id": uuid.uuid4().hex, "source": "/shop", "type": kind, **more}


def test_an_event_reaches_the_run_that_it_names(http: httpx.Client, run: str) -> None:
    taken = http.post(
        "/api/v1/events", json=purchase(surehandrun=run), headers={"Content-Type": "application/cloudevents+json"}
    )
    assert taken.status_code == 202, taken.text
    assert taken.json()["runs"] == [run]
    until(lambda: http.get(f"/api/v1/cases/{run}").json()["status"] in OVER)
    is_refusal(http.post("/api/v1/events", json=purchase(surehandrun="no-such:run")), 404, "NOT_FOUND")


def test_an_event_that_names_no_run_reaches_every_one_that_waits(http: httpx.Client, run: str) -> None:
    until(lambda: run in http.post("/api/v1/events", json=purchase()).json()["runs"])
    until(lambda: http.get(f"/api/v1/cases/{run}").json()["status"] in OVER)


def test_an_event_that_is_none_is_refused(http: httpx.Client) -> None:
    for wrong in ({"specversion": "0.3"}, {"id": ""}, {"extension": {"a": 1}}, {"time": "yesterday"}):
        is_refusal(http.post("/api/v1/events", json={**purchase(), **wrong}), 422, "VALIDATION_ERROR")
