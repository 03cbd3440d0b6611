"""What the console says when what stands behind it is gone: the store's word where there is one, else a sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from domain.cases.records import CaseRecord
from domain.identity.principals import Role
from runtime.settings.environment import load_settings
from runtime.temporal.dev_server import free_port
from starters.console.sign_in.visitors import csrf_of
from starters.service.access import keys
from starters.service.app import build
from starters.service.services import Services, open_services
from tests.console.browser import is_safe
from tests.service.service_world import LEAD


@pytest.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    """A service whose Temporal is not there."""
    environ = {"SUREHAND_DATA_DIR": str(tmp_path), "SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}"}
    async with open_services(load_settings(environ=environ)) as opened:
        yield opened


@pytest.fixture
async def browser(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is signed in there."""
    _, text = await keys.make(services.store.keys, tenant="default", name="t", roles=[Role.ADMIN],
                              now=datetime.now(UTC), person_id=LEAD)  # fmt: skip
    transport = httpx.ASGITransport(app=build(services))
    headers = {"Origin": "http://127.0.0.1:1"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1", headers=headers) as client:
        await client.get("/console/sign-in")
        fields = {"csrf": csrf_of(client.cookies["surehand_sign_in"]), "key": text}
        assert (await client.post("/console/sign-in", data=fields)).status_code == 303
        yield client


async def test_without_temporal_a_page_says_so_and_a_case_is_shown_as_the_store_has_it(
    services: Services, browser: httpx.AsyncClient
) -> None:
    now = datetime.now(UTC)
    await services.store.cases.save_case(
        CaseRecord(workflow_id="escalation:default:T-1", tenant="default", kind="escalation", case_id="T-1",
                   ticket_id="T-1", status="waiting_claim", phase="x", subject="Kept words", opened_at=now,
                   updated_at=now)
    )  # fmt: skip
    inbox, kept, lost = await asyncio.gather(
        *(browser.get(f"/console{path}") for path in ("/", "/cases/T-1", "/cases/T-2"))
    )
    for answer in (inbox, lost):
        assert answer.status_code == 503
        assert "Temporal does not answer" in is_safe(answer)
        assert "Try again" in answer.text
    assert kept.status_code == 200
    words = is_safe(kept)
    assert "Kept words" in words
    assert "Temporal does not answer: try again in a moment. This is what the store has of the case, as of" in words
    assert "/console/do/claim" not in kept.text
    for path in ("/numbers", "/knowledge", "/playbooks/asks", "/tickets/new"):
        assert (await browser.get(f"/console{path}")).status_code in (200, 404, 503), path
    claimed = await browser.post(
        "/console/do/claim", data={"csrf": csrf_of(browser.cookies["surehand_console"]), "case": "T-1"}
    )
    assert claimed.status_code == 503
    assert "Try again" not in claimed.text


async def test_without_the_store_nobody_is_let_in_and_a_sentence_says_why(
    services: Services, browser: httpx.AsyncClient
) -> None:
    await services.store.close()
    (services.settings.data_dir / "surehand.db").unlink()
    (services.settings.data_dir / "surehand.db").mkdir()
    answer = await browser.get("/console/")
    assert answer.status_code == 503
    assert "That did not work" in is_safe(answer)
    assert str(services.settings.data_dir) not in answer.text
    assert "Try again" in answer.text
    assert "Traceback" not in answer.text


async def test_a_fault_of_our_own_is_a_page_that_tells_nobody_what_it_was(
    services: Services,
    browser: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret words")

    monkeypatch.setattr(services.store.cases, "outcomes", broken)
    transport = httpx.ASGITransport(app=build(services), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1", cookies=browser.cookies) as client:
        answer = await client.get("/console/numbers")
    assert answer.status_code == 500
    assert "secret words" not in answer.text
    assert "a fault of its own" in is_safe(answer)
    (told,) = [one for one in caplog.records if one.message == "a request failed"]
    assert vars(told)["error"] == "ZeroDivisionError"
    assert not any("secret words" in str(vars(one)) for one in caplog.records if one.name == "surehand.service")
