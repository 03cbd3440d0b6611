"""Activities behind the functions that playbooks call besides tools: ask a model, tell somebody, publish an event."""

from __future__ import annotations

import re

from pydantic import Field
from temporalio import activity

from activities.asking import time_left
from domain.errors import InvalidInput, VendorRefused
from domain.llm.authored_answers import answer_type_for
from domain.mail import ChatMessage, OutgoingMail
from domain.model import JsonValue, Value
from domain.playbook.messages import CloudEvent
from domain.policies.case_policy import ModelBudget
from domain.ports.channels import Mailer, Renderer, TeamChat
from domain.ports.configuration import Directory, PolicySource
from domain.ports.models import LanguageModel, ModelUnavailable, Question
from domain.ports.playbooks import EventPublisher
from domain.triage.classification import Origin

_ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]{1,64}@[^\s@<>,;:\"\\()\[\]]{1,253}\Z")
_CHANNEL = re.compile(r"[#@]?[A-Za-z0-9._-]{1,80}\Z")
_NOBODY = "Nobody to tell by that name: write customer:ADDRESS, team:NAME, person:ID or channel:#NAME."


class AskModelInput(Value):
    """A question of a playbook's author."""

    tenant: str
    workflow_id: str
    key: str
    prompt: str = Field(max_length=10_000)
    """The author's words: the instruction. What they fill in from data becomes instruction too, so data belongs in
    `input`."""
    input: JsonValue = None
    """What the prompt is about: data, delimited and never an instruction."""
    answer_schema: dict[str, JsonValue] | None = None
    """JSON schema of the answer; a text when None."""
    budget: ModelBudget
    known_names: tuple[str, ...] = ()
    """Names of people in the input, so that redaction finds them."""


class ModelAnswer(Value):
    """What a model said, or why none did."""

    value: JsonValue = None
    """Fits the author's schema."""
    origin: Origin | None = None
    unavailable: str | None = None
    """One sentence on why no model answered; then there is no value, and the author's fallback counts."""

    @property
    def degraded(self) -> bool:
        """Whether a better provider should have answered."""
        return self.origin is None or self.origin.degraded


class NotifyInput(Value):
    """A message to somebody."""

    tenant: str
    key: str
    to: str
    """`customer:ADDRESS`, `team:NAME`, `person:ID` or `channel:#NAME`."""
    text: str
    subject: str = ""
    channel: str | None = None
    """`email`, `slack` or `both`; the usual one for the reader when None: e-mail for customers and people, chat for
    teams where there is one."""


class NoticeReceipt(Value):
    """What was sent."""

    message_id: str | None = None
    """Of the e-mail."""
    chat_ts: str | None = None
    """Of the chat message."""
    repeated: bool = False
    """An earlier attempt may have sent it too."""


class PublishEventInput(Value):
    """An event to publish."""

    tenant: str
    key: str
    event: CloudEvent


class PublishedEvent(Value):
    """What became of an event."""

    event_id: str
    sinks: int
    """How many systems took it; with 0 it is on record in the run only."""


class _Reader(Value):
    """Where a notice goes."""

    address: str | None = None
    chat: str | None = None
    usual: str = "email"


class PlaybookFunctions:
    """Receives what the functions need. A mailer, chat or publisher that is not configured is None."""

    def __init__(
        self,
        *,
        model: LanguageModel,
        mailer: Mailer | None,
        chat: TeamChat | None,
        renderer: Renderer,
        directory: Directory,
        policies: PolicySource,
        publisher: EventPublisher | None,
    ) -> None:
        """Keep them."""
        self._model = model
        self._mailer = mailer
        self._chat = chat
        self._renderer = renderer
        self._directory = directory
        self._policies = policies
        self._publisher = publisher

    # Models

    @activity.defn
    async def ask_model(self, question: AskModelInput) -> ModelAnswer:
        """Ask the language models, each with one repair turn, for an answer that fits the author's schema.

        Personal data is taken out before and put back after by the chain; secrets stay out. An answer is data: it is no
        approval, and nothing acts on it but what the author wrote.

        Raises:
            InvalidInput: the author's schema cannot be used.
        """
        answer_type = answer_type_for(question.answer_schema)
        if not self._model.configured:
            return ModelAnswer(unavailable="No language model is configured.")
        asked = Question(
            prompt="ask",
            instructions=question.prompt,
            context={"input": question.input},
            tenant=question.tenant,
            workflow_id=question.workflow_id,
            budget=question.budget,
            key=f"{question.key}/attempt-{activity.info().attempt}",
            known_names=question.known_names,
            time_allowed=time_left(),
        )
        try:
            answer = await self._model.ask(asked, answer_type)
        except ModelUnavailable as unavailable:
            return ModelAnswer(unavailable=unavailable.reason)
        return ModelAnswer(value=answer.value.answer, origin=answer.origin)

    # Messages

    @activity.defn
    async def notify(self, notice: NotifyInput) -> NoticeReceipt:
        """Send a plain message, once per key and channel.

        Raises:
            InvalidInput: there is nobody by that name, or they cannot be reached that way.
            VendorError: as mail and chat raise.
        """
        reader = self._reader(notice)
        channel = notice.channel or reader.usual
        if channel not in ("email", "slack", "both"):
            raise InvalidInput("A message goes out by email, slack or both: correct `channel` of the task.")
        receipt = NoticeReceipt()
        if channel in ("email", "both"):
            receipt = await self._mail(notice, reader)
        if channel in ("slack", "both"):
            posted = await self._post(notice, reader)
            repeated = receipt.repeated or posted.repeated
            receipt = posted.model_copy(update={"message_id": receipt.message_id, "repeated": repeated})
        return receipt

    def _reader(self, notice: NotifyInput) -> _Reader:
        kind, _, name = notice.to.strip().partition(":")
        name = name.strip()
        if kind == "customer" and _ADDRESS.match(name):
            return _Reader(address=name)
        if kind == "channel" and _CHANNEL.match(name):
            return _Reader(chat=name, usual="slack")
        if kind == "team":
            team = self._policies.policy_for(notice.tenant).teams.get(name)
            if team is not None:
                usual = "slack" if self._chat is not None else "email"
                return _Reader(address=team.email, chat=team.slack_channel, usual=usual)
        if kind == "person":
            person = self._directory.person(notice.tenant, name)
            if person is not None and person.active:
                return _Reader(address=person.email, chat=person.slack_user_id)
        raise InvalidInput(_NOBODY)

    async def _mail(self, notice: NotifyInput, reader: _Reader) -> NoticeReceipt:
        if reader.address is None:
            raise InvalidInput("A chat channel takes no e-mail: leave `channel` of the task out.")
        if self._mailer is None:
            raise VendorRefused("mail", "not_configured", "No mail server is configured: set SUREHAND_SMTP__HOST.")
        subject, text = self._renderer.mail("mail/notice.txt", subject=notice.subject, text=notice.text)
        sent = await self._mailer.send(
            OutgoingMail(key=f"{notice.key}/mail", to=(reader.address,), subject=subject, text=text)
        )
        return NoticeReceipt(message_id=sent.message_id, repeated=sent.repeated)

    async def _post(self, notice: NotifyInput, reader: _Reader) -> NoticeReceipt:
        if reader.chat is None:
            raise InvalidInput("They have no chat address: send an e-mail instead.")
        if self._chat is None:
            raise VendorRefused("slack", "not_configured", "No chat is configured: set SUREHAND_SLACK__BOT_TOKEN.")
        subject, text = self._renderer.mail("slack/notice.txt", subject=notice.subject, text=notice.text)
        posted = await self._chat.post(
            ChatMessage(
                key=f"{notice.key}/chat",
                channel=reader.chat,
                text=f"{subject}\n{text}".strip(),
                blocks=self._renderer.blocks(
                    "slack/notice.json.j2",
                    subject=notice.subject,
                    text=notice.text,
                    workflow_id=activity.info().workflow_id or "",
                ),
            )
        )
        return NoticeReceipt(chat_ts=posted.ts, repeated=posted.repeated)

    # Events

    @activity.defn
    async def publish_event(self, publication: PublishEventInput) -> PublishedEvent:
        """Send an event to every configured sink; with none it stands in the run's record only.

        Raises:
            VendorError: a sink did not take it.
        """
        sinks = 0
        if self._publisher is not None:
            sinks = await self._publisher.publish(publication.event, tenant=publication.tenant, key=publication.key)
        return PublishedEvent(event_id=publication.event.id, sinks=sinks)
