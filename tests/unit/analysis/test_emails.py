"""Incoming e-mails: machines are not answered, people are, and who threatens gets a person."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from domain.analysis.emails import EmailKind, classify
from domain.rules import KeywordTables, Phrases, RulesEngine
from domain.triage.classification import Category

CONFIG = Path(__file__).resolve().parents[3] / "config"


@pytest.fixture(scope="module")
def engine() -> RulesEngine:
    tables = KeywordTables.model_validate(yaml.safe_load((CONFIG / "keywords.yaml").read_text("utf-8")))
    return RulesEngine(tables, Phrases.model_validate(yaml.safe_load((CONFIG / "phrases.yaml").read_text("utf-8"))))


def test_question_about_a_charge_gets_an_answer(engine: RulesEngine) -> None:
    found = classify(
        engine,
        "Re: AW: Question about billing charges",
        "I noticed an unexpected charge of 49.90 EUR on my bill this month, invoice 2026-0815.\n"
        "Can you help me understand what this is for? I need the answer by Friday.\n\n-- \nMia Stone\nStone Ltd",
        sender="mia@stone.example",
    )
    assert found.subject == "Question about billing charges"
    assert (found.kind, found.category, found.requires_response) == (EmailKind.PERSONAL, Category.BILLING, True)
    assert found.questions == ("Can you help me understand what this is for?",)
    assert found.deadlines == ("by Friday",)
    assert found.entities["amount"] == ("49.90 EUR",)
    assert found.respond_within_minutes in (120, 480, 1440)


@pytest.mark.parametrize(
    ("subject", "body", "sender", "headers", "kind"),
    [
        ("Automatic reply: Invoice", "I am out of the office until Monday.", "bo@example.org", {}, "automatic_reply"),
        ("Re: Invoice", "I am out of office.", "bo@example.org", {"Auto-Submitted": "auto-replied"}, "automatic_reply"),
        ("Undelivered Mail Returned to Sender", "550 no such user", "MAILER-DAEMON@mx.example.org", {}, "bounce"),
        ("Offers of the week", "Please buy?", "news@shop.example", {"List-Unsubscribe": "<https://x.example>"}, "bulk"),
        ("Build failed", "Could you look?", "noreply@ci.example", {}, "notification"),
        ("Backup done", "ok", "root@db.example", {"auto-submitted": "auto-generated"}, "notification"),
    ],
)
def test_machine_is_never_answered(  # noqa: PLR0917 - the columns of the table
    engine: RulesEngine, subject: str, body: str, sender: str, headers: dict[str, str], kind: str
) -> None:
    found = classify(engine, subject, body, sender=sender, headers=headers)
    assert (found.kind.value, found.requires_response, found.template) == (kind, False, "none")
    assert found.respond_within_minutes is None


def test_person_who_writes_about_an_out_of_office_note_is_answered(engine: RulesEngine) -> None:
    body = "How do I set an out of office note in your app? I cannot find the page."
    assert classify(engine, "Out-of-hours note", body, sender="bo@example.org").requires_response


def test_threat_goes_to_people(engine: RulesEngine) -> None:
    body = "Nothing works for the third time. My lawyer will take legal action against you if it is not fixed."
    found = classify(engine, "Last warning", body)
    assert found.template == "hand_to_people"
    assert "legal_threats" in found.signals


def test_short_thanks_needs_no_answer(engine: RulesEngine) -> None:
    assert not classify(engine, "Re: Your question", "Thank you so much, that worked great!").requires_response


def test_quoted_mail_does_not_count(engine: RulesEngine) -> None:
    body = "Thanks, perfect!\n\nOn Mon, 2 Mar 2026, support wrote:\n> Could you send us the log?\n> When did it start?"
    found = classify(engine, "Re: Log", body)
    assert found.questions == ()
    assert not found.requires_response
