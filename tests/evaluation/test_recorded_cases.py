"""Recorded outputs of tools, which nobody here made: what of their expected findings the product names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from domain.errors import InvalidInput
from starters.cli.app import app
from starters.recorded_cases import Answered, answered, cases_in
from starters.recorded_scoring import CaseClass, Expectation, expectations_in, judged, scored

EXPECTED = Path(__file__).parent / "recorded_expectations.yaml"
ROOT = EXPECTED.parents[2]
RECORDED = ROOT.parent / "shared" / "data" / "holmesgpt_recorded"
LEAST_NAMED = 15
"""As measured; docs/recorded-cases.md says what each of them is."""
LEAST_LED = 11


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", "recorded", *arguments])


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the recorded cases are not beside this checkout")
def test_recorded_findings_are_named_as_measured_and_no_wrong_cause_is_accepted() -> None:
    said = run(str(RECORDED), "--expected", str(EXPECTED), "--json", "--at-least", "0.75")

    assert said.exit_code == 0, said.stdout + said.stderr
    told = json.loads(said.stdout)
    missed = [one["case"] for one in told["verdicts"] if one["kind"] == "text" and not one["named"]]
    assert told["score"]["named"] >= LEAST_NAMED, missed
    assert told["score"]["led"] >= LEAST_LED
    assert told["score"]["wrong"] == 0
    # What a recording holds of a case that is not counted is said too.
    expected = expectations_in(EXPECTED)
    assert [one["case"] for one in told["verdicts"] if expected[one["case"]].lines and one["missing"]] == []


def test_every_case_has_its_class_and_those_that_do_not_count_a_reason() -> None:
    for name, one in expectations_in(EXPECTED).items():
        assert one.finding, name
        assert one.lines if one.kind is CaseClass.TEXT else one.why, name
    page = (ROOT / "docs" / "recorded-cases.md").read_text(encoding="utf-8")
    assert [name for name in expectations_in(EXPECTED) if f"`{name}`" not in page] == []


def case(folder: Path, question: str = "What is wrong with api?", **texts: str) -> Path:
    made = folder / "a_case"
    made.mkdir(parents=True)
    (made / "test_case.yaml").write_text(json.dumps({"user_prompt": question}))
    for name, text in texts.items():
        (made / f"{name}.txt").write_text(text)
    return made


def expecting(*lines: list[str], **more: Any) -> Expectation:
    return Expectation.model_validate(
        {"class": "text", "finding": "x", "lines": [{"all_of": one} for one in lines], **more}
    )


PENDING = """NAME    READY   STATUS             RESTARTS   AGE
api-0   0/1     ImagePullBackOff   0          20m
"""


async def test_a_finding_counts_only_where_its_words_stand_together_in_all_that_people_read(tmp_path: Path) -> None:
    said = await answered(case(tmp_path, pods=PENDING))

    assert said.kinds == {"pods.txt": "kubernetes"}
    assert judged(said, expecting(["api", "image cannot be pulled"], services=["api"])).named
    apart = judged(said, expecting(["image cannot be pulled", "would refute it"], services=["api"]))
    assert not apart.named
    assert set(apart.missing) == {"answer", "report", "page"}
    silent = said.model_copy(update={"answer": "Nobody knows."})
    assert set(judged(silent, expecting(["image cannot be pulled"], services=["api"])).missing) == {"answer"}


def test_a_wrong_cause_that_is_accepted_is_a_miss_whatever_was_said() -> None:
    said = Answered(
        case="x", question="?", answer="disk full", report="disk full", page="disk full", kinds={},
        leading="db/disk_full", accepted=("db/disk_full",),
    )  # fmt: skip
    right = judged(said, expecting(["disk full"], services=["db"], faults=["disk_full"]))
    other = judged(said, expecting(["disk full"], services=["db"], faults=["dns_failure"]))
    none = judged(said, expecting(["disk full"]))
    assert (right.named, right.leads_rightly) == (True, True)
    assert (other.named, other.leads_rightly) == (False, False)
    assert (none.named, none.wrong) == (False, ("db/disk_full",))
    score = scored([right, other, none])
    assert (score.counted, score.named, score.led, score.faults, score.wrong) == (3, 1, 1, 2, 2)


def test_the_terminal_lists_misses_and_the_command_fails_below_what_is_wanted(tmp_path: Path) -> None:
    case(tmp_path, pods=PENDING)
    wanted = tmp_path / "expectations.yaml"
    wanted.write_text(
        "cases: {a_case: {class: text, finding: It has no volume, lines: [{all_of: [no volume]}], services: [api]}}"
    )
    said = run(str(tmp_path), "--at-least", "0.5")
    assert said.exit_code == 1
    assert "missed  a_case  It has no volume" in said.stdout
    assert "not in the answer: no volume" in said.stdout
    assert "0 of 1 expected findings are named (0%)" in said.stdout
    assert run(str(tmp_path)).exit_code == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("cases: {other: {class: other, finding: x, why: y}}", "differ in a_case, other"),
        ("cases: {a_case: {class: text, finding: x, lines: [{all_of: ['(']}]}}", "does not say what is expected"),
        ("[]", "does not say what is expected"),
        (": :", "does not say what is expected"),
    ],
)
def test_expectations_that_do_not_fit_are_refused_in_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    case(tmp_path, pods=PENDING)
    (tmp_path / "expectations.yaml").write_text(text)
    said = run(str(tmp_path))
    assert said.exit_code not in (0, 1) or said.exception is not None
    assert sentence in said.stderr


async def test_folders_without_cases_and_cases_without_a_question_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no recorded case"):
        cases_in(tmp_path)
    (tmp_path / "test_case.yaml").write_text("{}")
    with pytest.raises(InvalidInput, match="neither a question nor an alert"):
        await answered(tmp_path)
    (tmp_path / "investigate_request.json").write_text(
        '{"title": "Down", "subject": {"name": "api", "namespace": "s"}}'
    )
    assert (await answered(tmp_path)).question == "Down api s"
