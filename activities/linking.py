"""Looks for the incident that a ticket belongs to, and claims one of the few that tickets may open."""

from __future__ import annotations

from datetime import datetime

from temporalio import activity

from domain.ids import effect_key
from domain.model import Value
from domain.policies.guardrails import LimitPer
from domain.policies.incident_policy import IncidentPolicy
from domain.ports.cases import CaseStore
from domain.ports.effects import AllowanceClaim, Allowances
from domain.rules import RulesEngine
from domain.tickets.disruption import Disruption
from domain.tickets.ticket import Ticket
from domain.troubleshooting.linking import IncidentAdvice, LinkKind, advise, candidate_of

_LIMIT = "incidents_opened_by_tickets"
_LOOKED_AT = 50
"""Open incidents that a ticket is compared with, the newest first."""


class FindIncidentInput(Value):
    """A ticket that reports a disruption."""

    tenant: str
    ticket: Ticket
    disruption: Disruption
    policy: IncidentPolicy
    now: datetime
    """The case's time: a repeat counts for the same hour."""
    ended: tuple[str, ...] = ()
    """Incidents that the store has as open and that have ended, as the case found out."""


class LinkingActivities:
    """Receives the store, the rules, and what counts how many incidents tickets opened."""

    def __init__(self, store: CaseStore, rules: RulesEngine, allowances: Allowances | None) -> None:
        """Without `allowances` nothing can be counted, and so tickets open nothing."""
        self._store = store
        self._rules = rules
        self._allowances = allowances

    @activity.defn
    async def find_incident(self, asked: FindIncidentInput) -> IncidentAdvice:
        """Join, suggest, open or nothing. A repeat claims nothing twice."""
        rows = await self._store.open_incidents(asked.tenant, limit=_LOOKED_AT)
        advice = advise(
            asked.ticket,
            asked.disruption,
            [candidate_of(row) for row in rows if row.case_id not in asked.ended],
            asked.policy,
            now=asked.now,
            reads=self._rules.affected,
        )
        if advice.kind is not LinkKind.OPEN or await self._may_open(asked):
            return advice
        why = f"Tickets opened {asked.policy.opened_per_hour} incidents within this hour already"
        return IncidentAdvice(kind=LinkKind.SUGGEST_OPEN, reasons=(*advice.reasons, why))

    async def _may_open(self, asked: FindIncidentInput) -> bool:
        if self._allowances is None or asked.policy.opened_per_hour == 0:
            return False
        claim = AllowanceClaim(
            limit=_LIMIT,
            per=LimitPer.TENANT_DAY,
            subject=f"{asked.tenant}/{asked.now:%Y-%m-%dT%H}",
            amount=1,
            at_most=asked.policy.opened_per_hour,
        )
        key = effect_key(activity.info().workflow_id or "", "open-incident")
        return not await self._allowances.reserve(asked.tenant, key, (claim,))
