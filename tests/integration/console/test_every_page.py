"""Every page in Chromium: nobody is left out by it, on any screen, in any scheme, by any device."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.sync_api import Browser, Page, expect

from starters.console.app import ENTRIES
from tests.integration.console.test_every_act import ACTS

PAGES: Mapping[str, tuple[str, str]] = {
    "/": ("/", "Inbox"),
    "/cases": ("/cases", "Cases"),
    "/cases/{name:path}": ("/cases/{ticket}", "About TICK-LOOK"),
    "/tickets/new": ("/tickets/new", "Open a ticket"),
    "/incidents/new": ("/incidents/new", "Open an incident"),
    "/evidence/{reference}": ("/evidence/{evidence}?case={incident}&name=payments.log", "payments.log"),
    "/post-mortem/{name:path}": ("/post-mortem/{incident}", "Checkout answers with errors"),
    "/playbooks": ("/playbooks", "Playbooks"),
    "/playbooks/{name}": ("/playbooks/waits", "Waits for a purchase"),
    "/playbooks/{name}/start": ("/playbooks/asks/start", "Hold some goods"),
    "/knowledge": ("/knowledge?text=the+pool+is+empty", "Knowledge"),
    "/knowledge/{name}": ("/knowledge/INC-TOLD", "Pools run dry"),
    "/numbers": ("/numbers", "Numbers"),
    "/webhooks": ("/webhooks", "Webhooks"),
    "/webhooks/{endpoint_id}": ("/webhooks/portal", "portal"),
}
"""Route -> an address of it and its heading."""
NO_PAGE = "/live/{of:path}"
"""The stream that pages listen to; what it does is in `test_browser.py`."""
MORE = {
    "the page of an incident": ("/cases/{incident}", "Checkout answers with errors"),
    "the page of a run": ("/cases/{run}", "Waits for a purchase"),
    "a signature": ("/knowledge/connection-pool-exhausted", ""),
    "no such page": ("/cases/TICK-NONE", "That did not work"),
}

FAULTS = """() => {
  const faults = [], seen = (one) => one.checkVisibility();
  const named = (one) => (one.getAttribute("aria-label") || one.textContent || one.title || "").trim();
  if (!document.documentElement.lang) faults.push("no language");
  if (document.querySelectorAll("h1").length !== 1) faults.push("not one h1");
  let last = 0;
  document.querySelectorAll("main h1, main h2, main h3, main h4").forEach((one) => {
    const level = Number(one.tagName[1]);
    if (level > last + 1 && last) faults.push(`h${level} after h${last}: ${one.textContent}`);
    last = level;
  });
  document.querySelectorAll("input:not([type=hidden]), select, textarea").forEach((one) => {
    if (!one.hidden && !one.labels.length && !named(one)) faults.push(`no label: ${one.outerHTML.slice(0, 80)}`);
  });
  document.querySelectorAll("a, button, summary").forEach((one) => {
    if (!named(one)) faults.push(`no name: ${one.outerHTML.slice(0, 80)}`);
  });
  document.querySelectorAll("svg, nav, dialog, meter:not([aria-hidden]), [role=region]").forEach((one) => {
    if (!one.getAttribute("aria-label")) faults.push(`no words for ${one.tagName}`);
  });
  document.querySelectorAll("table").forEach((one) => {
    if (!one.querySelector("th") && !one.getAttribute("aria-label")) faults.push(`a table of what? ${one.className}`);
  });
  document.querySelectorAll("[aria-labelledby]").forEach((one) => {
    if (!document.getElementById(one.getAttribute("aria-labelledby"))) faults.push("labelled by nothing");
  });
  const ids = Array.from(document.querySelectorAll("[id]"), (one) => one.id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => faults.push(`id twice: ${id}`));
  document.querySelectorAll("[tabindex]").forEach((one) => { if (one.tabIndex > 0) faults.push("tabindex above 0"); });
  document.querySelectorAll("main *").forEach((one) => {
    if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "auto" && seen(one)
        && one.tabIndex < 0 && one.tagName !== "TEXTAREA") faults.push(`no key scrolls: ${one.className}`);
  });
  ["main", "header", "footer"].forEach((name) => { if (!document.querySelector(name)) faults.push(`no ${name}`); });
  return faults;
}"""
SCREENS = {"desktop": (1280, 900, "light"), "phone": (320, 640, "dark")}


def test_every_route_has_its_test_in_the_browser() -> None:
    pages = {entry.path for entry in ENTRIES if entry.method == "GET"} - {NO_PAGE}
    assert pages == set(PAGES)
    acts = {entry.path for entry in ENTRIES if entry.method == "POST"}
    assert acts == set(ACTS)


@pytest.mark.parametrize("screen", SCREENS)
def test_a_page_leaves_nobody_out(page: Page, opened: dict[str, str], screen: str) -> None:
    width, height, scheme = SCREENS[screen]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    for name, (address, heading) in {**PAGES, **MORE}.items():
        page.goto(f"/console{address.format(**opened)}")
        expect(page.locator("h1")).to_contain_text(heading)
        assert page.evaluate(FAULTS) == [], name
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} is wider than the screen"
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="To the content")).to_be_focused()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        inside = "document.activeElement === document.body || document.activeElement.closest('main, footer') !== null"
        assert page.evaluate(inside), name
        focused = "getComputedStyle(document.activeElement).outlineStyle"
        assert page.evaluate(f"document.activeElement.matches('body, main') ? 'solid' : {focused}") != "none", name


def test_times_are_the_readers_own_and_say_whose_they_are(page: Page, opened: dict[str, str]) -> None:
    page.goto(f"/console/cases/{opened['incident']}")
    expect(page.locator("#zone")).to_have_text("Asia/Tokyo")
    stamp = page.locator("table.timeline time[data-at]").last
    shown = page.evaluate("(at) => new Date(at).toLocaleString('sv-SE', {timeZone: 'Asia/Tokyo'})",
                          stamp.get_attribute("datetime"))  # fmt: skip
    expect(stamp).to_have_text(shown)


def test_without_scripts_times_say_their_zone(chromium: Browser, world, state: str, opened: dict[str, str]) -> None:
    context = chromium.new_context(java_script_enabled=False, storage_state=state, base_url=world.url)
    page = context.new_page()
    page.goto(f"/console/cases/{opened['run']}")
    expect(page.locator("table.timeline time").first).to_have_text(re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$"))
    expect(page.locator("#zone")).to_have_text("UTC")
    context.close()


def test_evidence_is_text_and_nothing_else(page: Page, opened: dict[str, str]) -> None:
    page.goto(f"/console/cases/{opened['incident']}")
    page.get_by_role("link", name="payments.log").click()
    expect(page.locator("pre")).to_contain_text("<script>alert(1)</script>")
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download").click()
    assert waiting.value.suggested_filename == "payments.log"
    page.get_by_role("link", name=opened["incident"]).click()
    page.get_by_role("link", name="Post-mortem").click()
    with page.expect_download() as waiting:
        page.get_by_role("link", name="Download as Markdown").click()
    assert waiting.value.suggested_filename.endswith(".md")


def test_a_post_mortem_is_printed_without_what_a_screen_needs(page: Page, opened: dict[str, str]) -> None:
    page.goto(f"/console/post-mortem/{opened['incident']}")
    page.emulate_media(media="print", color_scheme="dark")
    for part in ("header", "footer", ".links"):
        expect(page.locator(part).first).to_be_hidden()
    expect(page.get_by_role("heading", name="Summary")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_the_timeline_is_narrowed_to_one_kind(page: Page, opened: dict[str, str]) -> None:
    page.goto(f"/console/cases/{opened['ticket']}")
    kinds = page.get_by_role("navigation", name="Kinds of entries")
    kinds.get_by_role("link", name=re.compile("^approval")).click()
    table = page.get_by_role("table", name="Timeline")
    expect(table.locator("tr").first).to_contain_text("Asked rung")
    expect(table).not_to_contain_text("Ticket received")
