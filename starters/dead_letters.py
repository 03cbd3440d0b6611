"""Dead letters: steps that ran out of automatic options. Finding them, judging edits, and saying how they go on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from domain.cases.messages import UnparkInput
from domain.cases.parts import ParkedStep
from domain.cases.state import CaseState
from domain.cases.terms import UnparkAction
from domain.errors import InvalidInput, Refused, SurehandError, UnknownCase
from domain.ids import kind_of
from domain.model import JsonValue, Value
from domain.playbook.edits import Change, changes_between, denial_of, tool_of, verdict_on
from domain.playbook.state import PlaybookState
from domain.policies.guardrails import RuleAction
from domain.tools.tool import ToolRefusal
from starters.answers import PATIENCE, answered_within
from starters.case_list import AT_ONCE, CaseFilter, CaseRow, row_of
from starters.cases import Cases


class DeadLetter(Value):
    """One parked step."""

    case: str
    """Case number, or `NAME:KEY` of a run."""
    workflow_id: str
    tenant: str
    kind: str
    playbook: str | None = None
    step: str
    title: str
    tool: str | None = None
    problem: str
    parked_at: datetime
    can_skip: bool = True
    left_undone: tuple[str, ...] = ()


class Unread(Value):
    """A case that is parked and could not say with what."""

    case: str
    problem: str


class Found(Value):
    """Parked steps, the longest parked first."""

    letters: tuple[DeadLetter, ...] = ()
    unread: tuple[Unread, ...] = ()


class LetterFilter(Value):
    """Which parked steps."""

    tenant: str
    kind: str | None = None
    playbook: str | None = None
    tool: str | None = None
    """Name of a tool; `*` stands for any letters."""
    step: str | None = None
    """Name of a step; `*` stands for any letters."""
    older_than: timedelta | None = None

    def takes(self, letter: DeadLetter, now: datetime) -> bool:
        """Whether a step is meant."""
        return (
            (self.tool is None or fnmatchcase(letter.tool or "", self.tool))
            and (self.step is None or fnmatchcase(letter.step, self.step))
            and (self.older_than is None or now - letter.parked_at >= self.older_than)
        )


class Released(Value):
    """What came of a word on one parked step."""

    case: str
    step: str
    ok: bool
    text: str
    refusal: ToolRefusal | None = None
    changes: tuple[Change, ...] = ()
    approval: bool = False
    """Whether the call waits for an approval before it is made."""


class Preview(Value):
    """What other arguments would mean, before they are sent."""

    changes: tuple[Change, ...]
    refusal: ToolRefusal | None = None
    approval: bool = False
    ladder: str = "default"
    reasons: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    """Limits that it counts towards; going over one may need an approval too."""


async def find_letters(cases: Cases, wanted: LetterFilter) -> Found:
    """Every parked step of a tenant that a filter takes.

    Raises:
        NotReachable: Temporal does not answer.
        InvalidInput: the filter cannot be used.
    """
    listed = CaseFilter(tenant=wanted.tenant, kind=wanted.kind, playbook=wanted.playbook, status="parked")
    query = f"{listed.query()} AND ExecutionStatus = 'Running'"
    async with answered_within(PATIENCE):
        rows = [row_of(execution) async for execution in cases.client.list_workflows(query)]
    found = await letters_of(cases, rows)
    now = datetime.now(UTC)
    return found.model_copy(update={"letters": tuple(one for one in found.letters if wanted.takes(one, now))})


async def letters_of(cases: Cases, rows: Sequence[CaseRow]) -> Found:
    """The parked steps of some cases. One that cannot be asked does not hide the others."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(row: CaseRow) -> list[DeadLetter] | Unread:
        async with gate:
            try:
                state = await cases.state(row.tenant, row.workflow_id)
            except UnknownCase:
                return []
            except SurehandError as problem:
                return Unread(case=row.case, problem=str(problem))
        return [letter_of(row.workflow_id, state, parked) for parked in state.parked.values()]

    answers = await asyncio.gather(*map(ask, rows))
    letters = [letter for answer in answers if not isinstance(answer, Unread) for letter in answer]
    return Found(
        letters=tuple(sorted(letters, key=lambda letter: letter.parked_at)),
        unread=tuple(answer for answer in answers if isinstance(answer, Unread)),
    )


def letter_of(workflow_id: str, state: CaseState, parked: ParkedStep) -> DeadLetter:
    """One parked step, with the case it belongs to."""
    return DeadLetter(
        case=state.case_number,
        workflow_id=workflow_id,
        tenant=state.tenant,
        kind=kind_of(workflow_id),
        playbook=state.name if isinstance(state, PlaybookState) else None,
        step=parked.step,
        title=parked.title,
        tool=parked.tool,
        problem=parked.problem,
        parked_at=parked.parked_at,
        can_skip=parked.can_skip,
        left_undone=tuple(parked.left_undone),
    )


async def find_letter(cases: Cases, tenant: str, case: str, step: str) -> tuple[CaseState, ParkedStep]:
    """One parked step, by its name.

    Raises:
        Refused: no such step is parked.
    """
    state = await cases.state(tenant, case)
    parked = state.parked.get(step)
    if parked is None:
        raise Refused(f"No such step is parked; parked are: {', '.join(state.parked) or 'none'}.")
    return state, parked


def preview(state: CaseState, parked: ParkedStep, arguments: dict[str, JsonValue]) -> Preview:
    """What a retry with other arguments would mean, by the rules that the run began with.

    Raises:
        InvalidInput: the step is no tool's call, so there is nothing to edit.
    """
    brief = tool_of(state, parked) if isinstance(state, PlaybookState) else None
    if not isinstance(state, PlaybookState) or brief is None:
        raise InvalidInput("Only the retry of a tool's call takes other arguments: say retry, skip or give-up.")
    verdict = verdict_on(state, brief, arguments)
    return Preview(
        changes=tuple(changes_between(parked.arguments or {}, arguments)),
        refusal=denial_of(verdict),
        approval=verdict is not None and verdict.action is RuleAction.REQUIRE_APPROVAL,
        ladder=brief.ladder or "default",
        reasons=tuple(verdict.reasons) if verdict is not None else (),
        limits=tuple(verdict.limits) if verdict is not None else (),
    )


async def release(
    cases: Cases,
    letter: DeadLetter,
    action: UnparkAction,
    *,
    person_id: str,
    reason: str,
    arguments: dict[str, JsonValue] | None = None,
) -> Released:
    """Say how one parked step goes on.

    Args:
        cases: connected.
        letter: the step, as the person saw it.
        action: retry, skip or give up.
        person_id: who says so.
        reason: why, for the record.
        arguments: for a retry of a tool's call: what it is made with instead.

    Raises:
        Refused: the case does not take it any more.
        NotReachable: no worker answers; saying it again is safe.
    """
    word = UnparkInput(
        step=letter.step,
        action=action,
        person_id=person_id,
        arguments=arguments,
        reason=reason,
        parked_at=letter.parked_at,
    )
    receipt = await cases.unpark(letter.tenant, letter.workflow_id, word)
    return Released(
        case=letter.case,
        step=letter.step,
        ok=receipt.refusal is None,
        text=receipt.text,
        refusal=receipt.refusal,
    )


async def release_all(
    cases: Cases, letters: Sequence[DeadLetter], action: UnparkAction, *, person_id: str, reason: str
) -> list[Released]:
    """Say the same of several parked steps. Each has its own result, and one that fails does not stop the others."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(letter: DeadLetter) -> Released:
        async with gate:
            try:
                return await release(cases, letter, action, person_id=person_id, reason=reason)
            except SurehandError as problem:
                return Released(case=letter.case, step=letter.step, ok=False, text=str(problem))

    return await asyncio.gather(*map(one, letters))
