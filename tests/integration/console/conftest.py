"""One service with its worker for all tests here, a browser for each file, and a window for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from domain.identity.principals import Role
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.knowledge import Lesson
from runtime.settings.environment import Settings, load_settings
from starters.console.sign_in.visitors import make_link
from starters.service.access import keys
from tests.service.service_world import LEAD, ServiceWorld
from tests.service.telling_world import TellingWorld
from tests.service.test_contract import incident, ticket, until

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
LOG = "2026-03-10T14:06:08Z payments ERROR cannot authorise payment <script>alert(1)</script>\n"
GONE = f"sha256:{'0' * 64}"
PLAYBOOKS = {
    "stuck": """\
document: {dsl: '1.0.3', namespace: tests, name: stuck, version: '1.0.0', title: Fetch a price}
do:
  - begin: {set: {sku: tent}}
  - fetch:
      call: topology.read
      with: {evidence: [{reference: 'GONE', name: gone.yaml}]}
      metadata: {park: always, title: Fetching the price}
""".replace("GONE", GONE),
    "asks": """\
document: {dsl: '1.0.3', namespace: tests, name: asks, version: '1.0.0', title: Hold some goods}
input:
  schema:
    document:
      type: object
      required: [goods, count]
      additionalProperties: false
      properties:
        goods: {type: object, required: [sku], properties: {sku: {type: string, minLength: 3}}}
        count: {type: integer, minimum: 1, description: How many.}
        service: {enum: [standard, express]}
do:
  - hold: {wait: {milliseconds: 10}}
""",
}


class ConsoleWorld(TellingWorld):
    """With playbooks of its own, beside a system outside that is told of cases."""

    def _settings(self, address: str) -> Settings:
        super()._settings(address)
        return load_settings(environ={**self.variables, "SUREHAND_PLAYBOOKS__FOLDER": str(self.folder / "playbooks")})


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceWorld]:
    folder = tmp_path_factory.mktemp("console")
    (folder / "playbooks").mkdir()
    for name, text in PLAYBOOKS.items():
        (folder / "playbooks" / f"{name}.yaml").write_text(text, "utf-8")
    with ConsoleWorld(folder) as running:
        yield running


# Not for the whole session: while it is there, this thread has an event loop, and no other test may run one.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("Debian's chromium is not installed")
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def state(world: ServiceWorld, chromium: Browser) -> str:
    """The cookies of somebody who is signed in, for windows that need not do it again."""
    context = chromium.new_context()
    sign_in(context.new_page(), link(world))
    kept: str = str(world.folder / "browser.json")
    context.storage_state(path=kept)
    context.close()
    return kept


@pytest.fixture
def page(world: ServiceWorld, chromium: Browser, state: str) -> Iterator[Page]:
    """A window of somebody who is signed in. The console must not complain in it."""
    context = chromium.new_context(storage_state=state, base_url=world.url, timezone_id="Asia/Tokyo")
    context.set_default_timeout(30_000)
    window, complaints = context.new_page(), []
    # What the server refuses on purpose is looked at by tests; all else that the browser says is a fault.
    window.on("console", lambda said: complaints.append(said.text) if "status of 4" not in said.text else None)
    window.on("pageerror", lambda error: complaints.append(str(error)))
    yield window
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def opened(world: ServiceWorld) -> dict[str, str]:
    """Cases to look at, by what they are."""
    lesson = Lesson(lesson_id="INC-TOLD", title="Pools run dry", body="## What\n\n- *It* showed <b>so</b>.",
                    service="payments", fault=FaultKind.CONNECTION_POOL, words=("pool is empty",))  # fmt: skip
    world.do(world.services.knowledge.learn("default", lesson))
    with world.client() as client:
        upload = client.post("/api/v1/data/upload", files={"file": ("payments.log", LOG.encode())}).json()
        piece = {"reference": upload["reference"], "name": "payments.log"}
        names = {
            "ticket": client.post("/api/v1/tickets", json=vip("TICK-LOOK")).json()["case_id"],
            "incident": client.post("/api/v1/cases", json=incident(evidence=[piece])).json()["case_id"],
            "run": client.post("/api/v1/playbooks/waits/runs", json={}).json()["case_id"],
            "evidence": upload["reference"],
        }
        until(lambda: client.get("/api/v1/cases/TICK-LOOK").json()["approvals"], 60)
        until(lambda: client.get(f"/api/v1/cases/{names['incident']}").json()["status"] == "waiting_claim", 60)
        until(lambda: client.get(f"/api/v1/cases/{names['run']}").json()["status"] == "waiting_event", 60)
    return names


def vip(name: str) -> dict[str, object]:
    """A ticket whose answer waits for an approval."""
    return ticket(customer={"tier": "vip", "email": "v@example.com"}, channel="email", id=name, subject=f"About {name}")


def link(world: ServiceWorld) -> str:
    """Signs a lead in, once."""

    async def made() -> str:
        store, now = world.services.store, datetime.now(UTC)
        key, _ = await keys.make(store.keys, tenant="default", name="t", roles=[Role.ADMIN], now=now, person_id=LEAD)
        return await make_link(store, key, now)

    return f"{world.url}/console/sign-in?link={world.do(made())}"


def sign_in(page: Page, address: str) -> None:
    """By a link, as `surehand console` makes it."""
    page.goto(address)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Inbox")).to_be_visible()


def case_of(world: ServiceWorld, kind: str, **more: object) -> str:
    """A new case for one test: a ticket that waits for an approval, an incident that waits for a claim, or a run."""
    with world.client() as client:
        if kind == "ticket":
            name = client.post("/api/v1/tickets", json={**vip(str(more["id"])), **more}).json()["case_id"]
            wanted = "waiting_approval"
        elif kind == "incident":
            name = client.post("/api/v1/cases", json=incident(**more)).json()["case_id"]
            wanted = "waiting_claim"
        else:
            name = client.post(f"/api/v1/playbooks/{kind}/runs", json={}).json()["case_id"]
            wanted = {"waits": "waiting_event", "stuck": "parked"}[kind]
        until(lambda: client.get(f"/api/v1/cases/{name}").json()["status"] == wanted, 60)
    return str(name)


def status_of(world: ServiceWorld, name: str) -> Callable[[], str]:
    """What a case says of itself by the other way in."""

    def read() -> str:
        with world.client() as client:
            return str(client.get(f"/api/v1/cases/{name}").json()["status"])

    return read
