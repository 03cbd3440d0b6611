"""`surehand case unpark`: how steps go on that ran out of automatic options, one by one or by filter."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidInput
from domain.model import JsonValue, Term
from starters.cli import report
from starters.cli.options import AsOption, JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.cases.terms import UnparkAction
    from starters.cli.session import Session
    from starters.dead_letters import Found, LetterFilter, Preview, Released

_WAYS = "retry, skip or give-up"
_LONGEST_REASON = 2000

KindOption = Annotated[
    str | None, typer.Option("--kind", metavar="escalation|playbook|troubleshooting", help="Only cases of this kind.")
]
PlaybookOption = Annotated[str | None, typer.Option("--playbook", metavar="NAME", help="Only runs of this playbook.")]


class UnparkWord(Term):
    """What to do with a parked step, as the command line spells it."""

    RETRY = "retry"
    SKIP = "skip"
    GIVE_UP = "give-up"


@report.command
async def unpark(
    *,
    words: Annotated[
        list[str], typer.Argument(metavar="CASE STEP ACTION", help=f"ACTION is {_WAYS}.", show_default=False)
    ],
    who: AsOption,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="For a retry: another value in the arguments."),
    ] = None,
    arguments: Annotated[
        str | None, typer.Option("--arguments", metavar="FILE|JSON", help="For a retry: all arguments anew.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every step that the following options fit; give only ACTION then.")
    ] = False,
    kind: KindOption = None,
    playbook: PlaybookOption = None,
    tool: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only calls of this tool, such as payments.*.")
    ] = None,
    step: Annotated[str | None, typer.Option(metavar="GLOB", help="Only steps of this name, such as */charge.")] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="DURATION", help="Only what is parked for longer: 1h, 30min.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask, with --all.")] = False,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say how a parked step goes on: retry, skip, or give-up.

    A support case that is given up is withdrawn, a run undoes what it did. The exit code is 1 when one was not taken.
    """
    from starters.cli.session import find_person, open_session  # noqa: PLC0415 - keeps `surehand --help` fast

    narrowing = (kind, playbook, tool, step, older_than)
    if len(reason) > _LONGEST_REASON:
        raise InvalidInput(f"A reason has at most {_LONGEST_REASON:,} characters: shorten it.")
    if not everything:
        if yes or any(option is not None for option in narrowing):
            raise InvalidInput("--kind, --playbook, --tool, --step, --older-than and --yes go with --all.")
        case, name, action = _single(words)
        async with open_session(tenant) as session:
            return await _one(
                session, case, name, action, who=who, reason=reason, sets=assignments, whole=arguments, as_json=as_json
            )
    if assignments or arguments is not None:
        raise InvalidInput("Arguments are edited one step at a time: leave out --all, or --set and --arguments.")
    if not reason.strip():
        raise InvalidInput("What is said of many steps needs a reason: add --reason.")
    action = _all(words)
    async with open_session(tenant) as session:
        from starters.dead_letters import LetterFilter  # noqa: PLC0415

        person = find_person(session.settings, session.tenant, who)
        wanted = LetterFilter(
            tenant=session.tenant, kind=kind, playbook=playbook, tool=tool, step=step, older_than=_age(older_than)
        )
        return await _many(session, wanted, action, person.person_id, reason, yes=yes, as_json=as_json)


def _single(words: Sequence[str]) -> tuple[str, str, UnparkAction]:
    if len(words) != 3:
        raise InvalidInput(f"Give CASE, STEP and one of {_WAYS}; or --all and one of them.")
    return words[0], words[1], _action(words[2])


def _all(words: Sequence[str]) -> UnparkAction:
    if len(words) != 1:
        raise InvalidInput(f"With --all give only one of {_WAYS}; options say which steps are meant.")
    return _action(words[0])


def _action(word: str) -> UnparkAction:
    from domain.cases.terms import UnparkAction  # noqa: PLC0415

    if word not in list(UnparkWord):
        raise InvalidInput(f"A parked step takes {_WAYS}, not {word!r}.")
    return UnparkAction(word.replace("-", "_"))


def _age(text: str | None) -> timedelta | None:
    from runtime.configuration.yaml_layers import read_duration  # noqa: PLC0415

    if text is None:
        return None
    age = read_duration(text)
    if age is None:
        raise InvalidInput("--older-than is a length of time such as 1h, 30 min or 2 d: correct it.")
    return age


# One step


async def _one(
    session: Session,
    case: str,
    step: str,
    action: UnparkAction,
    *,
    who: str,
    reason: str,
    sets: Sequence[str] | None,
    whole: str | None,
    as_json: bool,
) -> int:
    from domain.ids import workflow_id_for  # noqa: PLC0415
    from starters.dead_letters import find_letter, letter_of, preview, release  # noqa: PLC0415
    from starters.editing import edited  # noqa: PLC0415

    person, tenant = session.person(case, who), session.tenant_of(case)
    state, parked = await find_letter(session.cases, tenant, case, step)
    arguments = edited(parked.arguments, sets or (), whole) if sets or whole is not None else None
    looked = None
    if arguments is not None:
        if action.value != UnparkWord.RETRY.value:
            raise InvalidInput("Only a retry takes other arguments: say retry, or leave out --set and --arguments.")
        looked = preview(state, parked, arguments)
        _put_preview(parked.tool or "", looked)
    released = await release(
        session.cases,
        letter_of(workflow_id_for(tenant, case), state, parked),
        action,
        person_id=person.person_id,
        reason=reason,
        arguments=arguments,
    )
    if looked is not None:
        released = released.model_copy(
            update={"changes": looked.changes, "approval": looked.approval and released.refusal is None}
        )
    _put_released([released], as_json=as_json)
    return report.DONE if released.ok else report.FAILED


def _put_preview(tool: str, looked: Preview) -> None:
    """What is about to be asked for, on standard error."""
    report.note(f"{tool} will be called with other arguments:" if looked.changes else f"{tool}: nothing is changed.")
    for change in looked.changes:
        before = "(none)" if change.added else _json(change.before)
        after = "(none)" if change.removed else _json(change.after)
        report.note(f"  {change.path}: {before} -> {after}")
    if looked.approval:
        report.note(f"It needs an approval anew (ladder {looked.ladder}): {' '.join(looked.reasons)}")
    if looked.limits:
        report.note(f"It counts towards limits: {', '.join(looked.limits)}.")


def _json(value: JsonValue) -> str:
    return json.dumps(value, ensure_ascii=False)


# Many steps


async def _many(
    session: Session,
    wanted: LetterFilter,
    action: UnparkAction,
    person_id: str,
    reason: str,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    from starters.cli.listing import put_unread  # noqa: PLC0415
    from starters.dead_letters import find_letters, release_all  # noqa: PLC0415

    found = await find_letters(session.cases, wanted)
    put_unread(found)
    if not found.letters:
        report.note("No parked step fits.")
        if as_json:
            report.put_json([])
        return report.FAILED if found.unread else report.DONE
    _announce(found, action)
    if not yes and not _is_confirmed(found, action):
        return report.FAILED
    released = await release_all(session.cases, found.letters, action, person_id=person_id, reason=reason)
    _put_released(released, as_json=as_json)
    failed = sum(not one.ok for one in released)
    report.note(f"{len(released) - failed} of {len(released)} taken." if failed else f"All {len(released)} taken.")
    return report.FAILED if failed or found.unread else report.DONE


def _announce(found: Found, action: UnparkAction) -> None:
    """Which steps are meant, on standard error, before anything is done."""
    from starters.cli.words import ago  # noqa: PLC0415

    report.note(f"{action.label}: {len(found.letters)} parked steps.")
    for letter in found.letters:
        tool = f" ({letter.tool})" if letter.tool else ""
        report.note(f"  {letter.case}  {letter.step}{tool}, {ago(letter.parked_at)}: {letter.problem}")


def _is_confirmed(found: Found, action: UnparkAction) -> bool:
    """Ask at a terminal.

    Raises:
        InvalidInput: nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise InvalidInput("Nobody can be asked here, so nothing was done: say --yes when these are what you want.")
    return typer.confirm(f"{action.label.capitalize()} these {len(found.letters)} steps?", err=True)


def _put_released(released: Sequence[Released], *, as_json: bool) -> None:
    if as_json:
        report.put_json(released)
        return
    for one in released:
        sentence = f"{one.case} {one.step}: {one.text}"
        if not one.ok:
            report.complain(sentence)
        else:
            typer.echo(report.text(sentence).plain)
