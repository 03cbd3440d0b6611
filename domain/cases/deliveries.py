"""What came from outside and is kept until it has reached its case: a click, an event, a webhook."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from domain.model import JsonValue, Value


class Delivery(Value):
    """One thing that came, and what is to be done about it."""

    tenant: str
    source: str
    """`slack`, or `KIND/NAME` of the endpoint that it came to."""
    delivery_id: str = Field(min_length=1, max_length=300)
    """The sender's: a second one with the same id is the same."""
    kind: str
    """What is to be done, such as `claim` or `decide`."""
    body: dict[str, JsonValue]
    correlation_id: str = ""
    received_at: datetime
    attempts: int = 0
    """How often it was tried before."""

    def follow(self, kind: str, body: dict[str, JsonValue], now: datetime) -> Delivery:
        """Something that is to be done because of this one, once."""
        return Delivery(
            tenant=self.tenant,
            source=self.source,
            delivery_id=f"{self.delivery_id}/{kind}",
            kind=kind,
            body=body,
            correlation_id=self.correlation_id,
            received_at=now,
        )
