"""The diagnosis: what all evidence together says of an incident's cause.

Bayes, in log space: each candidate starts from how often such faults happen, each reason adds or takes nats, and the
result is normalised over all candidates and "something else". It is a pure function of what is known: the same
findings, in whatever order and however often repeated, give the same diagnosis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from domain.troubleshooting.hypotheses import Diagnosis, FaultKind, Known, Supposition
from domain.troubleshooting.reasoning.accepting import Covered, reason_not_to_accept
from domain.troubleshooting.reasoning.blast import blast_radius
from domain.troubleshooting.reasoning.candidates import UNKNOWN_ID, Candidate, Scene, candidates
from domain.troubleshooting.reasoning.causing import made
from domain.troubleshooting.reasoning.denials import gather_denials
from domain.troubleshooting.reasoning.graph import Graph, Names
from domain.troubleshooting.reasoning.likelihoods import BASE_RATES, SLOW_SIGNS
from domain.troubleshooting.reasoning.objections import Objection, objections
from domain.troubleshooting.reasoning.onset import find_onset, of_one_life, standing
from domain.troubleshooting.reasoning.reported import Reported, quieter, reported
from domain.troubleshooting.reasoning.rivals import Judged
from domain.troubleshooting.reasoning.saying import hypothesis, refuted_ones
from domain.troubleshooting.reasoning.signals import Clock, gather
from domain.troubleshooting.reasoning.supposed import of_a_model, still_not, supposed_candidates
from domain.troubleshooting.reasoning.timeline import timeline
from domain.troubleshooting.reasoning.together import beside, two_at_once
from domain.troubleshooting.reasoning.weighing import Part, Score, weigh

_UNKNOWN_RATE = 0.1
_UNKNOWN_NATS = 2.2
"""So much evidence a fault of ordinary rate needs to be as likely as something that nobody thought of."""
_SHARPNESS = 1.15
"""Symptoms are less independent than the sum takes them for, but many candidates are near copies of each other."""
_MOST_SHOWN = 25
_SAME_CHANGE = -1.2
_PLAIN = 0.4


def diagnose(known: Known) -> Diagnosis:
    """Names the cause of an incident, or says what is missing to name it.

    Args:
        known: Findings and changes in any order, the topology, and what was refuted or rejected before.

    Returns:
        Hypotheses with the most likely first and refuted ones last, the accepted one if the evidence carries one, the
        onset, the timeline and the blast radius.
    """
    clock = Clock(known.opened_at)
    services = [*(one.service for one in known.findings), *(one.service for one in known.changes)]
    names = Names.of(known.topology, services, (one.about for one in known.findings))
    graph = Graph.of(known.topology, known.findings, names)
    raw = of_one_life(gather(known.findings, names, clock))
    onset = find_onset(raw)
    named = reported(known, names)
    scene = Scene(
        quieter(standing(raw, onset), named, graph), tuple(made(known.changes, names, clock)), graph, onset,
        _observed(known, names), gather_denials(known.denied, names),
    )  # fmt: skip
    said: tuple[Objection | Reported, ...] = (
        *objections(known.rejected, graph, (one.change_id for one in known.changes)),
        *named,
    )
    everything = _judged(scene, known.refuted, said)
    covered = Covered(clock.minutes(known.begins), clock.minutes(known.ends))
    ranked = _standing(everything, known.refuted)
    why_not = reason_not_to_accept(ranked[0], ranked, scene, covered)
    if why_not and known.supposed:
        # What the evidence carries needs no model, and no model talks anybody out of it.
        everything = _judged(scene, known.refuted, said, known.supposed)
        with_model = _standing(everything, known.refuted)
        why_not = still_not(why_not, ranked[0], with_model, scene, covered)
        ranked = with_model
    refuted = [one for one in everything if one.candidate.hypothesis_id in known.refuted]
    best = ranked[0]

    def judge(rest: Scene) -> list[Judged]:
        return _standing(_judged(rest, known.refuted, said), known.refuted)

    if why_not:
        also = two_at_once(ranked, scene, covered, judge)
        why_not = "" if also else why_not
    else:
        also = beside(ranked, scene, judge)
    shown = _shown(ranked, also)
    accepted = None if why_not else best.candidate.hypothesis_id
    if accepted:
        scene = replace(scene, onset=_begun([best, *also], scene.onset))
    radius = blast_radius(scene)
    return Diagnosis(
        hypotheses=(
            *(hypothesis(one, accepted == one.candidate.hypothesis_id) for one in shown),
            *refuted_ones(refuted, known.refuted),
        ),
        accepted=accepted,
        why_not=why_not,
        onset=None if scene.onset is None else clock.moment(scene.onset),
        timeline=timeline(scene, raw, clock, radius.affected),
        blast_radius=radius,
        also=tuple(one.candidate.hypothesis_id for one in also),
    )


def _begun(faults: Sequence[Judged], onset: float | None) -> float | None:
    """When it began, now that it is known what: a fault's own plain symptoms may come before most of the others.

    What builds up in a service for long is no beginning; that others fail for it is.
    """
    plain = [
        part.signal.start
        for one in faults
        for part in one.score.of("own", "blame")
        if part.signal and part.signal.weight >= _PLAIN and not part.signal.stale
        and (part.role == "blame" or part.signal.sign not in SLOW_SIGNS)
    ]  # fmt: skip
    return min((start for start in [*plain, onset] if start is not None), default=None)


def _observed(known: Known, names: Names) -> frozenset[str]:
    return frozenset(name for one in known.observed if (name := names.service(one)) is not None)


def _standing(everything: Sequence[Judged], refuted: Sequence[str]) -> list[Judged]:
    return [one for one in everything if one.candidate.hypothesis_id not in refuted]


def _judged(
    scene: Scene, refuted: Iterable[str], said: Sequence[Objection | Reported], supposed: Sequence[Supposition] = ()
) -> list[Judged]:
    """Every candidate with its prior and posterior, the most likely first; refuted ones have none."""
    gone = set(refuted)
    blamed_changes = {tuple(one.split("/", 2)[::2]) for one in gone if one.count("/") >= 2}
    found = candidates(scene)
    scores = weigh([*found, *supposed_candidates(supposed, found, scene)], scene)
    scores.append(Score(Candidate(None, FaultKind.UNKNOWN), [Part(_UNKNOWN_NATS, role="order")]))
    logs, rates = [], []
    for score in scores:
        one = score.candidate
        score.parts.extend(_persons(one, said))
        score.parts.extend(of_a_model(one, supposed))
        if one.made is not None and (one.service, one.made.change.change_id) in blamed_changes:
            text = "A hypothesis about the same change was refuted"
            score.parts.append(Part(_SAME_CHANGE, text=text, role="person"))
        rate = math.log(_rate(one, scene))
        rates.append(rate)
        logs.append(-math.inf if one.hypothesis_id in gone else rate + score.total)
    priors = _normalised(rates, 1.0)
    posteriors = _normalised(logs, _SHARPNESS)
    judged = [
        Judged(one.candidate, one, prior, after) for one, prior, after in zip(scores, priors, posteriors, strict=True)
    ]
    return sorted(judged, key=lambda one: (-one.posterior, one.candidate.hypothesis_id))


def _rate(one: Candidate, scene: Scene) -> float:
    """How often such a fault happens at such a service, before any symptom is looked at."""
    if one.service is None:
        return _UNKNOWN_RATE if one.fault is FaultKind.UNKNOWN else BASE_RATES[one.fault]
    rate = BASE_RATES[one.fault]
    silent = scene.graph.keeps_no_logs(one.service)
    if one.made is None and one.fault is FaultKind.BAD_DEPLOYMENT:
        # Where changes are recorded, a deployment that is not there did hardly happen.
        rate *= 0.1 if scene.changes else 0.4
    if one.made is None and one.fault is FaultKind.BAD_CONFIGURATION:
        rate *= 0.4 if scene.changes else 0.7
    if silent and one.fault is FaultKind.BAD_DEPLOYMENT:
        rate *= 0.4
    if silent and one.fault in (FaultKind.SLOW_DEPENDENCY, FaultKind.OUTAGE):
        rate *= 1.5
    return rate


def _persons(one: Candidate, said: Sequence[Objection | Reported]) -> list[Part]:
    return [Part(each.nats, text=each.text, role="person") for each in said if each.speaks_of(one)]


def _normalised(logs: Sequence[float], sharpness: float) -> list[float]:
    most = max(logs)
    if most == -math.inf:
        return [0.0] * len(logs)
    odds = [math.exp(sharpness * (one - most)) for one in logs]
    total = math.fsum(odds)
    # A hair below one in sum, whatever the rounding.
    return [one / total * (1 - 1e-12) for one in odds]


def _shown(ranked: Sequence[Judged], also: Sequence[Judged]) -> list[Judged]:
    """The most likely ones, with those beside the accepted one and "something else" always among them."""
    wanted = {one.candidate.hypothesis_id for one in also} | {UNKNOWN_ID}
    shown = list(ranked[:_MOST_SHOWN])
    shown += [one for one in ranked[_MOST_SHOWN:] if one.candidate.hypothesis_id in wanted]
    there = {one.candidate.hypothesis_id for one in shown}
    for one in also:
        if one.candidate.hypothesis_id not in there:
            # Weighed against what the first left over, it names another change; of the whole it has no share.
            shown.append(Judged(one.candidate, one.score, one.prior, 0.0))
    return shown
