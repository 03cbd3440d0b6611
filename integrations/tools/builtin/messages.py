"""Words to people: e-mail and chat. What was sent cannot be taken back, so nothing undoes these."""

from __future__ import annotations

from pydantic import Field

from domain.mail import ChatMessage, ChatReceipt, MailReceipt, OutgoingMail
from domain.model import JsonValue, Value
from domain.ports.channels import Mailer, TeamChat
from domain.tools.tool import Safety, ToolCategory
from integrations.tools.provider import CallContext
from integrations.tools.python import tool


class Mail(Value):
    """An e-mail in plain text."""

    to: tuple[str, ...] = Field(min_length=1, max_length=50)
    cc: tuple[str, ...] = Field((), max_length=50)
    subject: str = Field(min_length=1, max_length=300)
    text: str = Field(min_length=1, max_length=200_000)
    in_reply_to: str | None = Field(None, description="Message-ID that it answers")


class Post(Value):
    """A message to a channel."""

    channel: str = Field(min_length=1, max_length=100, description="#name or id")
    text: str = Field(min_length=1, max_length=40_000)
    blocks: tuple[dict[str, JsonValue], ...] = Field((), max_length=50, description="Block Kit; the text stands in")
    thread: str | None = Field(None, description="ts of the message that it answers")


class MailTools:
    """Tools on the port `Mailer`."""

    def __init__(self, mailer: Mailer) -> None:
        """Send through one mail server."""
        self._mailer = mailer

    @tool(
        name="mail.send",
        title="Send an e-mail",
        vendor="smtp",
        category=ToolCategory.COMMUNICATION,
        capabilities=("message.send", "email.send"),
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def send(self, arguments: Mail, context: CallContext) -> MailReceipt:
        """Send a mail to everybody who does not have it yet."""
        return await self._mailer.send(OutgoingMail(key=context.key, **arguments.model_dump()))


class ChatTools:
    """Tools on the port `TeamChat`."""

    def __init__(self, chat: TeamChat) -> None:
        """Post to one workspace."""
        self._chat = chat

    @tool(
        name="chat.post",
        title="Post to a channel",
        vendor="slack",
        category=ToolCategory.COMMUNICATION,
        capabilities=("message.send", "chat.post"),
        safety=Safety.CONFIRM,
        idempotent=True,
    )
    async def post(self, arguments: Post, context: CallContext) -> ChatReceipt:
        """Post a message, once."""
        return await self._chat.post(ChatMessage(key=context.key, **arguments.model_dump()))
