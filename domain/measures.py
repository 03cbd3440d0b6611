"""Everything that workers count and time, drawn once: names, labels and what they mean (docs/observability.md).

Labels are what configuration and code know: tenants, vendors, kinds. Never a case, a person or a word from outside:
each value of a label is a series of its own, for ever.
"""

from __future__ import annotations

from domain.model import Term, Value


class MetricKind(Term):
    """What a metric is."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


class Metric(Value):
    """One metric."""

    name: str
    kind: MetricKind
    meaning: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    """Upper bounds of a histogram."""


_CALL_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_CASE_SECONDS = (10.0, 60.0, 300.0, 900.0, 1_800.0, 3_600.0, 4 * 3_600.0, 8 * 3_600.0, 86_400.0, 3 * 86_400.0)
_SHARES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)


def _counter(name: str, meaning: str, *labels: str) -> Metric:
    return Metric(name=name, kind=MetricKind.COUNTER, meaning=meaning, labels=labels)


def _histogram(name: str, meaning: str, buckets: tuple[float, ...], *labels: str) -> Metric:
    return Metric(name=name, kind=MetricKind.HISTOGRAM, meaning=meaning, labels=labels, buckets=buckets)


# Cases, counted by workflow code: never while a history is replayed.
CASES_OPENED = _counter("surehand_cases_opened_total", "Cases that began.", "tenant", "kind")
CASE_STATUSES = _counter("surehand_case_statuses_total", "Times a case came to a status.", "tenant", "kind", "status")
PHASE_CHANGES = _counter(
    "surehand_case_phase_changes_total", "Cases that went to another phase.", "kind", "from_phase", "to_phase"
)
FIRST_RESPONSE = _histogram(
    "surehand_first_response_seconds", "From a case's begin to the first answer.", _CASE_SECONDS, "tenant", "kind"
)
HANDOFF = _histogram(
    "surehand_handoff_seconds", "From a case's begin until people have it.", _CASE_SECONDS, "tenant", "kind"
)
RESOLUTION = _histogram(
    "surehand_resolution_seconds", "From a case's begin to its resolution.", _CASE_SECONDS, "tenant", "kind"
)
SLA_BREACHES = _counter("surehand_sla_breaches_total", "Deadlines that passed.", "tenant", "kind", "priority")
STEPS_PARKED = _counter("surehand_steps_parked_total", "Steps that wait for a person.", "tenant", "kind")
APPROVALS_ASKED = _counter("surehand_approvals_asked_total", "Approvals that were asked for.", "tenant", "kind")
APPROVAL_WAIT = _histogram(
    "surehand_approval_seconds",
    "From an approval's question to its end.",
    _CASE_SECONDS,
    "tenant",
    "kind",
    "outcome",
)
CONFIDENCE = _histogram("surehand_case_confidence", "How sure a case's triage or cause is.", _SHARES, "kind")

# What activities did.
ACTIVITIES = _counter("surehand_activities_total", "Attempts of activities, by how they ended.", "activity", "outcome")
STORE_FAILURES = _counter("surehand_store_failures_total", "Activities that the store failed.", "outcome")
VENDOR_CALLS = _counter("surehand_vendor_calls_total", "Calls of vendors, by how they ended.", "vendor", "outcome")
VENDOR_SECONDS = _histogram("surehand_vendor_call_seconds", "Time of a vendor's answer.", _CALL_SECONDS, "vendor")
TOOL_CALLS = _counter("surehand_tool_calls_total", "Calls of tools, by how they ended.", "vendor", "outcome")
TOOL_SECONDS = _histogram("surehand_tool_call_seconds", "Time of a tool's call.", _CALL_SECONDS, "vendor")
CIRCUIT = Metric(
    name="surehand_circuit_state",
    kind=MetricKind.GAUGE,
    meaning="Of a vendor's circuit breaker after the last call: 0 closed, 1 half open, 2 open.",
    labels=("vendor",),
)
MODEL_ANSWERS = _counter(
    "surehand_model_answers_total",
    "Questions to language models: first (the first link answered), fallback, or none.",
    "tenant",
    "outcome",
)
MODEL_SECONDS = _histogram(
    "surehand_model_answer_seconds", "Time until a question was answered.", _CALL_SECONDS, "outcome"
)
MODEL_CALLS = _counter("surehand_model_calls_total", "Real calls of language models.", "tenant", "provider")
MODEL_TOKENS = _counter("surehand_model_tokens_total", "Tokens read and written.", "tenant", "provider", "direction")
MODEL_COST = _counter(
    "surehand_model_cost_millionths_total",
    "What calls cost, in millionths of the tenant's currency.",
    "tenant",
    "provider",
)

METRICS: tuple[Metric, ...] = (
    CASES_OPENED, CASE_STATUSES, PHASE_CHANGES, FIRST_RESPONSE, HANDOFF, RESOLUTION, SLA_BREACHES, STEPS_PARKED,
    APPROVALS_ASKED, APPROVAL_WAIT, CONFIDENCE, ACTIVITIES, STORE_FAILURES, VENDOR_CALLS, VENDOR_SECONDS, TOOL_CALLS,
    TOOL_SECONDS, CIRCUIT, MODEL_ANSWERS, MODEL_SECONDS, MODEL_CALLS, MODEL_TOKENS, MODEL_COST,
)  # fmt: skip
