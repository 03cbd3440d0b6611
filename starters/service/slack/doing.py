"""What is done because of a click in Slack. Who pressed is told by the immutable user id, and by nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from domain.cases.approval import ApprovalDecision
from domain.cases.deliveries import Delivery
from domain.cases.messages import ClaimInput
from domain.errors import InvalidInput, Refused, UnknownCase, VendorError
from domain.identity.people import Person
from integrations.slack.answers import SlackAnswers
from starters.service.inbox.delivering import Done, Handler, Later, may_pass, temporal_answers
from starters.service.services import Services

NOBODY = "Surehand does not know you: ask whoever runs it to add your Slack user id to the people directory."
NO_CASE = "There is no such case any more: nothing was changed."
WAITS = "Taken down. The case cannot be reached now; your word is brought to it as soon as it can."
NO_DIALOG = "The dialog could not be opened in time: press Reject again."
_MOST_WHISPERS = 5
_WHISPERED_FOR = timedelta(minutes=15)
"""Later than this nobody remembers what a sentence is about."""
_DIALOG_SECONDS = 3.0
"""Slack takes a click's trigger for so long (views.open)."""


async def claim(services: Services, delivery: Delivery) -> Done:
    """Give the case to who pressed."""
    person = _person(services, delivery)
    if person is None:
        return _told(delivery, "unknown", NOBODY)
    # Of two who press Claim at once, the second is told who was first.
    word = ClaimInput(person_id=person.person_id, take_over=delivery.body.get("take_over") is True)
    try:
        await temporal_answers(services)
        await services.cases.claim(delivery.tenant, _text(delivery, "workflow"), word, update_id=_update_id(delivery))
    except (Refused, UnknownCase, InvalidInput) as refused:
        return _refused(delivery, refused)
    except Exception as error:
        raise _waiting(delivery, error) from None
    return Done("claimed")


async def decide(services: Services, delivery: Delivery) -> Done:
    """Bring the word of who pressed to the case, which says whether it counts."""
    person = _person(services, delivery)
    if person is None:
        return _told(delivery, "unknown", NOBODY)
    decision = ApprovalDecision(
        request_id=_text(delivery, "request"),
        person_id=person.person_id,
        approve=delivery.body.get("approve") is True,
        digest=_text(delivery, "digest"),
        reason=_text(delivery, "reason"),
    )
    case, update_id = _text(delivery, "workflow"), _update_id(delivery)
    try:
        await temporal_answers(services)
        await services.cases.decide(delivery.tenant, case, decision, update_id=update_id)
    except (Refused, UnknownCase, InvalidInput) as refused:
        return _refused(delivery, refused)
    except Exception as error:
        raise _waiting(delivery, error) from None
    return Done("decided")


async def ask_reason(services: Services, delivery: Delivery) -> Done:
    """Open the dialog for the reason. Nothing is decided by it, so it is never tried twice."""
    if _person(services, delivery) is None:
        return _told(delivery, "unknown", NOBODY)
    about = {name: delivery.body[name] for name in ("workflow", "request", "digest", "channel")}
    slack = answers_of(services)
    waited = (datetime.now(UTC) - delivery.received_at).total_seconds()
    if slack is None or waited > _DIALOG_SECONDS:
        return _told(delivery, "too late", NO_DIALOG)
    try:
        await slack.ask_reason(_text(delivery, "trigger"), about)
    except VendorError as error:
        return _told(delivery, f"not opened ({error.code})", NO_DIALOG)
    return Done("opened")


async def whisper(services: Services, delivery: Delivery) -> Done:
    """Tell who pressed what came of it; when Slack does not take it in time, it is left."""
    slack = answers_of(services)
    if slack is None:
        return Done("no chat")
    try:
        await slack.whisper(_text(delivery, "channel"), _text(delivery, "user"), _text(delivery, "text"))
    except VendorError as error:
        is_late = datetime.now(UTC) - delivery.received_at > _WHISPERED_FOR
        if may_pass(error) and delivery.attempts < _MOST_WHISPERS and not is_late:
            raise Later from None
        return Done(f"not told ({error.code})")
    return Done("told")


TO_CASES: Mapping[str, Handler] = {"slack_claim": claim, "slack_decide": decide}
"""What needs Temporal."""
TO_PEOPLE: Mapping[str, Handler] = {
    "slack_ask_reason": ask_reason,
    "slack_say": whisper,
    "slack_waits": whisper,
}


def answers_of(services: Services) -> SlackAnswers | None:
    """The way back to who pressed; None where no Slack is configured."""
    slack = services.settings.slack
    if slack is None:
        return None
    return SlackAnswers(token=slack.bot_token, base_url=slack.base_url, timeout_seconds=slack.timeout_seconds)


def _person(services: Services, delivery: Delivery) -> Person | None:
    """Who pressed, as the tenant's directory has it now. A name, an address or an alias makes nobody known."""
    user = _text(delivery, "user")
    everybody = services.configuration.people.everybody(delivery.tenant)
    return next((person for person in everybody if person.slack_user_id == user and person.active), None)


def _refused(delivery: Delivery, why: Refused | UnknownCase | InvalidInput) -> Done:
    if may_pass(why):
        raise _waiting(delivery, why)
    sentence = str(why) if isinstance(why, Refused) else NO_CASE
    return _told(delivery, "refused", sentence)


def _waiting(delivery: Delivery, error: Exception) -> Exception:
    """Try again where that may help; who pressed is told the first time."""
    if not may_pass(error):
        return error
    return Later((_saying(delivery, "slack_waits", WAITS),) if delivery.attempts == 0 else ())


def _told(delivery: Delivery, outcome: str, text: str) -> Done:
    return Done(outcome, (_saying(delivery, "slack_say", text),))


def _saying(delivery: Delivery, kind: str, text: str) -> Delivery:
    about = {"channel": delivery.body.get("channel"), "user": delivery.body.get("user"), "text": text}
    return delivery.follow(kind, about, datetime.now(UTC))


def _update_id(delivery: Delivery) -> str:
    return f"{delivery.source}-{delivery.delivery_id}"


def _text(delivery: Delivery, name: str) -> str:
    return str(delivery.body.get(name) or "")
