"""How work shares busy workers: what is more pressing goes first, and tenants take turns. The one place that says so.

Temporal hands it on: a workflow's activities, its children and the run after a continue-as-new have what it has, field
by field, where they say nothing else. It matters only while there is a backlog, and only on a server whose matching
service does it (`docs/performance.md`).
"""

from __future__ import annotations

from temporalio.common import Priority

from domain.tickets.ticket import Priority as Urgency

USUAL_WEIGHT = 1.0
"""Of a tenant whose `share` is not set."""


def of_tenant(tenant: str, urgency: Urgency | int = Urgency.MEDIUM, *, weight: float = USUAL_WEIGHT) -> Priority:
    """What a new workflow gets.

    Args:
        tenant: whose it is; at most 64 letters and digits, which is what a fairness key may have.
        urgency: a priority, or its rank: 1 (critical) to 5 (low).
        weight: the tenant's share; one with 2 gets twice as many turns as one with 1.
    """
    rank = urgency.rank if isinstance(urgency, Urgency) else urgency
    return Priority(priority_key=rank, fairness_key=tenant, fairness_weight=weight)


TRIAGE_FIRST = Priority(priority_key=Urgency.CRITICAL.rank)
"""What an activity gets that finds out how pressing its case is: for all that anybody knows, nothing is more so."""


def as_urgent_as(urgency: Urgency | None) -> Priority:
    """What an activity or a child gets from the workflow that starts it, as urgent as its case is by now.

    Args:
        urgency: of the case; None where nobody judges it, so that it stays as it was started.
    """
    return Priority(priority_key=urgency.rank if urgency is not None else None)
