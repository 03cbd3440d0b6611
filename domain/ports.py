"""The ports: what activities need of the outside, and what `integrations/` implements.

Implementations raise `domain.errors.VendorError` and its kinds, never their library's own errors, and do not retry:
Temporal does. Every call that changes something takes an idempotency key and may be repeated with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pydantic import BaseModel

from domain.guardrails import Guardrails, LimitPer
from domain.knowledge import Article, ArticleHit
from domain.mail import ChatMessage, ChatReceipt, MailReceipt, OutgoingMail, TicketEscalation, TicketReceipt
from domain.model import JsonValue, Value
from domain.people import Person
from domain.playbook.messages import CloudEvent
from domain.policy import CasePolicy, ModelBudget
from domain.records import (
    ApprovalRecord,
    CaseRecord,
    EffectEntry,
    InterventionRecord,
    MeterRecord,
    OutcomeRecord,
    Spending,
)
from domain.timeline import CaseMessage, TimelineEntry
from domain.tool import ToolCall, ToolRefusal, ToolResult, ToolSpec
from domain.tool_policy import ToolPolicy
from domain.triage import Origin
from domain.troubleshooting.checks import Check
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.knowledge import KnowledgeAnswer, Lesson, LessonStatus, Signature

AnswerT = TypeVar("AnswerT", bound=BaseModel)


class Question(Value):
    """One question to a language model: a prompt file and what it is filled with."""

    prompt: str
    """Name of the prompt in `templates/prompts/`, such as `classify`."""
    context: dict[str, JsonValue]
    """Values for the prompt. Text from outside stands in here as data and is redacted before it is sent."""
    tenant: str
    workflow_id: str
    budget: ModelBudget
    key: str
    """Idempotency key of the call, for metering."""
    instructions: str = ""
    """For a prompt that carries out what somebody of the tenant wrote: their words. Redacted too, never shortened."""
    known_names: tuple[str, ...] = ()
    """Names of people that the ticket itself gives (the customer's), so that redaction finds them without a model."""
    time_allowed: timedelta = timedelta(seconds=110)
    """For all calls of the question together; shorter than the time-out of the activity that asks."""


class Answer(BaseModel, Generic[AnswerT]):
    """A model's answer, checked against its type, with personal data put back."""

    value: AnswerT
    origin: Origin


class ModelUnavailable(Exception):
    """No model answered: none is configured, the budget is spent, or every one failed. The rules take over."""

    def __init__(self, reason: str) -> None:
        """`reason` is one sentence for the case's record."""
        super().__init__(reason)
        self.reason = reason


class LanguageModel(Protocol):
    """The model chain: primary, then secondary. The caller holds the third link, the rules."""

    @property
    def configured(self) -> bool:
        """Whether any model is configured."""
        ...

    async def ask(self, question: Question, answer_type: type[AnswerT]) -> Answer[AnswerT]:
        """Ask and return a checked answer.

        Raises:
            ModelUnavailable: when no provider gave a usable answer.
        """
        ...


class Mailer(Protocol):
    """Sends e-mail."""

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        """Send once per `mail.key`; the Message-ID is made from it.

        Raises:
            VendorRefused: every recipient, the sender or our credentials were refused for good.
            OutcomeUnknown: the connection broke after the message was handed over.
            VendorUnavailable: anything that may pass.
        """
        ...


class TeamChat(Protocol):
    """Talks to teams in chat channels (Slack)."""

    async def post(self, message: ChatMessage) -> ChatReceipt:
        """Post once per `message.key`: look the key up in the channel before a repeated post."""
        ...

    async def update(self, receipt: ChatReceipt, message: ChatMessage) -> ChatReceipt:
        """Replace a message in place; when it is gone, post anew."""
        ...

    async def delete(self, receipt: ChatReceipt) -> None:
        """Delete a message; gone already is fine."""
        ...


class TicketSystem(Protocol):
    """The ticketing system (Zendesk)."""

    async def escalate(self, change: TicketEscalation) -> TicketReceipt:
        """Set priority, group and tags and add an internal note."""
        ...

    async def revert(self, receipt: TicketReceipt, *, key: str, note: str) -> None:
        """Put back what `escalate` changed and note why; a ticket that is gone is fine."""
        ...

    async def add_note(self, external_id: str, *, key: str, note: str, public: bool = False) -> None:
        """Add a comment."""
        ...

    async def set_status(self, external_id: str, status: str, *, key: str) -> str | None:
        """Set `open`, `pending`, `solved` or `closed`; returns what it was before the change with this key."""
        ...

    async def status_of(self, external_id: str) -> str | None:
        """The ticket's status in the vendor's words; None when the ticket is gone."""
        ...


class CustomerRecords(Protocol):
    """The CRM (HubSpot)."""

    async def update_profile(self, customer_id: str, properties: dict[str, str], *, key: str) -> bool:
        """Write properties to the contact. Returns False when the CRM has no such contact."""
        ...


class Billing(Protocol):
    """Moves money (Stripe's API)."""

    async def refund(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        """Refund the customer's latest payment by `amount`; returns the refund's id."""
        ...

    async def cancel_refund(self, refund_id: str, *, key: str) -> None:
        """Undo `refund`; cancelled already or never made is fine."""
        ...

    async def credit(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        """Credit the customer's balance by `amount`; returns the transaction's id."""
        ...

    async def reverse_credit(self, customer_id: str, transaction_id: str, *, key: str) -> None:
        """Undo `credit` with an opposite transaction."""
        ...


class Renderer(Protocol):
    """Fills templates. Text from outside is data in them and never a template itself."""

    def text(self, template: str, **context: object) -> str:
        """Fill a text template, such as `mail/acknowledgement.txt`."""
        ...

    def mail(self, template: str, **context: object) -> tuple[str, str]:
        """Fill a mail template, such as `mail/acknowledgement.txt`: its subject and its text."""
        ...

    def blocks(self, template: str, **context: object) -> tuple[dict[str, JsonValue], ...]:
        """Fill a Slack Block Kit template (JSON), escaping what Slack would interpret."""
        ...


class KnowledgeBase(Protocol):
    """Articles with full-text search."""

    async def search(self, tenant: str, text: str, *, limit: int = 3, public_only: bool = True) -> list[ArticleHit]:
        """The best articles for a text, best first; an empty list when nothing fits. The text is data, never syntax."""
        ...

    async def add(self, tenant: str, article: Article) -> None:
        """Add or replace an article by its id."""
        ...


class CaseStore(Protocol):
    """What must outlive Temporal's retention. Every write may be repeated."""

    async def save_case(self, record: CaseRecord) -> None:
        """Write the case's row and its new timeline entries in one transaction."""
        ...

    async def find_case(self, workflow_id: str, *, tenant: str | None = None) -> CaseRecord | None:
        """The case's row, without its timeline. With `tenant`, here and below, another tenant's case is not found."""
        ...

    async def list_cases(
        self, tenant: str, *, status: str | None = None, limit: int = 50, offset: int = 0
    ) -> list[CaseRecord]:
        """Rows, newest first."""
        ...

    async def open_incidents(self, tenant: str, *, limit: int = 20) -> list[CaseRecord]:
        """Rows of the tenant's incidents that are not over, newest first."""
        ...

    async def timeline(self, workflow_id: str, *, tenant: str | None = None) -> list[TimelineEntry]:
        """The whole timeline, in order."""
        ...

    async def conversation(self, workflow_id: str, *, tenant: str | None = None) -> list[CaseMessage]:
        """The whole conversation, in order."""
        ...

    async def audit_approval(self, record: ApprovalRecord) -> None:
        """Append to the approvals audit."""
        ...

    async def approvals_of(self, workflow_id: str, *, tenant: str | None = None) -> list[ApprovalRecord]:
        """The approvals audit of one case, in order."""
        ...

    async def audit_intervention(self, record: InterventionRecord) -> None:
        """Append what a person said about a parked step."""
        ...

    async def interventions_of(self, workflow_id: str, *, tenant: str | None = None) -> list[InterventionRecord]:
        """What people said about the parked steps of one case, in order."""
        ...

    async def save_outcome(self, record: OutcomeRecord) -> None:
        """Write how the decision turned out; one row per workflow id."""
        ...

    async def outcomes(self, tenant: str, *, category: str | None = None, limit: int = 200) -> list[OutcomeRecord]:
        """Past outcomes, newest first."""
        ...

    async def save_text(self, reference: str, tenant: str, text: str) -> None:
        """Keep a long text under a reference."""
        ...

    async def load_text(self, reference: str, tenant: str) -> str | None:
        """The text under a reference, for this tenant only."""
        ...


class EffectLedger(Protocol):
    """Remembers which outside effects happened, for vendors that take no idempotency key: claim, act, record."""

    async def claim(self, key: str, tenant: str) -> EffectEntry:
        """Claim a key. The entry says whether it is new, was claimed before without an outcome, or is done."""
        ...

    async def record(self, key: str, outcome: dict[str, JsonValue]) -> None:
        """Record the outcome of a claimed key."""
        ...

    async def release(self, key: str) -> None:
        """Give a claim back after a failure that certainly had no effect."""
        ...


class Meter(Protocol):
    """Counts model calls and what they cost."""

    async def record(self, call: MeterRecord) -> None:
        """Count a call once per key."""
        ...

    async def spending(self, tenant: str, workflow_id: str, day: datetime) -> Spending:
        """What the case spent so far, and the tenant on that day (UTC)."""
        ...


class PolicySource(Protocol):
    """Configuration as policies."""

    def policy_for(self, tenant: str) -> CasePolicy:
        """The tenant's policy as of now.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        ...


class Directory(Protocol):
    """The people directory as of now, not as of the case's start."""

    def person(self, tenant: str, name: str) -> Person | None:
        """The person with that id, address or other alias."""
        ...

    def holders(self, tenant: str, roles: tuple[str, ...], people: tuple[str, ...]) -> list[Person]:
        """Every active person who holds one of the roles or is named, in a stable order."""
        ...


class ToolBox(Protocol):
    """Every tool of this installation, by tenant: Python functions, OpenAPI operations, MCP tools, plain HTTP."""

    async def specs(self, tenant: str) -> Sequence[ToolSpec]:
        """All tools that the tenant may use, by name."""
        ...

    async def find(self, tenant: str, name: str) -> ToolSpec | None:
        """One tool; None when the tenant has none of that name."""
        ...

    async def choose(self, tenant: str, capability: str) -> Sequence[ToolSpec]:
        """The tools with a capability, in the order in which they are to be tried."""
        ...

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec:
        """The tool for one operation of an OpenAPI document, given by configured name or by address.

        Raises:
            InvalidInput: no such document or operation, or the address is not allowed.
            VendorError: the document could not be read.
        """
        ...

    async def find_mcp_tool(self, tenant: str, address: str, name: str) -> ToolSpec | None:
        """The tool of a configured MCP server, by the server's address; None when no such server is configured."""
        ...

    async def check(self, call: ToolCall) -> ToolRefusal | None:
        """Whether a call could be made, without making it: tool, digest, arguments, allow-lists."""
        ...

    async def run(self, call: ToolCall, *, attempt: int, beat: Callable[[], None]) -> ToolResult:
        """Make a call, once per `call.key` as far as the vendor or the ledger allows.

        Args:
            call: what to do.
            attempt: of the activity, from 1; a later one may meet what an earlier one did.
            beat: to be called now and then by a long call.

        Returns:
            The result. A call that must not be made is a result with a refusal.

        Raises:
            VendorError: as every client does.
        """
        ...


class ToolPolicySource(Protocol):
    """Which tools a tenant may use, and how each is held tighter."""

    def tools_for(self, tenant: str) -> ToolPolicy:
        """The tenant's part of `tools.yaml`.

        Raises:
            ConfigurationProblem: when no such tenant is configured.
        """
        ...


class GuardrailSource(Protocol):
    """Where a tenant's rules come from."""

    def guardrails_for(self, tenant: str) -> Guardrails:
        """The tenant's rules and limits."""
        ...


class CheckSource(Protocol):
    """Where a tenant's checks come from."""

    def checks_for(self, tenant: str) -> tuple[Check, ...]:
        """What its engineers look at by hand when something fails."""
        ...


class PlaybookLibrary(Protocol):
    """The playbooks a tenant has."""

    def find(self, tenant: str, name: str, version: str | None = None) -> dict[str, JsonValue]:
        """A checked definition; the newest version when none is named.

        Raises:
            InvalidInput: there is none by that name and version.
        """
        ...

    def names(self, tenant: str) -> Sequence[str]:
        """Names of all of them."""
        ...

    def check(self, definition: dict[str, JsonValue]) -> Sequence[str]:
        """What is wrong with a definition that came with a request, as sentences; empty when nothing is."""
        ...


class AllowanceClaim(Value):
    """One call's claim on a limit that adds up over cases."""

    limit: str
    per: LimitPer
    subject: str
    """Customer id or tenant; hashed before it is stored."""
    amount: float
    at_most: float


class EventPublisher(Protocol):
    """Tells systems outside what happened, as CloudEvents."""

    async def publish(self, event: CloudEvent, *, tenant: str, key: str) -> int:
        """Send the event to every sink, to each once per key as far as it can be known; a repeat has the same id.

        Returns:
            How many sinks there are; 0 when none is configured.

        Raises:
            VendorError: a sink did not take it. Those that did are not asked again.
        """
        ...


class Allowances(Protocol):
    """Counts what limits per customer and per day add up to; safe between concurrent cases."""

    async def reserve(self, tenant: str, key: str, claims: Sequence[AllowanceClaim]) -> Sequence[str]:
        """Claim all or none. A repeat with the same key claims nothing twice.

        Returns:
            Names of the limits that would be exceeded; empty when the claims stand.
        """
        ...

    async def release(self, key: str) -> None:
        """Give back what a call claimed, after it was refused or undone."""
        ...


class EvidenceStore(Protocol):
    """Files that users uploaded for incidents, by reference. Their content never stands in history."""

    async def put(self, tenant: str, name: str, content: AsyncIterator[bytes]) -> tuple[str, int]:
        """Keep a file, read as a stream; the same content twice is kept once.

        Args:
            tenant: whose it is.
            name: as the user calls the file; for people, never a path.
            content: its bytes, in pieces of any size.

        Returns:
            The reference, `sha256:` and 64 hexadecimal digits, and the size in bytes.

        Raises:
            InvalidInput: it is empty or too large, or the tenant keeps too much.
            VendorUnavailable: it cannot be kept now.
        """
        ...

    async def path(self, tenant: str, reference: str) -> Path:
        """A local file to read and never to change; gzip as it was uploaded.

        Raises:
            InvalidInput: the tenant has no such evidence. Another tenant's looks the same.
        """
        ...

    async def remove_older_than(self, moment: datetime) -> int:
        """Remove what was last uploaded before a moment (with a time zone), of every tenant; returns how many."""
        ...


class IncidentKnowledge(Protocol):
    """What is known of failures: signatures that ship, and lessons that people of the tenant reviewed."""

    async def search(self, tenant: str, text: str, *, signs: Sequence[Sign] = (), limit: int = 5) -> KnowledgeAnswer:
        """What fits a text, the signs of findings, or both, best first; says which level answered.

        A level that is off or down is passed over, and the answer names it; so this raises nothing.
        """
        ...

    async def learn(self, tenant: str, lesson: Lesson) -> LessonStatus:
        """Keep what an incident taught as a draft, which nobody finds before a person reviewed it.

        A repeat with the same id fills the draft anew; a lesson that a person judged stays as it is.

        Returns:
            What the lesson is now.
        """
        ...

    async def find(self, tenant: str, reference: str) -> Signature | Lesson | None:
        """A signature or lesson by its reference, drafts too; None when the tenant has none."""
        ...
