"""The whole store behind one URL, for the composition root."""

from __future__ import annotations

from datetime import timedelta

from integrations.store.access.allowed_requests import SqlAllowedRequests
from integrations.store.access.api_keys import SqlApiKeys
from integrations.store.access.console_sessions import SqlConsoleSessions
from integrations.store.access.passwords import SqlPasswords
from integrations.store.access.requests import SqlRepeatableRequests
from integrations.store.access.sessions import SqlSessions
from integrations.store.access.sign_in_tries import SqlSignInTries
from integrations.store.cases import SqlCaseStore
from integrations.store.database.connection import Database
from integrations.store.database.migration import migrate
from integrations.store.deliveries.inbox import SqlInbox
from integrations.store.deliveries.jobs import SqlJobs
from integrations.store.deliveries.mailboxes import SqlMailboxes
from integrations.store.deliveries.outbox import SqlOutbox
from integrations.store.deliveries.questions import SqlQuestions
from integrations.store.effects.allowances import SqlAllowances
from integrations.store.effects.ledger import SqlEffectLedger
from integrations.store.effects.metering import SqlMeter
from integrations.store.knowledge.articles import SqlKnowledgeBase
from integrations.store.knowledge.lessons import SqlLessons


class SqlStore:
    """Every port of the store on one database.

    Attributes:
        database: the shared connections.
        cases: `CaseStore`.
        ledger: `EffectLedger`.
        allowances: `Allowances`.
        meter: `Meter`.
        knowledge: `KnowledgeBase`.
        lessons: what incidents taught, behind `IncidentKnowledge`.
        keys: of programs that use the HTTP service.
        requests: what the HTTP service answered to requests that may be repeated.
        sessions: of the HTTP service's clients.
        console_sessions: of whoever is signed in to the console.
        passwords: for the console.
        sign_in_tries: how often somebody tried to sign in.
        inbox: what came from outside and is to be delivered.
        outbox: what systems outside are to be told.
        jobs: what of it was asked for over HTTP, as those see it who wait for it.
        questions: those that were withdrawn.
        allowed_requests: of each principal of the HTTP service, in a minute.
        mailboxes: how far each was read.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.outbox = SqlOutbox(database)
        self.cases = SqlCaseStore(database, self.outbox)
        self.ledger = SqlEffectLedger(database)
        self.allowances = SqlAllowances(database)
        self.meter = SqlMeter(database)
        self.knowledge = SqlKnowledgeBase(database)
        self.lessons = SqlLessons(database)
        self.keys = SqlApiKeys(database)
        self.requests = SqlRepeatableRequests(database)
        self.sessions = SqlSessions(database)
        self.console_sessions = SqlConsoleSessions(database)
        self.passwords = SqlPasswords(database)
        self.sign_in_tries = SqlSignInTries(database)
        self.inbox = SqlInbox(database)
        self.jobs = SqlJobs(database)
        self.questions = SqlQuestions(database)
        self.allowed_requests = SqlAllowedRequests(database)
        self.mailboxes = SqlMailboxes(database)

    @classmethod
    async def open(cls, url: str, *, pool_size: int = 8, pool_timeout: timedelta = timedelta(seconds=10)) -> SqlStore:
        """Migrate, connect and check.

        Args:
            url: `sqlite:///file` or `postgresql://...`.
            pool_size: connections that may be open at once.
            pool_timeout: how long a call waits for a free one.

        Raises:
            ConfigurationProblem: the URL cannot be used, or a newer version wrote the store.
            NotReachable: the database does not answer.
        """
        await migrate(url)
        store = cls(Database(url, pool_size=pool_size, pool_timeout=pool_timeout))
        await store.database.connect()
        return store

    async def close(self) -> None:
        """Close every connection."""
        await self.database.dispose()
