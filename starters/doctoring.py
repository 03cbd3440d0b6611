"""`surehand doctor`: the platform's checks, the store's, the playbooks', and whether incident checks have tools."""

from __future__ import annotations

import asyncio

from domain.tool import Safety
from integrations.playbooks.library import FolderLibrary
from integrations.store.store import SqlStore
from runtime.checks import Check, CheckResult, Verdict, ok, warning
from runtime.configuration import Configuration
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
    probes = [
        Check("Store", lambda: _store(settings)),
        Check("Playbooks", lambda: _playbooks(settings)),
        Check("Incident checks", lambda: _incident_checks(settings)),
    ]
    return await run_checks(settings, probes=probes)


async def _playbooks(settings: Settings) -> Verdict:
    shelf = await asyncio.to_thread(FolderLibrary(settings.playbooks.folder).shelf, settings.tenant)
    broken = [shelved for shelved in shelf if shelved.definition is None]
    if broken:
        names = ", ".join(str(shelved.path) for shelved in broken)
        return warning(f"{len(broken)} of {len(shelf)} cannot run ({names}): see `surehand playbook validate`.")
    return ok(f"All {len(shelf)} of tenant {settings.tenant} can run.")


async def _incident_checks(settings: Settings) -> Verdict:
    from starters.tools import open_desk  # noqa: PLC0415 - the clients take a second to load

    checks = Configuration.from_settings(settings).checks_for(settings.tenant)
    async with open_desk(settings, None) as desk:
        can = {name for spec in await desk.specs() if spec.safety is Safety.SAFE for name in spec.capabilities}
    helpless = [f"{check.name} ({check.capability})" for check in checks if check.asks not in can]
    if helpless:
        return warning(
            f"{len(helpless)} of {len(checks)} have no tool that only looks: {', '.join(helpless[:8])}; list the "
            "database, command or server in tools.yaml, or take the check away."
        )
    names = ", ".join(check.name for check in checks[:8]) or "none"
    return ok(f"{len(checks)} of tenant {settings.tenant}, each with a tool: {names}.")


async def _store(settings: Settings) -> Verdict:
    store = await SqlStore.open(settings.store_url)
    try:
        cases = await store.cases.list_cases(settings.tenant, limit=1)
    finally:
        await store.close()
    return ok("It answers, and has cases." if cases else "It answers, and has no case yet.")
