"""Removes evidence whose time is over, while a worker runs. Workers that share a folder do no harm to each other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

from domain.errors import VendorError
from domain.ports.evidence import EvidenceStore

_EVERY = timedelta(days=1)
logger = logging.getLogger(__name__)


@asynccontextmanager
async def removing_old_evidence(
    evidence: EvidenceStore, keep: timedelta, *, every: timedelta = _EVERY
) -> AsyncIterator[None]:
    """Look now and then, as long as the block runs.

    Args:
        evidence: where it is kept.
        keep: how long after its last upload.
        every: time between two looks.
    """
    task = asyncio.create_task(_remove(evidence, keep, every))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _remove(evidence: EvidenceStore, keep: timedelta, every: timedelta) -> None:
    while True:
        try:
            removed = await evidence.remove_older_than(datetime.now(UTC) - keep)
        except VendorError as error:
            # Nothing waits for it: the next look removes what this one left.
            logger.warning("old evidence could not be removed", extra={"code": error.code})
        else:
            if removed:
                logger.info("old evidence was removed", extra={"files": removed})
        await asyncio.sleep(every.total_seconds())
