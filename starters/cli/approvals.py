"""`surehand approvals`, `approve`, `reject`: questions that wait for a person, and the person's word."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from domain.errors import InvalidInput, Refused
from starters.cli import report
from starters.cli.options import AsOption, CaseArgument, JsonOption, TenantOption

if TYPE_CHECKING:
    from domain.cases.approval import ApprovalState
    from domain.model import JsonValue
    from starters.case_list import OpenApproval
    from starters.cli.session import Session

_SHORT_DIGEST = 12
_SHORTEST_DIGEST = 8
_WIDEST = 110

RequestArgument = Annotated[
    str | None, typer.Argument(metavar="[REQUEST]", help="Needed when a case has more than one.", show_default=False)
]
DigestOption = Annotated[
    str | None,
    typer.Option(help="The digest you saw, or at least its first 8 characters; refuses when the arguments changed."),
]


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    app.command("approvals")(approvals)
    app.command("approve")(approve)
    app.command("reject")(reject)


@report.command
async def approvals(
    mine: Annotated[
        str | None, typer.Option("--mine", metavar="PERSON", help="Only what waits for this person.")
    ] = None,
    tenant: TenantOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what waits for an approval.

    Shows the exact arguments that an approval holds for, who was asked, and until when.
    """
    from starters.case_list import open_approvals  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.cli.session import find_person, open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person = find_person(session.settings, session.tenant, mine) if mine is not None else None
        found = await open_approvals(session.cases, session.tenant)
    if person is not None:
        found = [approval for approval in found if person.person_id in still_to_decide(approval.request)]
    if as_json:
        report.put_json([_as_json(approval) for approval in found])
        return
    for approval in found:
        _show(approval)
    if not found:
        report.note("Nothing waits for an approval.")


@report.command
async def approve(
    *,
    case: CaseArgument,
    who: AsOption,
    request: RequestArgument = None,
    digest: DigestOption = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    tenant: TenantOption = None,
) -> None:
    """Approve a request, for the arguments it shows."""
    await _decide(case, request, approve=True, who=who, digest=digest, reason=reason, tenant=tenant)


@report.command
async def reject(
    *,
    case: CaseArgument,
    who: AsOption,
    reason: Annotated[str, typer.Option(help="Why; it flows back into the case.", show_default=False)],
    request: RequestArgument = None,
    digest: DigestOption = None,
    tenant: TenantOption = None,
) -> None:
    """Reject a request, with a reason.

    The reason flows back into the case: the next attempt is made with it.
    """
    await _decide(case, request, approve=False, who=who, digest=digest, reason=reason, tenant=tenant)


async def _decide(
    case: str, request: str | None, *, approve: bool, who: str, digest: str | None, reason: str, tenant: str | None
) -> None:
    from domain.cases.approval import ApprovalDecision  # noqa: PLC0415
    from starters.cli.session import open_session  # noqa: PLC0415

    async with open_session(tenant) as session:
        person = session.person(case, who)
        wanted = await _request(session, case, request)
        decision = ApprovalDecision(
            request_id=wanted.request_id,
            person_id=person.person_id,
            approve=approve,
            digest=_seen(wanted, digest),
            reason=reason,
        )
        receipt = await session.cases.decide(session.tenant_of(case), case, decision)
    word = "approved" if approve else "rejected"
    typer.echo(f"{person.person_id} {word} {wanted.request_id}: {wanted.question.summary}. {receipt.text}")


async def _request(session: Session, case: str, request_id: str | None) -> ApprovalState:
    """The request that is meant; also a decided one, so that the case itself says what became of it."""
    state = await session.cases.state(session.tenant_of(case), case)
    if request_id is not None:
        found = state.approvals.get(request_id)
        if found is None:
            raise InvalidInput(f"This case has no request {request_id}: see `surehand approvals`.")
        return found
    pending = state.pending_approvals
    if len(pending) == 1:
        return pending[0]
    if pending:
        names = ", ".join(request.request_id for request in pending)
        raise InvalidInput(f"This case has {len(pending)} open requests: name one of {names}.")
    decided = list(state.approvals.values())
    if not decided:
        raise Refused("This case waits for no approval.")
    latest = max(decided, key=lambda request: request.asked_at)
    by = f" by {', '.join(latest.decided_by)}" if latest.decided_by else ""
    raise Refused(f"This case waits for no approval: {latest.request_id} is {latest.status.label}{by}.")


def _seen(request: ApprovalState, digest: str | None) -> str:
    """The digest that the person saw, in full: the case compares it with its own."""
    if digest is None:
        return request.digest
    if len(digest) < _SHORTEST_DIGEST:
        raise InvalidInput(f"A digest has at least {_SHORTEST_DIGEST} characters here: give more of it.")
    return request.digest if request.digest.startswith(digest.lower()) else digest


def still_to_decide(request: ApprovalState) -> set[str]:
    """Who was asked so far and has not decided."""
    asked = {person for rung in request.rungs for person in rung.approvers}
    return asked - {vote.person_id for vote in request.votes}


def _as_json(approval: OpenApproval) -> dict[str, Any]:
    request = approval.request
    rung = request.current_rung
    return {
        "case": approval.case,
        "workflow_id": approval.workflow_id,
        "tenant": approval.tenant,
        "request": request.request_id,
        "action": request.question.action,
        "summary": request.question.summary,
        "arguments": request.question.arguments,
        "amount": request.question.amount,
        "risk": request.question.risk,
        "evidence": list(request.question.evidence),
        "digest": request.digest,
        "asked_at": request.asked_at.isoformat(),
        "deadline": rung.expires_at.isoformat() if rung else None,
        "waits_for": sorted(still_to_decide(request)),
        "ladder": [rung.model_dump(mode="json") for rung in request.rungs],
        "votes": [vote.model_dump(mode="json") for vote in request.votes],
        "when_nobody_answers": request.ladder.when_nobody_answers,
    }


def shown(value: JsonValue) -> str:
    """A value as somebody reads it who has to decide: all of it, and what has parts in lines."""
    import yaml  # noqa: PLC0415 - keeps `surehand --help` fast

    if isinstance(value, str):
        return value
    if not isinstance(value, (dict, list)) or not value:
        return json.dumps(value, ensure_ascii=False)
    lines = yaml.safe_dump(value, allow_unicode=True, sort_keys=False, width=_WIDEST)
    return "\n" + lines.rstrip()


def _show(approval: OpenApproval) -> None:
    from starters.cli.words import label, left  # noqa: PLC0415

    request = approval.request
    out = report.console()
    out.print(
        report.text(f"{approval.case}  {request.request_id}", style="bold"), report.text(request.question.summary)
    )
    for name, value in request.question.arguments.items():
        said = shown(value).replace("\n", "\n    ")
        out.print(report.text(f"  {name}:{said}" if said.startswith("\n") else f"  {name}: {said}"))
    for finding in request.question.evidence:
        out.print(report.text(f"  evidence: {finding}"))
    for rung in request.rungs:
        is_now = rung is request.current_rung
        when = left(rung.expires_at) if is_now else "asked before"
        quorum = f", {rung.quorum} needed" if rung.quorum > 1 else ""
        out.print(report.text(f"  {label(rung.name)}: {', '.join(rung.approvers) or 'nobody left'} ({when}{quorum})"))
    out.print(report.text(f"  risk {request.question.risk} of 100"))
    digest = request.digest[:_SHORT_DIGEST]
    out.print(report.text(f"  surehand approve {approval.case} {request.request_id} --digest {digest} --as PERSON"))
    out.print()
