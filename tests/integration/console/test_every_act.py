"""Every act in Chromium, by what a person sees and clicks; what came of it is asked by another way in."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.integration.console.conftest import LOG, case_of, status_of
from tests.service.service_world import LEAD, ServiceWorld
from tests.service.test_contract import until

Act = Callable[[ServiceWorld, Page], None]


def look_at(page: Page, name: str) -> Locator:
    """The acts on the page of a case."""
    page.goto(f"/console/cases/{name}")
    return page.locator("section", has=page.get_by_role("heading", name="What you can do"))


def unfold(acts: Locator, name: str) -> Locator:
    acts.get_by_text(name, exact=True).click()
    return acts.locator("details", has=acts.page.get_by_text(name, exact=True))


def said(page: Page, words: str) -> None:
    expect(page.locator(".done")).to_contain_text(words)


def decide(world: ServiceWorld, page: Page) -> None:
    name = case_of(world, "ticket", id="ACT-DECIDE")
    page.goto("/console/")
    card = page.locator("article", has=page.get_by_role("link", name=name, exact=True))
    card.get_by_label("Reason").fill("Name the article first.")
    card.get_by_role("button", name="Reject").click()
    said(page, "Your rejection is recorded")
    page.goto(f"/console/cases/{name}")
    page.reload()
    expect(page.get_by_text("Name the article first.").first).to_be_visible()


def claim(world: ServiceWorld, page: Page) -> None:
    acts = look_at(page, case_of(world, "incident", title="To be claimed"))
    acts.get_by_role("button", name="Claim").click()
    said(page, "The case is yours.")
    expect(page.locator("dd", has_text=LEAD).first).to_be_visible()


def reassign(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "incident", title="To be given away")), "Give it to somebody")
    form.get_by_role("combobox").select_option("p-tom")
    form.get_by_label("What they need to know").fill("You know this service.")
    form.get_by_role("button", name="Give").click()
    said(page, "It is given to that person, who is told.")
    expect(page.locator("dd", has_text="p-tom").first).to_be_visible()


def resolve(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "ticket", id="ACT-RESOLVE")), "Say that it is solved")
    form.get_by_label("What solved it").fill("The export was repaired.")
    form.get_by_label("Tell the customer").uncheck()
    form.get_by_role("button", name="Solved").click()
    said(page, "It is recorded as solved.")
    until(lambda: status_of(world, "ACT-RESOLVE")() == "resolved", 60)


def message(world: ServiceWorld, page: Page) -> None:
    hand_over(world, page, "ACT-WRITE")
    form = unfold(look_at(page, "ACT-WRITE"), "Write to the customer")
    form.get_by_label("Message").fill("We look into it.")
    form.get_by_role("button", name="Send").click()
    said(page, "The message is in the case.")
    expect(page.locator(".talk")).to_contain_text("We look into it.")


def heard(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "ticket", id="ACT-HEARD")), "Add what the customer said elsewhere")
    form.get_by_label("The customer's words").fill("On the telephone: it works again for some.")
    form.get_by_role("button", name="Add").click()
    said(page, "The customer's words are in the case.")
    expect(page.locator(".talk .by-customer").last).to_contain_text("On the telephone")


def escalate(world: ServiceWorld, page: Page) -> None:
    hand_over(world, page, "ACT-NOW")
    ladder = look_at(page, "ACT-NOW").page.locator("section", has=page.get_by_role("heading", name="Who is asked"))
    expect(ladder).to_contain_text("duty lead")


def hand_over(world: ServiceWorld, page: Page, name: str) -> None:
    form = unfold(look_at(page, case_of(world, "ticket", id=name)), "Hand it to people now")
    form.get_by_label("Why").fill("Their board meets in an hour.")
    form.get_by_role("button", name="Hand over").click()
    said(page, "told to go to people")
    until(lambda: status_of(world, name)() == "waiting_claim", 60)


def feedback(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "ticket", id="ACT-RATED")), "Say how it went")
    form.get_by_label("Rating").select_option("4")
    form.get_by_label("Was the decision").select_option("yes")
    form.get_by_role("button", name="Record").click()
    said(page, "Your judgement is recorded")
    expect(page.locator("dt", has_text="ratings of 5")).to_be_visible()


def ask(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "incident", title="To be asked")), "Ask about it")
    form.get_by_label("Question").fill("What is the status of it?")
    form.get_by_role("button", name="Ask").click()
    said(page, "The question is asked")
    expect(page.get_by_text("What is the status of it?").first).to_be_visible()


def close(world: ServiceWorld, page: Page) -> None:
    name = case_of(world, "incident", title="To be closed")
    look_at(page, name).get_by_role("button", name="Claim").click()
    form = unfold(look_at(page, name), "Say that it is over")
    form.get_by_label("What solved it").fill("A cable was loose.")
    form.get_by_role("button", name="Close the incident").click()
    said(page, "The incident is closed.")


def evidence(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "incident", title="To be shown")), "Add evidence")
    form.get_by_label("Whose logs these are").fill("payments")
    form.get_by_label("Files").set_input_files(
        [{"name": name, "mimeType": "text/plain", "buffer": f"{LOG}{name}\n".encode()} for name in ("a.log", "b.log")]
    )
    form.get_by_role("button", name="Add").click()
    said(page, "The evidence is there")
    for name in ("a.log", "b.log"):
        expect(page.get_by_role("link", name=name)).to_be_visible()
    expect(page.locator(".evidence li").first).to_contain_text("of payments")


def link(world: ServiceWorld, page: Page) -> None:
    name = case_of(world, "incident", title="To be linked")
    for button, words, count in (("Link", "The ticket is linked.", 1), ("Unlink", "no longer linked", 0)):
        form = unfold(look_at(page, name), "Link or unlink a ticket")
        form.get_by_label("Ticket").fill("T-FAR")
        form.get_by_role("button", name=button, exact=True).click()
        said(page, words)
        expect(page.get_by_role("link", name="T-FAR")).to_have_count(count)


def join(world: ServiceWorld, page: Page) -> None:
    incident = case_of(world, "incident", title="To be joined")
    form = unfold(look_at(page, case_of(world, "ticket", id="ACT-JOIN")), "It is about an incident")
    form.get_by_label("Incident").fill(incident)
    form.get_by_role("button", name="Join").click()
    said(page, "belongs to that incident")
    page.locator("section", has=page.get_by_role("heading", name="Belongs together")).get_by_role("link").first.click()
    expect(page.get_by_role("link", name="ACT-JOIN")).to_be_visible()


def open_of_ticket(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "ticket", id="ACT-OPENS")), "It is about an incident")
    form.get_by_role("button", name="Open an incident from this ticket").click()
    said(page, "The incident is open")
    expect(page.get_by_role("link", name=re.compile("^incident:"))).to_be_visible()


def open_ticket(world: ServiceWorld, page: Page) -> None:
    page.goto("/console/cases")
    page.get_by_role("link", name="Open a ticket").click()
    page.get_by_label("Subject").fill("The invoice has the wrong address")
    page.get_by_label("What the customer says").fill("It still names our old street.")
    page.get_by_label("E-mail").fill("someone@example.com")
    page.get_by_label("Tier").select_option("vip")
    page.get_by_role("button", name="Open the ticket").click()
    said(page, "It is open")
    expect(page.locator("h1")).to_contain_text("The invoice has the wrong address")


def open_incident(world: ServiceWorld, page: Page) -> None:
    page.goto("/console/cases")
    page.get_by_role("link", name="Open an incident").click()
    page.get_by_label("Title").fill("Payments fail for some")
    page.get_by_label("What is wrong").fill("Since a quarter past two.")
    page.get_by_label("Tickets about it").fill("T-1 T-2")
    page.get_by_label("Evidence (logs").set_input_files({"name": "p.log", "mimeType": "", "buffer": LOG.encode()})
    page.get_by_role("button", name="Open the incident").click()
    said(page, "It is open")
    expect(page.get_by_role("link", name="p.log")).to_be_visible()


def review(world: ServiceWorld, page: Page) -> None:
    page.goto("/console/")
    page.get_by_role("link", name=re.compile("for a review")).click()
    page.get_by_role("link", name="Pools run dry").click()
    expect(page.locator("article")).to_contain_text("<b>so</b>")
    page.get_by_role("button", name="It is true").click()
    said(page, "Everybody of the tenant finds the lesson")
    page.get_by_role("button", name="Retire it").click()
    said(page, "Nobody finds the lesson any more.")
    expect(page.get_by_role("button", name="Retire it")).to_have_count(0)


def unpark(world: ServiceWorld, page: Page) -> None:
    name = case_of(world, "stuck")
    page.goto("/console/")
    page.locator("article", has=page.get_by_role("link", name=name)).get_by_role("link", name="See why").click()
    expect(page.locator(".diagram .is-parked .mark")).to_have_text("parked")
    page.get_by_label("Reason").first.fill("There is no price to fetch.")
    page.get_by_role("button", name="Skip").click()
    said(page, "The parked step goes on as you said.")
    until(lambda: status_of(world, name)() == "closed", 60)
    page.reload()
    expect(page.locator("section", has=page.get_by_role("heading", name="Who decided what"))).to_contain_text(
        "no price"
    )


def cancel(world: ServiceWorld, page: Page) -> None:
    form = unfold(look_at(page, case_of(world, "ticket", id="ACT-GONE")), "Withdraw it")
    form.get_by_role("button", name="Withdraw").click()
    said(page, "asked to take back what it did")
    until(lambda: status_of(world, "ACT-GONE")() == "withdrawn", 60)


def start(world: ServiceWorld, page: Page) -> None:
    """Filled in, refused, rehearsed, started; also the tests of `/do/rehearse`."""
    page.goto("/console/playbooks/asks")
    page.get_by_role("link", name="Start it").click()
    page.get_by_label("Goods sku").fill("ab")
    page.get_by_label("Count").fill("2")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_role("alert")).to_contain_text("does not fit the playbook")
    expect(page.get_by_label("Count")).to_have_value("2")
    page.get_by_label("Goods sku").fill("tent")
    page.get_by_label("Service").select_option("express")
    page.get_by_role("button", name="Rehearse").click()
    expect(page.get_by_text("Nothing was called.")).to_be_visible()
    expect(page.locator("ol.plan")).to_contain_text("hold")
    page.get_by_role("button", name="Start the run").click()
    said(page, "The run is started.")
    expect(page.locator(".status", has_text="closed").first).to_be_visible(timeout=60_000)
    expect(page.locator(".diagram .is-done .mark")).to_have_text("done")


def event(world: ServiceWorld, page: Page) -> None:
    name = case_of(world, "waits")
    acts = look_at(page, name)
    expect(page.locator(".diagram .is-at-work .mark")).to_have_text("at work")
    form = unfold(acts, "Send it an event")
    form.get_by_label("Type").fill("com.surehand.contact.purchase")
    form.get_by_label("Data as JSON").fill('{"amount": 5}')
    form.get_by_role("button", name="Send").click()
    said(page, "The event is on its way")
    until(lambda: status_of(world, name)() == "closed", 60)


def abort(world: ServiceWorld, page: Page) -> None:
    name = case_of(world, "waits")
    form = unfold(look_at(page, name), "Stop it, and undo what it did")
    form.get_by_label("Reason").fill("It was started by mistake.")
    form.get_by_role("button", name="Stop the run").click()
    said(page, "The run stops")
    until(lambda: status_of(world, name)() in ("withdrawn", "faulted"), 60)


def webhooks(world: ServiceWorld, page: Page) -> None:
    page.goto("/console/")
    page.locator(".who summary").click()
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("link", name="portal").click()
    page.get_by_text("Disable it").click()
    page.get_by_label("Why").fill("It is moved.")
    page.get_by_role("button", name="Disable").click()
    expect(page.locator("dd", has_text="It is moved.")).to_be_visible()
    page.get_by_role("button", name="Enable").click()
    expect(page.get_by_role("button", name="Send a test event")).to_be_visible()


def sign_out(world: ServiceWorld, page: Page) -> None:
    """The window's own session ends in `test_browser.py`; here it is looked whether it can be reached by keys."""
    page.goto("/console/")
    page.locator(".who summary").press("Enter")
    expect(page.get_by_role("button", name="Sign out", exact=True)).to_be_visible()


ACTS: Mapping[str, Act] = {
    "/do/decide": decide,
    "/do/claim": claim,
    "/do/reassign": reassign,
    "/do/resolve": resolve,
    "/do/message": message,
    "/do/heard": heard,
    "/do/escalate": escalate,
    "/do/feedback": feedback,
    "/do/ask": ask,
    "/do/close": close,
    "/do/evidence": evidence,
    "/do/link": link,
    "/do/join": join,
    "/do/open-incident-of": open_of_ticket,
    "/do/open-ticket": open_ticket,
    "/do/open-incident": open_incident,
    "/do/review": review,
    "/do/unpark": unpark,
    "/do/cancel": cancel,
    "/do/rehearse": start,
    "/do/start": start,
    "/do/event": event,
    "/do/abort": abort,
    "/do/webhooks": webhooks,
    "/sign-out": sign_out,
}


@pytest.mark.parametrize("path", [path for path in ACTS if path != "/do/rehearse"])
def test_an_act_is_done_in_the_browser(world: ServiceWorld, page: Page, opened: dict[str, str], path: str) -> None:
    ACTS[path](world, page)
