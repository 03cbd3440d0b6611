"""How an incident comes to know things: every change of its state, kept small."""

from __future__ import annotations

from datetime import datetime

from domain.model import JsonValue
from domain.tools.tool import call_digest
from domain.troubleshooting.evidence import EvidenceRef, Findings
from domain.troubleshooting.facts import IncidentFacts
from domain.troubleshooting.hypotheses import Diagnosis, Supposition
from domain.troubleshooting.incident import MOST_EVIDENCE, IncidentReport, RejectedSolution, Solution
from domain.troubleshooting.keeping import cut, kept_diagnosis, kept_observation, kept_topology, shrink
from domain.troubleshooting.looks import Look
from domain.troubleshooting.records import CallMade, FallbackUse, PhaseTransition, QueryRecord, Verdict
from domain.troubleshooting.terms import ModelFallback, ToolFallback, TroublePhase
from domain.troubleshooting.topology import Topology

KEPT_TRANSITIONS = 36
KEPT_CALLS = 70
"""The planner looks here for what was done, so it is more than any budget of calls that makes sense."""
KEPT_QUERIES = 6
KEPT_QUERY_TEXT = 1_500
KEPT_VERDICTS = 20
KEPT_SOLUTIONS = 10
KEPT_TOLD_APART = 8
KEPT_FALLBACKS = 13
KEPT_SPOKEN = 4
"""Messages of the conversation; older ones are in the store."""
_OUTCOME = 160
_CALL_TEXT = 160
_REASON = 1_000


class IncidentState(IncidentFacts):
    """Everything an incident knows, and every way in which that changes."""

    @classmethod
    def opened(cls, tenant: str, case_number: str, report: IncidentReport, now: datetime) -> IncidentState:
        """A new incident.

        Args:
            tenant: whose it is.
            case_number: what people call it.
            report: as it came in.
            now: the workflow's time.
        """
        state = cls(tenant=tenant, case_number=case_number, opened_at=now, report=report)
        state.add_evidence(report.evidence)
        for ticket_id in report.linked_tickets:
            state.link(ticket_id, report.reported_by, now, report.linked_customers.get(ticket_id))
        return state

    def enter(self, phase: TroublePhase, now: datetime, trigger: str) -> bool:
        """Go to a phase; False when the incident is in it already and went on with it."""
        current = TroublePhase(self.phase) if self.transitions else None
        if current is phase:
            return False
        self.phase = phase.value
        moved = PhaseTransition(from_phase=current, to_phase=phase, at=now, trigger=cut(trigger, _OUTCOME))
        self.transitions = [*self.transitions, moved][-KEPT_TRANSITIONS:]
        return True

    def add_evidence(self, evidence: tuple[EvidenceRef, ...]) -> tuple[EvidenceRef, ...]:
        """Take evidence that is not there yet; returns what was taken.

        The same content for another service is other evidence: a line that names no service then speaks for both.
        """
        have = {(one.reference, one.service) for one in self.evidence}
        new: list[EvidenceRef] = []
        for one in evidence:
            if (one.reference, one.service) not in have and len(self.evidence) + len(new) < MOST_EVIDENCE:
                have.add((one.reference, one.service))
                new.append(one)
        self.evidence = [*self.evidence, *new]
        return tuple(new)

    def record_call(
        self,
        capability: str,
        arguments: dict[str, JsonValue],
        now: datetime,
        *,
        why: str,
        outcome: str,
        tool: str | None = None,
        ok: bool = True,
        level: ToolFallback = ToolFallback.BEST_MATCH,
        tells_apart: tuple[str, ...] = (),
    ) -> CallMade:
        """Remember a call, whatever came of it."""
        self.call_count += 1
        call = CallMade(
            call_id=f"C{self.call_count}",
            digest=call_digest(capability, arguments),
            capability=capability,
            tool=tool,
            why=cut(why, _CALL_TEXT),
            outcome=cut(outcome, _CALL_TEXT),
            ok=ok,
            level=level,
            tells_apart=tells_apart[:KEPT_TOLD_APART],
            reads=_references(arguments),
            at=now,
        )
        self.calls = [*self.calls, call][-KEPT_CALLS:]
        return call

    def observe(
        self, call: CallMade, found: Findings, *, reads: tuple[str, ...] = (), topology: Topology | None = None
    ) -> None:
        """Take what a call found. A reading of the same evidence for the same purpose takes the earlier one's place.

        Args:
            call: the one that found it.
            found: what it gave.
            reads: references of the evidence that it read.
            topology: the graph, where the call gave a whole one.
        """
        if reads:
            again = set(reads)
            self.observed = [
                one
                for one in self.observed
                if not (one.reads and one.capability == call.capability and set(one.reads) <= again)
            ]
        self.observed = [*self.observed, kept_observation(call.call_id, call.capability, found, reads)]
        shrink(self.observed)
        if topology is not None:
            new = {service.name for service in topology.services}
            older = tuple(service for service in self.topology.services if service.name not in new)
            calls = tuple(dict.fromkeys([*topology.calls, *self.topology.calls]))
            self.topology = kept_topology(Topology(services=(*topology.services, *older), calls=calls))

    def suppose(self, causes: tuple[Supposition, ...], looks: tuple[Look, ...]) -> None:
        """Take what a language model said, in place of what it said before."""
        self.supposed, self.looks = list(causes), list(looks)

    def diagnosed(self, diagnosis: Diagnosis) -> None:
        """Keep the latest diagnosis."""
        self.diagnosis = kept_diagnosis(diagnosis)

    def ask(self, message_id: str, author: str, text: str, now: datetime) -> QueryRecord | None:
        """Take a question; None when it was asked before."""
        if self.has_heard(message_id):
            return None
        self.hear(now, message_id, author, text)
        query = QueryRecord(message_id=message_id, author=author, text=cut(text, KEPT_QUERY_TEXT), asked_at=now)
        self.query_count += 1
        answered = [one for one in self.queries if not one.is_open]
        waiting = [one for one in self.queries if one.is_open]
        self.queries = [*answered[-KEPT_QUERIES:], *waiting, query]
        return query

    def answer(self, message_id: str, text: str, now: datetime, model: ModelFallback) -> None:
        """Give the answer to a question."""
        for query in self.queries:
            if query.message_id == message_id:
                query.answer, query.answered_at, query.model = cut(text, KEPT_QUERY_TEXT), now, model

    def propose(self, solution: Solution) -> None:
        """A solution is put forward."""
        self.solution_count += 1
        self.solutions = [*self.solutions, solution][-KEPT_SOLUTIONS:]

    def take_back(self, solution: Solution) -> None:
        """A solution is no longer put forward, and nothing is held against it."""
        self.solutions = [one for one in self.solutions if one.solution_id != solution.solution_id]

    def reject(self, solution: Solution, reason: str, by: str, now: datetime, *, refutes: bool = False) -> None:
        """A solution was turned down, or failed.

        Args:
            solution: which.
            reason: in the words of whoever rejected it; the next proposal heeds them.
            by: a person id, or `surehand` where it failed.
            now: the workflow's time.
            refutes: it was carried out well and nothing got better, so its cause is refuted too.
        """
        self.rejected.append(
            RejectedSolution(
                solution_id=solution.solution_id,
                digest=solution.digest,
                hypothesis_id=solution.hypothesis_id,
                kind=solution.kind,
                title=solution.title,
                reason=cut(reason, _REASON),
                by=by,
                at=now,
                refutes=refutes,
            )
        )
        if refutes:
            self.refute(solution.hypothesis_id)

    def refute(self, hypothesis_id: str) -> None:
        """A person, or a solution that did not help, refuted a cause."""
        if hypothesis_id not in self.refuted:
            self.refuted.append(hypothesis_id)
        if self.confirmed_cause == hypothesis_id:
            self.confirmed_cause = None

    def fell_back(self, chain: str, level: str, what: str, now: datetime, why: str = "") -> None:
        """Something was answered by another than the best: people see it beside the answer."""
        use = FallbackUse(chain=chain, level=level, what=cut(what, _OUTCOME), why=cut(why, _OUTCOME), at=now)
        self.fallbacks = [*self.fallbacks, use][-KEPT_FALLBACKS:]

    def judge(self, verdict: Verdict) -> None:
        """A look at the outcome."""
        watch = self.monitoring
        if watch is None:
            return
        watch.looks += 1
        watch.good += int(verdict.good is True)
        if verdict.good is not None:
            watch.bad_in_a_row = 0 if verdict.good else watch.bad_in_a_row + 1
        watch.verdicts = [*watch.verdicts, verdict][-KEPT_VERDICTS:]

    def forget_what_is_saved(self) -> None:
        """Drop old timeline entries and messages that the store has, to keep the state small."""
        super().forget_what_is_saved()
        oldest_needed = min(self.handled, self.conversation_saved, self.conversation_count - KEPT_SPOKEN)
        self.conversation = [message for message in self.conversation if message.number >= oldest_needed]
        # Both are in the state beside the report.
        self.report = self.report.model_copy(update={"evidence": (), "linked_tickets": (), "linked_customers": {}})


def _references(arguments: dict[str, JsonValue]) -> tuple[str, ...]:
    """The evidence that a call names."""
    pieces = arguments.get("evidence")
    named = [piece.get("reference") for piece in pieces if isinstance(piece, dict)] if isinstance(pieces, list) else []
    return tuple(dict.fromkeys(one for one in named if isinstance(one, str)))[:MOST_EVIDENCE]
