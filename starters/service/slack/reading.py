"""What Slack sends when somebody presses or answers: read into what is to be done. What we do not know is left alone.

Source: docs.slack.dev, "block_actions payload", "view_submission payload", "url_verification event".
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.cases.deliveries import Delivery
from domain.ids import kind_of, tenant_in
from domain.model import JsonValue
from integrations.slack.answers import LONGEST_REASON, REASON_BLOCK, REJECT_DIALOG
from runtime.settings.environment import SlackSettings
from starters.service.http.bodies import check_text, parse
from starters.service.http.errors import Problem, invalid

SOURCE = "slack"
APPROVE, REJECT, CLAIM, TAKE_OVER = "approve_request", "reject_request", "claim_case", "take_over_case"
_MOST_ACTIONS = 5
ModelT = TypeVar("ModelT", bound=BaseModel)


class _Part(BaseModel):
    """A part of what Slack sends; it may send more than we read."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class _Named(_Part):
    id: str = Field(min_length=1, max_length=100)


class _Action(_Part):
    action_id: str = Field("", max_length=300)
    block_id: str = Field("", max_length=300)
    action_ts: str = Field("", max_length=50)
    value: str = Field("", max_length=2_000)


class _Element(_Part):
    value: str | None = Field(None, max_length=10_000)


class _State(_Part):
    values: dict[str, dict[str, _Element]] = {}


class _View(_Part):
    id: str = Field(min_length=1, max_length=100)
    callback_id: str = Field("", max_length=300)
    private_metadata: str = Field("", max_length=3_000)
    state: _State = _State()


class _Container(_Part):
    channel_id: str = Field("", max_length=100)
    message_ts: str = Field("", max_length=50)


class Interaction(_Part):
    """A click or an answered dialog."""

    type: str = Field(max_length=50)
    user: _Named
    team: _Named | None = None
    api_app_id: str = Field("", max_length=100)
    trigger_id: str = Field("", max_length=300)
    channel: _Named | None = None
    container: _Container = _Container()
    actions: list[_Action] = Field(default_factory=list, max_length=25)
    view: _View | None = None


class Event(_Part):
    """What Slack's Events API sends."""

    type: str = Field(max_length=50)
    challenge: str = Field("", max_length=1_000)
    team_id: str = Field("", max_length=100)
    api_app_id: str = Field("", max_length=100)
    event_id: str = Field("", max_length=100)
    event: dict[str, JsonValue] = {}


class Request(_Part):
    """The value of an approval's buttons, as `templates/slack/_approval.json.j2` writes it."""

    workflow: str = Field(min_length=1, max_length=300)
    request: str = Field(min_length=1, max_length=500)
    digest: str = Field(pattern=r"^[0-9a-f]{64}$")
    channel: str = Field("", max_length=100)


def interaction_in(raw: bytes) -> Interaction:
    """The interaction in a form's field `payload`.

    Raises:
        Problem: 422.
    """
    try:
        fields = parse_qsl(raw.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=10)
    except ValueError:
        raise invalid("The body is no form in UTF-8: send one field, payload.") from None
    payloads = [value for name, value in fields if name == "payload"]
    if len(payloads) != 1:
        raise invalid("The form has no field payload, or more than one: send one.")
    return read(Interaction, payloads[0].encode("utf-8", "surrogatepass"))


def read(model: type[ModelT], raw: bytes) -> ModelT:
    """JSON as a model.

    Raises:
        Problem: 422.
    """
    try:
        return model.model_validate(parse(raw))
    except ValidationError:
        raise invalid("The payload is none that Slack sends: check what sends it.") from None


def check_workspace(slack: SlackSettings, team: str, app: str) -> None:
    """Refuse what another workspace or another app sent: a signature says who signed, not for whom.

    Raises:
        Problem: 403.
    """
    if (slack.team_id is not None and team != slack.team_id) or (slack.app_id is not None and app != slack.app_id):
        raise Problem(403, "FORBIDDEN", "This came from another Slack workspace or app than the configured one.")


def clicks_in(given: Interaction, *, tenants: tuple[str, ...], now: datetime, correlation_id: str) -> list[Delivery]:
    """What is to be done because of a click.

    Args:
        given: of the type `block_actions`.
        tenants: that are configured; a button of any other is left alone.
        now: when it came.
        correlation_id: of the request.
    """
    channel = given.channel.id if given.channel is not None else given.container.channel_id
    found = []
    for action in given.actions[:_MOST_ACTIONS]:
        about: dict[str, JsonValue] = {"user": given.user.id, "channel": channel}
        if action.action_id in (CLAIM, TAKE_OVER):
            workflow, kind = action.value, "slack_claim"
            about |= {"take_over": action.action_id == TAKE_OVER}
        elif action.action_id in (APPROVE, REJECT):
            asked = _request_in(action.value)
            if asked is None:
                continue
            workflow, kind = asked.workflow, "slack_decide" if action.action_id == APPROVE else "slack_ask_reason"
            about |= {"request": asked.request, "digest": asked.digest}
            about |= {"approve": True, "reason": ""} if action.action_id == APPROVE else {"trigger": given.trigger_id}
        else:
            continue
        tenant = _tenant_of(workflow, tenants)
        if tenant is not None:
            name = _made_of(given.user.id, given.trigger_id, action.action_id, action.block_id, action.action_ts,
                            channel, given.container.message_ts, action.value)  # fmt: skip
            found.append(
                _delivery(tenant, name, kind, {**about, "workflow": workflow}, now=now, correlation_id=correlation_id)
            )
    return found


def reason_in(given: Interaction) -> str | None:
    """The reason in an answered dialog; None when it says nothing, or too much."""
    assert given.view is not None  # noqa: S101 - asked of submissions only
    reason = (given.view.state.values.get(REASON_BLOCK, {}).get(REASON_BLOCK, _Element()).value or "").strip()
    return reason if 0 < len(reason) <= LONGEST_REASON else None


def answer_in(
    given: Interaction, reason: str, *, tenants: tuple[str, ...], now: datetime, correlation_id: str
) -> Delivery | None:
    """What is to be done because of an answered dialog; None when it is none of ours."""
    view = given.view
    asked = _request_in(view.private_metadata) if view is not None and view.callback_id == REJECT_DIALOG else None
    tenant = _tenant_of(asked.workflow, tenants) if asked is not None else None
    if view is None or asked is None or tenant is None:
        return None
    body: dict[str, JsonValue] = {
        "user": given.user.id, "channel": asked.channel, "workflow": asked.workflow, "request": asked.request,
        "digest": asked.digest, "approve": False, "reason": reason,
    }  # fmt: skip
    # A dialog is answered once, whatever else of the request differs.
    return _delivery(tenant, _made_of("view", view.id), "slack_decide", body, now=now, correlation_id=correlation_id)


def _request_in(text: str) -> Request | None:
    try:
        check_text(text)
        return Request.model_validate(parse(text.encode("utf-8", "surrogatepass")))
    except (Problem, ValidationError):
        return None


def _tenant_of(workflow: str, tenants: tuple[str, ...]) -> str | None:
    tenant = tenant_in(workflow)
    return tenant if tenant in tenants and len(workflow) <= 300 and kind_of(workflow) else None


def _delivery(
    tenant: str, name: str, kind: str, body: dict[str, JsonValue], *, now: datetime, correlation_id: str
) -> Delivery:
    return Delivery(
        tenant=tenant, source=SOURCE, delivery_id=name, kind=kind, body=body, correlation_id=correlation_id,
        received_at=now,
    )  # fmt: skip


def _made_of(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:40]
