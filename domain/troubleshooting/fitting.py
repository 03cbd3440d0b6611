"""Keeps an incident's state below its limit before it travels: what people and reasoning need least goes first."""

from __future__ import annotations

from collections.abc import Callable

from domain.troubleshooting.keeping import (
    CHANGES_BYTES,
    DIAGNOSIS_BYTES,
    FINDINGS_BYTES,
    TOPOLOGY_BYTES,
    cut,
    kept_diagnosis,
    kept_topology,
    shrink,
)
from domain.troubleshooting.state import IncidentState

STATE_BYTES = 195_000
"""As JSON. Temporal warns at 256 KB of one payload and refuses 2 MB; a state travels with every continue-as-new."""
_LINES = 20
_LINE = 240
_KEPT_WHOLE = 3
"""Rejections and solutions, the latest."""
_REASON = 240
_SENTENCE = 80
_WORDS = 40
_NAME = 60
_DESCRIPTION = 2_000


def fit(state: IncidentState, most_bytes: int = STATE_BYTES) -> None:
    """Make a state small enough, by one reduction after the other and no more of them than needed.

    Nothing is dropped that still waits: open questions, open approvals, parked steps, tickets whose customers were not
    told, and what the store does not have yet.

    Args:
        state: changed in place.
        most_bytes: of its JSON.
    """
    for reduce in _REDUCTIONS:
        if len(state.model_dump_json().encode("utf-8", "replace")) <= most_bytes:
            return
        reduce(state)


def _old_lines(state: IncidentState) -> None:
    oldest = min(state.timeline_saved, state.timeline_count - _LINES)
    state.timeline = [
        entry.model_copy(update={"text": cut(entry.text, _LINE)}) if entry.number < state.timeline_saved else entry
        for entry in state.timeline
        if entry.number >= oldest
    ]
    state.sent = state.sent[-_LINES:]


def _decided_approvals(state: IncidentState) -> None:
    """Of a decided request the outcome stays, and the store has all of it."""
    for one in state.approvals.values():
        if not one.is_pending:
            # The digest of what was asked stands beside the question, so it still tells one request from another.
            one.question = one.question.model_copy(update={"arguments": {}, "evidence": ()})
            one.votes = [vote.model_copy(update={"reason": cut(vote.reason, _SENTENCE)}) for vote in one.votes]
            one.reason = cut(one.reason, _REASON)


def _messages(state: IncidentState) -> None:
    """Those that were dealt with and that the store has."""
    oldest = min(state.handled, state.conversation_saved)
    state.conversation = [message for message in state.conversation if message.number >= oldest]


def _old_solutions(state: IncidentState) -> None:
    state.solutions = state.solutions[-_KEPT_WHOLE:]


def _old_reasons(state: IncidentState) -> None:
    older = state.rejected[:-_KEPT_WHOLE]
    short = [one.model_copy(update={"reason": cut(one.reason, _REASON)}) for one in older]
    state.rejected = [*short, *state.rejected[-_KEPT_WHOLE:]]


def _answers(state: IncidentState) -> None:
    for one in state.queries:
        if not one.is_open:
            one.text, one.answer = cut(one.text, _REASON), cut(one.answer, _REASON)


def _words_of_calls(state: IncidentState) -> None:
    state.calls = [
        one.model_copy(
            update={"why": cut(one.why, _SENTENCE), "outcome": cut(one.outcome, _SENTENCE), "tells_apart": ()}
        )
        for one in state.calls
    ]
    state.transitions = [one.model_copy(update={"trigger": cut(one.trigger, _SENTENCE)}) for one in state.transitions]
    if state.monitoring is not None:
        state.monitoring.verdicts = state.monitoring.verdicts[-_KEPT_WHOLE:]


def _half_of_the_findings(state: IncidentState) -> None:
    shrink(state.observed, FINDINGS_BYTES // 2, CHANGES_BYTES // 2)


def _most_of_the_findings(state: IncidentState) -> None:
    shrink(state.observed, FINDINGS_BYTES // 5, CHANGES_BYTES // 5)
    # What a call did not find is known by the call itself.
    state.observed = [
        one
        for one in state.observed
        if one.findings
        or one.denied
        or one.changes
        or one.services
        or one.calls
        or one.begins is not None
        or one.ends is not None
    ]


def _half_of_the_diagnosis(state: IncidentState) -> None:
    if state.diagnosis is not None:
        state.diagnosis = kept_diagnosis(state.diagnosis, DIAGNOSIS_BYTES // 2, events=_LINES // 2)


def _most_of_the_diagnosis(state: IncidentState) -> None:
    known, cause = state.diagnosis, state.cause
    if known is not None:
        first = [one for one in known.hypotheses if one is cause or one.hypothesis_id == known.accepted]
        few = {one.hypothesis_id for one in [*first, *known.hypotheses][: len(first) + _KEPT_WHOLE]}
        fewer = known.model_copy(
            update={"hypotheses": tuple(one for one in known.hypotheses if one.hypothesis_id in few)}
        )
        state.diagnosis = kept_diagnosis(fewer, DIAGNOSIS_BYTES // 3, events=_KEPT_WHOLE)
    state.topology = kept_topology(state.topology, TOPOLOGY_BYTES // 2)


def _very_old(state: IncidentState) -> None:
    """Requests that were decided long ago, and whose question stands open in no chat."""
    shown = [name for name, one in state.approvals.items() if not one.is_pending and one.chat is None]
    for name in shown[:-_KEPT_WHOLE]:
        del state.approvals[name]
    state.timeline = [entry for entry in state.timeline if entry.number >= state.timeline_saved]
    state.fallbacks = state.fallbacks[-_KEPT_WHOLE:]
    state.transitions = state.transitions[-_KEPT_WHOLE:]
    answered = [one for one in state.queries if not one.is_open]
    state.queries = [*answered[-1:], *(one for one in state.queries if one.is_open)]
    state.solutions = state.solutions[-1:]


def _few_words(state: IncidentState) -> None:
    state.calls = [
        one.model_copy(update={"why": cut(one.why, _WORDS), "outcome": cut(one.outcome, _WORDS)}) for one in state.calls
    ]
    state.rejected = [one.model_copy(update={"title": cut(one.title, _SENTENCE)}) for one in state.rejected]


def _long_names(state: IncidentState) -> None:
    state.report = state.report.model_copy(update={"description": cut(state.report.description, _DESCRIPTION)})
    state.evidence = [one.model_copy(update={"name": cut(one.name, _NAME)}) for one in state.evidence]


_REDUCTIONS: tuple[Callable[[IncidentState], None], ...] = (
    _old_lines,
    _messages,
    _decided_approvals,
    _old_solutions,
    _old_reasons,
    _answers,
    _words_of_calls,
    _half_of_the_findings,
    _half_of_the_diagnosis,
    _most_of_the_findings,
    _very_old,
    _few_words,
    _most_of_the_diagnosis,
    _long_names,
)
