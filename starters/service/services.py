"""Everything that the service works with, opened once. It keeps nothing of its own: Temporal and the store do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Request
from temporalio.client import Client

from domain.identity.principals import Principal
from domain.ports.cases import CaseStore
from domain.ports.evidence import EvidenceStore
from integrations.identity.provider import IdentityProvider
from integrations.knowledge.incidents import FailureKnowledge
from integrations.playbooks.library import FolderLibrary
from integrations.store.store import SqlStore
from runtime.configuration.policies import Configuration
from runtime.settings.environment import OidcSettings, ServiceSettings, Settings
from runtime.telemetry.logs import create_runtime
from runtime.telemetry.tracing import start_tracing
from runtime.temporal.connection import connect
from starters.cases import Cases
from starters.incidents import Incidents, evidence_store
from starters.playbooks import Playbooks
from starters.service.access.rates import Rates
from starters.service.access.tokens import Tokens
from starters.service.http.correlation import CarriesCorrelation
from starters.service.inbox.bell import Bell
from starters.service.monitoring.metrics import Metrics
from starters.submission import Submitter
from workers.knowledge import failure_knowledge

_PASSWORDS_AT_ONCE = 2


@dataclass(frozen=True)
class Services:
    """What routes use."""

    settings: Settings
    configuration: Configuration
    client: Client
    store: SqlStore
    cases: Cases
    incidents: Incidents
    playbooks: Playbooks
    submitter: Submitter
    library: FolderLibrary
    evidence: EvidenceStore
    knowledge: FailureKnowledge
    tokens: Tokens | None
    rates: Rates
    identity: IdentityProvider | None = None
    """Where people sign in to the console."""
    metrics: Metrics = field(default_factory=Metrics)
    bell: Bell = field(default_factory=Bell)
    """Rung when something came into the inbox."""
    looking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_PASSWORDS_AT_ONCE))
    """Held while a password is looked at: each needs 32 MB and a core."""
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the service stops: answers that last long end then."""

    @property
    def service(self) -> ServiceSettings:
        """The service's own settings."""
        return self.settings.service

    async def case_store(self) -> CaseStore:
        """The store of cases, as the starters ask for it."""
        return self.store.cases


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the store, and connect to Temporal with the first request that needs it.

    Raises:
        ConfigurationProblem: settings or configuration cannot be used.
        NotReachable: the store does not answer.
    """
    configuration = Configuration.from_settings(settings)
    runtime = create_runtime(settings, metrics=False)
    tracing = start_tracing(settings, "surehand-service")
    interceptors = [*(tracing.interceptors if tracing is not None else ()), CarriesCorrelation()]
    client = await connect(settings, interceptors=interceptors, runtime=runtime, lazy=True)
    store = await SqlStore.open(settings.store_url)
    try:
        yield _on(settings, configuration, client, store)
    finally:
        await store.close()
        if tracing is not None:
            await tracing.close()


def _on(settings: Settings, configuration: Configuration, client: Client, store: SqlStore) -> Services:
    queue, cases = settings.temporal.task_queue, Cases(client)

    async def case_store() -> CaseStore:
        return store.cases

    tokens, tenants = settings.service.tokens, configuration.shares
    return Services(
        settings=settings,
        configuration=configuration,
        client=client,
        store=store,
        cases=cases,
        incidents=Incidents(client, task_queue=queue, tenants=tenants),
        playbooks=Playbooks(client, task_queue=queue, tenants=tenants),
        submitter=Submitter(cases, task_queue=queue, tenants=tenants, open_store=case_store),
        library=FolderLibrary(settings.playbooks.folder),
        evidence=evidence_store(settings),
        knowledge=failure_knowledge(settings, configuration, store.lessons),
        tokens=Tokens.from_settings(tokens) if tokens is not None else None,
        rates=Rates(store.allowed_requests, settings.service.requests_per_minute),
        identity=_identity(settings.service.oidc),
    )


def _identity(oidc: OidcSettings | None) -> IdentityProvider | None:
    if oidc is None:
        return None
    return IdentityProvider(
        issuer=oidc.issuer,
        client_id=oidc.client_id,
        client_secret=oidc.client_secret.get_secret_value(),
        redirect_uri=oidc.redirect_uri,
        scopes=oidc.scopes,
        timeout_seconds=oidc.timeout_seconds,
    )


async def services_of(request: Request) -> Services:
    """What the application was built with."""
    return cast(Services, request.app.state.services)


async def principal_of(request: Request) -> Principal:
    """Who asks, as the route's guard found out."""
    return cast(Principal, request.state.principal)


Using = Annotated[Services, Depends(services_of)]
Asking = Annotated[Principal, Depends(principal_of)]
