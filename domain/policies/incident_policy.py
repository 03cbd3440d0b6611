"""What tickets may do about incidents. They come from outside, so as shipped they open nothing by themselves."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from domain.errors import ConfigurationProblem
from domain.model import Term, Value
from domain.troubleshooting.budget import Budget


class OpeningByTickets(Term):
    """What happens when a ticket reports a disruption that no open incident explains."""

    NEVER = "never"
    SUGGEST = "suggest"
    """People who have the ticket are told, and open an incident where they see one."""
    ON_URGENT = "on_urgent"
    """An outage of critical or urgent priority opens one; anything less is suggested."""


class JoiningIncidents(Term):
    """What happens when a ticket fits an open incident."""

    NEVER = "never"
    SUGGEST = "suggest"
    CLEAR = "clear"
    """It joins when it fits clearly. Its customer gets the approved news then, and nothing else changes."""


class IncidentPolicy(Value):
    """How tickets and incidents come together, and what an investigation may spend; `incidents.yaml`."""

    open_from_tickets: OpeningByTickets = OpeningByTickets.SUGGEST
    join: JoiningIncidents = JoiningIncidents.CLEAR
    opened_per_hour: int = Field(default=3, ge=0, le=100)
    """The most incidents that tickets of the tenant open within an hour of the clock; beyond it they are suggested."""
    joins_within: timedelta = timedelta(hours=24)
    """An incident that has been open for longer is only suggested: a new ticket may be about something else."""
    budget: Budget = Budget()
    """What one investigation may spend before people are asked; a reporter may set another for one incident."""

    @model_validator(mode="after")
    def _has_a_window(self) -> IncidentPolicy:
        if self.joins_within <= timedelta(0):
            raise ConfigurationProblem("incidents.yaml sets joins_within to nothing: make it longer than 0 s.")
        return self

    @property
    def is_off(self) -> bool:
        """Whether tickets have nothing to do with incidents."""
        return self.open_from_tickets is OpeningByTickets.NEVER and self.join is JoiningIncidents.NEVER
