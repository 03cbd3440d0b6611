"""Reads form bodies, which is all that Slack and Stripe send beside JSON."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.requests import Request


async def urlencoded(request: Request) -> dict[str, str]:
    """The fields of an `application/x-www-form-urlencoded` body."""
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
