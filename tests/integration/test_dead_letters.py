"""Dead letters and runs of playbooks through the command line, against a real server, worker and sandbox."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.cases.terms import UnparkAction
from runtime.settings.environment import load_settings
from runtime.temporal.connection import connect
from starters.cases import Cases
from starters.dead_letters import LetterFilter, find_letters, release, release_all
from tests.dev_process import ROOT, Dev

pytestmark = pytest.mark.server

ASKING = """
document: {dsl: '1.0.3', namespace: tests, name: asking, version: '1.0.0', title: Ask}
do:
  - ask:
      call: approve
      with: {action: launch, summary: Launch it, arguments: {rocket: R-7}}
  - pause: {wait: {days: 2}}
"""


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One that all tests of this module share, at the demo's pace: what does not work is parked within seconds."""
    running = Dev(tmp_path_factory.mktemp("dev"))
    running.environment["SUREHAND_CONFIG_DIRS"] = str(ROOT / "config" / "demo")
    running.start()
    yield running
    running.stop()


def pay(dev: Dev, *keys: str) -> list[dict[str, Any]]:
    """Payments whose bank never decides, once they are parked; as `case list` shows them."""
    for key in keys:
        given = {
            "reference": key,
            "customer": {"id": f"CUST-{key}", "email": "noa.berg@example.com"},
            "amount": 25,
            "currency": "EUR",
            "payment_method": "pm_card_chargeDeclinedProcessingError",
        }
        dev.json("playbook", "run", "payment", "--key", key, "--input", json.dumps(given))
    names = {f"payment:{key}" for key in keys}
    deadline = time.monotonic() + 60
    while True:
        rows = [row for row in dev.json("case", "list", "--status", "parked") if row["case"] in names]
        if len(rows) == len(names) and all(row["parked"] for row in rows):
            return rows
        assert time.monotonic() < deadline, rows
        time.sleep(0.8)


def test_a_dead_letter_is_listed_inspected_edited_and_released_with_an_audit_line(dev):
    (row,) = pay(dev, "DL-EDIT")
    (letter,) = row["parked"]
    assert (row["kind"], letter["tool"], letter["playbook"]) == ("playbook", "payments.authorise", "payment")
    assert "could not decide" in letter["problem"]
    table = dev.surehand("case", "list", "--status", "parked", "--kind", "playbook").stdout
    assert table.split("\n")[0].split() == ["case", "step", "tool", "since", "problem"]
    assert letter["step"] in table

    page = dev.surehand("case", "show", "payment:DL-EDIT").stdout
    assert "Run payment:DL-EDIT  parked" in page
    assert "payments.authorise was called with" in page
    assert "pm_card_chargeDeclinedProcessingError" in page

    step = ["case", "unpark", "payment:DL-EDIT", letter["step"]]
    refused = dev.surehand(*step, "retry", "--set", "amount=-1", "--as", "p-greta", "--json")
    assert refused.returncode == 1, refused.stderr
    (result,) = json.loads(refused.stdout)
    assert result["ok"] is False
    assert result["refusal"]["kind"] == "invalid_arguments"
    assert result["changes"] == [{"path": "amount", "before": 25, "after": -1, "added": False, "removed": False}]
    assert dev.json("case", "show", "payment:DL-EDIT")["status"] == "parked"

    wrong = dev.surehand(*step, "skip", "--set", "amount=2", "--as", "p-greta")
    assert wrong.returncode == 2
    taken = dev.surehand(
        *step, "retry", "--set", "payment_method=pm_card_visa", "--as", "p-greta", "--reason", "Another card"
    )
    assert taken.returncode == 0, taken.stderr
    assert 'payment_method: "pm_card_chargeDeclinedProcessingError" -> "pm_card_visa"' in taken.stderr
    # What became of the first card nobody can say: the run asks for it at its end, and drops nothing.
    dev.until("payment:DL-EDIT", lambda run: "undo" in run["parked"])
    settled = [
        "case",
        "unpark",
        "payment:DL-EDIT",
        "undo",
        "skip",
        "--as",
        "p-greta",
        "--reason",
        "The bank holds nothing",
    ]
    assert dev.surehand(*settled).returncode == 0
    shown = dev.until("payment:DL-EDIT", lambda run: run["closed"])
    assert shown["phase"] == "completed"
    lines = [line for line in dev.json("case", "audit", "payment:DL-EDIT") if line["audit"] == "intervention"]
    assert [(line["person_id"], line["action"], line["reason"]) for line in lines] == [
        ("p-greta", "retry", "Another card"),
        ("p-greta", "skip", "The bank holds nothing"),
    ]
    assert lines[0]["digest_before"] != lines[0]["digest_after"]
    late = dev.surehand(*step, "retry", "--as", "p-greta")
    assert late.returncode == 1
    assert "parked are: none" in late.stderr


def test_many_are_released_by_filter_only_when_somebody_said_so(dev):
    pay(dev, "DL-B1", "DL-B2")
    words = ["case", "unpark", "--all", "--playbook", "payment", "--tool", "payments.*", "--as", "p-greta"]
    asked = dev.surehand(*words, "give-up", "--reason", "The bank is gone", text="y\n")
    assert asked.returncode == 2
    assert "payment:DL-B1" in asked.stderr
    assert "--yes" in asked.stderr
    assert dev.json("case", "show", "payment:DL-B1")["status"] == "parked"
    assert dev.surehand(*words, "give-up", "--yes").returncode == 2, "many steps need a reason"
    nothing = dev.surehand(*words, "--older-than", "1h", "give-up", "--reason", "Old", "--yes")
    assert (nothing.returncode, nothing.stdout) == (0, "")
    done = dev.surehand(*words, "give-up", "--reason", "The bank is gone", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    assert {row["case"]: row["ok"] for row in json.loads(done.stdout)} == {
        "payment:DL-B1": True, "payment:DL-B2": True
    }  # fmt: skip
    for key in ("DL-B1", "DL-B2"):
        dev.until(f"payment:{key}", lambda run: "undo" in run["parked"])
    words = ["case", "unpark", "--all", "--kind", "playbook", "--step", "und?", "--as", "p-greta"]
    done = dev.surehand(*words, "skip", "--reason", "The bank holds nothing", "--yes")
    assert done.returncode == 0, done.stderr
    assert "All 2 taken." in done.stderr
    for key in ("DL-B1", "DL-B2"):
        assert dev.until(f"payment:{key}", lambda run: run["closed"])["phase"] == "faulted"


def test_one_that_is_not_taken_any_more_does_not_stop_the_others(dev):
    pay(dev, "DL-C1", "DL-C2")

    async def play() -> dict[str, bool]:
        cases = Cases(await connect(load_settings(environ={}, defaults=dev.state.variables)))
        found = await find_letters(cases, LetterFilter(tenant="default", playbook="payment", step="*"))
        letters = [letter for letter in found.letters if letter.case in ("payment:DL-C1", "payment:DL-C2")]
        first = next(letter for letter in letters if letter.case == "payment:DL-C1")
        # The same word twice counts once; the word of a person who saw an earlier state does not count.
        for _ in range(2):
            assert (await release(cases, first, UnparkAction.GIVE_UP, person_id="p-greta", reason="Gone")).ok
        results = await release_all(cases, letters, UnparkAction.SKIP, person_id="p-ruth", reason="Skip them")
        assert all(result.text for result in results)
        return {result.case: result.ok for result in results}

    assert asyncio.run(play()) == {"payment:DL-C1": False, "payment:DL-C2": True}
    lines = [line for line in dev.json("case", "audit", "payment:DL-C1") if line["audit"] == "intervention"]
    assert [(line["person_id"], line["action"]) for line in lines] == [("p-greta", "give_up")]


def test_a_run_waits_for_an_approval_that_the_command_line_lists_and_gives(dev, tmp_path: Path):
    file = tmp_path / "asking.yaml"
    file.write_text(ASKING)
    dev.json("playbook", "run", str(file), "--key", "A1", "--as", "p-ivan")
    deadline = time.monotonic() + 60
    while not (found := [row for row in dev.json("approvals") if row["case"] == "asking:A1" and row["waits_for"]]):
        assert time.monotonic() < deadline
        time.sleep(0.8)
    request = found[0]
    assert request["arguments"] == {"rocket": "R-7"}
    person = request["waits_for"][0]
    approve = ["approve", "asking:A1", request["request"], "--digest", request["digest"][:12], "--as", person]
    done = dev.surehand(*approve)
    assert done.returncode == 0, done.stderr
    dev.until("asking:A1", lambda run: any("/pause" in place or "pause" in place for place in run["at"]))
    lines = [line["event"] for line in dev.json("case", "audit", "asking:A1") if line["audit"] == "approval"]
    assert lines == [] or lines[0] == "requested"
    (row,) = dev.json("case", "list", "--playbook", "asking")
    assert (row["case"], row["kind"], row["status"]) == ("asking:A1", "playbook", "running")
    assert dev.surehand("claim", "asking:A1", "--as", "p-ivan").returncode == 2
    cancelled = dev.surehand("case", "cancel", "asking:A1")
    assert "told to undo" in cancelled.stdout
    watched = dev.surehand("case", "watch", "asking:A1")
    assert watched.returncode == 0, watched.stderr
    assert "The playbook is cancelled" in watched.stdout
    entries = dev.json("case", "timeline", "asking:A1")
    assert [entry["number"] for entry in entries] == list(range(len(entries)))
    again = dev.surehand("case", "cancel", "asking:A1")
    assert again.returncode in (0, 1)
