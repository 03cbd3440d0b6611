"""The rules engine: one object with every method of triage, answers and reviews. Pure, synchronous, deterministic."""

from __future__ import annotations

from collections.abc import Sequence

from domain.cases.records import OutcomeRecord
from domain.knowledge.articles import Article, ArticleHit
from domain.policies.case_policy import CasePolicy, RiskPolicy
from domain.rules import claims, complexity, decision, disruption, merging, quality, risk, sentiment
from domain.rules import classification as classifying
from domain.rules.conversation import Conversation
from domain.rules.keywords import KeywordTables
from domain.rules.nature import Case
from domain.rules.phrases import Phrases
from domain.rules.reading import Reader
from domain.rules.replies import ReplyWriter
from domain.tickets.disruption import Affected, Disruption
from domain.tickets.ticket import Priority, Ticket
from domain.triage.analysis import Analysis
from domain.triage.classification import Classification, Origin
from domain.triage.conversation import MessageAssessment, QualityReview, Reply
from domain.triage.decision import Decision, HandlingStrategy, Proposal, Risk


class RulesEngine:
    """Does the work of a language model by rules, and sets the floor for one."""

    def __init__(self, keywords: KeywordTables, phrases: Phrases) -> None:
        """`keywords` and `phrases` are the validated contents of `config/keywords.yaml` and `config/phrases.yaml`."""
        self._reader = Reader(keywords)
        self._sentiment = sentiment.Sentiment(keywords.acronyms)
        self._conversation = Conversation(self._reader, self._sentiment)
        self._writer = ReplyWriter(phrases, self._reader)
        self._reviewer = quality.Reviewer(phrases, self._reader)

    def classify(self, ticket: Ticket) -> Classification:
        """Step 1: category, priority, complexity, signals, entities."""
        return classifying.classify(ticket, self._reader.read(ticket.subject, ticket.body))

    def analyse(self, ticket: Ticket) -> Analysis:
        """Step 2: tone, frustration, complexity scores, churn and publicity risk, style, language."""
        reading = self._reader.read(ticket.subject, ticket.body)
        category, _, _ = classifying.category_of(reading)
        frustrated, reasons = sentiment.frustration(reading, self._sentiment, ticket.customer)
        scores = complexity.scores_of(reading, category, frustrated, ticket.customer)
        return Analysis(
            tone=sentiment.tone(self._sentiment.polarity(reading), frustrated, reading),
            frustration=frustrated,
            perceived_urgency=sentiment.perceived_urgency(reading, frustrated),
            resolution_confidence=max(0, min(100, 80 - round(frustrated * 0.6))),
            style=sentiment.style(reading, frustrated),
            knowledge_level=sentiment.knowledge(reading),
            language=reading.language,
            technical_complexity=scores.technical,
            communication_complexity=scores.communication,
            process_complexity=scores.process,
            resolution_complexity=scores.resolution,
            overall_complexity=scores.overall,
            churn_risk=sentiment.churn_risk(reading, frustrated, ticket.customer),
            publicity_risk=sentiment.publicity_risk(reading, frustrated),
            reasons=reasons,
        )

    def merge(self, model: Classification, rules: Classification) -> Classification:
        """A model's classification with the rules' as its floor."""
        return merging.classification(model, rules)

    def merge_analysis(self, model: Analysis, rules: Analysis) -> Analysis:
        """A model's analysis with the rules' as its floor."""
        return merging.analysis(model, rules)

    def risk(self, ticket: Ticket, classification: Classification, analysis: Analysis, policy: RiskPolicy) -> Risk:
        """Step 3: the numbers that decide."""
        return risk.assess(ticket, classification, analysis, policy)

    def strategy(self, risk_scores: Risk, analysis: Analysis, policy: RiskPolicy) -> HandlingStrategy:
        """How careful the answer must be, how long it takes and who can do it."""
        return risk.strategy(risk_scores, analysis, policy)

    def hard_rules(
        self, classification: Classification, analysis: Analysis, risk_scores: Risk, policy: RiskPolicy
    ) -> tuple[str, ...]:
        """Names of the hard rules that fired."""
        return decision.hard_rules(classification, analysis, risk_scores, policy)

    def decide(  # noqa: PLR0917 - the order of triage's steps
        self,
        ticket: Ticket,
        classification: Classification,
        analysis: Analysis,
        risk_scores: Risk,
        policy: CasePolicy,
        proposal: Proposal | None = None,
        origin: Origin | None = None,
        past: Sequence[OutcomeRecord] = (),
    ) -> Decision:
        """Step 4: hard rules, then the model's proposal above the rules' floor, then the rules' own choice.

        Args:
            ticket: what the customer sent.
            classification: step 1, merged where a model answered.
            analysis: step 2, merged where a model answered.
            risk_scores: step 3.
            policy: the tenant's policy; teams, thresholds.
            proposal: what the model said; None lets the rules choose.
            origin: who made the proposal.
            past: outcomes of earlier cases of the tenant, from which the rules' own choice learns.
        """
        case = Case(ticket, classification, analysis, risk_scores, policy)
        fired = self.hard_rules(classification, analysis, risk_scores, policy.risk)
        doubted = self._on_the_models_word(case, fired)
        standing = tuple(name for name in fired if name not in doubted)
        return decision.decide(case, standing, proposal, origin, list(past), doubted)

    def _on_the_models_word(self, case: Case, fired: tuple[str, ...]) -> tuple[str, ...]:
        """Hard rules that a model alone claims, in a text that does not bear them out."""
        if not fired:
            return ()
        found, felt = self.classify(case.ticket), self.analyse(case.ticket)
        risk_scores = self.risk(case.ticket, found, felt, case.policy.risk)
        return claims.unsupported(fired, self.hard_rules(found, felt, risk_scores, case.policy.risk), found, felt)

    def disruption(self, ticket: Ticket, classification: Classification) -> Disruption | None:
        """The disruption of a service that a ticket reports; None for all other tickets.

        Args:
            ticket: what the customer sent.
            classification: step 1, merged where a model answered. What the sender stated as priority does not count.
        """
        own = self.classify(ticket.model_copy(update={"stated_priority": None}))
        return disruption.disruption_of(self._reader.read(ticket.subject, ticket.body), classification, own)

    def affected(self, title: str, text: str) -> Affected:
        """Which parts of a system a text says to fail, and how."""
        return disruption.affected_of(self._reader.read(title, text))

    def assess_message(
        self,
        text: str,
        *,
        history: Sequence[str],
        previous_frustration: int,
        priority: Priority,
        policy: CasePolicy,
        proposal: MessageAssessment | None = None,
    ) -> MessageAssessment:
        """Judge a later customer message; `history` holds the earlier customer texts, oldest first."""
        by_rules = self._conversation.assess(
            text,
            history=list(history),
            previous_frustration=previous_frustration,
            priority=priority,
            policy=policy.risk,
        )
        return by_rules if proposal is None else merging.assessment(proposal, by_rules)

    def reply(  # noqa: PLR0917 - the order of triage's steps
        self,
        ticket: Ticket,
        classification: Classification,
        analysis: Analysis,
        decided: Decision,
        articles: Sequence[Article | ArticleHit],
        policy: CasePolicy,
        strategy: HandlingStrategy,
        *,
        conversation: Sequence[str] = (),
        rejection_reason: str = "",
        billing_done: Sequence[str] = (),
    ) -> Reply:
        """The specialist's answer, in the customer's language and tone.

        Args:
            ticket: what the customer sent.
            classification: what it is about.
            analysis: how the customer feels and writes.
            decided: whether people take it, and who.
            articles: what the knowledge base found, best first.
            policy: team labels, signature, product name.
            strategy: the style to write in.
            conversation: what the customer wrote since, oldest first.
            rejection_reason: why a person turned the last draft down.
            billing_done: billing actions that took effect, in words.
        """
        return self._writer.write(
            ticket,
            classification,
            analysis,
            decided,
            list(articles),
            policy,
            strategy,
            conversation=list(conversation),
            rejection_reason=rejection_reason,
            billing_done=tuple(billing_done),
        )

    def review(
        self,
        reply: Reply,
        ticket: Ticket,
        classification: Classification,
        *,
        articles: Sequence[Article | ArticleHit] = (),
        policy: CasePolicy | None = None,
        billing_done: Sequence[str] = (),
    ) -> QualityReview:
        """Score an answer 0-10, with findings.

        Args:
            reply: the answer.
            ticket: what the customer sent.
            classification: what it is about.
            articles: what the knowledge base found; their links may stand in the answer.
            policy: the tenant's; its addresses may stand in the answer.
            billing_done: billing actions that took effect; without any, no money may be promised.
        """
        allowed = quality.Allowed.of(ticket, articles, policy, billing_done)
        return self._reviewer.review(reply, ticket, classification, allowed)

    def revise(
        self,
        reply: Reply,
        review: QualityReview,
        ticket: Ticket,
        classification: Classification,
        policy: CasePolicy,
        *,
        articles: Sequence[Article | ArticleHit] = (),
        billing_done: Sequence[str] = (),
    ) -> Reply:
        """Mend an answer once; the arguments are those of `review`."""
        allowed = quality.Allowed.of(ticket, articles, policy, billing_done)
        return self._reviewer.revise(reply, review, ticket, classification, policy.reply.signature, allowed)

    def issue_signature(self, ticket: Ticket, classification: Classification) -> str:
        """What makes issues alike: category, complexity and up to five technical words, in a stable order."""
        reading = self._reader.read(ticket.subject, ticket.body)
        words = {
            word for hit in reading.found("complexity.technical_terms") for word in reading.words[hit.start : hit.end]
        }
        topics = {
            table.removeprefix("topics.")
            for table in reading.hits
            if table.startswith("topics.") and reading.has(table)
        }
        named = sorted(topics)[:3] + sorted(words)[:5]
        return "/".join([classification.category.value, classification.complexity.value, *named])
