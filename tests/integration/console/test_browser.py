"""The console in a real browser: signed in by a link, everything is done by keys and clicks, and nothing complains."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from domain.principals import Role
from starters.console.visitors import make_link
from starters.service import keys
from tests.service.service_world import LEAD, ServiceWorld
from tests.service.test_contract import incident, ticket, until

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorld]:
    with ServiceWorld(tmp_path_factory.mktemp("console")) as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()


def link(world: ServiceWorld) -> str:
    async def made() -> str:
        store, now = world.services.store, datetime.now(UTC)
        key, _ = await keys.make(store.keys, tenant="default", name="t", roles=[Role.ADMIN], now=now, person_id=LEAD)
        return await make_link(store, key, now)

    return f"{world.url}/console/sign-in?link={world.do(made())}"


def test_a_person_works_through_the_console(world: ServiceWorld, chromium: Browser) -> None:
    page, complaints = chromium.new_page(), []
    page.on("console", lambda said: complaints.append(said.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    with world.client() as client:
        vip = {"customer": {"tier": "vip", "email": "v@example.com"}, "channel": "email"}
        for name in ("TICK-YES", "TICK-NO"):
            client.post("/api/v1/tickets", json=ticket(**vip, id=name, subject=f"About {name}"))
        opened = client.post("/api/v1/cases", json=incident(title="Search is slow")).json()["case_id"]
        until(lambda: len(client.get("/api/v1/approvals").json()["approvals"]) == 2)
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


def sign_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


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
    """Somebody asks by another way, and the open page shows it; what is being written stays."""
    with world.client() as client:
        client.post(f"/api/v1/cases/{name}/queries", json={"query": "What is the status?"})
    expect(page.get_by_text("What is the status?").first).to_be_visible(timeout=15_000)


def every_page_by_keys(page: Page, name: str) -> None:
    page.locator("body").press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    for key, heading in (("p", "Playbooks"), ("n", "Numbers"), ("c", "Cases")):
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
    for path in ("/console/cases/TICK-YES", "/console/playbooks/order-fulfilment"):
        page.goto(page.url.split("/console")[0] + path)
        expect(page.locator("main h1")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    for path in ("/console/", "/console/cases", "/console/numbers", f"/console/cases/{name}"):
        page.goto(page.url.split("/console")[0] + path)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_everything_works_without_scripts(world: ServiceWorld, chromium: Browser) -> None:
    page = chromium.new_context(java_script_enabled=False).new_page()
    sign_in(page, link(world))
    page.get_by_role("link", name="Cases").click()
    page.get_by_label("Kind").select_option("run")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("No case fits.")).to_be_visible()
    page.get_by_role("link", name="Numbers").click()
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()
