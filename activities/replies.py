"""The activity that writes answers: the specialist's draft, its quality review, one revision."""

from __future__ import annotations

from temporalio import activity

from activities.asking import AnswerT, ModelAsker
from activities.triage import names_of, ticket_context
from domain.cases.escalation import Draft
from domain.cases.timeline import CaseMessage
from domain.knowledge.articles import ArticleHit
from domain.llm.model_answers import ReplyAnswer, ReviewAnswer
from domain.model import JsonValue, Value
from domain.policies.case_policy import CasePolicy, Formality, ReplyPolicy
from domain.ports.models import LanguageModel
from domain.rules import RulesEngine
from domain.tickets.ticket import Ticket
from domain.triage.analysis import Analysis
from domain.triage.classification import Classification, Origin
from domain.triage.conversation import QualityReview, Reply
from domain.triage.decision import Decision, HandlingStrategy


class DraftInput(Value):
    """Everything an answer rests on."""

    tenant: str
    step: str
    ticket: Ticket
    classification: Classification
    analysis: Analysis
    decision: Decision
    strategy: HandlingStrategy
    articles: tuple[ArticleHit, ...]
    policy: CasePolicy
    conversation: tuple[CaseMessage, ...] = ()
    """What was said since the ticket came, oldest first."""
    announces_handoff: bool = False
    """True for the notice that people take over."""
    rejection_reason: str = ""
    """Why a person turned the last draft down."""
    billing_done: tuple[str, ...] = ()
    """Billing actions that took effect, so that the answer may speak of them."""


class ReplyActivities:
    """Receives the model chain and the rules."""

    def __init__(self, model: LanguageModel, rules: RulesEngine) -> None:
        """Keep what writing needs."""
        self._asker = ModelAsker(model)
        self._rules = rules

    @activity.defn
    async def draft_reply(self, request: DraftInput) -> Draft:
        """Write an answer, review it 0-10, and revise it once when the review is below the policy's threshold."""
        if request.announces_handoff:
            # Worded by rules: it goes out without anybody's approval, so no model writes it.
            notice = self._by_rules(request)
            return Draft(reply=notice, review=self._reviewed(request, notice))
        reply = await self._write(request)
        review = await self._review(request, reply)
        if review.score >= request.policy.reply.minimum_quality:
            return Draft(reply=reply, review=review)
        revised = await self._revise(request, reply, review)
        return Draft(reply=revised, review=await self._review(request, revised, again=True), revised=True)

    async def _write(self, request: DraftInput) -> Reply:
        by_rules = self._by_rules(request)
        context = self._context(request)
        context["suggested_answer"] = by_rules.text
        answer, origin = await self._ask(request, "reply", ReplyAnswer, context)
        if answer is None:
            return by_rules.model_copy(update={"origin": origin})
        # Money and steps come from the rules: what a model writes may word an answer, never widen what is done.
        return answer.to_reply().model_copy(
            update={"origin": origin, "billing_action": by_rules.billing_action, "kind": by_rules.kind}
        )

    def _by_rules(self, request: DraftInput) -> Reply:
        return self._rules.reply(
            request.ticket,
            request.classification,
            request.analysis,
            request.decision,
            list(request.articles),
            request.policy,
            request.strategy,
            conversation=[message.text for message in request.conversation if message.author == "customer"],
            rejection_reason=request.rejection_reason,
            billing_done=request.billing_done,
        )

    def _reviewed(self, request: DraftInput, reply: Reply) -> QualityReview:
        """The rules' review, which knows the links and addresses that may go out."""
        return self._rules.review(
            reply,
            request.ticket,
            request.classification,
            articles=request.articles,
            policy=request.policy,
            billing_done=request.billing_done,
        )

    async def _review(self, request: DraftInput, reply: Reply, *, again: bool = False) -> QualityReview:
        floor = self._reviewed(request, reply)
        if reply.origin.provider == "rules":
            return floor
        context = self._context(request)
        context["answer"] = reply.text
        answer, origin = await self._ask(request, "review", ReviewAnswer, context, suffix="-again" if again else "")
        if answer is None:
            return floor
        said = answer.to_review()
        # The stricter of the two counts: a model cannot wave its own answer through.
        return QualityReview(
            score=min(said.score, floor.score), findings=(*floor.findings, *said.findings), origin=origin
        )

    async def _revise(self, request: DraftInput, reply: Reply, review: QualityReview) -> Reply:
        if reply.origin.provider != "rules":
            context = self._context(request)
            context["answer"] = reply.text
            context["findings"] = list(review.findings)
            answer, origin = await self._ask(request, "revise", ReplyAnswer, context)
            if answer is not None:
                return answer.to_reply().model_copy(
                    update={"origin": origin, "billing_action": reply.billing_action, "kind": reply.kind}
                )
        return self._rules.revise(
            reply,
            review,
            request.ticket,
            request.classification,
            request.policy,
            articles=request.articles,
            billing_done=request.billing_done,
        )

    async def _ask(
        self,
        request: DraftInput,
        prompt: str,
        answer_type: type[AnswerT],
        context: dict[str, JsonValue],
        suffix: str = "",
    ) -> tuple[AnswerT | None, Origin]:
        return await self._asker.ask(
            prompt,
            f"{request.step}/{prompt}{suffix}",
            answer_type,
            context,
            tenant=request.tenant,
            budget=request.policy.budget,
            known_names=names_of(request.ticket),
        )

    def _context(self, request: DraftInput) -> dict[str, JsonValue]:
        return {
            "ticket": ticket_context(request.ticket),
            "classification": request.classification.model_dump(mode="json"),
            "tone": request.analysis.tone.value,
            "style": request.strategy.style.value,
            "knowledge_level": request.analysis.knowledge_level.value,
            "language": request.analysis.language,
            "frustration": request.analysis.frustration,
            "decision": request.decision.kind.value,
            "team": request.policy.team(request.decision.team).label,
            "articles": [article.model_dump(mode="json") for article in request.articles],
            "conversation": [{"author": m.author, "text": m.text} for m in request.conversation[-10:]],
            "rejection_reason": request.rejection_reason,
            "product_name": request.policy.reply.product_name,
            "house_tone": _house_tone(request.policy.reply),
            "terms": request.policy.reply.terms.model_dump(),
        }


def _house_tone(reply: ReplyPolicy) -> str:
    """How the tenant speaks, in one text; empty where it leaves that to each answer."""
    manner = "" if reply.formality is Formality.AS_CUSTOMER else f"{reply.formality.value} with everybody"
    return "; ".join(part for part in (manner, reply.tone.strip()) if part)
