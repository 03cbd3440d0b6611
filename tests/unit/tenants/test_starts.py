"""Every place that starts a workflow or an activity says how pressing it is and whose turn it takes, in one way."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.tickets.ticket import Priority as Urgency
from workflows import sharing

ROOT = Path(__file__).parents[3]
PRODUCT = ("starters", "workers", "workflows", "activities", "runtime")
NOT_CASES = {"runtime/temporal/sharing_probe.py"}
"""Starts a workflow that belongs to nobody, and deletes it."""
STARTS = {
    "start_workflow",
    "execute_workflow",
    "start_child_workflow",
    "execute_child_workflow",
    "ScheduleActionStartWorkflow",
    "WithStartWorkflowOperation",
    "signal_with_start",
}
PASSED_ON = ("super().",)
"""What an interceptor hands on as it got it."""


def _files() -> list[Path]:
    return [path for folder in PRODUCT for path in sorted((ROOT / folder).rglob("*.py"))]


def _calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            yield name, node


def _priority_of(call: ast.Call) -> str:
    given = next((word.value for word in call.keywords if word.arg == "priority"), None)
    return ast.unparse(given) if given is not None else ""


def _starts() -> dict[str, str]:
    found = {}
    for path in _files():
        where = str(path.relative_to(ROOT))
        for name, call in _calls(path):
            if name in STARTS and where not in NOT_CASES and not ast.unparse(call.func).startswith(PASSED_ON):
                found[f"{where}:{call.lineno}"] = _priority_of(call)
    return found


def test_every_start_of_a_workflow_has_its_priority_from_the_one_place() -> None:
    starts = _starts()
    assert len(starts) >= 7, starts
    missing = [where for where, said in starts.items() if not said.startswith("sharing.")]
    assert not missing, f"add priority=sharing.of_tenant(...) or sharing.as_urgent_as(...): {missing}"


def test_a_start_from_outside_names_the_tenant_and_its_share() -> None:
    outside = {where: said for where, said in _starts().items() if where.startswith("starters/")}
    assert len(outside) >= 3
    assert all("of_tenant(" in said and "weight=" in said for said in outside.values()), outside


def test_nobody_else_makes_priorities_for_temporal() -> None:
    makers = [
        str(path.relative_to(ROOT))
        for path in _files()
        if "from temporalio.common import" in (text := path.read_text("utf-8"))
        and any("Priority" in line for line in text.splitlines() if line.startswith("from temporalio.common import"))
    ]
    assert makers == ["workflows/sharing.py"]


def test_every_activity_of_a_case_is_as_urgent_as_the_case_is_by_then() -> None:
    """They all go through `Case.shown_as`; thoughts beside it are local and have no queue to wait in."""
    calls = [
        (str(path.relative_to(ROOT)), ast.unparse(call))
        for path in (ROOT / "workflows").rglob("*.py")
        for name, call in _calls(path)
        if name in ("execute_activity", "execute_activity_method", "start_activity", "start_activity_method")
    ]
    for where, text in calls:
        source = (ROOT / where).read_text("utf-8")
        # What is no case has no urgency of its own, and its activities have what it was started with.
        is_of_a_case = "workflows.cases.case" in source or "_case" in source
        assert not is_of_a_case or "shown_as(" in source, (where, text)


@pytest.mark.parametrize("urgency", list(Urgency))
def test_the_rank_of_a_priority_is_its_key(urgency: Urgency) -> None:
    made = sharing.of_tenant("acme", urgency, weight=2.0)
    assert (made.priority_key, made.fairness_key, made.fairness_weight) == (urgency.rank, "acme", 2.0)
    assert 1 <= urgency.rank <= 5
    assert sharing.as_urgent_as(urgency).priority_key == urgency.rank
    assert sharing.as_urgent_as(urgency).fairness_key is None


def test_what_nobody_judges_stays_as_it_was_started() -> None:
    assert sharing.as_urgent_as(None).priority_key is None


def test_every_start_of_a_workflow_says_whose_it_is_for_lists() -> None:
    missing = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in _files()
        if str(path.relative_to(ROOT)) not in NOT_CASES
        for name, call in _calls(path)
        if name in STARTS and not ast.unparse(call.func).startswith(PASSED_ON)
        if not any(word.arg == "search_attributes" for word in call.keywords)
    ]
    assert not missing, f"add search_attributes=search_attributes.at_...(tenant): {missing}"
