"""One command's connections: settings, Temporal, and the store and the people directory when they are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING

from domain.errors import InvalidInput
from domain.identity.people import Person
from domain.ids import check_tenant, tenant_in
from runtime.configuration.people_directory import PeopleDirectory
from runtime.configuration.tenants import Tenants
from runtime.settings.environment import Settings
from runtime.telemetry.logs import keep_output_clean
from runtime.temporal.connection import connect
from starters.cases import Cases
from starters.finding import find_settings

if TYPE_CHECKING:
    from domain.ports.cases import CaseStore
    from integrations.store.store import SqlStore
    from starters.submission import Submitter


class Session:
    """What a command works with.

    Args:
        settings: of this command.
        cases: connected.
        tenant: as given on the command line.

    Raises:
        ConfigurationProblem: there is no such tenant.
    """

    def __init__(self, settings: Settings, cases: Cases, tenant: str | None) -> None:
        self.settings = settings
        self.cases = cases
        self.tenants = Tenants(settings.configuration_dirs)
        self._given_tenant = check_tenant(tenant) if tenant is not None else None
        self.tenants.check(self.tenant)
        self._store: SqlStore | None = None

    @property
    def tenant(self) -> str:
        """The tenant that was asked for, or the settings' one."""
        return self._given_tenant or self.settings.tenant

    def tenant_of(self, case: str) -> str:
        """The tenant of a case: as asked for, else as the workflow id says, else the settings' one."""
        return self._given_tenant or self.tenants.check(tenant_in(case) or self.settings.tenant)

    def person(self, case: str, name: str) -> Person:
        """The person who acts.

        Raises:
            InvalidInput: nobody is called that, or the person has left.
        """
        return find_person(self.settings, self.tenant_of(case), name)

    def submitter(self) -> Submitter:
        """Starts cases."""
        from starters.submission import Submitter  # noqa: PLC0415 - only `ticket submit` needs it

        queue = self.settings.temporal.task_queue
        return Submitter(self.cases, task_queue=queue, tenants=self.tenants, open_store=self.store)

    async def store(self) -> CaseStore:
        """The store, opened once.

        Raises:
            NotReachable: the store does not answer.
        """
        if self._store is None:
            from integrations.store.store import SqlStore  # noqa: PLC0415 - costs a second, and few commands read it

            self._store = await SqlStore.open(self.settings.store_url)
        return self._store.cases

    async def existing_store(self) -> CaseStore | None:
        """The store, or None while its file was not made yet: a command that reads makes none."""
        has_file = (self.settings.data_dir / "surehand.db").exists()
        return await self.store() if self.settings.store.url is not None or has_file else None

    async def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            await self._store.close()


@asynccontextmanager
async def open_session(tenant: str | None = None) -> AsyncIterator[Session]:
    """Connect as the settings say, or to the `surehand dev` that runs here.

    Raises:
        ConfigurationProblem: a setting cannot be used.
        NotReachable: Temporal does not answer.
    """
    settings = find_settings()
    keep_output_clean(settings)
    session = Session(settings, Cases(await connect(settings)), tenant)
    try:
        yield session
    finally:
        await session.close()


def find_person(settings: Settings, tenant: str, name: str) -> Person:
    """Somebody of the people directory, by id, e-mail address or alias.

    Raises:
        InvalidInput: nobody is called that, or the person has left.
    """
    directory = PeopleDirectory(settings.configuration_dirs)
    person = directory.person(tenant, name)
    if person is None:
        ids = [known.person_id for known in directory.everybody(tenant) if known.active]
        near = get_close_matches(name, ids, n=1)
        advice = f"did you mean {near[0]}?" if near else f"use one of {', '.join(ids)}, or an e-mail address of theirs."
        raise InvalidInput(f"Nobody of tenant {tenant} is called {name!r}: {advice}")
    if not person.active:
        raise InvalidInput(f"{person.person_id} has left and decides nothing any more: let somebody else act.")
    return person
