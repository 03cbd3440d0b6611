"""Lists of cases, of what is parked in them, and of what people said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from starters.cli import report
from starters.cli.words import ago, clock, due, label

if TYPE_CHECKING:
    from domain.cases.records import ApprovalRecord, InterventionRecord
    from starters.case_list import CaseRow
    from starters.dead_letters import DeadLetter, Found

_SHORT_DIGEST = 12


def put_cases(rows: Sequence[CaseRow], *, as_json: bool) -> None:
    """Print a list of cases."""
    if as_json:
        report.put_json(rows)
        return
    if not rows:
        report.note("No case fits.")
        return
    columns = ("case", "status", "waiting for", "priority", "category", "risk", "team", "next deadline", "opened")
    cells = [
        [
            row.case,
            label(row.status),
            "" if row.waiting_for == "nobody" or row.closed_at else row.waiting_for,
            row.priority or "",
            label(row.category),
            "" if row.risk is None else str(row.risk),
            label(row.team),
            "" if row.closed_at else due(row.due_at),
            ago(row.opened_at),
        ]
        for row in rows
    ]
    expendable = ("opened", "category", "risk", "waiting for", "team")
    report.put_table(columns, cells, numbers=("risk",), expendable=expendable)


def put_parked(rows: Sequence[CaseRow], found: Found, *, as_json: bool) -> None:
    """Print cases that are parked with what is parked in them."""
    if as_json:
        by_case: dict[str, list[DeadLetter]] = {}
        for letter in found.letters:
            by_case.setdefault(letter.workflow_id, []).append(letter)
        steps = {name: [letter.model_dump(mode="json") for letter in letters] for name, letters in by_case.items()}
        report.put_json([{**row.model_dump(mode="json"), "parked": steps.get(row.workflow_id, [])} for row in rows])
    else:
        put_letters(found)
    put_unread(found)


def put_letters(found: Found) -> None:
    """Print parked steps, the longest parked first."""
    columns = ("case", "step", "tool", "since", "problem")
    cells = [
        [letter.case, letter.step, letter.tool or "", ago(letter.parked_at), letter.problem] for letter in found.letters
    ]
    if cells:
        report.put_table(columns, cells, expendable=("tool",), wrap=60)


def put_unread(found: Found) -> None:
    """Say which cases could not say what is parked in them."""
    for unread in found.unread:
        report.complain(f"{unread.case}: {unread.problem}")


def put_audit(
    approvals: Sequence[ApprovalRecord], interventions: Sequence[InterventionRecord], *, as_json: bool
) -> None:
    """Print who said what, in order."""
    if as_json:
        listed = [{"audit": "approval", **line.model_dump(mode="json")} for line in approvals]
        listed += [{"audit": "intervention", **line.model_dump(mode="json")} for line in interventions]
        report.put_json(sorted(listed, key=lambda line: str(line["at"])))
        return
    lines = [
        (line.at, line.person_id or "", line.event, line.request_id, line.digest[:_SHORT_DIGEST], line.text)
        for line in approvals
    ]
    lines += [
        (line.at, line.person_id, label(line.action), line.step, _digests(line), line.reason) for line in interventions
    ]
    if not lines:
        report.note("Nobody has said anything yet.")
        return
    columns = ("when", "who", "said", "of", "arguments", "why")
    report.put_table(columns, [(clock(at), *rest) for at, *rest in sorted(lines)], wrap=60)


def _digests(line: InterventionRecord) -> str:
    before, after = (line.digest_before or "")[:_SHORT_DIGEST], (line.digest_after or "")[:_SHORT_DIGEST]
    return f"{before} -> {after}" if after and after != before else before
