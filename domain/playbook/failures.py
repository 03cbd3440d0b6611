"""Turns what came of a call into the specification's errors. Source: dsl-reference.md, "Standard Error Types"."""

from __future__ import annotations

from domain.model import JsonValue
from domain.playbook.errors import BASE, STANDARD_STATUS, PlaybookError, PlaybookFault, standard
from domain.tools.tool import RefusalKind, ToolRefusal

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
        details: vendor, code, HTTP status and, as `data`, what the vendor said, where the error had them.
        reference: path of the task.

    Returns:
        The fault; `exhausted` unless the vendor refused it. Its error's data has what the vendor said, such as the
        class of a decline, and says whether the failure was final, so that a catch can tell the two apart.
    """
    status = details.get("status")
    if kind == "InvalidInput":
        return PlaybookFault(standard("validation", sentence, reference))
    if kind == "ConfigurationProblem":
        return PlaybookFault(standard("configuration", sentence, reference))
    if kind is None and not refused:
        error = standard("timeout", sentence, reference)
        return PlaybookFault(error.model_copy(update={"data": {"exhausted": True}}), exhausted=True)
    number = status if isinstance(status, int) and 100 <= status <= 599 else None
    # The specification's own example catches a refused HTTP call of any status as a communication error.
    error = PlaybookError(
        type=BASE + "communication",
        status=number or STANDARD_STATUS["communication"],
        title=sentence,
        detail=str(details.get("code") or ""),
        instance=reference,
        data={**_said(details.get("data")), **_facts(details), "exhausted": not refused},
    )
    return PlaybookFault(error, exhausted=not refused)


def _said(data: JsonValue) -> dict[str, JsonValue]:
    if data is None:
        return {}
    return data if isinstance(data, dict) else {"said": data}


def _facts(details: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """What we know ourselves, which nothing that a vendor says may replace."""
    return {name: details.get(name) for name in ("vendor", "code", "status")}
