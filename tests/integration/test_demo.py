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
PLAYBOOKS = ["order-fulfilment:ORDER-1001", "payment:INVOICE-2002", "canary-deployment:checkout-2.1-bad"]


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
    return {row["ticket"]: row for row in json.loads(played.stdout) if row["kind"] == "escalation"}


@pytest.fixture(scope="module")
def runs(played) -> dict[str, dict]:
    """The closing table's playbooks by name."""
    assert played.returncode == 0, played.stderr
    return {row["name"]: row for row in json.loads(played.stdout) if row["kind"] == "playbook"}


def test_standard_output_is_the_closing_table_and_nothing_else(played, rows, runs):
    assert len(rows) == 10
    assert all(list(row) == [*FIELDS, "kind"] for row in rows.values())
    assert all(list(row)[: len(FIELDS) + 1] == [*FIELDS, "kind"] for row in runs.values())
    assert [row["kind"] for row in json.loads(played.stdout)] == ["escalation"] * 10 + ["playbook"] * 3


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


def test_an_order_with_partial_stock_ships_and_charges_what_there_is(runs):
    assert list(runs) == PLAYBOOKS
    row = runs["order-fulfilment:ORDER-1001"]
    assert (row["status"], row["outcome"]) == ("completed", "partly fulfilled")
    shipped = [what for what in row["done"] if what.startswith("Shipping")]
    assert shipped == [
        "Shipping from Berlin (shipping.createShipment)",
        "Shipping from Austin (shipping.createShipment)",
    ]
    assert any("payments.capture" in what for what in row["done"])
    assert row["undone"] == row["left"] == row["parked"] == []


def test_a_payment_that_no_retry_helps_is_parked_and_released_by_a_person(played, runs):
    row = runs["payment:INVOICE-2002"]
    assert (row["status"], row["outcome"]) == ("completed", "captured")
    assert "could not decide" in row["parked"][0]
    assert "Could not be undone: Holding the amount" in row["parked"][1]
    word, settled = row["released"]
    assert settled.startswith("p-greta settles by hand")
    assert word.startswith("p-greta sends payments.authorise on its way again with another payment_method")
    assert f"payment:INVOICE-2002: {word}" in played.stderr
    assert len(row["unknown"]) == 1


def test_a_canary_whose_metrics_degrade_is_rolled_back_newest_first(runs):
    row = runs["canary-deployment:checkout-2.1-bad"]
    assert row["status"] == "faulted"
    assert "error ratio" in row["outcome"]
    assert "at 25 % of the traffic" in row["outcome"]
    assert row["undone"] == [
        "Shift traffic (deployments.setTraffic)",
        "Shift traffic (deployments.setTraffic)",
        "Start the new version (deployments.startCanary)",
    ]
    assert row["done"] == row["left"] == []
    assert row["link"].endswith("playbook%3Adefault%3Acanary-deployment%3Acheckout-2.1-bad")
