"""`surehand doctor`: the platform's checks, and the store's."""

from __future__ import annotations

from integrations.store.store import SqlStore
from runtime.checks import Check, CheckResult, Verdict, ok
from runtime.platform_checks import run_checks
from runtime.settings import Settings
from runtime.telemetry import keep_output_clean
from starters.finding import find_settings


async def examine() -> list[CheckResult]:
    """Check everything, side by side.

    Raises:
        ConfigurationProblem: the settings cannot be read at all.
    """
    settings = find_settings()
    keep_output_clean(settings)
    return await run_checks(settings, probes=[Check("Store", lambda: _store(settings))])


async def _store(settings: Settings) -> Verdict:
    store = await SqlStore.open(settings.store_url)
    try:
        cases = await store.cases.list_cases(settings.tenant, limit=1)
    finally:
        await store.close()
    return ok("It answers, and has cases." if cases else "It answers, and has no case yet.")
