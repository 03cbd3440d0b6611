"""Every page: with nothing, with everything, with hostile words, for another tenant; and what people do on them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest

from tests.console.browser import Browser, is_safe
from tests.console.conftest import EVIL
from tests.service.service_world import LEAD, ServiceWorld
from tests.service.test_contract import incident, ticket, until

Browsers = Callable[..., Browser]
PAGES = (
    "/", "/cases", "/playbooks", "/playbooks/order-fulfilment", "/playbooks/order-fulfilment/start", "/knowledge",
    "/tickets/new", "/incidents/new", "/numbers",
)  # fmt: skip


def test_a_tenant_with_nothing_gets_pages_that_say_so(browsers: Browsers) -> None:
    browser = browsers("other")
    words = {path: is_safe(browser.get(path)) for path in PAGES}
    assert "Nothing waits for your approval." in words["/"]
    assert "Every case that was handed over has somebody." in words["/"]
    assert "There is no case yet" in words["/cases"]
    assert "none yet" in words["/numbers"]
    assert "Nothing in these 30 days." in words["/numbers"]


def test_hostile_words_are_words_on_every_page(cases: dict[str, str], browsers: Browsers) -> None:
    browser = browsers("person")
    shown = EVIL.replace("\u202e", "\\u202e")
    pages = {path: browser.get(path) for path in (*PAGES, *(f"/cases/{name}" for name in cases.values()))}
    for path, answer in pages.items():
        assert answer.status_code == 200, path
        words = is_safe(answer)
        assert "\u202e" not in answer.text
        assert " 49 " not in words
        if path in ("/", "/cases") or path.startswith("/cases/"):
            assert shown[:150] in words, path
    assert shown in is_safe(pages["/cases/OLD-1"])
    assert "Temporal keeps this case no longer" in pages["/cases/OLD-1"].text
    for name in ("text", "kind", "status", "team", "priority", "page"):
        filtered = browser.get("/cases", **{name: EVIL[:90]})
        assert filtered.status_code in (200, 422)
        is_safe(filtered)
    stranger = browsers("other")
    for path, given in (("/", {"done": EVIL}), ("/sign-in", {"link": EVIL}), ("/numbers", {"days": EVIL})):
        answer = stranger.get(path, **given)
        assert "alert(1)" not in is_safe(answer)


def test_what_is_not_there_is_a_page_that_says_so(browsers: Browsers) -> None:
    browser = browsers("person")
    for path in (
        "/cases/TICK-none", "/cases/%20", "/cases/a%2F..%2Fb", "/playbooks/none", "/nothing", "/playbooks/none/start",
        "/knowledge/none", "/evidence/none", "/post-mortem/TICK-none", "/post-mortem/incident:none",
        "/static/../app.py", "/static/_frame.html", "/live/nothing", "/live/case/TICK-none",
    ):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 404, path
    assert "To the inbox" in browser.get("/nothing").text
    assert browser.get("/playbooks/order-fulfilment", version="9.9.9").status_code == 404
    assert browser.http.get("/console").headers["location"] == "/console/"


def test_another_tenants_case_is_none_on_pages_in_lists_and_for_words(
    world: ServiceWorld, cases: dict[str, str], browsers: Browsers
) -> None:
    stranger = browsers("other")
    for name in (*cases.values(), "escalation:default:TICK-EVIL", "escalation:default:OLD-1"):
        for path in (f"/cases/{name}", f"/live/case/{name}"):
            assert stranger.get(path).status_code in (404, 422), path
        for act, fields in (
            ("claim", {}), ("resolve", {"resolution": "x"}), ("cancel", {}),
            ("unpark", {"step": "s", "action": "retry", "parked_at": "2026-01-01T00:00:00Z"}),
            ("decide", {"request": "r", "digest": "0" * 64, "decision": "approve"}),
        ):  # fmt: skip
            assert stranger.do(act, case=name, **fields).status_code in (404, 422), (act, name)
    assert "export" not in stranger.get("/").text
    assert stranger.get("/cases", text="Old").text.count("data-row") == 0
    with world.client() as client:
        assert client.get("/api/v1/cases/TICK-EVIL").json()["status"] == "waiting_approval"


def test_cases_are_narrowed_by_words_kind_status_team_and_priority(cases: dict[str, str], browsers: Browsers) -> None:
    browser = browsers("person")

    def found(**given: str) -> set[str]:
        return set(re.findall(r'href="/console/cases/([^"?]+)"', browser.get("/cases", **given).text))

    assert found(text="TICK-EVIL") == {"TICK-EVIL"}
    assert found(text="old", status="closed") == {"OLD-1"}
    assert found(text="100%_") == set()
    assert cases["incident"] in found(kind="incident")
    assert "TICK-EVIL" not in found(kind="incident")
    assert "TICK-EVIL" in found(status="waiting_approval")
    assert found(team="finance", priority="low") == set()
    assert browser.get("/cases", status="perhaps").status_code == 422


def test_numbers_are_added_up(cases: dict[str, str], browsers: Browsers) -> None:
    answer = browsers("person").get("/numbers")
    words = " ".join(is_safe(answer).split())
    for part in ("3 min", "80%4 of 5", "20%1 of 5", "3.0 of 5", "1.25", "0.2500 a case"):
        assert part in words, part
    assert answer.text.count("<svg") >= 5


def test_a_person_approves_what_they_saw_and_rejects_with_a_reason(world: ServiceWorld, browsers: Browsers) -> None:
    browser = browsers("person")
    vip = {"customer": {"tier": "vip", "email": "v@example.com"}, "channel": "email"}
    with world.client() as client:
        for case_id in ("TICK-YES", "TICK-NO"):
            client.post("/api/v1/tickets", json=ticket(**vip, id=case_id))
        open_ = {}
        for case_id in ("TICK-YES", "TICK-NO"):
            until(lambda name=case_id: client.get(f"/api/v1/cases/{name}").json()["approvals"])
        until(
            lambda: {"TICK-YES", "TICK-NO"} <= {a["case"] for a in client.get("/api/v1/approvals").json()["approvals"]}
        )
        for one in client.get("/api/v1/approvals").json()["approvals"]:
            open_[one["case"]] = {"case": one["case"], "request": one["request"], "digest": one["digest"]}
    page = browser.get("/").text
    assert open_["TICK-YES"]["digest"] in page
    assert "Hello" in page
    yes, no = open_["TICK-YES"], open_["TICK-NO"]
    changed = browser.do("decide", **{**yes, "digest": "0" * 64}, decision="approve")
    assert changed.status_code == 409
    assert "The arguments changed" in is_safe(changed)
    assert browser.do("decide", **no, decision="reject").status_code == 409
    assert browser.do("decide", **yes, decision="perhaps").status_code == 422
    approved = browser.do("decide", **yes, decision="approve")
    assert approved.headers["location"] == "/console/?done=approved"
    rejected = browser.do("decide", **no, decision="reject", reason="Name the article first.")
    assert rejected.headers["location"] == "/console/?done=rejected"
    assert "Your rejection is recorded" in browser.get("/", done="rejected").text
    until(lambda: "Name the article first." in browser.get("/cases/TICK-NO").text)
    assert "stands for nobody of the directory" in browsers("approver").get("/").text


def test_a_person_claims_asks_and_withdraws(world: ServiceWorld, browsers: Browsers) -> None:
    browser = browsers("person")
    with world.client() as client:
        name = client.post("/api/v1/cases", json=incident(title="Search is slow")).json()["case_id"]
        until(lambda: client.get(f"/api/v1/cases/{name}").json()["status"] == "waiting_claim")
    until(lambda: name in browser.get("/").text)
    claimed = browser.do("claim", case=name)
    assert claimed.status_code == 303
    assert claimed.headers["location"] == f"/console/cases/{name}?done=claimed"
    page = browser.get(f"/cases/{name}", done="claimed").text
    assert LEAD in page
    assert "The case is yours." in page
    once = re.search(r'name="once" value="([0-9a-f-]{36})"', page)
    assert once is not None
    for _ in range(2):
        asked = browser.do("ask", case=name, text="What is the status of it?", once=once.group(1))
        assert asked.status_code == 303
    until(lambda: "What is the status of it?" in browser.get(f"/cases/{name}").text)
    assert browser.get(f"/cases/{name}").text.count(f"({LEAD}): What is the status of it?") == 1
    assert browser.do("resolve", case=name, resolution="x").status_code == 422
    assert browser.do("cancel", case=name).headers["location"].endswith("done=cancelled")
    until(lambda: "withdrawn" in browser.get(f"/cases/{name}").text)


@pytest.mark.parametrize("of", ["cases", "inbox", "case"])
def test_a_stream_says_that_something_changed_and_nothing_else(
    world: ServiceWorld, browsers: Browsers, of: str
) -> None:
    browser, heard = browsers("person"), ""
    with world.client() as client:
        name = client.post("/api/v1/cases", json=incident(title=f"Live {of} {time.time()}")).json()["case_id"]
        until(lambda: client.get(f"/api/v1/cases/{name}").json()["status"] == "waiting_claim")
        path = f"/console/live/case/{name}" if of == "case" else f"/console/live/{of}"
        with browser.http.stream("GET", path) as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            for line in stream.iter_lines():
                heard += f"{line}\n"
                if ": still" in line and "claimed" not in heard:
                    client.post(f"/api/v1/cases/{name}/claim", json={})
                    heard += "claimed\n"
                if "changed" in line:
                    break
    assert "event: changed" in heard
    assert "Live" not in heard
