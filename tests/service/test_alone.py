"""The service while Temporal is away: it lives, says what is missing, and takes what needs the store alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx

from domain.identity.principals import Role
from runtime.settings.environment import load_settings
from runtime.temporal.dev_server import free_port
from starters.service.access import keys
from starters.service.app import build
from starters.service.services import open_services
from tests.service.test_contract import incident, is_refusal


async def test_it_starts_without_temporal_and_says_that_it_is_away(tmp_path: Path) -> None:
    variables = {"SUREHAND_TEMPORAL__ADDRESS": f"127.0.0.1:{free_port()}", "SUREHAND_DATA_DIR": str(tmp_path)}
    async with open_services(load_settings(environ=variables)) as services:
        _, key = await keys.make(
            services.store.keys, tenant="default", name="x", roles=[Role.ADMIN], now=datetime.now(UTC)
        )
        known = {"Authorization": f"Bearer {key}"}
        inside = httpx.ASGITransport(app=build(services))
        async with httpx.AsyncClient(transport=inside, base_url="http://service", headers=known, timeout=60) as http:
            assert (await http.get("/health/live")).status_code == 200
            is_refusal(await http.get("/health/ready"), 503, "UNAVAILABLE")
            again = {"Idempotency-Key": "the-same"}
            for _ in range(2):
                refused = await http.post("/api/v1/cases", json=incident(), headers=again)
                is_refusal(refused, 503, "UNAVAILABLE")
                assert int(refused.headers["retry-after"]) > 0
            is_refusal(await http.get("/api/v1/cases"), 503, "UNAVAILABLE")
            assert (await http.post("/api/v1/sessions", json={})).status_code == 201
            assert (await http.post("/api/v1/knowledge/search", json={"query": "disk full"})).status_code == 200
