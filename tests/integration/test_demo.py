"""`surehand demo`: sample tickets live their whole lives, and end as the design says."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.server
ROOT = Path(__file__).resolve().parents[2]
FIELDS = ["ticket", "category", "priority", "risk", "decision", "team", "status", "time_to_handoff", "messages_sent"]
INCIDENTS = ["incident:search-errors", "incident:payments-failing", "incident:mails-missing"]
PLAYBOOKS = ["order-fulfilment:ORDER-1001", "payment:INVOICE-2002", "canary-deployment:checkout-2.1-bad"]


@dataclass
class Played:
    """One whole demo, which is still running."""

    stdout: str
    stderr: str
    world: dict[str, Any]
    """Service -> how it stands in the sandbox."""
    pages: dict[str, str]
    """Incident -> what `surehand case show` prints of it."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """One whole demo, with settings that it must not listen to, kept until everything was looked at."""
    environment = {name: text for name, text in os.environ.items() if not name.startswith("SUREHAND_")}
    environment |= {"SUREHAND_TEMPORAL__ADDRESS": "127.0.0.1:1", "TMPDIR": str(tmp_path_factory.mktemp("demo"))}
    out, err = (tmp_path_factory.mktemp("printed") / name for name in ("out", "err"))
    command = [sys.executable, "-m", "starters.cli", "demo", "--json", "--keep"]
    # A minute and a half is what is promised on two cores that have nothing else to do.
    is_alone, began = os.getloadavg()[0] < 1, time.monotonic()
    with out.open("w") as stdout, err.open("w") as stderr:
        running = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=ROOT, env=environment)
    try:
        while "Look around with" not in err.read_text() and running.poll() is None:
            assert time.monotonic() - began < 200, err.read_text()
            time.sleep(0.2)
        took = time.monotonic() - began
        if is_alone:
            assert took < 90, f"It took {took:.0f} s.\n{err.read_text()}"
        assert running.poll() is None, err.read_text()
        yield _looked_at(out.read_text(), err.read_text(), environment)
    finally:
        running.send_signal(signal.SIGINT)
        returncode = running.wait(60)
    assert returncode == 0


def _looked_at(stdout: str, stderr: str, environment: dict[str, str]) -> Played:
    outbox = re.search(r"outbox (\S+)", stderr)
    folder = re.search(r"SUREHAND_DATA_DIR=(\S+)", stderr)
    assert outbox is not None
    assert folder is not None
    with urllib.request.urlopen(f"{outbox[1]}/api/objects/deployments/service") as answer:
        services = {row["name"]: row for row in json.load(answer)}
    with urllib.request.urlopen(f"{outbox[1]}/api/objects/deployments/config") as answer:
        services["payments"]["config"] = next(row for row in json.load(answer) if row["id"] == "payments")["versions"]
    there = {name: text for name, text in environment.items() if not name.startswith("SUREHAND_")}
    pages = {}
    for name in INCIDENTS:
        shown = subprocess.run(
            [sys.executable, "-m", "starters.cli", "case", "show", name], check=True, capture_output=True, text=True,
            cwd=ROOT, env={**there, "SUREHAND_DATA_DIR": folder[1]}, timeout=60,
        )  # fmt: skip
        pages[name] = shown.stdout
    return Played(stdout=stdout, stderr=stderr, world=services, pages=pages)


@pytest.fixture(scope="module")
def rows(played) -> dict[str, dict]:
    """The closing table by ticket."""
    return {row["ticket"]: row for row in json.loads(played.stdout) if row["kind"] == "escalation"}


@pytest.fixture(scope="module")
def runs(played) -> dict[str, dict]:
    """The closing table's playbooks by name."""
    return {row["name"]: row for row in json.loads(played.stdout) if row["kind"] == "playbook"}


@pytest.fixture(scope="module")
def incidents(played) -> dict[str, dict]:
    """The closing table's incidents by name."""
    return {row["name"]: row for row in json.loads(played.stdout) if row["kind"] == "incident"}


def test_standard_output_is_the_closing_table_and_nothing_else(played, rows, runs, incidents):
    assert len(rows) == 11
    assert all(list(row) == [*FIELDS, "kind"] for row in rows.values())
    assert all(list(row)[: len(FIELDS) + 1] == [*FIELDS, "kind"] for row in runs.values())
    assert all(list(row)[: len(FIELDS) + 1] == [*FIELDS, "kind"] for row in incidents.values())
    kinds = [row["kind"] for row in json.loads(played.stdout)]
    assert kinds == ["escalation"] * 11 + ["playbook"] * 3 + ["incident"] * 3


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
    # How soon is the bench's to say: here eleven tickets, three incidents and other tests share the machine.
    assert rows["TICK-ENT-001"]["time_to_handoff"] > 0


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


def test_a_bad_deployment_is_found_rolled_back_as_approved_and_its_customers_are_told_once(played, rows, incidents):
    assert list(incidents) == INCIDENTS
    row = incidents["incident:search-errors"]
    assert (row["status"], row["service"], row["category"]) == ("closed", "search", "bad_deployment")
    assert (row["change"], row["refuted"], row["regressions"]) == ("DEP-402", [], 0)
    assert [(fix["title"], fix["outcome"]) for fix in row["fixes"]] == [("Roll search back from v4 to v3", "held")]
    assert row["told"] == ["TICK-SEARCH-001"]
    assert played.world["search"]["stable_version"] == "v3"
    order = [line for line in played.stderr.splitlines() if "incident:search-errors" in line or "TICK-SEARCH" in line]
    told = next(place for place, line in enumerate(order) if "the customer was told" in line)
    assert any("p-lena approves" in line for line in order[:told])


def test_a_fix_that_regresses_is_taken_back_and_the_cause_is_looked_for_anew(played, incidents):
    row = incidents["incident:payments-failing"]
    assert (row["status"], row["service"], row["change"], row["regressions"]) == ("closed", "payments", "CFG-104", 1)
    (refuted,) = row["refuted"]
    assert "Deployment v8 of payments" in refuted
    first, second = row["fixes"]
    assert (first["title"], first["outcome"]) == ("Roll payments back from v8 to v7", "rolled back")
    assert "of payments: 0.3" in first["reason"]
    assert (second["playbook"], second["outcome"]) == ("configuration-rollback", "held")
    # The version is what it was before the first fix, and the configuration what it was before the change.
    payments = played.world["payments"]
    assert (payments["stable_version"], payments["previous_version"]) == ("v8", "v7")
    assert [version["values"]["pool_size"] for version in payments["config"]] == [20, 4, 20]


def test_what_nobody_can_know_is_said_and_people_bring_what_was_missing(played, incidents):
    row = incidents["incident:mails-missing"]
    assert (row["status"], row["service"], row["category"]) == ("closed", "notifications", "permission")
    assert (row["change"], row["team"]) == (None, "engineering")
    ((fix),) = row["fixes"]
    assert (fix["playbook"], fix["outcome"]) == (None, "held")
    order = [line for line in played.stderr.splitlines() if line.startswith("incident:mails-missing")]
    assert [line.split(": ", 1)[1].split()[1] for line in order] == ["claims", "adds", "approves", "renews"]


def test_each_incident_has_a_page_a_link_and_a_post_mortem(played, incidents):
    for name, row in incidents.items():
        page = " ".join(played.pages[name].split())
        assert row["cause"] in page
        assert "What happened to the system" in page
        assert row["link"].endswith(f"troubleshooting%3Adefault%3A{name.removeprefix('incident:')}")
        report = Path(row["post_mortem"]).read_text("utf-8")
        assert "## Cause" in report
        assert report.count("\n- ") > 15
    assert "refuted" in played.pages["incident:payments-failing"]


def test_a_link_opens_the_console_on_cases_that_are_over_beside_the_web_ui(played):
    first, last = re.findall(r"this link: (http://\S+)", played.stderr)
    assert first != last
    closing = played.stderr.partition("Still running")[2]
    assert last in closing
    assert "web UI http://" in closing
    for link in (first, last):
        base = link.partition("/console")[0]
        with httpx.Client(base_url=base, trust_env=False, timeout=60, headers={"Origin": base}) as browser:
            form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]+)"', browser.get(link).text))
            assert browser.post("/console/sign-in", data=form).headers["location"] == "/console/"
            shown = browser.get("/console/cases/TICK-ENT-001")
            assert shown.status_code == 200
            assert "We rolled back the signing key" in shown.text
