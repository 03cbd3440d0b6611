"""CasePolicy: everything about a tenant that a case needs to know, loaded once at its start and kept in its history.

A running case keeps the policy it began with, so an edit of the configuration never changes it half-way.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field, model_validator

from domain.errors import ConfigurationProblem
from domain.identity.people import Team
from domain.model import Term, Value
from domain.money.currencies import Currencies
from domain.policies.incident_policy import IncidentPolicy
from domain.policies.sla import Calendar, SlaPolicy
from domain.tickets.ticket import Priority
from domain.triage.classification import Category
from domain.triage.decision import Urgency


class RiskPolicy(Value):
    """Weights of the overall risk and the thresholds of the hard rules.

    Source: escalation reference document, step 2 and 3: 0.4 frustration + 0.3 complexity + 0.2 churn + 0.1 publicity.
    """

    frustration_weight: float = 0.4
    complexity_weight: float = 0.3
    churn_weight: float = 0.2
    publicity_weight: float = 0.1
    immediate_frustration_above: int = 85
    immediate_overall_above: int = 90
    immediate_resolution_complexity_above: int = 90
    specialist_complexity_above: int = 60
    management_risk_above: int = 70
    careful_above: int = 60
    high_touch_above: int = 80

    @model_validator(mode="after")
    def _weights_sum_to_one(self) -> RiskPolicy:
        total = self.frustration_weight + self.complexity_weight + self.churn_weight + self.publicity_weight
        if abs(total - 1.0) > 0.001:
            raise ConfigurationProblem(f"The four risk weights add up to {total:.3f}: make them add up to 1.")
        return self


class Rung(Value):
    """One level of an approval ladder."""

    name: str
    roles: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    """Person ids, beside everybody who holds one of the roles."""
    channel: str = "both"
    """`slack`, `email` or `both`."""
    quorum: int = Field(default=1, ge=1)
    time_allowed: timedelta

    @model_validator(mode="after")
    def _has_somebody(self) -> Rung:
        if not self.roles and not self.people:
            raise ConfigurationProblem(f"Rung {self.name!r} of an approval ladder names nobody: add roles or people.")
        return self


class Ladder(Value):
    """Who is asked, in order, and what happens when nobody answers."""

    rungs: tuple[Rung, ...] = Field(min_length=1)
    remind_after_percent: int = Field(default=50, ge=1, le=99)
    """Each rung is reminded once, after this share of its time."""
    when_nobody_answers: str = "deny"
    """`deny` or `approve`."""


class Timers(Value):
    """Every duration of a case's life. Tests and the demo shorten them; the code knows no other durations."""

    urgency_delay: dict[Urgency, timedelta]
    """Decision -> handoff: 0, 5, 30, 240 minutes in the reference document."""
    claim_within: dict[Urgency, timedelta]
    """Handoff -> first reminder to claim, the expected response time."""
    claim_expires_after: timedelta = timedelta(hours=4)
    """A claim without any activity for this long is given back."""
    follow_up_after_silence: timedelta = timedelta(hours=4)
    close_after_silence: timedelta = timedelta(days=3)
    resolution_check_after: timedelta = timedelta(hours=2)
    claim_reminder_repeats_after: timedelta = timedelta(hours=4)
    """How often the catch-all owner is reminded of an unclaimed case, once the ladder is at its end."""
    survey_after: timedelta = timedelta(hours=24)
    final_analysis_after: timedelta = timedelta(hours=72)
    model_timeout: timedelta = timedelta(seconds=30)
    """One model call; the activity gets a little more."""
    vendor_timeout: timedelta = timedelta(seconds=20)
    """One attempt at a vendor."""
    give_up_after: timedelta = timedelta(hours=4)
    """Retrying one step for longer than this parks it for a person."""
    handoff_give_up_after: timedelta = timedelta(minutes=5)
    """Retrying one leg of a handoff for longer than this takes the emergency path."""
    retry_first: timedelta = timedelta(seconds=1)
    retry_longest: timedelta = timedelta(minutes=5)
    agreed_minute: timedelta = timedelta(minutes=1)
    """How long a minute lasts of the times that people agreed on: waits of playbooks, and how long a fix is watched.
    The demo's minutes are short, so that what people read is what holds everywhere else."""

    def lasting(self, agreed: timedelta) -> timedelta:
        """How long an agreed time lasts here."""
        return agreed * (self.agreed_minute / timedelta(minutes=1))

    @model_validator(mode="after")
    def _can_be_kept(self) -> Timers:
        """A case keeps its timers for life, and one that Temporal cannot keep would stall it."""
        for setting, by_urgency in (("urgency_delay", self.urgency_delay), ("claim_within", self.claim_within)):
            missing = [urgency.value for urgency in Urgency if urgency not in by_urgency]
            if missing:
                raise ConfigurationProblem(f"timers.yaml has no {setting} for {', '.join(missing)}: add it.")
        for setting in (
            "model_timeout",
            "vendor_timeout",
            "give_up_after",
            "handoff_give_up_after",
            "retry_first",
            "agreed_minute",
        ):
            if getattr(self, setting) <= timedelta(0):
                raise ConfigurationProblem(f"timers.yaml sets {setting} to nothing: make it longer than 0 s.")
        if self.retry_longest < self.retry_first:
            raise ConfigurationProblem("timers.yaml sets retry_longest shorter than retry_first: make it as long.")
        return self


class Formality(Term):
    """How a tenant addresses whom it writes to."""

    AS_CUSTOMER = "as_customer"
    """As they write themselves."""
    FORMAL = "formal"
    CASUAL = "casual"


_Word = Annotated[str, Field(pattern=r"^[^\W\d_][\w '-]{0,39}$")]


class Terms(Value):
    """What a tenant calls things in mails, messages and prompts, as in the middle of a sentence."""

    case: _Word = "case"
    ticket: _Word = "ticket"
    customer: _Word = "customer"
    team: _Word = "team"


class ReplyPolicy(Value):
    """How answers are made and who looks at them first."""

    approval_for_tiers: tuple[str, ...] = ("vip", "enterprise")
    """Customer tiers whose answers wait for a person's approval."""
    minimum_quality: float = 8.0
    """Source: routing reference document: a review below 8 of 10 is revised once, then a person takes it."""
    signature: str = "Customer Support"
    product_name: str = "our product"
    terms: Terms = Terms()
    formality: Formality = Formality.AS_CUSTOMER
    tone: str = Field(default="", max_length=300)
    """How the house speaks, in its own words, for models that write; empty says nothing of it."""


class ModelBudget(Value):
    """What a tenant and a case may spend on language models."""

    per_case: float = 0.50
    per_day: float = 50.0
    calls_per_case: int = 40


class CasePolicy(Value):
    """One tenant's policy as one case sees it."""

    tenant: str
    version: str
    """Hash of the configuration it came from."""
    teams: dict[str, Team]
    category_team: dict[Category, str]
    """Category -> team. Source: escalation reference document, step 1."""
    immediate_team: str = "senior_support"
    immediate_technical_team: str = "engineering"
    management_team: str = "management"
    catch_all_owner: str
    """Person id that ends every claim ladder, so that no case is without an owner."""
    duty_lead: str
    """Person id told about SLA breaches, parked steps and emergencies."""
    emergency_channel: str = "#support-alerts"
    approvals_channel: str = "#support-approvals"
    """Where approvals are asked, beside the e-mail to each approver."""
    escalation_mailbox: str
    reports_mailbox: str
    risk: RiskPolicy = RiskPolicy()
    sla: SlaPolicy
    calendars: dict[str, Calendar]
    ladders: dict[str, Ladder]
    """Name of an action (`reply`, `refund`, ...) -> its ladder; `default` serves the rest."""
    timers: Timers
    reply: ReplyPolicy = ReplyPolicy()
    budget: ModelBudget = ModelBudget()
    currencies: Currencies = Currencies()
    """In which the amounts of limits and of approvers' authority are."""
    incidents: IncidentPolicy = IncidentPolicy()
    dashboard_url: str | None = None
    """Base address that *View full context* links to."""
    tells_others: bool = False
    """Whether systems outside are told of changes (`subscriptions.yaml`), which are then written down at once."""

    def team(self, name: str) -> Team:
        """The team of that name, or the immediate team when the name is not known."""
        return self.teams.get(name) or self.teams[self.immediate_team]

    def calendar_of(self, team: str) -> Calendar:
        """The calendar that a team's clocks run by."""
        name = self.team(team).calendar
        return self.calendars.get(name, Calendar(name="always"))

    def ladder(self, action: str) -> Ladder:
        """The ladder for an action, or the default one."""
        return self.ladders.get(action) or self.ladders["default"]

    @model_validator(mode="after")
    def _names_exist(self) -> CasePolicy:
        named = {
            "immediate_team": self.immediate_team,
            "immediate_technical_team": self.immediate_technical_team,
            "management_team": self.management_team,
            **{f"category_team.{category.value}": team for category, team in self.category_team.items()},
        }
        for setting, team in named.items():
            if team not in self.teams:
                raise ConfigurationProblem(f"{setting} names team {team!r}, which teams.yaml does not have: add it.")
        for team_name in self.teams:
            self._check_ladder_of_teams(team_name)
        if "default" not in self.ladders:
            raise ConfigurationProblem("approvals.yaml has no ladder named 'default': add one.")
        for priority in Priority:
            if priority not in self.sla.targets:
                raise ConfigurationProblem(f"sla.yaml has no targets for priority {priority.value!r}: add them.")
        return self

    def _check_ladder_of_teams(self, start: str) -> None:
        seen: list[str] = []
        name: str | None = start
        while name is not None:
            if name in seen:
                raise ConfigurationProblem(
                    f"next_team of {start!r} runs in a circle ({' -> '.join([*seen, name])}): end it with no next_team."
                )
            seen.append(name)
            team = self.teams.get(name)
            if team is None:
                raise ConfigurationProblem(f"next_team names {name!r}, which teams.yaml does not have: add it.")
            if team.calendar not in self.calendars and team.calendar != "always":
                raise ConfigurationProblem(
                    f"Team {team.name!r} uses calendar {team.calendar!r}, which calendars.yaml does not have: add it."
                )
            name = team.next_team


_SHARED: dict[tuple[str, str], CasePolicy] = {}


def shared(policy: CasePolicy) -> CasePolicy:
    """One object for equal policies, so that ten thousand waiting cases do not hold ten thousand copies of it.

    A policy never changes, so sharing it is safe between cases; one that differs is kept beside the others' version.
    """
    key = (policy.tenant, policy.version)
    known = _SHARED.get(key)
    if known == policy:
        return known
    _SHARED[key] = policy
    return policy
