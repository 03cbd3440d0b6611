"""Does a ticket belong to an incident that is open, should one be opened, or neither? Pure rules.

What a customer writes is data: it can make a ticket look like an incident's, and joining gives its customer nothing but
the news that people approved. Opening calls people, so the policy has to allow it and a limit holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from domain.cases.records import CaseRecord
from domain.ids import case_id
from domain.model import Term, Value
from domain.policies.incident_policy import IncidentPolicy, JoiningIncidents, OpeningByTickets
from domain.text.redaction import Redactor
from domain.tickets.disruption import Affected, Disruption, Symptom
from domain.tickets.ticket import Priority, Ticket
from domain.troubleshooting.incident import IncidentReport
from domain.troubleshooting.naming import entities_of

_BROAD = frozenset({"api", "website", "database"})
"""Parts that stand for nearly anything: sharing one of them alone says little."""
_GENERIC_NAMES = frozenset({"api", "app", "web", "website", "site", "service", "server", "db", "database", "gateway"})
_BY_NAME, _BY_FUNCTION, _BY_BROAD, _BY_SYMPTOM, _BY_CODE = 3, 2, 1, 1, 2
_WEAK, _CLEAR = 2, 3
_HTTP = re.compile(r"[45]\d\d\Z")
_LONGEST_DESCRIPTION = 4_000
_LONGEST_TITLE = 200


class LinkKind(Term):
    """What becomes of a ticket that reports a disruption."""

    NOTHING = "nothing"
    JOIN = "join"
    SUGGEST_JOIN = "suggest_join"
    SUGGEST_OPEN = "suggest_open"
    OPEN = "open"


class IncidentAdvice(Value):
    """What the rules say about a ticket and incidents, kept on its case."""

    kind: LinkKind
    incident: str | None = None
    """Which one to join."""
    reasons: tuple[str, ...] = ()
    """Sentences for people. They repeat nothing that the customer wrote."""


class Candidate(Value):
    """An incident that is open."""

    incident: str
    """As people call it: `incident:INC-7`."""
    title: str
    text: str = ""
    services: tuple[str, ...] = ()
    opened_at: datetime


class Fit(Value):
    """How well a ticket fits an incident."""

    candidate: Candidate
    points: int
    reasons: tuple[str, ...] = ()


Reads = Callable[[str, str], Affected]
"""Reads a title and a text: `RulesEngine.affected`."""


def candidate_of(record: CaseRecord) -> Candidate:
    """An incident's row in the store as a candidate."""
    details = record.details
    named = [details.get("service"), details.get("reported_service")]
    listed = details.get("affected")
    named += listed if isinstance(listed, list) else []
    described = details.get("description")
    return Candidate(
        incident=record.case_id,
        title=record.subject,
        text=described if isinstance(described, str) else "",
        services=tuple(dict.fromkeys(name for name in named if isinstance(name, str) and name)),
        opened_at=record.opened_at,
    )


def advise(
    ticket: Ticket,
    disruption: Disruption,
    candidates: Sequence[Candidate],
    policy: IncidentPolicy,
    *,
    now: datetime,
    reads: Reads,
) -> IncidentAdvice:
    """Join, suggest, open or nothing.

    Args:
        ticket: what the customer sent; its text is only compared.
        disruption: that it reports.
        candidates: the tenant's open incidents.
        policy: what the tenant allows.
        now: the case's time.
        reads: tells what a text says to fail.
    """
    opens = policy.open_from_tickets is OpeningByTickets.ON_URGENT and disruption.pressing and not disruption.doubtful
    considered = candidates if policy.join is not JoiningIncidents.NEVER else ()
    fits = sorted(
        (fit_of(ticket, disruption, one, reads) for one in considered),
        key=lambda fit: (-fit.points, -fit.candidate.opened_at.timestamp(), fit.candidate.incident),
    )
    if fits and fits[0].points >= (_WEAK if opens else 1):
        return _joining(fits, disruption, policy, now)
    if policy.open_from_tickets is OpeningByTickets.NEVER:
        return IncidentAdvice(kind=LinkKind.NOTHING, reasons=disruption.reasons)
    return IncidentAdvice(kind=LinkKind.OPEN if opens else LinkKind.SUGGEST_OPEN, reasons=disruption.reasons)


def _joining(fits: list[Fit], disruption: Disruption, policy: IncidentPolicy, now: datetime) -> IncidentAdvice:
    best = fits[0]
    old = now - best.candidate.opened_at > policy.joins_within
    alone = len(fits) == 1 or fits[1].points < best.points - 1
    clear = best.points >= _CLEAR and alone and not old and not disruption.doubtful
    why_not = [
        *(["Another open incident fits nearly as well"] if not alone else []),
        *(["The incident has been open for long"] if old else []),
        *(["The ticket's words are doubtful"] if disruption.doubtful else []),
    ]
    joins = clear and policy.join is JoiningIncidents.CLEAR
    return IncidentAdvice(
        kind=LinkKind.JOIN if joins else LinkKind.SUGGEST_JOIN,
        incident=best.candidate.incident,
        reasons=(*best.reasons, *why_not),
    )


def fit_of(ticket: Ticket, disruption: Disruption, candidate: Candidate, reads: Reads) -> Fit:
    """How well a ticket fits one incident. Another part of the system is no fit, however loud the ticket is."""
    theirs = reads(candidate.title, "\n".join([candidate.text, *candidate.services]))
    named = _named(ticket.text, candidate.services)
    both = set(disruption.functions) & set(theirs.functions)
    narrow, broad = both - _BROAD, both & _BROAD
    mine_narrow, their_narrow = set(disruption.functions) - _BROAD, set(theirs.functions) - _BROAD
    codes = _codes(ticket.text) & _codes(f"{candidate.title}\n{candidate.text}")
    if not named and not narrow and not codes and mine_narrow and their_narrow:
        return Fit(candidate=candidate, points=0)
    symptoms = _shared(disruption.symptoms, theirs.symptoms)
    if not mine_narrow and not their_narrow and Symptom.OUTAGE in symptoms:
        broad |= {"everything"}
    reasons = [
        *([f"It names {', '.join(named)}, which the incident is about"] if named else []),
        *([f"Both are about {', '.join(sorted(narrow | broad))}"] if narrow or broad else []),
        *(["Both name the same error"] if codes else []),
        *([f"Both report {' and '.join(_word(one) for one in Symptom if one in symptoms)}"] if symptoms else []),
    ]
    points = (
        (_BY_NAME if named else 0)
        + (_BY_FUNCTION * bool(narrow) or _BY_BROAD * bool(broad))
        + (_BY_SYMPTOM if symptoms else 0)
        + (_BY_CODE if any(not _HTTP.match(code) for code in codes) else int(bool(codes)))
    )
    return Fit(candidate=candidate, points=points, reasons=tuple(reasons))


def _shared(mine: Sequence[Symptom], theirs: Sequence[Symptom]) -> set[Symptom]:
    """Symptoms of both. What answers with errors only is down for a customer."""
    both = set(mine) & set(theirs)
    failing = {Symptom.OUTAGE, Symptom.ERRORS}
    if failing & set(mine) and failing & set(theirs):
        both.add(Symptom.OUTAGE if Symptom.OUTAGE in (*mine, *theirs) else Symptom.ERRORS)
    return both


def _word(symptom: Symptom) -> str:
    return {Symptom.OUTAGE: "an outage", Symptom.SLOW: "slowness", Symptom.DATA_LOSS: "lost data"}.get(
        symptom, symptom.label
    )


def _named(text: str, services: tuple[str, ...]) -> list[str]:
    """Services of the incident that stand in the ticket's text, word for word."""
    telling = [name for name in services if len(name) >= 3 and name.lower() not in _GENERIC_NAMES]
    found = {name.lower() for name in entities_of(text, telling).services}
    return [name for name in telling if name.lower() in found]


def _codes(text: str) -> set[str]:
    return {code.upper() for code in entities_of(text).error_codes}


def incident_id_of_ticket(ticket_id: str) -> str:
    """The id of the incident that a ticket opens: the same ticket is the same incident."""
    return case_id(f"TICKET-{case_id(ticket_id)}")


def report_of_ticket(ticket: Ticket, disruption: Disruption | None, *, by: str, priority: Priority) -> IncidentReport:
    """What a ticket tells a new incident. Personal data and secrets of the customer's words are replaced.

    Args:
        ticket: which.
        disruption: what the rules read in it; None where a person sees more.
        by: a person id, or the workflow id of the ticket's case.
        priority: of the ticket's case.
    """
    names = (ticket.customer.name,) if ticket.customer.name else ()
    redactor = Redactor()
    subject = redactor.redact(ticket.subject, names).text.strip() or "a disruption"
    body = redactor.redact(ticket.body[: _LONGEST_DESCRIPTION * 2], names).text
    customer = ticket.customer.customer_id
    wide = disruption is not None and disruption.wide
    return IncidentReport(
        incident_id=incident_id_of_ticket(ticket.ticket_id),
        title=subject[:_LONGEST_TITLE],
        description=body[:_LONGEST_DESCRIPTION],
        reported_by=by[:200],
        urgency=priority if wide or disruption is None else None,
        linked_tickets=(ticket.ticket_id,),
        linked_customers={ticket.ticket_id: customer} if customer else {},
    )
