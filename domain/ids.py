"""Names that go into workflow ids: checked, or hashed when they do not fit. Never a person's name or address."""

from __future__ import annotations

import hashlib
import re

from domain.errors import InvalidInput

_SAFE = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")
_HASHED = re.compile(r"x-[0-9a-f]{32}\Z")


def check_tenant(name: str) -> str:
    """Return `name` when it may stand in ids and search attributes.

    Raises:
        InvalidInput: when it holds anything but letters, digits, `.`, `_` and `-`, or is longer than 64.
    """
    if not _SAFE.match(name):
        raise InvalidInput("A tenant name has 1 to 64 letters, digits, dots, dashes or underscores: rename the tenant.")
    return name


def case_id(outside_id: str) -> str:
    """Return the case id for a ticket's own id: the id itself where it fits, else a hash of it.

    A hash keeps two tickets with odd ids from sharing a case, which replacing characters would not. Ids that only
    look like such a hash are hashed too, and an id holding an e-mail address never fits because of its `@`.
    """
    if _SAFE.match(outside_id) and not _HASHED.match(outside_id):
        return outside_id
    return "x-" + hashlib.sha256(outside_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def escalation_workflow_id(tenant: str, ticket_id: str) -> str:
    """The workflow id of a ticket's case. The one place that knows its form."""
    return f"escalation:{check_tenant(tenant)}:{case_id(ticket_id)}"


def escalation_workflow_id_for(tenant: str, name: str) -> str:
    """The workflow id of a case by whatever people call it: ticket id, case number, or the workflow id itself.

    Raises:
        InvalidInput: the workflow id belongs to another tenant, or is none of an escalation.
    """
    name = name.strip()
    named = tenant_in(name)
    if named is None:
        return f"escalation:{check_tenant(tenant)}:{_as_shown(name)}"
    if named != tenant:
        raise InvalidInput(f"That case belongs to another tenant than {tenant}: give its own with --tenant.")
    return escalation_workflow_id_for(tenant, name.split(":", 2)[2])


def _as_shown(name: str) -> str:
    """What people copy may be a hash already; hashing it again would find another case."""
    return name if _HASHED.match(name) else case_id(name)


_KINDS = ("escalation", "playbook", "troubleshooting")
_INCIDENT = "incident:"
"""Before an incident's id, where people name a case."""


def troubleshooting_workflow_id(tenant: str, incident_id: str) -> str:
    """The workflow id of an incident. The one place that knows its form."""
    return f"troubleshooting:{check_tenant(tenant)}:{case_id(incident_id)}"


def incident_number(incident_id: str) -> str:
    """What people call an incident: `incident:INC-7`."""
    return f"{_INCIDENT}{case_id(incident_id)}"


def playbook_workflow_id(tenant: str, name: str, key: str) -> str:
    """The workflow id of a playbook run. The one place that knows its form."""
    return f"playbook:{check_tenant(tenant)}:{case_id(name)}:{case_id(key)}"


def workflow_id_for(tenant: str, name: str) -> str:
    """The workflow id of any case by whatever people call it.

    Args:
        tenant: whose it is.
        name: a workflow id; `incident:ID`; `NAME:KEY` of a playbook run; else a ticket's id or case number.

    Raises:
        InvalidInput: the workflow id belongs to another tenant.
    """
    named = tenant_in(name.strip())
    if named is not None and named != tenant:
        raise InvalidInput(f"That case belongs to another tenant than {tenant}: give its own with --tenant.")
    if named is not None and kind_of(name.strip()) != "escalation":
        kind, _, *rest = name.strip().split(":")
        # What could be no id of ours names nobody, and never goes on as it was written.
        return ":".join([kind, check_tenant(tenant), *map(_as_shown, rest)])
    if named is None and name.strip().startswith(_INCIDENT):
        return f"troubleshooting:{check_tenant(tenant)}:{_as_shown(name.strip().removeprefix(_INCIDENT))}"
    playbook, separator, key = name.strip().partition(":")
    if named is None and separator and playbook and key:
        return f"playbook:{check_tenant(tenant)}:{_as_shown(playbook)}:{_as_shown(key)}"
    return escalation_workflow_id_for(tenant, name)


def kind_of(workflow_id: str) -> str:
    """`escalation`, `troubleshooting` or `playbook`."""
    return workflow_id.partition(":")[0]


def tenant_in(name: str) -> str | None:
    """The tenant that a workflow id names; None when `name` is no workflow id."""
    kind, _, rest = name.partition(":")
    tenant, separator, number = rest.partition(":")
    return tenant if kind in _KINDS and separator and tenant and number else None


def effect_key(workflow_id: str, step: str) -> str:
    """The idempotency key of one outside effect: workflow id + step, never the run id.

    It is the same after a worker's death, a workflow reset and continue-as-new, so a repeat is recognised.
    """
    return f"{workflow_id}/{step}"
