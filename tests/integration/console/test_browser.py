"""The console in a real browser: signed in by a link, everything is done by keys and clicks, and nothing complains."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.integration.console.conftest import link, sign_in, vip
from tests.service.service_world import LEAD, ServiceWorld
from tests.service.test_contract import incident, until


def test_a_person_works_through_the_console(world: ServiceWorld, chromium: Browser) -> None:
    page, complaints = chromium.new_page(), []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with world.client() as client:
        for name in ("TICK-YES", "TICK-NO"):
            client.post("/api/v1/tickets", json=vip(name))
        opened = client.post("/api/v1/cases", json=incident(title="Search is slow")).json()["case_id"]
        until(
            lambda: {"TICK-YES", "TICK-NO"} <= {a["case"] for a in client.get("/api/v1/approvals").json()["approvals"]}
        )
        until(lambda: client.get(f"/api/v1/cases/{opened}").json()["status"] == "waiting_claim")
        sign_in(page, link(world))
        decide(page)
        claim(page, opened)
        changes_by_itself(world, page, opened)
    every_page_by_keys(page, opened)
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    assert complaints == []


def decide(page: Page) -> None:
    def card(name: str):
        return page.locator("article", has=page.get_by_role("link", name=name, exact=True))

    expect(card("TICK-YES").locator("pre").first).to_be_visible()
    card("TICK-YES").get_by_role("button", name="Approve").click()
    expect(page.get_by_text("Your approval is recorded.")).to_be_visible()
    expect(card("TICK-YES").get_by_role("button", name="Approve")).to_have_count(0)
    card("TICK-NO").locator("textarea").fill("Name the article first.")
    card("TICK-NO").get_by_role("button", name="Reject").click()
    expect(page.get_by_text("Your rejection is recorded")).to_be_visible()


def claim(page: Page, name: str) -> None:
    page.locator("article", has=page.get_by_role("link", name=name)).get_by_role("button", name="Claim").click()
    expect(page.get_by_text("The case is yours.")).to_be_visible()
    expect(page.locator("dd", has_text=LEAD).first).to_be_visible()


def changes_by_itself(world: ServiceWorld, page: Page, name: str) -> None:
    """Somebody asks by another way, and the open page shows it. Focus, scrolling and what is unfolded stay."""
    facts = page.get_by_role("heading", name="What it is")
    page.set_viewport_size({"width": 800, "height": 300})
    page.get_by_text("Withdraw it").click()
    page.get_by_text("Withdraw it").focus()
    focused = "document.activeElement"
    place = f"[scrollY > 0, Math.round({focused}.getBoundingClientRect().top), {focused}.textContent]"
    before = page.evaluate(place)
    page.evaluate("document.querySelector('h1').mark = 'the very same'")
    assert before[0]
    with world.client() as client:
        client.post(f"/api/v1/cases/{name}/queries", json={"query": "What is the status?"})
        expect(page.get_by_text("What is the status?").first).to_be_attached(timeout=60_000)
        expect(page.locator("#news")).to_have_text("The page was brought up to date.")
        after = page.evaluate(place)
        assert after[::2] == before[::2]
        assert abs(after[1] - before[1]) <= 3
        assert page.evaluate("document.querySelector('h1').mark") == "the very same"
        expect(page.get_by_role("button", name="Withdraw")).to_be_visible()
        page.get_by_text("Ask about it").click()
        page.get_by_role("textbox", name="Question").fill("Half a ques")
        client.post(f"/api/v1/cases/{name}/queries", json={"query": "Is it over?"})
        expect(page.locator("#news")).to_contain_text("load the page anew", timeout=60_000)
        expect(page.get_by_role("textbox", name="Question")).to_have_value("Half a ques")
    page.set_viewport_size({"width": 1280, "height": 720})
    page.reload()
    expect(facts).to_be_visible()


def every_page_by_keys(page: Page, name: str) -> None:
    page.locator("body").press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    for key, heading in (("p", "Playbooks"), ("k", "Knowledge"), ("n", "Numbers"), ("c", "Cases")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("Search is slow")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("text=Search"))
    page.locator("main h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Search is slow")).to_be_visible()


def test_everything_works_without_scripts(world: ServiceWorld, chromium: Browser) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    sign_in(page, link(world))
    page.get_by_role("link", name="Cases").click()
    page.get_by_label("Words").fill("words that no case has")
    page.get_by_label("Kind").select_option("run")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No case fits.")).to_be_visible()
    page.get_by_role("link", name="Numbers").click()
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()
