"""Tickets and messages by somebody who had not seen the tables, and the misses that such readers found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.policies.case_policy import CasePolicy
from domain.rules import RulesEngine
from domain.tickets.intake import read_ticket
from domain.tickets.ticket import Priority
from domain.triage.conversation import MessageAssessment, MessageIntent
from domain.triage.decision import Decision

DATA = Path(__file__).resolve().parents[2] / "data"
TICKETS = [json.loads(row) for row in (DATA / "tickets_second_reader.jsonl").read_text(encoding="utf-8").splitlines()]
MESSAGES = [json.loads(row) for row in (DATA / "messages_second_reader.jsonl").read_text(encoding="utf-8").splitlines()]


def decided(engine: RulesEngine, policy: CasePolicy, raw: dict[str, Any]) -> tuple[dict[str, str], int, Decision]:
    ticket = read_ticket(raw)
    found, felt = engine.classify(ticket), engine.analyse(ticket)
    decision = engine.decide(ticket, found, felt, engine.risk(ticket, found, felt, policy.risk), policy)
    kind = decision.kind.value.removesuffix("_escalation") if decision.escalates else "none"
    answers = {"category": found.category.value, "priority": found.priority.value, "decision": kind}
    return answers, felt.frustration, decision


def judged(
    engine: RulesEngine, policy: CasePolicy, text: str, priority: Priority = Priority.MEDIUM
) -> MessageAssessment:
    return engine.assess_message(text, history=[], previous_frustration=20, priority=priority, policy=policy)


def text_ticket(text: str, **more: object) -> dict[str, Any]:
    return {"id": "t", "description": text, "customerEmail": "c@example.com", "customerTier": "paid", **more}


def test_a_strangers_tickets_are_judged_as_a_support_lead_would(engine: RulesEngine, policy: CasePolicy) -> None:
    right = dict.fromkeys(("category", "priority", "decision", "frustration", "all"), 0)
    for row in TICKETS:
        answers, frustration, _ = decided(engine, policy, row["ticket"])
        expected = row["expect"]
        met = {name: answer in expected[name] for name, answer in answers.items()}
        low, high = expected["frustration"]
        met["frustration"] = low <= frustration <= high
        met["all"] = all(met.values())
        for name, ok in met.items():
            right[name] += ok
    share = {name: count / len(TICKETS) for name, count in right.items()}
    assert len(TICKETS) >= 86
    assert min(share[name] for name in ("category", "priority", "decision", "frustration")) >= 0.96, share
    assert share["all"] >= 0.93, share


def test_a_strangers_messages_do_what_a_support_lead_would_expect(engine: RulesEngine, policy: CasePolicy) -> None:
    wrong = []
    for row in MESSAGES:
        said = engine.assess_message(
            row["text"],
            history=row["history"],
            previous_frustration=row["before"],
            priority=Priority(row["priority"]),
            policy=policy,
        )
        expected = row["expect"]
        met = (
            said.intent.value.removesuffix("_request") in expected["intent"],
            said.escalates == expected["escalates"],
            expected["resolves"] in (None, said.resolves),
            said.priority.value in expected["priority"],
        )
        if not all(met):
            wrong.append((row["text"], met))
    assert len(MESSAGES) >= 25
    assert not wrong


@pytest.mark.parametrize(
    "text",
    [
        "We found that anyone can read other users' invoices by changing the id in the URL.",
        "If I increment the order number in the address I get to see orders of other companies.",
        "Your PDF for me contains somebody else's bank details.",
        "One of our interns posted the secret key in a public forum.",
        "Ich sehe in meinem Konto die Rechnungen anderer Kunden.",
        "Je vois les factures d'un autre client dans mon espace.",
        "Puedo ver los pedidos de otros clientes.",
    ],
)
def test_exposed_data_in_plain_words_is_a_security_matter_at_once(
    engine: RulesEngine, policy: CasePolicy, text: str
) -> None:
    answers, _, decision = decided(engine, policy, text_ticket(text))
    assert (answers["category"], answers["decision"]) == ("security", "immediate")
    assert decision.team == "security_team"


@pytest.mark.parametrize(
    "text",
    [
        "How can our accountants see other users' invoices in the workspace?",
        "We would like our managers to view other users' reports. Is there a setting?",
    ],
)
def test_a_wish_to_share_is_no_leak(engine: RulesEngine, policy: CasePolicy, text: str) -> None:
    answers, _, decision = decided(engine, policy, text_ticket(text))
    assert answers["category"] != "security"
    assert not decision.escalates


def test_a_customer_who_leaves_after_long_waiting_gets_people(engine: RulesEngine, policy: CasePolicy) -> None:
    text = "Cancel my subscription. I'm moving to your competitor, this is the last straw after four weeks of waiting."
    answers, frustration, decision = decided(engine, policy, text_ticket(text, previousTicketCount=9))
    assert frustration > 45
    assert answers["priority"] == "high"
    assert (decision.kind.value, decision.team) == ("management_escalation", "management")
    assert "customer_success" in decision.also_notify


def test_a_friendly_cancellation_is_answered_at_this_level(engine: RulesEngine, policy: CasePolicy) -> None:
    text = "Please cancel our plan from January, we are closing the shop. Thank you for everything!"
    _, frustration, decision = decided(engine, policy, text_ticket(text))
    assert frustration < 30
    assert decision.kind.value in ("no_escalation", "specialist_escalation")


@pytest.mark.parametrize(
    "text",
    [
        "Ihre API liefert seit heute morgen nur noch 401. Wir können nicht arbeiten!",
        "Depuis ce matin votre API ne répond plus que 500. Nous ne pouvons plus travailler !",
        "Su API solo devuelve 401 desde esta mañana. ¡No podemos trabajar!",
        "Your API returns nothing but 401 since this morning. We cannot work!",
        "Plus personne ne peut se connecter, toute la production est à l'arrêt.",
        "Niemand kann sich mehr anmelden, der ganze Betrieb steht still.",
        "Nadie puede entrar en el sistema y no podemos atender a nuestros clientes.",
    ],
)
def test_stopped_work_goes_to_engineers_at_once_in_any_language(
    engine: RulesEngine, policy: CasePolicy, text: str
) -> None:
    answers, _, decision = decided(engine, policy, text_ticket(text, customerTier="enterprise"))
    assert answers["priority"] == "critical"
    assert (decision.kind.value, decision.team) == ("immediate_escalation", "engineering")


@pytest.mark.parametrize(
    "text",
    [
        "danke, alles klar",
        "alles gut, danke!",
        "merci c'est bon",
        "gracias, ya funciona",
        "passt, danke",
        "tout est bon, merci",
        "todo bien, gracias",
    ],
)
def test_short_thanks_in_other_languages_resolve(engine: RulesEngine, policy: CasePolicy, text: str) -> None:
    said = judged(engine, policy, text)
    assert (said.intent, said.resolves) == (MessageIntent.THANKS, True)


@pytest.mark.parametrize(
    "text",
    [
        "URGENT our shop cannot take orders, we lose money",
        "URGENT: we cannot ship anything",
        "DRINGEND unser Shop nimmt keine Bestellungen an",
        "URGENT nous ne pouvons plus vendre",
        "URGENTE no podemos cobrar a nuestros clientes",
    ],
)
def test_urgent_with_what_it_stops_raises_the_priority_and_escalates(
    engine: RulesEngine, policy: CasePolicy, text: str
) -> None:
    said = judged(engine, policy, text, Priority.HIGH)
    assert said.escalates
    assert said.priority.rank <= Priority.URGENT.rank


@pytest.mark.parametrize("text", ["URGENT", "urgent please", "Dringend!", "C'est urgent", "urgente"])
def test_urgent_alone_raises_the_priority_and_no_more(engine: RulesEngine, policy: CasePolicy, text: str) -> None:
    said = judged(engine, policy, text)
    assert said.priority is Priority.HIGH
    assert not said.escalates


def test_not_urgent_is_not_urgent(engine: RulesEngine, policy: CasePolicy) -> None:
    said = judged(engine, policy, "It is not urgent, but the list shows a wrong date.")
    assert (said.priority, said.escalates) == (Priority.MEDIUM, False)
