"""Content reviews: what is fine passes, what is wrong is named, and what must not be published is stopped."""

from __future__ import annotations

import pytest

from domain.analysis.content import ContentRules, review

GOOD = """# Spring release

We have rebuilt the export page. You can now choose the columns and save your choice for the next time.
Exports with many rows run in the background. You get an e-mail when the file is ready.

## What changes for you

Old links to the export page still work. The limit of rows stays the same. If you use the interface for programs,
nothing changes. We will remove the old page in three months and tell you two weeks before we do it.
Write to us if something does not work as you expect. We read every message and answer within one working day.
"""


def codes(text: str, rules: ContentRules | None = None) -> set[str]:
    return {issue.code for issue in review(text, rules).issues}


def test_plain_and_honest_text_passes_without_an_issue() -> None:
    found = review(GOOD)
    assert found.issues == ()
    assert (found.score, found.approved) == (10.0, True)
    assert found.reading_ease is not None
    assert found.reading_ease > 60
    assert all(found.stages.values())


@pytest.mark.parametrize(
    ("added", "code", "blocks"),
    [
        ("Results are guaranteed for everybody.", "claim_without_source", False),
        ("Dear [insert name], welcome.", "placeholder", True),
        ("Hello {{ first_name }}, welcome.", "placeholder", True),
        ("Our test card is 4111 1111 1111 1111 for now.", "contains_card", True),
        ("Log in with password: hunter2-Zx9!pQ once.", "contains_secret", True),
        ("Write to anna.muster@example.org for it.", "contains_email", False),
        ("See http://example.org/terms for it.", "insecure_link", False),
        ("ONLY TODAY THERE ARE BIG PRICES.", "shouting", False),
        ("Wow! Great! Super! Now! Buy! Go!", "exclamation", False),
        ("You get an e-mail when the file is ready.", "repeated", False),
    ],
)
def test_each_fault_is_named_and_the_grave_ones_stop_it(added: str, code: str, blocks: bool) -> None:
    found = review(f"{GOOD}\n{added}\n")
    assert code in {issue.code for issue in found.issues}
    assert found.score < 10
    assert any(issue.blocks for issue in found.issues) is blocks
    if blocks:
        assert not found.approved


def test_claim_that_names_its_source_is_none() -> None:
    assert "claim_without_source" not in codes(f"{GOOD}\nAccording to the 2025 audit it is 100 % safe to use.\n")


def test_what_a_channel_requires_and_forbids_is_held() -> None:
    rules = ContentRules(required=("Terms apply",), forbidden=("Contoso",))
    assert codes(GOOD, rules) == {"required_missing"}
    assert codes(f"{GOOD}\nterms apply. Better than contoso.", rules) == {"forbidden_phrase"}


def test_score_below_the_threshold_is_not_approved_without_a_grave_fault() -> None:
    found = review("Buy now. Results are guaranteed. It is the best shop in the world.")
    assert not any(issue.blocks for issue in found.issues)
    assert found.score < 8
    assert not found.approved
    assert not found.stages["claims"]


def test_hard_text_is_told_so() -> None:
    bureaucratic = (
        "Notwithstanding the aforementioned considerations, organisational restructuring necessitates comprehensive "
        "interdepartmental communication, particularly regarding administrative responsibilities. " * 4
    )
    assert "hard_to_read" in codes(bureaucratic)


def test_review_repeats_no_secret() -> None:
    found = review(f"{GOOD}\nLog in with password: hunter2-Zx9!pQ once.")
    assert "hunter2" not in found.model_dump_json()
