"""Turns what came of a call into the specification's errors. Source: dsl-reference.md, "Standard Error Types"."""

from __future__ import annotations

from domain.model import JsonValue
from domain.playbook.errors import BASE, STANDARD_STATUS, PlaybookError, PlaybookFault, standard
from domain.tool import RefusalKind, ToolRefusal

_KIND_OF_REFUSAL = {
    RefusalKind.INVALID_ARGUMENTS: "validation",
    RefusalKind.UNKNOWN_TOOL: "configuration",
    RefusalKind.TOOL_CHANGED: "configuration",
    RefusalKind.NOT_ALLOWED: "authorization",
    RefusalKind.LIMIT_REACHED: "authorization",
    RefusalKind.DENIED: "authorization",
}


def fault_of_refusal(refusal: ToolRefusal, reference: str) -> PlaybookFault:
    """A call that was not made.

    Args:
        refusal: what the broker, the guardrails or a person said.
        reference: path of the task.
    """
    error = standard(_KIND_OF_REFUSAL[refusal.kind], refusal.sentence, reference, detail=refusal.kind.value)
    return PlaybookFault(error.model_copy(update={"data": {"refusal": refusal.kind.value}}))


def fault_of_failure(
    sentence: str, *, kind: str | None, refused: bool, details: dict[str, JsonValue], reference: str
) -> PlaybookFault:
    """A call that failed.

    Args:
        sentence: for a person.
        kind: class name of the error, `VendorRefused` and so on; None for a time-out.
        refused: whether trying again cannot help.
        details: vendor, code and HTTP status, where the error had them.
        reference: path of the task.

    Returns:
        The fault; `exhausted` unless the vendor refused it.
    """
    status = details.get("status")
    if kind == "InvalidInput":
        return PlaybookFault(standard("validation", sentence, reference))
    if kind == "ConfigurationProblem":
        return PlaybookFault(standard("configuration", sentence, reference))
    if kind is None and not refused:
        return PlaybookFault(standard("timeout", sentence, reference), exhausted=True)
    number = status if isinstance(status, int) and 100 <= status <= 599 else None
    # The specification's own example catches a refused HTTP call of any status as a communication error.
    error = PlaybookError(
        type=BASE + "communication",
        status=number or STANDARD_STATUS["communication"],
        title=sentence,
        detail=str(details.get("code") or ""),
        instance=reference,
        data={name: details[name] for name in ("vendor", "code", "status", "detail") if details.get(name) is not None},
    )
    return PlaybookFault(error, exhausted=not refused)
