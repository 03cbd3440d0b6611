"""`surehand demo`: sample tickets live their whole lives, and end as the design says."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
FIELDS = ["ticket", "category", "priority", "risk", "decision", "team", "status", "time_to_handoff", "messages_sent"]


@pytest.fixture(scope="module")
def played() -> subprocess.CompletedProcess[str]:
    """One whole demo, with settings that it must not listen to."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
    environment["SUREHAND_TEMPORAL__ADDRESS"] = "127.0.0.1:1"
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "starters.cli", "demo", "--json"],
        capture_output=True, text=True, cwd=ROOT, env=environment, timeout=150, check=False,
    )  # fmt: skip
    assert time.monotonic() - began < 90
    return done


@pytest.fixture(scope="module")
def rows(played) -> dict[str, dict]:
    """The closing table by ticket."""
    assert played.returncode == 0, played.stderr
    return {row["ticket"]: row for row in json.loads(played.stdout)}


def test_standard_output_is_the_closing_table_and_nothing_else(rows):
    assert len(rows) == 10
    assert all(list(row) == FIELDS for row in rows.values())


def test_every_case_is_closed(rows):
    assert {row["status"] for row in rows.values()} == {"closed"}
    assert all(row["messages_sent"] >= 2 for row in rows.values())


@pytest.mark.parametrize(
    ("ticket", "expected"),
    [
        ("TICK-STD-001", ("account", "medium", "no_escalation", "customer_success")),
        ("TICK-ENT-001", ("technical", "critical", "immediate_escalation", "engineering")),
        ("TICK-TECH-001", ("integration", "high", "specialist_escalation", "technical_support")),
        ("TICK-REPEAT-001", ("billing", "high", "management_escalation", "management")),
    ],
)
def test_the_four_samples_end_as_the_design_says(rows, ticket, expected):
    row = rows[ticket]
    assert (row["category"], row["priority"], row["decision"], row["team"]) == expected


def test_a_customer_who_gets_angrier_is_handed_to_people(rows):
    assert rows["TICK-ANGRIER-001"]["decision"] == "specialist_escalation"
    assert rows["TICK-ANGRIER-001"]["team"] == "engineering"


def test_what_was_escalated_was_handed_over_and_nothing_else(rows):
    assert all((row["time_to_handoff"] is not None) == (row["decision"] != "no_escalation") for row in rows.values())
    assert rows["TICK-ENT-001"]["time_to_handoff"] < 10


def test_people_and_customers_played_their_parts(played):
    for words in (
        "TICK-REFUND-001: p-greta approves",
        "TICK-VIP-001: p-lena rejects: ",
        "TICK-VIP-001: p-sofia approves",
        "TICK-ANGRIER-001: the customer writes: That did not help",
        "TICK-ENT-001: p-ivan claims the case",
    ):
        assert words in played.stderr
