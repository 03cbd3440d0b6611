"""What clients send. Unknown fields are refused, and nothing is coerced: what is declared is what is taken."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from domain.model import JsonValue
from domain.troubleshooting.incident import MOST_EVIDENCE

SAYS_SOMETHING = r"[^\s\x00-\x1f\x7f-\xa0\u2000-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ufffd]"
ADDRESS = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+$"
)
"""As intake takes it; other letters than these go as Punycode."""
NAME = r"^[A-Za-z0-9._-]{1,64}$"


Line = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=SAYS_SOMETHING)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=SAYS_SOMETHING)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=4_000, pattern=SAYS_SOMETHING)]
Message = Annotated[str, StringConstraints(min_length=1, max_length=20_000, pattern=SAYS_SOMETHING)]
Note = Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=SAYS_SOMETHING)]
Reason = Annotated[str, StringConstraints(max_length=2_000)]
CaseName = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _known_priority(value: object) -> object:
    """`normal` is what older clients say for `medium`; the answer then carries `Deprecation`."""
    return "medium" if value == "normal" else value


PriorityName = Annotated[Literal["low", "medium", "high", "critical"], BeforeValidator(_known_priority)]


def _whole(value: object) -> object:
    """2.0 is a whole number in JSON, whatever Python makes of it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]


class Request(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CustomerIn(Request):
    """Who wrote a ticket."""

    id: Line | None = Field(None, description="The customer's id in the CRM.")
    name: Line | None = None
    email: str | None = Field(None, max_length=254, pattern=ADDRESS, description="Plain: name@example.com.")
    tier: Literal["free", "paid", "enterprise", "vip", "at_risk"] = "free"
    account_value: float | None = Field(None, ge=0, le=1e12, description="Yearly value in the tenant's currency.")
    previous_tickets: Whole = Field(0, ge=0, le=1_000_000)
    time_zone: Line | None = None


class TicketIn(Request):
    """A ticket: what a customer sent."""

    id: Line | None = Field(None, description="Your own id of it; one made of the content when not given.")
    subject: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=SAYS_SOMETHING)] | None = Field(
        None, description="Made of the description when not given; 422 where that says too little."
    )
    description: Annotated[str, StringConstraints(max_length=900_000)] = ""
    customer: CustomerIn = CustomerIn()
    channel: Literal["email", "web", "chat", "phone", "social", "api"] = "api"
    priority: PriorityName | None = None
    tags: list[Line] = Field(default_factory=list, max_length=200)
    session_id: Annotated[str, StringConstraints(max_length=64)] | None = None


class EvidenceIn(Request):
    """A file that was uploaded."""

    reference: str = Field(pattern=r"^sha256:[0-9a-f]{64}$", description="As the upload returned it.")
    name: Line
    service: Line | None = Field(None, description="Whose logs these are, where the lines do not say.")


class IncidentIn(Request):
    """An incident: trouble that wants to be found and fixed."""

    id: Line | None = Field(None, description="Your own id of it; the same id is the same incident.")
    title: Title | None = Field(
        None, description="Made of the description when not given; 422 where that says too little."
    )
    description: Annotated[str, StringConstraints(max_length=16_000)] = ""
    priority: PriorityName | None = None
    service: Line | None = Field(None, description="The service that seems to be in trouble.")
    customer_id: Line | None = None
    evidence: list[EvidenceIn] = Field(default_factory=list, max_length=MOST_EVIDENCE)
    linked_tickets: list[Line] = Field(default_factory=list, max_length=100, description="Tickets that are about it.")
    session_id: Annotated[str, StringConstraints(max_length=64)] | None = None


class TicketCaseIn(TicketIn):
    """A ticket, as a case."""

    kind: Literal["ticket"]


class IncidentCaseIn(IncidentIn):
    """An incident, as a case."""

    kind: Literal["incident"]


CaseIn = Annotated[TicketCaseIn | IncidentCaseIn, Field(discriminator="kind")]


class QueryIn(Request):
    """A question about a case."""

    query: Words
    priority: PriorityName | None = Field(
        None, description="Taken for older clients; how urgent a case is follows from its report and evidence."
    )
    session_id: Annotated[str, StringConstraints(max_length=64)] | None = None


class MessageIn(Request):
    """A message in a ticket's conversation."""

    text: Message
    author: Literal["customer", "me"] = Field(
        "customer", description="`me` is the person that the key stands for, whose words are sent to the customer."
    )
    message_id: Line | None = Field(None, description="The sender's id of it; a repeat is recognised by it.")


class ClaimIn(Request):
    """Take a case that was handed over."""

    take_over: bool = Field(False, description="Take it from whoever has it.")


class ReassignIn(Request):
    """Give a case to a named person."""

    to: Line = Field(description="Who has it from now on: a person id, e-mail address or alias of the directory.")
    note: Note = Field(description="What they need to know; it is sent to them.")


class ResolveIn(Request):
    """Say that a case is solved, and how."""

    resolution: Message
    tell_customer: bool = True
    cause: Line | None = Field(None, description="Of an incident: id of the hypothesis that you confirm.")


class FeedbackIn(Request):
    """How a case was judged."""

    rating: Annotated[int, Field(ge=1, le=5), BeforeValidator(_whole)] | None = None
    comment: Annotated[str, StringConstraints(max_length=5_000)] = ""
    escalation_was_right: bool | None = None


class UnparkIn(Request):
    """How a parked step goes on."""

    step: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    action: Literal["retry", "skip", "give_up"]
    reason: Reason = ""
    arguments: dict[str, JsonValue] | None = Field(None, description="Make the call with these instead.")


class DecisionIn(Request):
    """A word on a request for approval. Who says it follows from the key, never from the body."""

    case_id: CaseName
    request_id: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    digest: str = Field(pattern=r"^[0-9a-f]{64}$", description="Of the arguments that you saw.")
    decision: Literal["approve", "reject"]
    reason: Reason = ""


class MoreEvidenceIn(Request):
    """More evidence for an incident."""

    evidence: list[EvidenceIn] = Field(min_length=1, max_length=MOST_EVIDENCE)


class LinkIn(Request):
    """A ticket that is about an incident."""

    ticket_id: Line
    customer_id: Line | None = None


class RehearsalIn(Request):
    """What a playbook would be given."""

    input: JsonValue = None
    version: Annotated[str, StringConstraints(max_length=64)] | None = None
    customer_id: Line | None = None
    assume: dict[str, JsonValue] = Field(default_factory=dict, description="Outputs of tasks, by their names.")


class RunIn(Request):
    """Starts a playbook."""

    key: str | None = Field(None, pattern=NAME, description="Tells runs apart; the same key is the same run.")
    input: JsonValue = None
    version: Annotated[str, StringConstraints(max_length=64)] | None = None
    customer_id: Line | None = None


class SearchIn(Request):
    """A search in what is known of failures."""

    query: Words
    limit: Whole = Field(5, ge=1, le=20)


class SessionIn(Request):
    """Starts a session."""

    session_type: Literal["troubleshooting", "support"] = "troubleshooting"
