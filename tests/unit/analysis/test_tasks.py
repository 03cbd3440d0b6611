"""Tasks from minutes, mails and plans: who, what, by when; and no task where there is none."""

from __future__ import annotations

from datetime import date

import pytest

from domain.analysis.tasks import day_of, extract

WRITTEN = date(2026, 3, 4)  # a Wednesday
MINUTES = """Minutes, weekly review

The outage of Monday was discussed. Traffic is back to normal.

- [x] Collect the logs (Ivan)
- [ ] Rotate the signing keys by Friday @ruth
Action: send the incident report to the customers by 2026-03-06 (Lena)
Sofia will update the runbook until tomorrow.
1. Restart the workers urgently
2. Verify the dashboards after step 5
Could you book the room for the next review?
"""


def test_minutes_give_their_tasks_with_owner_and_day() -> None:
    found = extract(MINUTES, written_on=WRITTEN)
    rows = [(task.action.split(" by ")[0], task.owner, task.due_on, task.done) for task in found.tasks]
    assert rows == [
        ("Collect the logs", "Ivan", None, True),
        ("Rotate the signing keys", "ruth", date(2026, 3, 6), False),
        ("send the incident report to the customers", "Lena", date(2026, 3, 6), False),
        ("update the runbook until tomorrow", "Sofia", date(2026, 3, 5), False),
        ("Restart the workers urgently", "", None, False),
        ("Verify the dashboards after step 5", "", None, False),
        ("book the room for the next review", "", None, False),
    ]
    assert [task.priority.value for task in found.tasks][4] == "high"
    assert found.tasks[5].after == (5,)
    assert (found.open, found.without_owner, found.ready) == (6, 3, False)
    assert found.reasons == ("Nobody has task 5, 6, 7.",)


def test_text_without_a_task_gives_none() -> None:
    found = extract("The weather was fine. We had a good quarter. It will rain. Reports were read.")
    assert found.tasks == ()
    assert not found.ready
    assert found.reasons == ("No task was found.",)


def test_plan_in_which_everything_has_an_owner_is_ready() -> None:
    assert extract("Ivan: restart the workers\nLena must inform the customers by 2026-04-01.").ready


@pytest.mark.parametrize(
    ("words", "day"),
    [
        ("by Friday", date(2026, 3, 6)),
        ("by Wednesday", date(2026, 3, 11)),
        ("today", date(2026, 3, 4)),
        ("end of the week", date(2026, 3, 6)),
        ("by 2026-02-30", None),
        ("next quarter", None),
    ],
)
def test_words_name_a_day_or_none(words: str, day: date | None) -> None:
    assert day_of(words, WRITTEN) == day


def test_without_the_texts_own_day_friday_names_none() -> None:
    assert day_of("by Friday", None) is None
    assert day_of("by 2026-03-06", None) == date(2026, 3, 6)
