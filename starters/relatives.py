"""Which cases belong to which: a run and the case that started it, in both directions. Temporal knows."""

from __future__ import annotations

from domain.ids import check_tenant, kind_of, workflow_id_for
from domain.model import Value
from starters.answers import PATIENCE, answered_within
from starters.cases import Cases

_MOST = 30


class Relatives(Value):
    """Cases that a case belongs to, as people call them."""

    parent: str = ""
    """Who started it; empty for a case that came from outside."""
    children: tuple[str, ...] = ()
    """Runs that it started, the newest first."""


async def relatives_of(cases: Cases, tenant: str, case: str) -> Relatives:
    """The relatives of one case.

    Args:
        cases: of the namespace.
        tenant: whose it is; nobody else's are named.
        case: by any of its names.

    Raises:
        NotReachable: Temporal does not answer.
    """
    workflow_id = workflow_id_for(check_tenant(tenant), case)
    # Ids have neither quotes nor backslashes: `domain.ids` makes them.
    query = f"ParentWorkflowId = '{workflow_id}'"
    async with answered_within(PATIENCE):
        seen = await cases.handle(tenant, case).describe()
        children = [one.id async for one in cases.client.list_workflows(query, limit=_MOST)]
    parent = seen.parent_id or ""
    return Relatives(
        parent=name_of(parent) if parent.split(":")[1:2] == [tenant] else "",
        children=tuple(dict.fromkeys(name_of(child) for child in children if child.split(":")[1:2] == [tenant])),
    )


def name_of(workflow_id: str) -> str:
    """What people call the case of a workflow id."""
    number = workflow_id.split(":", 2)[-1]
    return f"incident:{number}" if kind_of(workflow_id) == "troubleshooting" else number
