"""Effects once: a call that its vendor would do twice goes through the effect ledger. Claim, act, record.

A claim without a record means that an attempt began and nobody knows its end: the process was killed, or no answer
came. Such a call is not made again. Where its provider can look whether it took effect, it is asked; otherwise the
outcome stays unknown, and a person decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

from domain.cases.records import EffectStatus
from domain.errors import InvalidInput, OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.ports.effects import EffectLedger
from domain.tools.tool import ToolCall, ToolResult, ToolSpec
from integrations.tools.provider import NotAllowed

_NO_EFFECT = (VendorUnavailable, VendorRefused, InvalidInput, NotAllowed)
_PAUSES_SECONDS = (0.2, 1.0, 2.0, 0.0)
Act = Callable[[], Awaitable[ToolResult]]
Look = Callable[[], Awaitable[ToolResult | None]]

logger = logging.getLogger(__name__)


def effect_of(call: ToolCall) -> str:
    """The ledger's key. It holds the tool, so that an alternative tried under the same step is another effect."""
    return f"{call.key}#{call.tool}"


async def once(ledger: EffectLedger, spec: ToolSpec, call: ToolCall, act: Act, look: Look | None) -> ToolResult:
    """Make a call at most once.

    Args:
        ledger: where claims stand.
        spec: the tool.
        call: what to do.
        act: makes the call.
        look: finds out what an attempt with this key did: its result, or None when it certainly had no effect.

    Raises:
        OutcomeUnknown: an earlier attempt may have taken effect and nobody can tell.
        VendorError: from the call. A failure that certainly had no effect gives the claim back.
    """
    key = effect_of(call)
    entry = await ledger.claim(key, call.tenant)
    if entry.status is EffectStatus.DONE:
        return ToolResult.model_validate(entry.outcome or {}).model_copy(update={"repeated": True})
    if entry.status is EffectStatus.CLAIMED:
        if look is None:
            raise OutcomeUnknown(
                spec.vendor,
                "no_record",
                f"An earlier attempt of {spec.name} ended without a record, so it may have taken effect: "
                f"look at {spec.vendor} before it is done again.",
            )
        found = await look()
        if found is not None:
            await _record(ledger, key, found)
            return found.model_copy(update={"repeated": True})
    try:
        result = await act()
    except _NO_EFFECT:
        with suppress(VendorUnavailable):  # a claim that stays makes the next attempt ask, which is the safe side
            await ledger.release(key)
        raise
    await _record(ledger, key, result)
    return result


async def _record(ledger: EffectLedger, key: str, result: ToolResult) -> None:
    """Record an outcome. The effect has happened: a store that fails must not make it look as if it had not."""
    outcome = result.model_dump(mode="json", exclude_defaults=True)
    for pause_seconds in _PAUSES_SECONDS:
        try:
            await ledger.record(key, outcome)
        except VendorUnavailable:
            await asyncio.sleep(pause_seconds)
        else:
            return
    logger.error("an effect could not be recorded; a repeat of its attempt will have to ask a person")
