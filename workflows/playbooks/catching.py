"""Which errors a `try` task's catch is for. Source: dsl-reference.md, "Catch"."""

from __future__ import annotations

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.playbook.definition import Catch
    from domain.playbook.errors import PlaybookError

from workflows.playbooks.data import Data, Running, Scope


def name_of(catch: Catch | None) -> str:
    """The variable that holds the error in a catch."""
    return catch.as_ if catch is not None else "error"


class Catching:
    """Looks at the catches of one run."""

    def __init__(self, data: Data) -> None:
        """`data` evaluates their conditions."""
        self._data = data

    def catches(self, running: Running, error: PlaybookError) -> bool:
        """Whether a `try` task's catch is for an error."""
        catch = running.task.catch
        if catch is None:
            return False
        value, seen = running.frame.input, {name_of(catch): error.as_json()}
        wanted = self._data.fill(catch.errors.with_, value, running, seen) if catch.errors is not None else {}
        return (
            error.fits(wanted)
            and (catch.when is None or self._data.holds(catch.when, value, running, seen))
            and (catch.except_when is None or not self._data.holds(catch.except_when, value, running, seen))
        )

    def will_be_caught(self, scope: Scope, error: PlaybookError) -> bool:
        """Whether any `try` around a task is for an error."""
        return any(self.catches(outer, error) for outer in scope.catches)
