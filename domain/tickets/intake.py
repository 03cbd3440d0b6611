"""Intake: reads tickets from outside, checks them and says in one sentence what to change when one cannot be used.

Understands the spellings of the reference documents (camelCase and snake_case, `description`, `message`, `content`).
Nothing is coerced to something more privileged: an unknown tier or priority is refused and never guessed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from domain.errors import InvalidInput
from domain.model import Term, Value
from domain.text.normalise import normalise_line, normalise_text
from domain.tickets.intake_words import CHANNELS, NAMES, PRIORITIES, TIERS
from domain.tickets.ticket import INLINE_TEXT_LIMIT, TEXT_LIMIT, Channel, Customer, CustomerTier, Priority, Ticket

SUBJECT_LIMIT = 500
"""Characters of a subject; more moves to the body."""
_SHORT_LIMIT = 200
_LIST_LIMIT = 200
_MOST_KEYS = 200
_LARGEST_VALUE = 1e12
_LARGEST_COUNT = 1_000_000
_LEFT_OUT = "\n\n[... {count} characters left out here; the full text is stored ...]\n\n"
_NEEDS_ADDRESS = frozenset({Channel.EMAIL, Channel.WEB})
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)+\Z"
)

_NESTED = ("customer", "requester", "contact")
TermT = TypeVar("TermT", bound=Term)


class ReadResult(Value):
    """What became of one of several tickets."""

    position: int
    """0 for the first one; the line's number less one for JSON lines."""
    ticket: Ticket | None = None
    problem: str | None = None
    """One sentence that says what to change, when there is no ticket."""
    raw_id: str | None = None
    """The id as it was given, where there was one."""
    notes: tuple[str, ...] = ()
    """What was ignored."""


def read_ticket(raw: object, *, require_address: bool = True) -> Ticket:
    """Read and check one ticket.

    Args:
        raw: a JSON object, as parsed.
        require_address: whether a ticket by e-mail, web form or an unnamed channel must carry an e-mail address.

    Raises:
        InvalidInput: with one sentence that says what to change.
    """
    return _read(raw, require_address=require_address)[0]


def read_ticket_with_notes(raw: object, *, require_address: bool = True) -> tuple[Ticket, tuple[str, ...]]:
    """Like `read_ticket`, with a note for each key that was ignored.

    Raises:
        InvalidInput: with one sentence that says what to change.
    """
    return _read(raw, require_address=require_address)


def read_tickets(text: str, *, require_address: bool = True) -> list[ReadResult]:
    """Read a JSON array, one JSON object, or JSON lines; a bad ticket never loses the others.

    Raises:
        InvalidInput: when the text holds no ticket at all.
    """
    text = text.lstrip("\ufeff").strip()
    if not text:
        raise InvalidInput("The file holds no ticket: give a JSON object, a JSON array or JSON lines.")
    try:
        whole = json.loads(text)
    except RecursionError:
        raise InvalidInput("The file is nested too deeply: give tickets as flat JSON objects.") from None
    except ValueError:
        return _read_lines(text, require_address=require_address)
    if isinstance(whole, list) and not whole:
        raise InvalidInput("The list holds no ticket: add at least one.")
    found = whole if isinstance(whole, list) else [whole]
    return [_result(position, raw, require_address=require_address) for position, raw in enumerate(found)]


def _read_lines(text: str, *, require_address: bool) -> list[ReadResult]:
    results = []
    for position, line in enumerate(text.split("\n")):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError):
            results.append(
                ReadResult(position=position, problem=f"Line {position + 1} is not valid JSON: correct or remove it.")
            )
            continue
        results.append(_result(position, raw, require_address=require_address))
    if len(results) > 1 and all(result.ticket is None for result in results):
        # An array or object with a slip in it, spread over lines: one sentence tells more than one per line.
        with_json = [result for result in results if result.raw_id is not None]
        if not with_json:
            raise InvalidInput("The file is not valid JSON: correct it, or give one JSON object per line.")
    return results


def _result(position: int, raw: object, *, require_address: bool) -> ReadResult:
    raw_id = _raw_id(raw)
    try:
        ticket, notes = _read(raw, require_address=require_address)
    except InvalidInput as problem:
        return ReadResult(position=position, problem=str(problem), raw_id=raw_id)
    return ReadResult(position=position, ticket=ticket, raw_id=raw_id, notes=notes)


def _raw_id(raw: object) -> str | None:
    if not isinstance(raw, Mapping):
        return None
    fields, _ = _fields(raw)
    value = fields.get("ticket_id")
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return normalise_line(_digits(value))[:_SHORT_LIMIT] or None


def _read(raw: object, *, require_address: bool) -> tuple[Ticket, tuple[str, ...]]:
    if not isinstance(raw, Mapping):
        raise InvalidInput("A ticket must be a JSON object with at least a subject or a description: give one.")
    fields, notes = _fields(raw)
    subject, body = _texts(fields)
    channel = _term(fields.get("channel"), CHANNELS, Channel, "channel")
    email = _email(fields.get("email"))
    if require_address and email is None and (channel is None or channel in _NEEDS_ADDRESS):
        raise InvalidInput(
            "The ticket has no customer e-mail address, so nobody could be answered: add customerEmail, or name a "
            "channel such as phone or chat."
        )
    customer = _customer(fields, email)
    try:
        ticket = Ticket(
            ticket_id=_ticket_id(fields.get("ticket_id"), subject, body, customer),
            subject=subject,
            body=body,
            customer=customer,
            channel=channel or Channel.EMAIL,
            stated_priority=_term(fields.get("priority"), PRIORITIES, Priority, "priority"),
            external_id=_short(fields.get("external_id"), "externalId"),
            slack_thread_id=_short(fields.get("slack_thread_id"), "slackThreadId"),
            received_at=_moment(fields.get("received_at")),
            tags=_list(fields.get("tags"), "tags"),
        )
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise InvalidInput(f"The ticket's {where} cannot be used: correct it.") from None
    return ticket, notes


def _fields(raw: Mapping[Any, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Values by our names, and a note on each key that has none. A nested `customer` counts like its own fields."""
    if len(raw) > _MOST_KEYS:
        raise InvalidInput(f"The ticket has more than {_MOST_KEYS} fields: give only the ones of a ticket.")
    given: dict[str, Any] = {}
    notes: list[str] = []
    flat = [(key, value) for key, value in raw.items() if not _is_nested(key, value)]
    inner = [
        # The id inside a customer object is the customer's, never the ticket's.
        ("customerId" if _plain(inner_key) == "id" else inner_key, inner_value)
        for key, value in raw.items()
        if _is_nested(key, value)
        for inner_key, inner_value in list(value.items())[:_MOST_KEYS]
    ]
    for key, value in (*flat, *inner):
        given.setdefault(_plain(key), value)
    known = {alias for aliases in NAMES.values() for alias in aliases}
    for key in dict.fromkeys(key for key, _ in (*flat, *inner)):
        if _plain(key) not in known:
            notes.append(f"The field {normalise_line(str(key))[:60]!r} is not known and was ignored.")
    fields = {
        name: next((given[alias] for alias in aliases if given.get(alias) not in (None, "")), None)
        for name, aliases in NAMES.items()
    }
    return fields, tuple(notes)


def _is_nested(key: object, value: object) -> bool:
    return _plain(key) in _NESTED and isinstance(value, Mapping)


def _plain(key: object) -> str:
    return re.sub(r"[_\- ]", "", str(key)).lower()


def _texts(fields: Mapping[str, Any]) -> tuple[str, str]:
    subject = normalise_line(_text(fields.get("subject"), "subject"))
    body = normalise_text(_text(fields.get("body"), "description"))
    if not _says_something(subject) and not _says_something(body):
        raise InvalidInput("The ticket is empty: give it a subject or a description.")
    if len(subject) > SUBJECT_LIMIT:
        body = f"{subject}\n\n{body}".strip()
        subject = subject[: SUBJECT_LIMIT - 3].rstrip() + "..."
    if len(subject) + len(body) > TEXT_LIMIT:
        raise _too_long()
    return subject, body


def _says_something(text: str) -> bool:
    return any(not character.isspace() and character != "\ufffd" for character in text)


def _too_long() -> InvalidInput:
    return InvalidInput(f"The ticket's text is longer than {TEXT_LIMIT:,} characters: shorten it or attach a file.")


def _text(value: object, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"The ticket's {name} must be text: write it as a string.")
    if len(value) > TEXT_LIMIT:
        raise _too_long()
    return value


def _digits(value: str | int) -> str:
    """A number as text. Python refuses to write out integers of thousands of digits; no id has that many."""
    if isinstance(value, int):
        return str(value) if -(10**30) < value < 10**30 else ""
    return value[: 4 * _SHORT_LIMIT]


def _short(value: object, name: str) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidInput(f"The ticket's {name} must be text: write it as a string.")
    text = normalise_line(_digits(value))
    if len(text) > _SHORT_LIMIT or not text:
        raise InvalidInput(f"The ticket's {name} must have 1 to {_SHORT_LIMIT} characters: correct it.")
    return text


def _term(value: object, words: Mapping[str, TermT], kind: type[TermT], name: str) -> TermT | None:
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= _SHORT_LIMIT and (found := words.get(_plain(normalise_line(value)))):
        return found
    choices = ", ".join(term.value for term in kind)
    raise InvalidInput(f"The ticket's {name} is not known: use one of {choices}, or leave it out.")


def _email(value: object) -> str | None:
    if value is None:
        return None
    problem = InvalidInput(
        "The customer's e-mail address is malformed: give one plain address, such as name@example.com."
    )
    if not isinstance(value, str) or len(value) > 254 or re.search(r"[\r\n\x00<>]", value.strip(" ")):
        raise problem
    address = normalise_line(value)
    local, _, domain = address.rpartition("@")
    try:
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except UnicodeError:
        raise problem from None
    address = f"{local}@{domain}"
    if not _EMAIL.match(address) or len(local) > 64:
        raise problem
    return address


def _customer(fields: Mapping[str, Any], email: str | None) -> Customer:
    return Customer(
        customer_id=_short(fields.get("customer_id"), "customerId"),
        name=_short(fields.get("name"), "customerName"),
        email=email,
        tier=_term(fields.get("tier"), TIERS, CustomerTier, "customerTier") or CustomerTier.FREE,
        account_value=_account_value(fields.get("account_value")),
        previous_tickets=_count(fields.get("previous_tickets")),
        support_history=_list(fields.get("support_history"), "supportHistory"),
        escalation_history=_list(fields.get("escalation_history"), "escalationHistory"),
        time_zone=_short(fields.get("time_zone"), "timezone"),
    )


def _account_value(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InvalidInput("The ticket's accountValue must be a number: write it without quotes and currency.")
    # Compared before it is converted, because an integer of any size may stand here.
    if (isinstance(value, float) and not math.isfinite(value)) or not 0 <= value <= _LARGEST_VALUE:
        raise InvalidInput("The ticket's accountValue must be a number from 0 to 10^12: correct it or leave it out.")
    return float(value)


def _count(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_COUNT:
        raise InvalidInput("The ticket's previousTicketCount must be a whole number from 0 to 1,000,000: correct it.")
    return value


def _list(value: object, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, (list, tuple)) or len(value) > _LIST_LIMIT:
        raise InvalidInput(f"The ticket's {name} must be a list of at most {_LIST_LIMIT} short texts: correct it.")
    items = (_short(item, name) for item in value if item is not None)
    return tuple(item for item in items if item is not None)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    problem = InvalidInput(
        "The ticket's createdAt must be a date and time with its zone, such as 2026-01-31T09:00:00Z: correct it."
    )
    if not isinstance(value, str) or len(value) > 64:
        raise problem
    try:
        moment = datetime.fromisoformat(value.strip())
    except ValueError:
        raise problem from None
    if moment.tzinfo is None:
        raise problem
    return moment


def _ticket_id(value: object, subject: str, body: str, customer: Customer) -> str:
    """The given id, or one made of the content, so that the same ticket sent twice is one case."""
    if value is not None:
        return _short(value, "id") or ""
    content = json.dumps([subject, body, customer.email, customer.customer_id, customer.name])
    return "T-" + hashlib.sha256(content.encode()).hexdigest()[:24]


def split_long_text(ticket: Ticket) -> tuple[Ticket, str | None]:
    """Keep a long ticket's beginning and end inline.

    Returns:
        The ticket as it may travel in a workflow, and the full text for the caller to store under a reference
        (None when the body is short enough to travel whole).
    """
    if len(ticket.body) <= INLINE_TEXT_LIMIT:
        return ticket, None
    mark = _LEFT_OUT.format(count=f"{len(ticket.body) - INLINE_TEXT_LIMIT:,}")
    room = INLINE_TEXT_LIMIT - len(mark) - 8
    head, tail = ticket.body[: room * 3 // 4], ticket.body[-(room // 4) :]
    mark = _LEFT_OUT.format(count=f"{len(ticket.body) - len(head) - len(tail):,}")
    return ticket.model_copy(update={"body": head + mark + tail}), ticket.body
