"""One ticket with things in it that nobody may see, and what its case made the processes tell."""

from __future__ import annotations

from tests.observability.observed_world import ObservedWorld, Span, eventually

REQUEST = "POST /api/v1/tickets"
CORRELATION_ID = "observed-1"
CALLER = "0af7651916cd43dd8448eb211c80319c"
"""The trace of whoever calls."""
PERSONAL = (
    "maria.sentinel@example.org", "Sentinel", "4111 1111 1111 1111", "4111111111111111", "sk_live_51Planted000000000000"
)  # fmt: skip
TICKET = {
    "id": "T-OBSERVED",
    "subject": f"Charged twice on {PERSONAL[2]}",
    "description": f"I am Maria {PERSONAL[1]} ({PERSONAL[0]}), my key is {PERSONAL[4]}. I was charged twice. This is "
    "urgent, I want to speak to a manager, or my lawyer calls.",
    "customer": {"email": PERSONAL[0], "name": f"Maria {PERSONAL[1]}"},
}
CASE = "escalation:default:T-OBSERVED"
VENDORS = {"mail", "model_primary", "slack", "zendesk"}


def send(world: ObservedWorld) -> list[Span]:
    """Send it, and wait until its case has called every vendor."""
    headers = {"X-Correlation-ID": CORRELATION_ID, "traceparent": f"00-{CALLER}-b7ad6b7169203331-01"}
    with world.client(**headers) as client:
        opened = client.post("/api/v1/tickets", json=TICKET)
    assert opened.status_code == 201, opened.text

    def all_told() -> bool:
        told = world.spans()
        vendors = {str(span.attributes.get("peer.service")) for span in told}
        return vendors >= VENDORS and any(span.name == REQUEST for span in told)

    eventually(all_told)
    return world.spans()
