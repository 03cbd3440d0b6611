"""An SMTP server that keeps what it takes, and can refuse, hang, or break off after the final dot."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandbox.faults import HANG_SECONDS, Fault, Faults
from sandbox.mail_tokens import MailTokens
from sandbox.world import Entry, World, case_in

SIZE_LIMIT = 33_554_432
_SHOWN = 200_000


class SmtpSimulator:
    """The handler behind every connection."""

    def __init__(self, world: World, faults: Faults, tokens: MailTokens | None = None) -> None:
        self._world = world
        self._faults = faults
        self._tokens = tokens or MailTokens()

    def protocol(self) -> Callable[[], asyncio.Protocol]:
        """What serves one connection. A login is taken, not asked for; the password `wrong` is refused."""

        def connection() -> asyncio.Protocol:
            server: asyncio.Protocol = _Connection(
                self,
                hostname="sandbox.localhost",
                ident="Surehand sandbox",
                enable_SMTPUTF8=True,
                data_size_limit=SIZE_LIMIT,
                authenticator=_authenticate,
                auth_require_tls=False,
                loop=asyncio.get_running_loop(),
            )
            return server

        return connection

    async def fault_reply(self, server: SMTP, stage: str, target: str = "") -> str | None:
        """The reply that a fault wants at a stage, None to go on."""
        fault = self._faults.meet("smtp", target, stage)
        if fault is None or (stage == "DATA" and fault.kind in ("drop", "duplicate")):
            return None
        return await _act(fault, server)

    # aiosmtpd calls these.

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        """A login by access token; it is said with the command."""
        try:
            right = len(args) == 2 and self._tokens.lets_in("XOAUTH2", b64decode(args[1], validate=True))
        except ValueError:
            right = False
        return AuthResult(success=right, handled=right, message=None if right else "535 5.7.3 Not let in")

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, mail_options: list[str]
    ) -> str:
        """The sender."""
        refused = await self.fault_reply(server, "MAIL", address)
        if refused is None:
            envelope.mail_from = address
            envelope.mail_options.extend(mail_options)
        return refused or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, rcpt_options: list[str]
    ) -> str:
        """One recipient."""
        refused = await self.fault_reply(server, "RCPT", address)
        if refused is None and address.startswith("unknown"):
            refused = "550 5.1.1 No such mailbox"
        if refused is None:
            envelope.rcpt_tos.append(address)
        return refused or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The message, after its final dot."""
        message = _parsed(envelope)
        target = f"{','.join(envelope.rcpt_tos)} {message['Subject'] or ''}"
        fault = self._faults.meet("smtp", target, "DATA")
        if fault is not None and fault.kind not in ("drop", "duplicate", "delay"):
            return await _act(fault, server) or "250 OK"
        if fault is not None and fault.kind == "delay":
            await asyncio.sleep(fault.delay_ms / 1000)
        for _ in range(2 if fault is not None and fault.kind == "duplicate" else 1):
            self._keep(envelope, message)
        if fault is not None and fault.kind == "drop":
            _break_off(server)
        return "250 2.0.0 Accepted"

    def _keep(self, envelope: Envelope, message: EmailMessage) -> None:
        key = str(message["Message-ID"] or "")
        subject = str(message["Subject"] or "")
        body = {
            "envelope_from": envelope.mail_from,
            "recipients": list(envelope.rcpt_tos),
            "headers": {name: str(value) for name, value in message.items()},
            "subject": subject,
            "text": _part(message, "plain"),
            "html": _part(message, "html"),
            "attachments": [_attachment(part) for part in message.iter_attachments()],
        }
        self._world.record(
            Entry(
                vendor="smtp",
                kind="mail",
                key=key,
                body=body,
                effects=[f"{key} {to}" for to in envelope.rcpt_tos],
                case=case_in("", subject),
            )
        )


class _Connection(SMTP):
    """Meets the faults of the stage CONNECT before the greeting."""

    async def _handle_client(self) -> None:
        refused = await self.event_handler.fault_reply(self, "CONNECT")
        if refused is not None:
            await self.push(refused)
            _break_off(self, politely=True)
            return
        await super()._handle_client()


def _parsed(envelope: Envelope) -> EmailMessage:
    content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
    message = message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the default policy makes these
    return message


def _break_off(server: SMTP, *, politely: bool = False) -> None:
    if isinstance(server.transport, asyncio.Transport):
        (server.transport.close if politely else server.transport.abort)()


async def _act(fault: Fault, server: SMTP) -> str | None:
    if fault.kind == "hang":
        await asyncio.sleep(HANG_SECONDS)
    if fault.kind == "delay":
        await asyncio.sleep(fault.delay_ms / 1000)
        return None
    if fault.kind == "drop":
        _break_off(server)
        return "421 Closing"
    code = int(fault.code or (451 if fault.kind == "throttle" else 550))
    return f"{code} Sandbox fault"


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and data.password != b"wrong"
    return AuthResult(success=right, handled=right, message=None if right else "535 5.7.8 Authentication failed")


def _part(message: EmailMessage, kind: str) -> str | None:
    part = message.get_body((kind,))
    return str(part.get_content())[:_SHOWN] if part is not None else None


def _attachment(part: Any) -> dict[str, Any]:
    content = part.get_content()
    text = content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    return {
        "name": part.get_filename() or "attachment",
        "media_type": part.get_content_type(),
        "size": len(content),
        "text": text[:_SHOWN],
    }
