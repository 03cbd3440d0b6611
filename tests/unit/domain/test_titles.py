"""A title made of a description: the first sentence that says something, or none."""

from __future__ import annotations

import pytest

from domain.tickets.titles import LONGEST, title_of


@pytest.mark.parametrize(
    ("description", "title"),
    [
        ("Checkout answers with errors. It began at noon.", "Checkout answers with errors"),
        ("Hi,\n\nthe export is empty since Monday.", "the export is empty since Monday"),
        ("Dear support team, we cannot sign in!", "we cannot sign in!"),
        ("Help! Now! Payments time out for everybody.", "Payments time out for everybody"),
        ("  \n\t ", None),
        ("Help!", None),
        ("??? !!! ...", None),
    ],
)
def test_a_title_is_the_first_sentence_that_says_something(description: str, title: str | None) -> None:
    assert title_of(description) == title


def test_a_long_sentence_is_cut_between_words() -> None:
    made = title_of("word " * 100)
    assert made is not None
    assert len(made) <= LONGEST
    assert made.endswith("word…")


def test_a_text_of_one_endless_word_is_cut_too() -> None:
    made = title_of(f"see this {'x' * 900_000}")
    assert made is not None
    assert len(made) <= LONGEST
