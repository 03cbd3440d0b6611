"""`surehand doctor`: the platform's checks, the store's, playbooks, and all that is configured outside."""

from __future__ import annotations

import asyncio
import dataclasses
import functools

from domain.errors import ConfigurationProblem
from integrations.commands import AllowedCommands
from integrations.databases.configuration import DatabaseSources
from integrations.imap import Mailbox
from integrations.playbooks.library import FolderLibrary
from integrations.store.database.migration import HEAD, revision_of
from integrations.store.store import SqlStore
from runtime.configuration.policies import Configuration
from runtime.doctor.checks import TIMEOUT_SECONDS, Check, CheckResult, Verdict, missing, ok, warning
from runtime.doctor.platform_checks import run_checks
from runtime.settings.environment import SECRETS_PREFIX, Settings
from runtime.telemetry.logs import keep_output_clean
from starters.examining.identity import identity_checks
from starters.examining.mail import look_at_mail_server
from starters.examining.models import model_checks
from starters.examining.outgoing import outgoing_checks
from starters.examining.vendors import vendor_checks
from starters.finding import find_settings
from starters.mailboxes import MailboxSource, mailboxes_of

_NAMED = {"database.query": "database", "command.look": "command"}
"""Capability -> the argument that names what tools.yaml lists."""
_COMPUTES_SECONDS = 30.0


async def examine(*, ask_models: bool = False) -> list[CheckResult]:
    """Check everything, side by side.

    Args:
        ask_models: also ask each language model for one token, which costs a little.

    Raises:
        ConfigurationProblem: the settings cannot be read at all.
    """
    settings = find_settings()
    keep_output_clean(settings)
    probes = [
        Check("Store", lambda: look_at_store(settings)),
        # These compute, which takes longer on a busy machine.
        Check("Playbooks", lambda: _playbooks(settings), at_least_seconds=_COMPUTES_SECONDS),
        Check(
            "Incident checks", lambda: asyncio.to_thread(incident_checks, settings), at_least_seconds=_COMPUTES_SECONDS
        ),
        *_mail(settings),
        *vendor_checks(settings),
        *model_checks(settings, buys=ask_models),
        *identity_checks(settings),
        *_by_configuration(settings),
    ]
    return await run_checks(settings, probes=probes)


def _mail(settings: Settings) -> list[Check]:
    smtp = settings.smtp
    return [] if smtp is None else [Check("Mail server", lambda: look_at_mail_server(smtp))]


def _by_configuration(settings: Settings) -> list[Check]:
    """One check for each mailbox, endpoint and server; what is wrong with the mailboxes' file is one too."""
    try:
        configuration = Configuration.from_settings(settings)
    except ConfigurationProblem:
        return []  # which is a check of its own
    outgoing = outgoing_checks(settings, configuration)
    try:
        sources = mailboxes_of(configuration)
    except ConfigurationProblem as problem:
        sentence = str(problem)
        return [Check("Mailboxes", lambda: asyncio.sleep(0, missing(sentence))), *outgoing]
    boxes = [
        Check(f"Mailbox {name}", functools.partial(look_at_mailbox, source, settings))
        for name, source in sources.items()
    ]
    return [*boxes, *outgoing]


async def look_at_mailbox(source: MailboxSource, settings: Settings) -> Verdict:
    """Whether a mailbox lets us in and can do what is wanted of it; nothing in it is changed.

    Raises:
        VendorError: it does not.
    """
    account = source.account(settings)
    if account is None:
        return missing(f"It has no way in: set {SECRETS_PREFIX}{(source.unset(settings) or '').upper()}.")
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


async def look_at_store(settings: Settings) -> Verdict:
    """Whether the store answers with tables of this version; nothing is made or migrated.

    Raises:
        ConfigurationProblem: its address cannot be used.
        NotReachable: it does not answer.
    """
    revision = await revision_of(settings.store_url)
    if revision is None:
        return warning("It has no tables yet: run `surehand setup`, or start a worker, which makes them.")
    if revision != HEAD:
        return missing(
            f"Its tables are of revision {revision}, and this program is of {HEAD}: back it up and run "
            "`surehand setup`, or start the newer program that wrote it."
        )
    store = await SqlStore.open(settings.store_url)
    try:
        cases = await store.cases.list_cases(settings.tenant, limit=1)
    finally:
        await store.close()
    return ok(f"Revision {HEAD}, and it has cases." if cases else f"Revision {HEAD}, and it has no case yet.")
