import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from domain.errors import InvalidInput
from domain.troubleshooting.hypotheses import Diagnosis
from starters.cli.app import app
from starters.evaluation import MOST_SEEDS, evaluate, seeds_in
from starters.scoring import Cause, Setting, Truth


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", "troubleshooting", *arguments])


def test_made_up_incidents_are_read_diagnosed_and_scored_and_the_figures_are_true(tmp_path: Path) -> None:
    said = run(
        *("--seeds", "2..4", "--lines", "5000", "--settings", "single,removed", "--json"),
        *("--keep", str(tmp_path), "--at-least", "service=1,change=1,honesty=1"),
    )

    assert said.exit_code == 0, said.stderr
    told = json.loads(said.stdout)
    verdicts = told["verdicts"]
    single = [one for one in verdicts if one["setting"] == "single"]
    assert [one["seed"] for one in verdicts] == [2, 2, 3, 3, 4, 4]
    assert not [one["problem"] for one in verdicts if one["problem"]]
    for one in verdicts:
        truth = json.loads((tmp_path / f"{one['seed']}-{one['setting']}" / "truth.json").read_text())
        assert [cause["service"] for cause in one["truth"]] == truth["services"]
        if one["setting"] == "single":
            assert one["service"] == one["said"].startswith(f"{truth['services'][0]}/")
        else:
            assert one["honest"] == (not one["accepted"])
    overall = next(row for row in told["scores"] if row["name"] == "all")
    assert overall["incidents"] == 6
    assert overall["service"] == pytest.approx(sum(one["service"] for one in single) / 3)
    assert overall["honesty"] == pytest.approx(sum(one["honest"] for one in verdicts) / 6)
    assert len(said.stderr.strip().splitlines()) == 6


def test_a_share_below_the_least_wanted_one_ends_with_1(tmp_path: Path) -> None:
    # Nothing is faulty first where evidence is removed, so the share is not measured: that is too low as well.
    said = run("--seeds", "5", "--lines", "500", "--settings", "removed", "--at-least", "service=0.9")

    assert said.exit_code == 1
    assert "Too low: service is not measured, wanted 0.9." in said.stderr
    assert said.stdout.startswith("of ")
    assert said.stdout.splitlines()[1].split()[:5] == ["removed", "1", "-", "-", "-"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--seeds", "one"), "Seeds are given as 1..50 or 3,7,9"),
        (("--seeds", "9..1"), "give the smaller one first"),
        (("--settings", "double"), "--settings takes single, overlapping, removed"),
        (("--at-least", "luck=1"), "--at-least takes service, change, kind, honesty"),
        (("--at-least", "service=9"), "--at-least takes service, change, kind, honesty"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_runs(words: tuple[str, ...], sentence: str) -> None:
    said = run(*words)

    assert said.exit_code == 2
    assert sentence in said.stderr


def test_a_kind_that_nobody_can_make_up_is_a_sentence() -> None:
    said = run("--seeds", "1", "--kind", "gremlins")

    assert said.exit_code == 3
    assert "No incident could be made up" in said.stderr
    assert "Traceback" not in said.stderr


def test_seeds_are_read_one_by_one_and_as_ranges() -> None:
    assert seeds_in("3") == [3]
    assert seeds_in("1..3, 7,9..10") == [1, 2, 3, 7, 9, 10]
    with pytest.raises(InvalidInput, match=f"at most {MOST_SEEDS}"):
        seeds_in("1..99999999")


async def test_while_one_is_read_the_next_is_made_up_and_none_is_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    forever = asyncio.Event()

    async def make_up(seed: int, folder: Path, setting: Setting, *, lines: int, kind: str | None = None) -> Truth:
        told.append(f"make {seed}")
        if seed == 3:
            try:
                await forever.wait()
            except asyncio.CancelledError:
                told.append("3 is given up")
                raise
        cause = Cause(service="api", kind="disk_full", onset=datetime(2026, 3, 1, tzinfo=UTC))
        return Truth(seed=seed, is_answerable=True, causes=(cause,))

    async def investigate(folder: Path, truth: Truth) -> Diagnosis:
        await asyncio.sleep(0)
        told.append(f"read {truth.seed}")
        raise InvalidInput("nothing to read")

    monkeypatch.setattr("starters.evaluation.make_up", make_up)
    monkeypatch.setattr("starters.evaluation.investigate", investigate)
    running = evaluate([1, 2, 3], [Setting.SINGLE], lines=100, keep=tmp_path)
    assert (await anext(running)).seed == 1
    assert (await anext(running)).seed == 2
    await running.aclose()

    assert told == ["make 1", "make 2", "read 1", "make 3", "read 2", "3 is given up"]
