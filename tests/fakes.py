"""Fakes that implement the ports in memory. Each can be told to fail, so that tests need no network to break things."""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from domain.cases.records import ANY_CASE, ApprovalRecord, CaseMatch, CaseRecord, InterventionRecord, OutcomeRecord
from domain.cases.timeline import CaseMessage, TimelineEntry
from domain.errors import InvalidInput, VendorError
from domain.identity.people import Person
from domain.knowledge.articles import Article, ArticleHit
from domain.mail import ChatMessage, ChatReceipt, MailReceipt, OutgoingMail, TicketEscalation, TicketReceipt
from domain.policies.case_policy import CasePolicy
from domain.ports.effects import AllowanceClaim
from domain.ports.models import Answer, AnswerT, ModelUnavailable, Question
from domain.tools.tool import RefusalKind, ToolCall, ToolRefusal, ToolResult, ToolSpec, canonical
from domain.triage.classification import Origin


class Breakable:
    """Raises what it was told to, before anything happens."""

    def __init__(self) -> None:
        self.failures: list[VendorError] = []
        self.always: Callable[[Any], VendorError | None] = lambda _: None

    def break_down(self, subject: Any) -> None:
        if self.failures:
            raise self.failures.pop(0)
        error = self.always(subject)
        if error is not None:
            raise error


class FakeMailer(Breakable):
    def __init__(self) -> None:
        super().__init__()
        self.sent: dict[str, OutgoingMail] = {}

    async def send(self, mail: OutgoingMail) -> MailReceipt:
        self.break_down(mail)
        repeated = mail.key in self.sent
        self.sent[mail.key] = mail
        return MailReceipt(message_id=f"<{mail.key}@test>", repeated=repeated)

    def to(self, address: str) -> list[OutgoingMail]:
        return [mail for mail in self.sent.values() if address in mail.to]


class FakeChat(Breakable):
    def __init__(self) -> None:
        super().__init__()
        self.posted: dict[str, ChatMessage] = {}
        self.updates: list[ChatMessage] = []
        self.deleted: list[ChatReceipt] = []

    async def post(self, message: ChatMessage) -> ChatReceipt:
        self.break_down(message)
        repeated = message.key in self.posted
        self.posted[message.key] = message
        return ChatReceipt(channel=message.channel, ts=str(list(self.posted).index(message.key)), repeated=repeated)

    async def update(self, receipt: ChatReceipt, message: ChatMessage) -> ChatReceipt:
        self.break_down(message)
        self.updates.append(message)
        return receipt

    async def delete(self, receipt: ChatReceipt) -> None:
        self.deleted.append(receipt)

    def on(self, channel: str) -> list[ChatMessage]:
        return [message for message in self.posted.values() if message.channel == channel]


class FakeTickets(Breakable):
    def __init__(self) -> None:
        super().__init__()
        self.escalated: dict[str, TicketEscalation] = {}
        self.reverted: list[TicketReceipt] = []
        self.statuses: dict[str, str] = {}
        self.notes: list[tuple[str, str]] = []

    async def escalate(self, change: TicketEscalation) -> TicketReceipt:
        self.break_down(change)
        self.escalated[change.key] = change
        return TicketReceipt(external_id=change.external_id, previous_status="open", added_tags=change.tags)

    async def revert(self, receipt: TicketReceipt, *, key: str, note: str) -> None:
        self.reverted.append(receipt)

    async def add_note(self, external_id: str, *, key: str, note: str, public: bool = False) -> None:
        self.notes.append((external_id, note))

    async def set_status(self, external_id: str, status: str, *, key: str) -> str | None:
        before = self.statuses.get(external_id)
        self.statuses[external_id] = status
        return before

    async def status_of(self, external_id: str) -> str | None:
        return self.statuses.get(external_id)


class FakeRecords(Breakable):
    def __init__(self) -> None:
        super().__init__()
        self.profiles: dict[str, dict[str, str]] = {}

    async def update_profile(self, customer_id: str, properties: dict[str, str], *, key: str) -> bool:
        self.break_down(customer_id)
        self.profiles[customer_id] = properties
        return True


class FakeBilling(Breakable):
    def __init__(self) -> None:
        super().__init__()
        self.refunds: dict[str, tuple[str, float]] = {}
        self.credits: dict[str, tuple[str, float]] = {}
        self.taken_back: list[str] = []

    async def refund(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        self.break_down(customer_id)
        self.refunds[key] = (customer_id, amount)
        return f"re_{len(self.refunds)}"

    async def cancel_refund(self, refund_id: str, *, key: str) -> None:
        self.taken_back.append(refund_id)

    async def credit(self, customer_id: str, amount: float, currency: str, *, key: str) -> str:
        self.break_down(customer_id)
        self.credits[key] = (customer_id, amount)
        return f"txn_{len(self.credits)}"

    async def reverse_credit(self, customer_id: str, transaction_id: str, *, key: str) -> None:
        self.taken_back.append(transaction_id)


class FakeStore(Breakable):
    def __init__(self) -> None:
        super().__init__()
        self.cases: dict[str, CaseRecord] = {}
        self.lines: dict[str, dict[int, TimelineEntry]] = defaultdict(dict)
        self.messages: dict[str, dict[int, CaseMessage]] = defaultdict(dict)
        self.audit: dict[tuple[str, str, int], ApprovalRecord] = {}
        self.interventions: dict[tuple[str, int], InterventionRecord] = {}
        self.results: dict[str, OutcomeRecord] = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.incidents_are_unknown: VendorError | None = None

    async def save_case(self, record: CaseRecord) -> None:
        self.break_down(record)
        self.cases[record.workflow_id] = record
        self.lines[record.workflow_id].update({entry.number: entry for entry in record.timeline})
        self.messages[record.workflow_id].update({message.number: message for message in record.conversation})

    async def find_case(self, workflow_id: str, *, tenant: str | None = None) -> CaseRecord | None:
        return self.cases.get(workflow_id)

    async def list_cases(
        self, tenant: str, wanted: CaseMatch = ANY_CASE, *, limit: int = 50, offset: int = 0
    ) -> list[CaseRecord]:
        alike = wanted.model_dump(exclude_none=True) | {"tenant": tenant}
        found = [one for one in self.cases.values() if all(getattr(one, name) == alike[name] for name in alike)]
        return found[offset : offset + limit]

    async def open_incidents(self, tenant: str, *, limit: int = 20) -> list[CaseRecord]:
        if self.incidents_are_unknown is not None:
            raise self.incidents_are_unknown
        mine = [case for case in self.cases.values() if (case.tenant, case.kind) == (tenant, "troubleshooting")]
        running = [case for case in mine if case.status not in ("resolved", "closed", "withdrawn")]
        return sorted(running, key=lambda case: case.opened_at, reverse=True)[:limit]

    async def timeline(self, workflow_id: str, *, tenant: str | None = None) -> list[TimelineEntry]:
        return [self.lines[workflow_id][number] for number in sorted(self.lines[workflow_id])]

    async def conversation(self, workflow_id: str, *, tenant: str | None = None) -> list[CaseMessage]:
        return [self.messages[workflow_id][number] for number in sorted(self.messages[workflow_id])]

    async def audit_approval(self, record: ApprovalRecord) -> None:
        self.audit[(record.workflow_id, record.request_id, record.number)] = record

    async def approvals_of(self, workflow_id: str, *, tenant: str | None = None) -> list[ApprovalRecord]:
        return [record for key, record in self.audit.items() if key[0] == workflow_id]

    async def audit_intervention(self, record: InterventionRecord) -> None:
        self.interventions.setdefault((record.workflow_id, record.number), record)

    async def interventions_of(self, workflow_id: str, *, tenant: str | None = None) -> list[InterventionRecord]:
        return [record for key, record in sorted(self.interventions.items()) if key[0] == workflow_id]

    async def save_outcome(self, record: OutcomeRecord) -> None:
        self.results[record.workflow_id] = record

    async def outcomes(self, tenant: str, *, category: str | None = None, limit: int = 200) -> list[OutcomeRecord]:
        return []

    async def save_text(self, reference: str, tenant: str, text: str) -> None:
        self.texts[(reference, tenant)] = text

    async def load_text(self, reference: str, tenant: str) -> str | None:
        return self.texts.get((reference, tenant))


class FakeKnowledge:
    def __init__(self) -> None:
        self.articles = [
            ArticleHit(
                article_id="password-reset",
                title="Reset your password",
                excerpt="Open the sign-in page, choose Forgot password, and follow the link in the e-mail.",
                url="https://help.example.com/password-reset",
                score=1.0,
            )
        ]
        self.added: list[Article] = []

    async def search(self, tenant: str, text: str, *, limit: int = 3, public_only: bool = True) -> list[ArticleHit]:
        return self.articles if "password" in text.lower() else []

    async def add(self, tenant: str, article: Article) -> None:
        self.added.append(article)


class FakePolicies:
    """Hands out one policy, which a test may change between cases."""

    def __init__(self, policy: CasePolicy) -> None:
        self.policy = policy

    def policy_for(self, tenant: str) -> CasePolicy:
        return self.policy


class FakeDirectory:
    def __init__(self, people: list[Person]) -> None:
        self.people = {person.person_id: person for person in people}

    def person(self, tenant: str, name: str) -> Person | None:
        return next(
            (p for p in self.people.values() if name in (p.person_id, p.email, *p.aliases)),
            None,
        )

    def holders(self, tenant: str, roles: tuple[str, ...], people: tuple[str, ...]) -> list[Person]:
        return [
            person
            for person in self.people.values()
            if person.active and (person.person_id in people or set(roles) & set(person.roles))
        ]

    def deactivate(self, person_id: str) -> None:
        self.people[person_id] = self.people[person_id].model_copy(update={"active": False})


class FakeModel:
    """Answers by prompt name; a prompt without an answer is one that no model answers."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.questions: list[Question] = []
        self.provider = "primary"

    @property
    def configured(self) -> bool:
        return bool(self.answers)

    async def ask(self, question: Question, answer_type: type[AnswerT]) -> Answer[AnswerT]:
        self.questions.append(question)
        answer = self.answers.get(question.prompt)
        if answer is None:
            raise ModelUnavailable("No model answered.")
        return Answer[answer_type](  # type: ignore[valid-type]  # the type is a value here, as in the real chain
            value=answer_type.model_validate(answer),
            origin=Origin(provider=self.provider, model="fake", degraded=self.provider != "primary", cost=0.01),
        )


class FakeToolBox:
    """Tools that do what a test says. A repeat with a key that took effect gives what it gave, as a real vendor does.

    `on(name, behaviour)` takes a value (the output), a `ToolResult` or `ToolRefusal`, an exception (raised each time),
    a function of the `ToolCall` that gives any of these (async or not), or a list with at least one exception in it:
    a script of one behaviour per attempt, whose last one stays. A tool without a behaviour gives back its arguments.
    """

    def __init__(self, *specs: ToolSpec) -> None:
        self._specs = {spec.name: spec for spec in specs}
        self._behaviours: dict[str, list[Any]] = {}
        self.calls: list[ToolCall] = []
        """Every attempt, also those that failed."""
        self.effects: dict[str, ToolCall] = {}
        """Calls that took effect, by key."""
        self._results: dict[str, ToolResult] = {}
        self.refuse_on_check: ToolRefusal | None = None
        """What looking at a call says, whatever it is."""

    def on(self, name: str, behaviour: Any) -> FakeToolBox:
        script = isinstance(behaviour, list) and any(isinstance(step, BaseException) for step in behaviour)
        self._behaviours[name] = list(behaviour) if script else [behaviour]
        return self

    def add(self, *specs: ToolSpec) -> FakeToolBox:
        """Add tools, or change them under running cases."""
        self._specs.update({spec.name: spec for spec in specs})
        return self

    def calls_of(self, name: str) -> list[ToolCall]:
        return [call for call in self.calls if call.tool == name]

    async def specs(self, tenant: str) -> Sequence[ToolSpec]:
        return [self._specs[name] for name in sorted(self._specs)]

    async def find(self, tenant: str, name: str) -> ToolSpec | None:
        return self._specs.get(name)

    async def choose(self, tenant: str, capability: str) -> Sequence[ToolSpec]:
        return [spec for spec in self._specs.values() if capability in spec.capabilities]

    async def find_operation(self, tenant: str, document: str, operation_id: str) -> ToolSpec:
        for spec in self._specs.values():
            if spec.source == document and spec.name.endswith(f".{operation_id}"):
                return spec
        raise InvalidInput(f"{document} has no operation {operation_id}: correct its name.")

    async def find_mcp_tool(self, tenant: str, address: str, name: str) -> ToolSpec | None:
        return next((s for s in self._specs.values() if s.target == address and s.name.endswith(f".{name}")), None)

    async def check(self, call: ToolCall) -> ToolRefusal | None:
        spec = self._specs.get(call.tool)
        if spec is None:
            return ToolRefusal(kind=RefusalKind.UNKNOWN_TOOL, sentence=f"There is no tool {call.tool}.")
        if call.digest and call.digest != spec.brief().digest:
            return ToolRefusal(kind=RefusalKind.TOOL_CHANGED, sentence=f"{call.tool} changed since it was approved.")
        return self.refuse_on_check

    async def run(self, call: ToolCall, *, attempt: int, beat: Callable[[], None]) -> ToolResult:
        self.calls.append(call)
        refusal = await self.check(call)
        if refusal is not None:
            return ToolResult(refusal=refusal, attempt=attempt)
        if call.key in self._results:
            return self._results[call.key].model_copy(update={"attempt": attempt, "repeated": True})
        steps = self._behaviours.get(call.tool, [lambda made: made.arguments])
        answer = steps.pop(0) if len(steps) > 1 else steps[0]
        if callable(answer) and not isinstance(answer, BaseException):
            answer = answer(call)
        if inspect.isawaitable(answer):
            answer = await answer
        if isinstance(answer, BaseException):
            raise answer
        result = self._result(answer).model_copy(update={"attempt": attempt})
        if result.refusal is None:
            self.effects[call.key] = call
            self._results[call.key] = result
        return result

    @staticmethod
    def _result(answer: Any) -> ToolResult:
        if isinstance(answer, ToolResult):
            return answer
        if isinstance(answer, ToolRefusal):
            return ToolResult(refusal=answer)
        return ToolResult(output=answer, size_bytes=len(canonical(answer)))


def at(text: str) -> datetime:
    """An instant, for tests that need one."""
    return datetime.fromisoformat(text)


class FakeAllowances:
    """Counts in memory."""

    def __init__(self) -> None:
        self.claims: dict[str, Sequence[AllowanceClaim]] = {}

    async def reserve(self, tenant: str, key: str, claims: Sequence[AllowanceClaim]) -> Sequence[str]:
        if key not in self.claims:
            exceeded = [claim.limit for claim in claims if self._used(claim.limit) + claim.amount > claim.at_most]
            if exceeded:
                return exceeded
        self.claims[key] = claims
        return []

    def _used(self, limit: str) -> float:
        return sum(claim.amount for claims in self.claims.values() for claim in claims if claim.limit == limit)

    async def release(self, key: str) -> None:
        self.claims.pop(key, None)
