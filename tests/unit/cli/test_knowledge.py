"""`surehand knowledge`: search, look, review, retire."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from domain.troubleshooting.knowledge import Lesson
from integrations.store.store import SqlStore


@pytest.fixture
def knows(surehand: Callable[..., Result], tmp_path: Path) -> Callable[..., Result]:
    """The command line with one draft in its store."""

    async def fill() -> None:
        store = await SqlStore.open(f"sqlite:///{tmp_path}/.surehand/surehand.db")
        lesson = Lesson(lesson_id="INC-7", title="Coupon import starves checkout", body="Stop the coupon importer.")
        await store.lessons.learn("default", lesson)
        await store.close()

    asyncio.run(fill())
    return surehand


def test_a_search_shows_checks_and_says_which_level_answered(surehand: Callable[..., Result]) -> None:
    result = surehand("knowledge", "search", "write failed: no space left on device")
    assert result.exit_code == 0
    assert "A disk is full (signature:disk-full)" in result.stdout
    assert "check: " in result.stdout
    assert "Answered by signatures." in result.stderr


def test_a_draft_is_found_only_once_it_was_reviewed_by_a_person(knows: Callable[..., Result]) -> None:
    def found() -> list[str]:
        answer = json.loads(knows("knowledge", "search", "coupon importer starves", "--json").stdout)
        return [hit["reference"] for hit in answer["hits"]]

    assert "lesson:INC-7" not in found()
    assert knows("knowledge", "review", "INC-7", "--as", "nobody").exit_code == 2
    reviewed = knows("knowledge", "review", "INC-7", "--as", "p-lena")
    assert reviewed.stdout == "INC-7 is reviewed, by p-lena.\n"
    assert "lesson:INC-7" in found()
    assert "p-lena" in knows("knowledge", "list", "--status", "reviewed").stdout
    assert knows("knowledge", "retire", "INC-7", "--as", "p-lena").exit_code == 0
    assert "lesson:INC-7" not in found()


def test_a_lesson_and_a_signature_are_shown_whole(knows: Callable[..., Result]) -> None:
    assert "Stop the coupon importer." in knows("knowledge", "show", "INC-7").stdout
    assert json.loads(knows("knowledge", "show", "disk-full", "--json").stdout)["fault"] == "disk_full"
    assert "disk-full" in knows("knowledge", "list", "--signatures").stdout


@pytest.mark.parametrize(
    "arguments",
    [["search", " "], ["show", "none"], ["list", "--status", "odd"], ["review", "none", "--as", "p-lena"]],
    ids=" ".join,
)
def test_wrong_use_is_said_in_one_sentence(knows: Callable[..., Result], arguments: list[str]) -> None:
    result = knows("knowledge", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.strip().splitlines()) == 1
