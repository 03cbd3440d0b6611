"""Activities that tell people something: one e-mail or one chat message each."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from domain.errors import VendorRefused
from domain.ids import effect_key
from domain.mail import Attachment, ChatMessage, ChatReceipt, MailReceipt, OutgoingMail
from domain.model import JsonValue, Value
from domain.policies.case_policy import Terms
from domain.ports.cases import CaseStore
from domain.ports.channels import Mailer, Renderer, TeamChat
from domain.ports.configuration import Directory


class MailInput(Value):
    """One e-mail, as a template and what fills it."""

    tenant: str
    step: str
    """With the workflow id it makes the Message-ID, so a repeat is the same message."""
    template: str
    context: dict[str, JsonValue]
    to: tuple[str, ...] = ()
    """Addresses."""
    to_people: tuple[str, ...] = ()
    """Person ids; their addresses are looked up here, so that they are not in the history."""
    cc: tuple[str, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    full_text_ref: str | None = None
    """A long ticket text in the store to attach."""
    in_reply_to: str | None = None
    terms: Terms = Terms()
    """The tenant's words, from the policy that the case began with."""


class ChatInput(Value):
    """One chat message, as a template and what fills it."""

    tenant: str
    step: str
    channel: str
    template: str
    context: dict[str, JsonValue] = Field(default_factory=dict)
    thread: str | None = None
    replaces: ChatReceipt | None = None
    """The message this one replaces in place."""
    terms: Terms = Terms()


class NoticeActivities:
    """Receives the mailer, the chat, the templates, the directory and the store. What is not configured is None."""

    def __init__(
        self,
        mailer: Mailer | None,
        chat: TeamChat | None,
        renderer: Renderer,
        directory: Directory,
        store: CaseStore,
    ) -> None:
        """Keep what telling people needs."""
        self._mailer = mailer
        self._chat = chat
        self._renderer = renderer
        self._directory = directory
        self._store = store

    @activity.defn
    async def mail_customer(self, mail: MailInput) -> MailReceipt:
        """Send an e-mail to the customer."""
        return await self._send(mail)

    @activity.defn
    async def mail_team(self, mail: MailInput) -> MailReceipt:
        """Send an e-mail to a team or to people on our side."""
        return await self._send(mail)

    @activity.defn
    async def post_chat(self, message: ChatInput) -> ChatReceipt:
        """Post to a chat channel, or replace an earlier message in place."""
        if self._chat is None:
            raise VendorRefused("slack", "not_configured", "No chat is configured: set SUREHAND_SLACK__TOKEN.")
        terms = message.terms.model_dump()
        subject, text = self._renderer.mail(f"slack/{message.template}.txt", terms=terms, **message.context)
        chat_message = ChatMessage(
            key=effect_key(activity.info().workflow_id or "", message.step),
            channel=message.channel,
            text=f"{subject}\n{text}".strip(),
            blocks=self._renderer.blocks(f"slack/{message.template}.json.j2", terms=terms, **message.context),
            thread=message.thread,
        )
        if message.replaces is not None:
            return await self._chat.update(message.replaces, chat_message)
        return await self._chat.post(chat_message)

    @activity.defn
    async def delete_chat(self, receipt: ChatReceipt) -> None:
        """Delete a chat message; gone already is fine."""
        if self._chat is not None:
            await self._chat.delete(receipt)

    async def _send(self, mail: MailInput) -> MailReceipt:
        if self._mailer is None:
            raise VendorRefused("mail", "not_configured", "No mail server is configured: set SUREHAND_SMTP__HOST.")
        subject, text = self._renderer.mail(mail.template, terms=mail.terms.model_dump(), **mail.context)
        return await self._mailer.send(
            OutgoingMail(
                key=effect_key(activity.info().workflow_id or "", mail.step),
                to=self._addresses(mail),
                cc=mail.cc,
                subject=subject,
                text=text,
                attachments=await self._attachments(mail),
                in_reply_to=mail.in_reply_to,
            )
        )

    def _addresses(self, mail: MailInput) -> tuple[str, ...]:
        people = (self._directory.person(mail.tenant, name) for name in mail.to_people)
        addresses = (*mail.to, *(person.email for person in people if person is not None and person.active))
        if not addresses:
            raise VendorRefused("mail", "nobody", "Nobody to send to: check the people directory.")
        return tuple(dict.fromkeys(addresses))

    async def _attachments(self, mail: MailInput) -> tuple[Attachment, ...]:
        if mail.full_text_ref is None:
            return mail.attachments
        text = await self._store.load_text(mail.full_text_ref, mail.tenant)
        if text is None:
            return mail.attachments
        return (*mail.attachments, Attachment(name="ticket-text.txt", media_type="text/plain", content=text))
