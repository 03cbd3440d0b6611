"""The errors of a playbook run, with the specification's types, status and instance path.

Source: Serverless Workflow DSL 1.0.3, dsl-reference.md, "Error" and "Standard Error Types". The conformance features
spell the standard types in two more ways; all three spellings of a standard type are one when errors are matched.
"""

from __future__ import annotations

from domain.model import JsonValue, Value

BASE = "https://serverlessworkflow.io/spec/1.0.0/errors/"
_OTHER_SPELLINGS = (
    "https://serverlessworkflow.io/dsl/errors/types/",
    "https://serverlessworkflow.io/errors/types/",
)
STANDARD_STATUS = {
    "configuration": 400,
    "validation": 400,
    "expression": 400,
    "authentication": 401,
    "authorization": 403,
    "timeout": 408,
    "communication": 500,
    "runtime": 500,
}


class PlaybookError(Value):
    """A problem as RFC 7807 describes it, with the path of the task it arose in."""

    type: str
    status: int
    title: str = ""
    detail: str = ""
    instance: str = ""
    """JSON pointer of the task within the definition, such as `/do/0/tryGetPet/try/0/getPet`."""
    data: JsonValue = None
    """What the vendor said, where a playbook may want to look at it. Data, capped."""

    def fits(self, wanted: JsonValue) -> bool:
        """Whether the error is one that a filter (`catch.errors.with`) is for; an empty filter is for all."""
        if not isinstance(wanted, dict):
            return False
        own = self.model_dump(mode="json")
        return all(
            same_type(self.type, str(value)) if name == "type" else own.get(name) == value
            for name, value in wanted.items()
        )

    def as_json(self) -> dict[str, JsonValue]:
        """The error as an expression sees it."""
        values = {name: value for name, value in self.model_dump(mode="json").items() if value not in (None, "")}
        return {"title": "", **values}


class PlaybookFault(Exception):
    """Raised inside the interpreter when a task faults; caught by a `try` task or by the end of the run."""

    def __init__(self, error: PlaybookError, *, exhausted: bool = False, unknown: bool = False) -> None:
        """Keep the error.

        Args:
            error: as the specification has it.
            exhausted: the failure might have passed, and was retried for as long as allowed.
            unknown: nobody answered, so the call may have taken effect.
        """
        super().__init__(error.title or error.type)
        self.error = error
        self.exhausted = exhausted
        self.unknown = unknown


def standard(kind: str, title: str, instance: str, *, status: int | None = None, detail: str = "") -> PlaybookError:
    """An error of one of the specification's types.

    Args:
        kind: `configuration`, `validation`, `expression`, `authentication`, `authorization`, `timeout`,
            `communication` or `runtime`.
        title: one sentence.
        instance: path of the task.
        status: where it differs from the type's own.
        detail: more of it.
    """
    return PlaybookError(
        type=BASE + kind, status=status or STANDARD_STATUS[kind], title=title, detail=detail, instance=instance
    )


def same_type(one: str, other: str) -> bool:
    """Whether two type URIs mean the same error."""
    return _short(one) == _short(other)


def _short(uri: str) -> str:
    for base in (BASE, *_OTHER_SPELLINGS):
        name = uri.removeprefix(base)
        if name != uri and name in STANDARD_STATUS:
            return name
    return uri
