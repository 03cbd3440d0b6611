"""Metrics at an address of their own: whoever reaches it may read them, and nothing else is there."""

from __future__ import annotations

import httpx
import pytest

from tests.service.service_world import ServiceWorld


def test_metrics_are_shown_at_their_own_address_and_to_nobody_without_a_key_at_the_services(
    world: ServiceWorld,
) -> None:
    with world.client(None) as stranger:
        refused = stranger.get("/metrics")
    assert (refused.status_code, refused.json()["error_type"]) == (401, "UNAUTHENTICATED")

    with httpx.Client(base_url=f"http://{world.metrics_address}", trust_env=False, timeout=60) as prometheus:
        answer = prometheus.get("/metrics")
    assert answer.status_code == 200
    # Prometheus 3 reads nothing whose kind it is not told.
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "surehand_http_requests_total" in answer.text
    assert "surehand_standing_read" in answer.text


@pytest.mark.parametrize("path", ["/", "/api/v1/cases", "/health/live", "/openapi.json", "/console/", "/metrics/"])
def test_nothing_but_metrics_is_there(world: ServiceWorld, path: str) -> None:
    with httpx.Client(base_url=f"http://{world.metrics_address}", trust_env=False, timeout=60) as anybody:
        assert anybody.get(path).status_code == 404
        assert anybody.post("/metrics").status_code == 404
