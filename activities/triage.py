"""Activities of triage: each asks the model where one answers, lets the rules set the floor, and falls back to them."""

from __future__ import annotations

from temporalio import activity

from activities.asking import AnswerT, ModelAsker
from domain.llm.model_answers import AnalysisAnswer, ClassificationAnswer, MessageAnswer, ProposalAnswer
from domain.model import JsonValue, Value
from domain.policies.case_policy import CasePolicy, ModelBudget
from domain.ports.cases import CaseStore
from domain.ports.models import LanguageModel
from domain.rules import RulesEngine
from domain.tickets.disruption import Disruption
from domain.tickets.ticket import Priority, Ticket
from domain.triage.analysis import Analysis
from domain.triage.classification import Classification, Origin
from domain.triage.conversation import MessageAssessment
from domain.triage.decision import Decision, HandlingStrategy, Risk


class TriageInput(Value):
    """A ticket to look at."""

    tenant: str
    ticket: Ticket
    budget: ModelBudget


class Classified(Value):
    """A classification and who made it."""

    classification: Classification
    origin: Origin


class Analysed(Value):
    """An analysis and who made it."""

    analysis: Analysis
    origin: Origin


class DecideInput(Value):
    """Everything a decision rests on."""

    tenant: str
    ticket: Ticket
    classification: Classification
    analysis: Analysis
    policy: CasePolicy


class Decided(Value):
    """Risk, strategy and decision, made from one look."""

    risk: Risk
    strategy: HandlingStrategy
    decision: Decision
    disruption: Disruption | None = None
    """Of a service, where the customer reports one. Recorded, so that its rules may change under running cases."""


class AssessInput(Value):
    """A later customer message, in its conversation."""

    tenant: str
    step: str
    ticket_subject: str
    text: str
    history: tuple[str, ...]
    """Earlier customer texts, oldest first."""
    frustration: int
    priority: Priority
    policy: CasePolicy
    customer_name: str | None = None


def names_of(ticket: Ticket) -> tuple[str, ...]:
    """The names a ticket itself gives, for redaction."""
    return (ticket.customer.name,) if ticket.customer.name else ()


class TriageActivities:
    """Receives the model chain, the rules, and the store for what earlier cases taught."""

    def __init__(self, model: LanguageModel, rules: RulesEngine, store: CaseStore) -> None:
        """Keep what triage needs."""
        self._asker = ModelAsker(model)
        self._rules = rules
        self._store = store

    @activity.defn
    async def classify_ticket(self, request: TriageInput) -> Classified:
        """Category, priority, complexity, signals. A model's answer never falls below the rules' floor."""
        floor = self._rules.classify(request.ticket)
        answer, origin = await self._ask(request, "classify", ClassificationAnswer)
        if answer is None:
            return Classified(classification=floor, origin=origin)
        return Classified(classification=self._rules.merge(answer.to_classification(), floor), origin=origin)

    @activity.defn
    async def analyse_ticket(self, request: TriageInput) -> Analysed:
        """Tone, frustration, complexity, churn and publicity risk."""
        floor = self._rules.analyse(request.ticket)
        answer, origin = await self._ask(request, "analyse", AnalysisAnswer)
        if answer is None:
            return Analysed(analysis=floor, origin=origin)
        return Analysed(analysis=self._rules.merge_analysis(answer.to_analysis(), floor), origin=origin)

    @activity.defn
    async def decide_escalation(self, request: DecideInput) -> Decided:
        """Risk, then the decision: hard rules first, then the model's proposal, then the rules'."""
        policy, classification, analysis = request.policy, request.classification, request.analysis
        risk = self._rules.risk(request.ticket, classification, analysis, policy.risk)
        strategy = self._rules.strategy(risk, analysis, policy.risk)
        past = await self._store.outcomes(request.tenant, category=classification.category.value, limit=50)
        context: dict[str, JsonValue] = {
            "ticket": ticket_context(request.ticket),
            "classification": classification.model_dump(mode="json"),
            "analysis": analysis.model_dump(mode="json"),
            "risk": risk.model_dump(mode="json"),
            "teams": sorted(policy.teams),
        }
        answer, origin = await self._asker.ask(
            "decide",
            "decide",
            ProposalAnswer,
            context,
            tenant=request.tenant,
            budget=policy.budget,
            known_names=names_of(request.ticket),
        )
        proposal = answer.to_proposal() if answer is not None else None
        decision = self._rules.decide(
            request.ticket, classification, analysis, risk, policy, proposal=proposal, origin=origin, past=past
        )
        disruption = self._rules.disruption(request.ticket, classification)
        return Decided(risk=risk, strategy=strategy, decision=decision, disruption=disruption)

    @activity.defn
    async def assess_message(self, request: AssessInput) -> MessageAssessment:
        """Re-analyse a later customer message: thanks, still broken, angrier, wants a person."""
        context: dict[str, JsonValue] = {
            "subject": request.ticket_subject,
            "message": request.text,
            "earlier_messages": list(request.history[-5:]),
            "frustration": request.frustration,
            "priority": request.priority.value,
        }
        names = (request.customer_name,) if request.customer_name else ()
        answer, origin = await self._asker.ask(
            "assess_message",
            request.step,
            MessageAnswer,
            context,
            tenant=request.tenant,
            budget=request.policy.budget,
            known_names=names,
        )
        proposal = answer.to_assessment() if answer is not None else None
        assessment = self._rules.assess_message(
            request.text,
            history=list(request.history),
            previous_frustration=request.frustration,
            priority=request.priority,
            policy=request.policy,
            proposal=proposal,
        )
        return assessment.model_copy(update={"origin": origin})

    async def _ask(
        self, request: TriageInput, prompt: str, answer_type: type[AnswerT]
    ) -> tuple[AnswerT | None, Origin]:
        return await self._asker.ask(
            prompt,
            prompt,
            answer_type,
            {"ticket": ticket_context(request.ticket)},
            tenant=request.tenant,
            budget=request.budget,
            known_names=names_of(request.ticket),
        )


def ticket_context(ticket: Ticket) -> dict[str, JsonValue]:
    """What a prompt may know of a ticket: no address, no name, no id of the customer."""
    return {
        "subject": ticket.subject,
        "body": ticket.body,
        "channel": ticket.channel.value,
        "customer_tier": ticket.customer.tier.value,
        "account_value": ticket.customer.account_value,
        "previous_tickets": ticket.customer.previous_tickets,
        "earlier_contacts": len(ticket.customer.support_history),
        "earlier_escalations": len(ticket.customer.escalation_history),
    }
