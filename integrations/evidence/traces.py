"""Judges traces: where errors begin, which service itself became slower, and who calls whom."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from statistics import median

from domain.troubleshooting.evidence import Finding, Findings, Sign
from integrations.evidence.answers import figure, gathered, numbers, said
from integrations.evidence.kubernetes.messages import understood
from integrations.evidence.metrics.series import Series, thinned
from integrations.evidence.metrics.shifts import find_shift
from integrations.evidence.spans import Span

_TOOL = "traces.analyse"
_SIGNS = (
    (Sign.TIMEOUT, re.compile(r"(?i)time[d ]{0,2} ?out|timeout|deadline|504")),
    (
        Sign.POOL_EXHAUSTED,
        re.compile(r"(?i)pool.{0,40}(?:exhaust|timeout|limit|full)|too many (?:connections|clients)|connection slots"),
    ),
    (Sign.UNREACHABLE, re.compile(r"(?i)refused|unreachable|reset by peer|unavailable|no route|econn")),
    (Sign.THROTTLED, re.compile(r"(?i)too many requests|rate.?limit|throttl|429")),
)
_ORDER = (Sign.POOL_EXHAUSTED, Sign.THROTTLED, Sign.TIMEOUT, Sign.UNREACHABLE)
_NUMBERS = re.compile(r"[0-9a-f]{8,64}|\d{1,30}")
_FEWEST = 24
"""Spans of a service before a change of its own time is looked for."""


class _Traces:
    """Spans with their parents and children."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self.spans = spans
        self.by_id = {(one.trace, one.span): one for one in spans}
        self.children: dict[tuple[str, str], list[Span]] = defaultdict(list)
        for one in spans:
            if one.parent is not None and one.parent != one.span and (one.trace, one.parent) in self.by_id:
                self.children[(one.trace, one.parent)].append(one)

    def below(self, span: Span) -> list[Span]:
        return self.children.get((span.trace, span.span), [])

    def calls(self) -> list[tuple[str, str]]:
        """Who calls whom; a client span without a child calls whom it names."""
        made: dict[tuple[str, str], None] = {}
        for one in self.spans:
            below = self.below(one)
            for child in below:
                if child.service != one.service:
                    made[(one.service, child.service)] = None
            if not below and one.peer and one.peer != one.service and one.kind in ("client", "producer"):
                made[(one.service, one.peer)] = None
        return list(made)

    def own_time(self, span: Span) -> float:
        """Seconds of a span in which none of its children ran."""
        end, covered, reached = span.start + span.seconds, 0.0, span.start
        for child in sorted(self.below(span), key=lambda one: one.start):
            first, last = max(child.start, reached), min(child.start + child.seconds, end)
            if last > first:
                covered += last - first
                reached = last
        return max(0.0, span.seconds - covered)

    def culprit(self, span: Span) -> str | None:
        """Whom a span blames: for a call that nobody answered with a span, whom it called."""
        if span.kind not in ("client", "producer"):
            return None
        below = self.below(span)
        if below:
            return next((one.service for one in below if one.service != span.service), None)
        return span.peer if span.peer != span.service else None


def analyse_spans(
    found: Iterable[tuple[str, Sequence[Span]]],
    *,
    going: Callable[[], None] = lambda: None,
    unread: Sequence[str] = (),
) -> Findings:
    """Judge spans.

    Args:
        found: the name of each piece of evidence, with its spans.
        going: called now and then; raises to stop.
        unread: what could not be read, one sentence each.
    """
    pieces = [(name, spans) for name, spans in found]
    spans = [span for _, many in pieces for span in many]
    traces = _Traces(spans)
    going()
    source = f"{_TOOL} {', '.join(name for name, _ in pieces)}"[:300]
    errors = _errors(traces, source)
    going()
    slow = _slow(traces, source)
    begins, ends = _range(spans)
    total = len({one.trace for one in spans})
    failed = len({one.trace for one in spans if one.error})
    words = (
        [f"{len(spans)} spans of {total} traces were read; {failed} traces have an error."]
        if spans
        else ["No trace was read."]
    )
    if not errors and not slow and spans:
        words.append("No service shows errors of its own or became slower.")
    return gathered(
        [*errors, *slow],
        summary=" ".join([*words, *unread]),
        services=dict.fromkeys(one.service for one in spans),
        calls=traces.calls()[:4_000],
        begins=begins,
        ends=ends,
        details={"own_time": _shares(traces), "unread": list(unread)},
    )


def _errors(traces: _Traces, source: str) -> list[Finding]:
    """Errors where they begin: spans that failed while everything below them did well."""
    groups: dict[tuple[str, str | None, str], list[Span]] = defaultdict(list)
    for one in traces.spans:
        if one.error and not any(child.error for child in traces.below(one)):
            groups[(one.service, traces.culprit(one), _NUMBERS.sub("#", one.message[:200]))].append(one)
    totals = Counter(one.service for one in traces.spans)
    firsts: dict[str, float] = {}
    for one in traces.spans:
        firsts[one.service] = min(firsts.get(one.service, one.start), one.start)
    begins = min((one.start for one in traces.spans), default=0.0)
    ends = max((one.start for one in traces.spans), default=0.0)
    made = []
    for (service, about, _), many in groups.items():
        first, last = min(one.start for one in many), max(one.start for one in many)
        share = len(many) / max(1, totals[service])
        since = first - begins
        new = since > 0.1 * (ends - begins) and firsts[service] < first
        above = _above(traces, many)
        to = f" when it calls {about}" if about else ""
        words = said(many[0].message, 200) or f"spans named {said(many[0].name, 80)} failed"
        reached = f"; {', '.join(above[:4])} fail because of it" if above else ""
        text = (
            f"{service} fails{to} in {len(many)} spans ({figure(100 * share)} %), where the error"
            f" begins{reached}: {words}"
        )
        strength = min(0.9, 0.4 + 0.25 * min(1.0, share * 4) + (0.1 if above else 0) + (0.1 if new else 0))
        made.append(
            Finding(
                sign=_sign(many[0].message, new=new),
                service=service,
                about=about,
                at=_at(first),
                until=_at(last),
                strength=round(strength if len(many) > 2 else strength * 0.6, 3),
                text=said(text),
                numbers=numbers(count=float(len(many)), share=share),
                source=source,
            )
        )
    return made


def _above(traces: _Traces, many: Sequence[Span]) -> list[str]:
    """Other services whose spans failed above these."""
    found: Counter[str] = Counter()
    for one in many[:500]:
        here, seen = one, {one.span}
        while here.parent is not None and here.parent not in seen:
            upper = traces.by_id.get((here.trace, here.parent))
            if upper is None:
                break
            seen.add(upper.span)
            if upper.error and upper.service != one.service:
                found[upper.service] += 1
            here = upper
    return [service for service, _ in found.most_common(8)]


def _sign(message: str, *, new: bool) -> Sign:
    matched = {sign for sign, pattern in _SIGNS if pattern.search(message[:1_000])}
    for sign in _ORDER:
        if sign in matched:
            return sign
    meaning = understood(message)
    return meaning.sign if meaning is not None else Sign.NEW_ERROR if new else Sign.ERRORS


def _slow(traces: _Traces, source: str) -> list[Finding]:
    """Services whose own time grew, and calls to those that send no spans."""
    own: dict[tuple[str, str | None], list[tuple[float, float]]] = defaultdict(list)
    for one in traces.spans:
        silent = traces.culprit(one) if not traces.below(one) else None
        own[(one.service, silent)].append((one.start, traces.own_time(one)))
    made = []
    for (service, about), points in own.items():
        if len(points) < _FEWEST:
            continue
        points.sort()
        times, values = zip(*points, strict=True)
        series = thinned(Series("own_time", service, times, values), 150)
        shift = find_shift(series.values)
        if shift is None or shift.effect < 3 or shift.after < 1.5 * shift.before or shift.after - shift.before < 0.005:
            continue
        ratio = shift.after / max(shift.before, 1e-9)
        at = _at(series.times[shift.start])
        to = f" waiting for {about}" if about else " itself"
        text = (
            f"{service} spends {figure(1000 * shift.after)} ms{to} instead of {figure(1000 * shift.before)} ms"
            f" since {at:%Y-%m-%d %H:%M:%S} UTC."
        )
        strength = min(0.9, 0.5 + 0.08 * min(5.0, ratio - 1))
        made.append(
            Finding(
                sign=Sign.LATENCY,
                service=service,
                about=about,
                at=at,
                until=_at(series.times[shift.end] if shift.end is not None else series.times[-1]),
                strength=round(strength, 3),
                text=said(text),
                source=source,
                numbers=numbers(before=1000 * shift.before, after=1000 * shift.after, ratio=ratio),
            )
        )
    return made or _slowest(traces, source)


def _slowest(traces: _Traces, source: str) -> list[Finding]:
    """Where nothing changed: who takes most of the time of slow traces. Only a hint, for nobody knows what is usual."""
    roots = [one.seconds for one in traces.spans if one.parent is None or (one.trace, one.parent) not in traces.by_id]
    shares = _shares(traces)
    if not roots or median(roots) < 0.5 or len(shares) < 2:
        return []
    service, share = next(iter(shares.items()))
    if share < 0.5:
        return []
    text = (
        f"{service} takes {figure(100 * share)} % of the time of all traces, half of which take"
        f" {figure(median(roots))} s or more."
    )
    return [
        Finding(
            sign=Sign.LATENCY,
            service=service,
            strength=0.3,
            text=said(text),
            numbers=numbers(share=share),
            source=source,
        )
    ]


def _shares(traces: _Traces) -> dict[str, float]:
    """Whose own time makes up how much of all time; the largest first."""
    own: Counter[str] = Counter()
    for one in traces.spans:
        silent = traces.culprit(one) if not traces.below(one) else None
        own[silent or one.service] += traces.own_time(one)  # type: ignore[assignment]  # counts of seconds
    total = sum(own.values())
    return {service: round(seconds / total, 3) for service, seconds in own.most_common(50)} if total else {}


def _range(spans: Sequence[Span]) -> tuple[datetime | None, datetime | None]:
    if not spans:
        return None, None
    return _at(min(one.start for one in spans)), _at(max(one.start + one.seconds for one in spans))


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(max(seconds, 0.0), 4.1e9), UTC)
