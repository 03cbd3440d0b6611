"""The sign-in page in a real browser: by password and at an identity provider, by keys, on a phone, in failure.

Temporal is not there, so people land on a page that does not need it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from domain.identity.principals import Role
from tests.console.sign_in_world import SignInWorld, open_doors

GOOD = "correct horse battery staple"
WANTED = "/console/numbers?days=7"
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignInWorld]:
    with open_doors(tmp_path_factory.mktemp("doors")) as running:
        yield running


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A browser of somebody new; what it complains about in its console is a fault."""
    context, complaints = chromium.new_context(), []
    context.set_default_timeout(PATIENCE_MS)
    opened = context.new_page()
    # A refusal is a status of 4xx, which the console of the browser repeats.
    opened.on("console", lambda said: complaints.append(said.text) if "status of 4" not in said.text else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def test_a_person_signs_in_by_password_with_keys_alone_and_lands_where_they_wanted(
    doors: SignInWorld, page: Page
) -> None:
    doors.give_password("p-lena", GOOD)
    page.goto(f"{doors.local.url}{WANTED}")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    expect(page.get_by_label("Name or e-mail address")).to_be_focused()
    page.keyboard.type("lena.brandt@example.com")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Password")).to_be_focused()
    page.keyboard.type("wrong horse battery staple")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not fit")
    # The name is still there, and the password is not.
    expect(page.get_by_label("Name or e-mail address")).to_have_value("lena.brandt@example.com")
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Password")).to_have_value("")
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()
    assert page.url == f"{doors.local.url}{WANTED}"
    expect(page.locator(".who summary")).to_have_text("Lena Brandt")
    assert GOOD not in page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie, location.href])")
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.go_back()
    page.reload()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_too_many_wrong_passwords_are_told_and_a_key_still_works(doors: SignInWorld, page: Page) -> None:
    doors.give_password("p-noor", GOOD)
    page.goto(f"{doors.local.url}{WANTED}")
    for number in range(6):
        page.get_by_label("Name or e-mail address").fill("p-noor")
        page.get_by_label("Password").fill(f"wrong {number} horse battery")
        page.get_by_role("button", name="Sign in", exact=True).click()
        words = "do not fit" if number < 5 else "wait 15 minutes, or sign in another way"
        expect(page.get_by_role("alert")).to_contain_text(words)
    page.get_by_text("With a key").click()
    page.get_by_label("Key", exact=True).fill(doors.key(Role.VIEWER))
    page.get_by_role("button", name="Sign in with the key").click()
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()


def test_a_person_goes_to_the_provider_and_comes_back_to_the_page_they_wanted(doors: SignInWorld, page: Page) -> None:
    page.goto(f"{doors.real.url}{WANTED}")
    expect(page.get_by_label("Password")).to_have_count(0)
    page.get_by_role("link", name="Sign in with Example ID").press("Enter")
    page.get_by_role("button", name="Lena Brandt").click()
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()
    assert page.url == f"{doors.real.url}{WANTED}"
    page.locator(".who summary").click()
    expect(page.get_by_text("default: agent, approver")).to_be_visible()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("link", name="Sign out of Example ID too").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert page.url == f"{doors.real.url}/console/sign-in"


def test_what_goes_wrong_at_the_provider_is_a_sentence_beside_the_other_ways(doors: SignInWorld, page: Page) -> None:
    page.goto(f"{doors.real.url}/console/sign-in")
    for who, words in (
        ("Nobody: go back", "not allowed there, or you left it"),
        ("Mallory, a stranger", "stands for nobody here"),
        ("Bert Vogel, who left", "stands for nobody here"),
    ):
        page.get_by_role("link", name="Sign in with Example ID").click()
        page.get_by_role("button", name=who).click()
        expect(page.get_by_role("alert")).to_contain_text(words)
        expect(page.get_by_text("With a key")).to_be_visible()
    doors.identity.misbehaviour.append("wrong_nonce")
    page.get_by_role("link", name="Sign in with Example ID").click()
    page.get_by_role("button", name="Lena Brandt").click()
    expect(page.get_by_role("alert")).to_contain_text("begin it anew")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_works_without_scripts(
    doors: SignInWorld, chromium: Browser, scheme: str, tmp_path: Path
) -> None:
    doors.give_password("p-lena", GOOD)
    small = {"width": 320, "height": 640}
    context = chromium.new_context(viewport=small, color_scheme=scheme, java_script_enabled=False)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    for house in ("local", "real"):
        page.goto(f"{doors.houses[house].url}/console/sign-in")
        page.get_by_text("With a key").click()
        for box in page.locator("input:visible, button:visible, a.button").all():
            place = box.bounding_box()
            assert place is not None
            assert place["x"] >= 0
            assert place["x"] + place["width"] <= small["width"]
        page.screenshot(path=tmp_path / f"{house}-{scheme}.png")
    page.goto(f"{doors.local.url}{WANTED}")
    page.get_by_label("Name or e-mail address").fill("p-lena")
    page.get_by_label("Password").fill(GOOD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Numbers")).to_be_visible()
    context.close()
