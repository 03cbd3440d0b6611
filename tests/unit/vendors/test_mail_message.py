"""What an e-mail may hold, and what it becomes."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from typing import Any

import aiosmtplib
import pytest

from domain.errors import OutcomeUnknown, VendorError, VendorRefused, VendorUnavailable
from domain.mail import Attachment, OutgoingMail
from integrations.mail import StartTlsMissing, translate, translate_reply
from integrations.mail_message import build, check_address, mask, message_id
from tests.vendor_world import WORKFLOW


def built(**changes: Any) -> Any:
    mail = OutgoingMail(
        **{"key": f"{WORKFLOW}/x", "to": ("ann@example.com",), "subject": "Hi", "text": "Text"} | changes
    )
    message = build(mail, sender="support@example.com", sender_name="Customer Support", domain="example.com")
    return message_from_bytes(message.as_bytes(), policy=default)


def test_the_message_id_depends_on_the_key_alone() -> None:
    assert message_id("a", "example.com") == message_id("a", "example.com")
    assert message_id("a", "example.com") != message_id("b", "example.com")
    assert built(subject="One")["Message-ID"] == built(subject="Two")["Message-ID"]


def test_the_key_itself_does_not_stand_in_the_message() -> None:
    assert WORKFLOW.encode() not in bytes(built())


def test_the_text_part_comes_first_and_attachments_last() -> None:
    message = built(
        html="<p>Text</p>", attachments=(Attachment(name="a.json", media_type="application/json", content='{"ü": 1}'),)
    )
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "text/html", "application/json"]
    (attachment,) = message.iter_attachments()
    assert attachment.get_content().decode() == '{"ü": 1}'
    assert attachment.get_filename() == "a.json"


def test_it_says_that_a_machine_sent_it_and_what_it_answers() -> None:
    message = built(in_reply_to="<1@example.com>")
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["In-Reply-To"] == message["References"] == "<1@example.com>"
    assert built(in_reply_to="<1@x>\r\nBcc: <e@x>")["In-Reply-To"] is None


def test_it_travels_in_seven_bits_and_arrives_whole() -> None:
    message = built(subject="Grüße 🙂", text="Zeile\n.\n..\nGrüße " + "x" * 2_000)
    assert max(message.as_bytes()) < 128
    assert str(message["Subject"]) == "Grüße 🙂"
    text = message.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert text.strip() == "Zeile\n.\n..\nGrüße " + "x" * 2_000


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hi\r\nBcc: eve@example.com"},
        {"subject": "Hi\nBcc: eve@example.com"},
        {"headers": {"X-A": "1\r\nBcc: eve@example.com"}},
        {"headers": {"X-A\r\nBcc": "eve@example.com"}},
        {"headers": {"Bcc": "eve@example.com"}},
        {"headers": {"message-id": "<1@x>"}},
        {"headers": {"": "x"}},
        {"attachments": (Attachment(name="a", media_type="text/html\r\nX: y", content=""),)},
        {"to": ("ann@example.com\r\nBcc: eve@example.com",)},
        {"cc": ("<eve@example.com>",)},
    ],
)
def test_nothing_can_add_a_header_or_a_recipient(changes: dict[str, Any]) -> None:
    with pytest.raises(VendorRefused) as caught:
        built(**changes)
    assert "eve" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "", "ann", "@example.com", "ann@", "a b@example.com", "ann@exa mple.com", "ann@example..com",
        ".ann@example.com", "ann.@example.com", "a..b@example.com", "Ann <ann@example.com>",
        "ann@example.com,eve@example.com",
        "ann@-example.com", "änn@example.com", '"a b"@example.com', "ann@[127.0.0.1]", "ann@example.com\x00",
        "a" * 65 + "@example.com",
    ],
)  # fmt: skip
def test_addresses_that_are_no_plain_address_are_refused(address: str) -> None:
    with pytest.raises(VendorRefused):
        check_address(address)


def test_a_domain_in_another_script_is_seen_for_what_it_is() -> None:
    assert check_address("ann@exаmple.com") == "ann@xn--exmple-4nf.com"  # noqa: RUF001 - a Cyrillic letter
    assert check_address("o'neil+tag@sub.example.co") == "o'neil+tag@sub.example.co"


def test_an_attachments_name_is_only_a_name() -> None:
    message = built(attachments=(Attachment(name='../../etc/"passwd"\r\n', media_type="text/plain", content="x"),))
    (attachment,) = message.iter_attachments()
    assert not set(attachment.get_filename()) & set('/"\\\r\n')


def test_lone_surrogates_do_not_break_an_e_mail() -> None:
    message = built(subject="a\ud800b", text="c\ud800d")
    assert message.get_body(("plain",)).get_content().strip() == "c?d"


def test_an_address_is_masked_for_records() -> None:
    assert mask("lena@example.com") == "l***@example.com"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (421, VendorUnavailable), (450, VendorUnavailable), (451, VendorUnavailable), (452, VendorUnavailable),
        (454, VendorUnavailable), (500, VendorRefused), (530, VendorRefused), (535, VendorRefused),
        (550, VendorRefused), (552, VendorRefused), (553, VendorRefused), (554, VendorRefused),
    ],
)  # fmt: skip
def test_each_reply_is_for_now_or_for_good(code: int, kind: type[VendorError]) -> None:
    assert type(translate_reply(code, "it")) is kind
    assert type(translate(aiosmtplib.SMTPDataError(code, "the server's words"), handed_over=True)) is kind


@pytest.mark.parametrize(
    ("error", "handed_over", "kind", "code"),
    [
        (aiosmtplib.SMTPConnectError("x"), False, VendorUnavailable, "connection"),
        (aiosmtplib.SMTPConnectTimeoutError("x"), False, VendorUnavailable, "timeout"),
        (TimeoutError(), False, VendorUnavailable, "timeout"),
        (TimeoutError(), True, OutcomeUnknown, "timeout"),
        (aiosmtplib.SMTPServerDisconnected("x"), True, OutcomeUnknown, "connection"),
        (aiosmtplib.SMTPReadTimeoutError("x"), True, OutcomeUnknown, "timeout"),
        (aiosmtplib.SMTPNotSupported("x"), False, VendorRefused, "login_method"),
        (aiosmtplib.SMTPAuthenticationError(535, "x"), False, VendorRefused, "535"),
        (aiosmtplib.SMTPAuthenticationError(454, "x"), False, VendorUnavailable, "454"),
        (StartTlsMissing(), False, VendorRefused, "starttls_missing"),
    ],
)
def test_each_break_in_the_conversation_is_told_apart(
    error: Exception, handed_over: bool, kind: type[VendorError], code: str
) -> None:
    translated = translate(error, handed_over=handed_over)
    assert type(translated) is kind
    assert translated.code == code
