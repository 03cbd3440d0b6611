"""`surehand doctor`: the platform's checks, the store's, playbooks, mailboxes, and the tools of incident checks."""

from __future__ import annotations

import asyncio
import dataclasses
import functools

from domain.errors import ConfigurationProblem
from integrations.commands import AllowedCommands
from integrations.databases.configuration import DatabaseSources
from integrations.imap import Mailbox
from integrations.playbooks.library import FolderLibrary
from integrations.store.store import SqlStore
from runtime.configuration.policies import Configuration
from runtime.doctor.checks import TIMEOUT_SECONDS, Check, CheckResult, Verdict, missing, ok, warning
from runtime.doctor.platform_checks import run_checks
from runtime.settings.environment import SECRETS_PREFIX, Settings
from runtime.telemetry.logs import keep_output_clean
from starters.finding import find_settings
from starters.mailboxes import MailboxSource, mailboxes_of

_NAMED = {"database.query": "database", "command.look": "command"}
"""Capability -> the argument that names what tools.yaml lists."""


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
        Check("Incident checks", lambda: asyncio.to_thread(incident_checks, settings)),
        *_mailboxes(settings),
    ]
    return await run_checks(settings, probes=probes)


def _mailboxes(settings: Settings) -> list[Check]:
    """One check for each mailbox; what is wrong with the file itself is one too."""
    try:
        sources = mailboxes_of(Configuration.from_settings(settings))
    except ConfigurationProblem as problem:
        sentence = str(problem)
        return [Check("Mailboxes", lambda: asyncio.sleep(0, missing(sentence)))]
    return [
        Check(f"Mailbox {name}", functools.partial(look_at_mailbox, source, settings))
        for name, source in sources.items()
    ]


async def look_at_mailbox(source: MailboxSource, settings: Settings) -> Verdict:
    """Whether a mailbox lets us in and can do what is wanted of it; nothing in it is changed.

    Raises:
        VendorError: it does not.
    """
    account = source.account(settings)
    if account is None:
        return missing(f"It has no password: set {SECRETS_PREFIX}{source.secret.upper()}.")
    account = dataclasses.replace(account, timeout_seconds=TIMEOUT_SECONDS - 1)
    async with Mailbox(account, read_only=True) as opened:
        folder = opened.folder
    wants_move = source.taken == "move" or source.aside_folder is not None
    if wants_move and not folder.can_move:
        return warning(f"{account.where} cannot move mails, so they are marked: write `taken: seen`.")
    return ok(f"{account.where} lets us in; the folder has {folder.mails} mails.")


async def _playbooks(settings: Settings) -> Verdict:
    shelf = await asyncio.to_thread(FolderLibrary(settings.playbooks.folder).shelf, settings.tenant)
    broken = [shelved for shelved in shelf if shelved.definition is None]
    if broken:
        names = ", ".join(str(shelved.path) for shelved in broken)
        return warning(f"{len(broken)} of {len(shelf)} cannot run ({names}): see `surehand playbook validate`.")
    return ok(f"All {len(shelf)} of tenant {settings.tenant} can run.")


def incident_checks(settings: Settings) -> Verdict:
    """Whether each check that incidents may make has what it asks: a database, a command that only looks, metrics.

    Raises:
        ConfigurationProblem: a file cannot be used.
    """
    configuration = Configuration.from_settings(settings)
    checks = configuration.checks_for(settings.tenant)
    databases = configuration.section("tools", "databases", DatabaseSources).root
    commands = configuration.section("tools", "commands", AllowedCommands).root
    can = {
        *(("database.query", name) for name, source in databases.items() if source.is_for(settings.tenant)),
        *(
            ("command.look", name)
            for name, command in commands.items()
            if command.is_for(settings.tenant) and not command.changes
        ),
    }
    helpless = [
        check.name
        for check in checks
        if (check.asks in _NAMED and (check.asks, check.arguments.get(_NAMED[check.asks])) not in can)
        or (check.asks.startswith("metrics.") and settings.prometheus is None)
    ]
    if helpless:
        return warning(
            f"{len(helpless)} of {len(checks)} have nothing that answers them ({', '.join(helpless[:8])}): list their "
            "database or command (with `changes: false`) in tools.yaml, set PROMETHEUS, or take them away."
        )
    names = ", ".join(check.name for check in checks[:8]) or "none"
    return ok(f"{len(checks)} of tenant {settings.tenant} can be made: {names}.")


async def _store(settings: Settings) -> Verdict:
    store = await SqlStore.open(settings.store_url)
    try:
        cases = await store.cases.list_cases(settings.tenant, limit=1)
    finally:
        await store.close()
    return ok("It answers, and has cases." if cases else "It answers, and has no case yet.")
