"""The people directory: who can claim, approve and be told. Filled from configuration, kept per tenant."""

from __future__ import annotations

from pydantic import Field

from domain.model import Value

HOLDERS_OF_TICKETS = ("agent",)
"""Roles of which one lets somebody be given a ticket by name."""
HOLDERS_OF_INCIDENTS = ("agent", "incident_lead")
"""The same of incidents."""


class Person(Value):
    """Somebody on our side."""

    person_id: str
    """Immutable and impersonal, such as `p-lena`; the only name of a person that enters an approval."""
    name: str
    email: str
    roles: tuple[str, ...] = ()
    """Such as `agent`, `support_lead`, `support_manager`, `finance_manager`, `relationship_owner`, `incident_lead`."""
    teams: tuple[str, ...] = ()
    slack_user_id: str | None = None
    oidc_subject: str | None = Field(default=None, min_length=1, max_length=255)
    """What the identity provider calls this person (`sub`): immutable there, and compared letter by letter."""
    active: bool = True
    approval_limit: float | None = Field(default=None, ge=0)
    """The largest amount this person may approve, in the tenant's currency; none means no limit."""
    aliases: tuple[str, ...] = ()
    """Other addresses and ids of the same person, so that nobody approves their own request under another name."""


class Team(Value):
    """A team that takes handoffs."""

    name: str
    """As in the decision, such as `senior_support`."""
    label: str
    email: str
    slack_channel: str
    lead: str
    """Person id of the lead."""
    calendar: str = "always"
    zendesk_group: str | None = None
    next_team: str | None = None
    """Who gets an unclaimed case after this team's lead; the last rung is the catch-all owner of the policy."""
