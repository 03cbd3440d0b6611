"""Tools on our own clients, through the tool box and over real HTTP: each effect once per key, and taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from domain.errors import VendorRefused, VendorUnavailable
from domain.expressions import fill
from domain.rules import KeywordTables, Phrases, RulesEngine
from domain.tools.tool import RefusalKind, Safety
from integrations.hubspot import HubSpotRecords
from integrations.mail import SmtpMailer
from integrations.prometheus import PrometheusMetrics
from integrations.slack.channel import SlackChat
from integrations.stripe.billing import StripeBilling
from integrations.stripe.payments import StripePayments
from integrations.tools.addresses import AddressGuard
from integrations.tools.builtin.analysis import AnalysisTools
from integrations.tools.builtin.billing import BillingTools
from integrations.tools.builtin.messages import ChatTools, MailTools
from integrations.tools.builtin.monitoring import HealthTools, MetricTools
from integrations.tools.builtin.payments import PaymentTools
from integrations.tools.builtin.records import CustomerRecordTools
from integrations.tools.builtin.tickets import TicketTools
from integrations.tools.guarded_http import GuardedHttp
from integrations.tools.python import PythonTools
from integrations.tools.toolbox import Tools
from integrations.zendesk import ZendeskTickets
from tests.tool_world import call_of, run, toolbox
from tests.vendor_world import MemoryLedger, Outside, outside

CONFIG = Path(__file__).resolve().parents[3] / "config"
RUN = "playbook:acme:order:ORDER-7"
ORDER = {
    "customer": "cus_1",
    "amount": 80.5,
    "currency": "EUR",
    "payment_method": "pm_card_visa",
    "reference": "ORDER-7",
}
EUROS = {"customer": "cus_1", "amount": 20, "currency": "EUR"}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path / "sandbox") as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> RulesEngine:
    tables = KeywordTables.model_validate(yaml.safe_load((CONFIG / "keywords.yaml").read_text("utf-8")))
    return RulesEngine(tables, Phrases.model_validate(yaml.safe_load((CONFIG / "phrases.yaml").read_text("utf-8"))))


@pytest.fixture
def box(world: Outside, engine: RulesEngine) -> Tools:
    key, ledger = SecretStr("rk_test_sandbox"), MemoryLedger()
    mail = world.state["smtp"]
    zendesk = ZendeskTickets(base_url=world.url("zendesk"), email="a@example.com", token=key, timeout_seconds=3)
    chat = SlackChat(token=SecretStr("xoxb-sandbox"), base_url=world.url("slack"), ledger=ledger, timeout_seconds=3)
    mailer = SmtpMailer(
        host=mail["host"], port=mail["port"], security="none", sender="support@example.com", ledger=ledger
    )
    local = AddressGuard().only(world.url("metrics"), "http://127.0.0.1:9")
    return toolbox(
        PythonTools(
            PaymentTools(StripePayments(base_url=world.url("stripe"), key=key, timeout_seconds=3)),
            BillingTools(StripeBilling(base_url=world.url("stripe"), key=key, timeout_seconds=3)),
            CustomerRecordTools(HubSpotRecords(base_url=world.url("hubspot"), token=key, timeout_seconds=3)),
            TicketTools(zendesk),
            MailTools(mailer),
            ChatTools(chat),
            HealthTools(GuardedHttp(local, timeout_seconds=3)),
            MetricTools(PrometheusMetrics(base_url=world.url("metrics"), timeout_seconds=3)),
            AnalysisTools(engine),
        )
    )


async def use(box: Tools, tool: str, arguments: dict[str, Any], step: str = "step", attempt: int = 1) -> Any:
    result = await run(box, await call_of(box, tool, arguments, key=f"{RUN}/{step}"), attempt=attempt)
    assert result.refusal is None, result.refusal
    return result.output


async def take_back(box: Tools, tool: str, arguments: dict[str, Any], output: Any, step: str = "step") -> Any:
    """As a saga does: the tool's own undo, its arguments filled in from the call that was made."""
    spec = await box.find("default", tool)
    assert spec is not None
    assert spec.undo is not None
    known = {"arguments": arguments, "output": output, "key": f"{RUN}/{step}"}
    return await use(box, spec.undo.tool, fill(spec.undo.arguments, output, known), f"{step}/undo")


async def kinds(world: Outside, vendor: str) -> list[str]:
    return [entry["kind"] for entry in await world.messages(vendor)]


MONEY = [
    ("payments.authorise", ORDER, ["payment_authorised"], ["payment_cancelled"]),
    ("payments.refund_customer", EUROS, ["refund"], ["refund_cancelled"]),
    ("payments.credit_customer", EUROS, ["credit"], ["credit_reversed"]),
]


@pytest.mark.parametrize(("tool", "arguments", "made", "undone"), MONEY)
async def test_money_moves_once_per_key_and_back_once(  # noqa: PLR0917 - the columns of the table
    world: Outside, box: Tools, tool: str, arguments: dict[str, Any], made: list[str], undone: list[str]
) -> None:
    output = await use(box, tool, arguments)
    assert await use(box, tool, arguments, attempt=2) == output
    assert await kinds(world, "stripe") == made
    for _ in range(2):
        await take_back(box, tool, arguments, output)
    assert await kinds(world, "stripe") == made + undone


@pytest.mark.parametrize(("tool", "arguments"), [(tool, arguments) for tool, arguments, _, _ in MONEY])
async def test_undo_of_money_that_never_moved_is_fine(
    world: Outside, box: Tools, tool: str, arguments: dict[str, Any]
) -> None:
    await take_back(box, tool, arguments, None)
    assert await kinds(world, "stripe") == []


async def test_authorised_payment_is_captured_once_and_the_undo_refunds_it_once(world: Outside, box: Tools) -> None:
    held = await use(box, "payments.authorise", ORDER, "hold")
    wanted = {"payment": held["payment"]}
    for attempt in (1, 2):
        taken = await use(box, "payments.capture", wanted, "take", attempt)
        assert (taken["status"], taken["captured"]) == ("captured", 80.5)
    for _ in range(2):
        assert (await take_back(box, "payments.capture", wanted, taken, "take"))["amount"] == 80.5
    # Newest first: the authorisation's undo comes last, and finds nothing left to give up.
    gone = await take_back(box, "payments.authorise", ORDER, held, "hold")
    assert gone["payment"]["status"] == "refunded"
    assert await kinds(world, "stripe") == ["payment_authorised", "payment_captured", "refund"]
    found = await use(box, "payments.find", {"customer": "cus_1", "reference": "ORDER-7"})
    assert found["payment"]["refunded"] == 80.5


async def test_undo_of_a_capture_that_never_happened_moves_nothing(world: Outside, box: Tools) -> None:
    held = await use(box, "payments.authorise", ORDER, "hold")
    back = await take_back(box, "payments.capture", {"payment": held["payment"]}, None, "take")
    assert back["status"] == "nothing_to_refund"
    assert await kinds(world, "stripe") == ["payment_authorised"]


async def test_refund_of_a_payment_is_taken_back_by_cancelling_it(world: Outside, box: Tools) -> None:
    held = await use(box, "payments.authorise", ORDER, "hold")
    await use(box, "payments.capture", {"payment": held["payment"]}, "take")
    wanted = {"payment": held["payment"], "amount": 10}
    output = await use(box, "payments.refund", wanted)
    assert await use(box, "payments.refund", wanted, attempt=2) == output
    await take_back(box, "payments.refund", wanted, output)
    assert (await kinds(world, "stripe"))[2:] == ["refund", "refund_cancelled"]


@pytest.mark.parametrize(
    ("card", "error", "kind"),
    [
        ("pm_card_chargeDeclinedInsufficientFunds", VendorRefused, "permanent"),
        ("pm_card_chargeDeclinedFraudulent", VendorRefused, "fraud"),
        ("pm_card_chargeDeclinedProcessingError", VendorUnavailable, "transient"),
    ],
)
async def test_decline_reaches_the_playbook_with_its_class(
    box: Tools, card: str, error: type[Exception], kind: str
) -> None:
    with pytest.raises(error) as caught:
        await use(box, "payments.authorise", {**ORDER, "payment_method": card})
    assert caught.value.data["class"] == kind  # type: ignore[attr-defined]
    assert caught.value.status == 402  # type: ignore[attr-defined]


async def test_dangerous_money_names_its_ladder_its_amount_and_whose_it_is(box: Tools) -> None:
    for name, ladder in (("payments.refund_customer", "refund"), ("payments.credit_customer", "credit")):
        spec = await box.find("default", name)
        assert spec is not None
        assert (spec.safety, spec.ladder) == (Safety.DANGEROUS, ladder)
        assert (spec.amount, spec.customer) == (".amount", ".customer")


async def test_what_does_not_fit_is_refused_and_nothing_happens(world: Outside, box: Tools) -> None:
    for wrong in ({**ORDER, "amount": -1}, {**ORDER, "amount": "80"}, {**ORDER, "cvc": "123"}):
        refusal = await box.check(await call_of(box, "payments.authorise", wrong))
        assert refusal is not None
        assert refusal.kind is RefusalKind.INVALID_ARGUMENTS
    assert await kinds(world, "stripe") == []


# Tickets, records, words


async def test_ticket_is_escalated_once_and_put_back(world: Outside, box: Tools) -> None:
    wanted = {"ticket": "4711", "priority": "critical", "note": "The shop is down.", "tags": ["outage"]}
    output = await use(box, "tickets.escalate", wanted)
    again = await use(box, "tickets.escalate", wanted, attempt=2)
    assert again == {**output, "repeated": True}
    assert len(await world.messages("zendesk")) == 1
    for _ in range(2):
        await take_back(box, "tickets.escalate", wanted, output)
    assert len(await world.messages("zendesk")) == 2
    assert await take_back(box, "tickets.escalate", wanted, None, "never") == {"reverted": False}


async def test_status_is_set_once_and_goes_back_to_what_it_was(world: Outside, box: Tools) -> None:
    before = (await use(box, "tickets.read_status", {"ticket": "4711"}))["status"]
    wanted = {"ticket": "4711", "status": "solved"}
    output = await use(box, "tickets.set_status", wanted)
    # The second attempt knows what the first one found, though the ticket is solved by now.
    assert await use(box, "tickets.set_status", wanted, attempt=2) == output
    assert output["previous"] == before != "solved"
    await take_back(box, "tickets.set_status", wanted, output)
    assert (await use(box, "tickets.read_status", {"ticket": "4711"}))["status"] == before
    assert len(await world.messages("zendesk")) == 2


async def test_status_that_somebody_changed_since_stays(box: Tools) -> None:
    wanted = {"ticket": "4711", "status": "solved"}
    output = await use(box, "tickets.set_status", wanted)
    await use(box, "tickets.set_status", {"ticket": "4711", "status": "pending"}, "an agent")
    await take_back(box, "tickets.set_status", wanted, output)
    assert (await use(box, "tickets.read_status", {"ticket": "4711"}))["status"] == "pending"


@pytest.mark.parametrize(
    ("vendor", "tool", "arguments"),
    [
        ("zendesk", "tickets.add_note", {"ticket": "4711", "note": "Shipped today."}),
        ("smtp", "mail.send", {"to": ["bo@example.org"], "subject": "Shipped", "text": "It is on its way."}),
        ("slack", "chat.post", {"channel": "#orders", "text": "Order 7 is shipped."}),
        ("hubspot", "crm.update_profile", {"customer": "CUST-1", "properties": {"last_order": "ORDER-7"}}),
    ],
)
async def test_words_and_profiles_arrive_once_for_a_key(
    world: Outside, box: Tools, vendor: str, tool: str, arguments: dict[str, Any]
) -> None:
    for attempt in (1, 2):
        await use(box, tool, arguments, attempt=attempt)
    effects = {str(entry["body"]) for entry in await world.messages(vendor)}
    assert len(effects) == 1, "a profile is written with the same words, and everything else only once"
    assert len(await world.messages(vendor)) == (2 if vendor == "hubspot" else 1)
    await use(box, tool, arguments, "another step")
    assert len(await world.messages(vendor)) == (3 if vendor == "hubspot" else 2)


async def test_customer_that_the_crm_does_not_know_is_a_result(box: Tools) -> None:
    wanted = {"customer": "unknown-1", "properties": {"last_order": "ORDER-7"}}
    assert await use(box, "crm.update_profile", wanted) == {"known": False}


# Looking at systems


async def test_health_is_told_with_time_and_status(world: Outside, box: Tools) -> None:
    ready = f"{world.url('metrics')}/-/ready"
    found = await use(box, "health.check", {"url": ready})
    assert (found["healthy"], found["status"]) == (True, 200)
    assert 0 <= found["milliseconds"] < 3_000
    missing = await use(box, "health.check", {"url": f"{world.url('metrics')}/nothing"})
    assert (missing["healthy"], missing["status"]) == (False, 404)
    await world.fault("metrics", "delay", delay_ms=300)
    slow = await use(box, "health.check", {"url": ready, "within_milliseconds": 100})
    assert (slow["healthy"], slow["status"]) == (False, 200)
    down = await use(box, "health.check", {"url": "http://127.0.0.1:9/"})
    assert (down["healthy"], down["status"]) == (False, None)


async def test_health_of_an_address_that_is_not_listed_is_refused(box: Tools) -> None:
    result = await run(box, await call_of(box, "health.check", {"url": "http://169.254.169.254/latest"}))
    assert result.refusal is not None
    assert result.refusal.kind is RefusalKind.NOT_ALLOWED


async def test_metric_is_read_as_a_number_or_as_series(box: Tools) -> None:
    one = await use(box, "metrics.query", {"query": 'up{service="checkout"}'})
    every = await use(box, "metrics.query", {"query": "service:error_ratio:rate5m"})
    none = await use(box, "metrics.query", {"query": 'up{service="no-such"}'})
    assert (one["value"], one["total"]) == (1.0, 1)
    assert every["value"] is None
    assert every["total"] == len(every["samples"]) > 1
    assert {sample["labels"]["__name__"] for sample in every["samples"]} == {"service:error_ratio:rate5m"}
    assert (none["value"], none["total"], none["samples"]) == (None, 0, [])


async def test_metrics_that_cannot_be_asked_are_told_apart(world: Outside, box: Tools) -> None:
    with pytest.raises(VendorRefused, match="does not understand"):
        await use(box, "metrics.query", {"query": "up{{"})
    await world.fault("metrics", "fail", status=503)
    with pytest.raises(VendorUnavailable):
        await use(box, "metrics.query", {"query": "up"})


# Analyses


async def test_analyses_give_the_same_answer_each_time(box: Tools) -> None:
    asked: dict[str, dict[str, Any]] = {
        "analysis.summarise_document": {"text": "The plan must be ready by 2026-05-01.", "criteria": ["plan"]},
        "analysis.review_content": {"text": "Dear [insert name], results are guaranteed."},
        "analysis.classify_email": {"subject": "Refund", "body": "Please refund 20 EUR of my last invoice."},
        "analysis.validate_market_data": {"records": [{"symbol": "A", "timestamp": "2026-01-01", "price": 1}]},
        "analysis.extract_tasks": {"text": "Action: call Bo by Friday @lena", "written_on": "2026-03-04"},
    }
    answers = {tool: await use(box, tool, arguments) for tool, arguments in asked.items()}
    assert answers == {tool: await use(box, tool, arguments, "again") for tool, arguments in asked.items()}
    assert answers["analysis.summarise_document"]["complete"] is True
    assert answers["analysis.review_content"]["approved"] is False
    assert answers["analysis.classify_email"]["category"] == "billing"
    assert answers["analysis.validate_market_data"]["rejected"][0]["code"] == "bad_timestamp"
    assert answers["analysis.extract_tasks"]["tasks"][0]["due_on"] == "2026-03-06"
