"""Another call in place of one that failed: what guardrails say of it before anything is promised to the person."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from domain.cases.parts import ParkedStep
from domain.guarding import judge_call
from domain.model import JsonValue, Value
from domain.playbook.state import PlaybookState
from domain.policies.guardrails import RuleAction, Verdict
from domain.tools.tool import RefusalKind, ToolBrief, ToolRefusal, canonical


class Change(Value):
    """One place at which two sets of arguments differ."""

    path: str
    """`items.0.quantity`."""
    before: JsonValue = None
    after: JsonValue = None
    added: bool = False
    removed: bool = False


def tool_of(state: PlaybookState, parked: ParkedStep) -> ToolBrief | None:
    """The tool whose call was parked, as the run knows it."""
    if state.opened is None or parked.tool is None:
        return None
    briefs = (brief for several in state.opened.tools.values() for brief in several)
    return next((brief for brief in briefs if brief.name == parked.tool), None)


def verdict_on(state: PlaybookState, brief: ToolBrief, arguments: dict[str, JsonValue]) -> Verdict | None:
    """What the run's guardrails say of a call with these arguments; None before the run was opened."""
    if state.opened is None:
        return None
    return judge_call(state.opened.guardrails, brief, arguments, state.facts())


def denial_of(verdict: Verdict | None) -> ToolRefusal | None:
    """A verdict as a refusal, where it denies the call."""
    if verdict is None or verdict.action is not RuleAction.DENY:
        return None
    reasons = " ".join(verdict.reasons) or "The guardrails deny this call."
    return ToolRefusal(kind=RefusalKind.NOT_ALLOWED, sentence=reasons)


def changes_between(before: JsonValue, after: JsonValue, path: str = "") -> list[Change]:
    """Where two sets of arguments differ, in the order of their names."""
    if canonical(before) == canonical(after):
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        return [change for name in sorted({*before, *after}) for change in _entry(before, after, name, path)]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = enumerate(zip(before, after, strict=True))
        return [change for place, (old, new) in pairs for change in changes_between(old, new, _below(path, str(place)))]
    return [Change(path=path or "(all)", before=before, after=after)]


def _entry(before: dict[str, JsonValue], after: dict[str, JsonValue], name: str, path: str) -> Iterator[Change]:
    here = _below(path, name)
    if name not in before:
        yield Change(path=here, after=after[name], added=True)
    elif name not in after:
        yield Change(path=here, before=before[name], removed=True)
    else:
        yield from changes_between(before[name], after[name], here)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def with_values(arguments: dict[str, JsonValue], assignments: Sequence[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    """Arguments with other values at some places; the given ones stay as they are.

    Args:
        arguments: what is changed.
        assignments: a path with dots, numbers for places of lists, and the new value.

    Raises:
        KeyError: a path leads through something that has no such place; its argument is the path.
    """
    changed = arguments
    for path, value in assignments:
        steps = path.split(".")
        changed = {**changed, steps[0]: _with(changed.get(steps[0], {}), steps[1:], value, path)}
    return changed


def _with(whole: JsonValue, steps: Sequence[str], value: JsonValue, path: str) -> JsonValue:
    """A copy of a map or list with a value put into it, however deep; the value itself where no step is left."""
    if not steps:
        return value
    first, rest = steps[0], steps[1:]
    if isinstance(whole, dict) and first:
        return {**whole, first: _with(whole.get(first, {}), rest, value, path)}
    if isinstance(whole, list) and first.isdecimal() and int(first) < len(whole):
        place = int(first)
        return [*whole[:place], _with(whole[place], rest, value, path), *whole[place + 1 :]]
    raise KeyError(path)
