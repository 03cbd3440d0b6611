"""What of a diagnosis is worth a tired reader's time: the first symptoms, the causes that are still possible."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from domain.troubleshooting.hypotheses import Hypothesis, HypothesisStatus, TimelineEvent
from domain.troubleshooting.state import IncidentState

_SYMPTOMS_OF_EACH = 3
_POSSIBLE = 0.01
_OPEN = 0.1
_WITH_WHOM = re.compile(r"; within two minutes of .*\Z", re.DOTALL)


def telling_events(events: Iterable[TimelineEvent]) -> tuple[TimelineEvent, ...]:
    """Everything but the later symptoms of a service: what it showed first tells, the rest is more of it.

    Args:
        events: in order.
    """
    seen: Counter[str | None] = Counter()
    kept = []
    for event in events:
        if event.kind == "symptom":
            seen[event.service] += 1
        if event.kind != "symptom" or seen[event.service] <= _SYMPTOMS_OF_EACH:
            kept.append(event)
    return tuple(kept)


def shortly(text: str) -> str:
    """A finding without what other series moved beside it."""
    return _WITH_WHOM.sub(".", text)


def second_faults(state: IncidentState) -> tuple[Hypothesis, ...]:
    """What holds beside the accepted cause."""
    diagnosis = state.diagnosis
    if diagnosis is None or state.cause is None:
        return ()
    found = (diagnosis.find(one) for one in diagnosis.also)
    return tuple(one for one in found if one is not None)


def other_hypotheses(state: IncidentState) -> tuple[Hypothesis, ...]:
    """Those beside the cause that are worth a look: refuted ones, and where a cause is known only what is possible."""
    diagnosis, cause = state.diagnosis, state.cause
    if diagnosis is None:
        return ()
    beside = set(diagnosis.also)
    return tuple(
        one
        for one in diagnosis.hypotheses
        if (cause is None or one.hypothesis_id != cause.hypothesis_id)
        and (
            one.status is HypothesisStatus.REFUTED
            or (one.hypothesis_id not in beside and (cause is None or one.posterior >= _POSSIBLE))
        )
    )


def confidence(state: IncidentState, cause: Hypothesis) -> str:
    """How sure the cause is; where its kind is open, how sure it is that it is this service.

    Args:
        state: of the incident.
        cause: the accepted hypothesis.
    """
    known = state.diagnosis.hypotheses if state.diagnosis is not None else ()
    of_service = sum(one.posterior for one in known if one.service == cause.service)
    if of_service < cause.posterior + _OPEN:
        return f"{cause.posterior:.0%}"
    return f"{of_service:.0%} that it is {cause.service}, {cause.posterior:.0%} that it is this kind of fault"
