"""`surehand triage`: one judgement per ticket, whatever the others are like, with nothing running."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[3] / "starters" / "samples"
FIELDS = {
    "id", "category", "priority", "complexity", "frustration", "risk", "signals", "decision", "team", "reasons",
    "degraded",
}  # fmt: skip


def test_json_is_one_array_with_one_object_per_ticket_and_nothing_else(surehand):
    files = sorted(str(file) for file in SAMPLES.glob("*.json"))
    result = surehand("triage", *files, "--json")
    judged = json.loads(result.stdout)
    assert result.exit_code == 0
    assert len(judged) == len(files) == 11
    assert all(set(judgement) >= FIELDS for judgement in judged)
    assert all(judgement["degraded"] is True for judgement in judged)


@pytest.mark.parametrize(
    "write",
    [json.dumps, lambda tickets: "\n".join(map(json.dumps, tickets)), lambda tickets: json.dumps(tickets[0])],
    ids=["array", "lines", "object"],
)
def test_standard_input_may_hold_an_array_lines_or_one_ticket(surehand, ticket, write):
    result = surehand("triage", "-", "--json", text=write([ticket]))
    assert [judgement["id"] for judgement in json.loads(result.stdout)] == ["TICK-STD-001"]
    assert result.exit_code == 0


def test_a_ticket_that_cannot_be_read_becomes_an_error_and_loses_no_other(surehand, ticket):
    text = json.dumps([{"id": "EMPTY-1", "subject": " "}, ticket, 7])
    result = surehand("triage", "-", "--json", text=text)
    first, second, third = json.loads(result.stdout)
    assert result.exit_code == 1
    assert first["id"] == "EMPTY-1"
    assert first["error"].endswith(".")
    assert set(first) == set(third) == {"id", "error"}
    assert second["decision"] == "no_escalation"


def test_the_table_names_what_cannot_be_read_on_standard_error(surehand, ticket):
    result = surehand("triage", "-", text=json.dumps([{"id": "EMPTY-1"}, ticket]))
    assert result.exit_code == 1
    assert "TICK-STD-001" in result.stdout
    assert "EMPTY-1" not in result.stdout
    assert "Error: EMPTY-1: " in result.stderr


@pytest.mark.parametrize("file", ["nowhere.json", "."])
def test_a_file_that_cannot_be_opened_is_wrong_use_in_one_sentence(surehand, file):
    result = surehand("triage", file)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1


def test_bytes_that_are_no_text_are_refused_in_one_sentence(surehand, tmp_path):
    (tmp_path / "bytes.json").write_bytes(b"\xff\xfe\x00\x01")
    result = surehand("triage", "bytes.json")
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


def test_an_unknown_tenant_is_wrong_use(surehand):
    result = surehand("triage", str(SAMPLES / "refund.json"), "--tenant", "nobody")
    assert result.exit_code == 2
    assert "tenant" in result.stderr


def test_it_loads_neither_temporal_nor_the_store():
    script = (
        "import sys; from starters.triage import Triage; from domain.tickets.intake import read_tickets; "
        f"t = read_tickets(open({str(SAMPLES / 'refund.json')!r}).read())[0].ticket; "
        "Triage.for_tenant(None).judge(t); "
        "sys.exit(bool({'temporalio', 'sqlalchemy', 'openai', 'slack_sdk'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("password-reset", {"category": "account", "decision": "no_escalation", "priority": "medium"}),
        (
            "production-outage",
            {
                "category": "technical",
                "decision": "immediate_escalation",
                "priority": "critical",
                "complexity": "expert_required",
                "team": "engineering",
            },
        ),
        (
            "webhook-payloads",
            {
                "category": "integration",
                "decision": "specialist_escalation",
                "priority": "high",
                "complexity": "complex",
                "team": "technical_support",
            },
        ),
        (
            "third-billing-complaint",
            {"category": "billing", "decision": "management_escalation", "priority": "high", "team": "management"},
        ),
        ("security-report", {"category": "security", "decision": "immediate_escalation", "team": "security_team"}),
        ("feature-request", {"category": "feature_request", "decision": "no_escalation"}),
        ("passwort-vergessen", {"category": "account", "language": "de", "decision": "no_escalation"}),
    ],
)
def test_the_samples_are_judged_as_the_design_says(surehand, file, expected):
    (judged,) = json.loads(surehand("triage", str(SAMPLES / f"{file}.json"), "--json").stdout)
    assert {name: judged[name] for name in expected} == expected


def test_the_outage_and_the_third_complaint_come_from_very_frustrated_customers(surehand):
    files = [str(SAMPLES / f"{name}.json") for name in ("production-outage", "third-billing-complaint")]
    outage, complaint = json.loads(surehand("triage", *files, "--json").stdout)
    assert outage["frustration"] > 90
    assert complaint["frustration"] > 85
    assert {"finance"} <= set(complaint["also_notify"])
    assert complaint["signals"]
