"""Things named in a text: error codes, order and account ids, amounts, versions, fields of an interface.

Never personal data: entities travel in search results and reports.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from domain.triage.classification import Entity

_READ_CHARACTERS = 20_000
_MOST_ENTITIES = 20
_CURRENCIES = {"$": "USD", "US$": "USD", "€": "EUR", "£": "GBP", "EURO": "EUR", "EUROS": "EUR", "DOLLARS": "USD"}
_CURRENCY = r"USD|EUR|GBP|CHF|dollars|euros?"
_NUMBER = r"\d{1,3}(?:[.,' ]\d{3}){1,3}(?:[.,]\d{1,2})?(?!\d)|\d{1,9}(?:[.,]\d{1,2})?(?!\d)"
_AMOUNT = re.compile(
    rf"(?P<before>US\$|[$€£])\s?(?P<first>{_NUMBER})|(?<![\w.,])(?P<second>{_NUMBER})\s?(?P<after>[$€£]|(?:{_CURRENCY})\b)",
    re.IGNORECASE,
)
_ORDER_WORDS = "order|bestellung|commande|pedido|invoice|rechnung|facture|factura"
_TOP_LEVEL_DOMAINS = "com|net|org|io|de|fr|es|co|eu"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("error_code", re.compile(r"\b(?:ERR|ERROR|E)[-_][A-Z0-9_-]{2,30}\b|\b[A-Z]{2,12}_[A-Z0-9_]{2,30}\b")),
    ("error_code", re.compile(r"\b0x[0-9a-fA-F]{4,16}\b")),
    ("error_code", re.compile(r"(?i)\b(?:http|status|error|code)\s{0,3}(?:code\s)?[:#]?\s?([1-5]\d\d)\b")),
    ("error_code", re.compile(r"\b[A-Z][A-Za-z]{2,40}(?:Error|Exception)\b|\bE[A-Z]{5,15}\b")),
    (
        "order",
        re.compile(
            rf"(?i)\b(?:{_ORDER_WORDS})\s{{0,2}}(?:no\.?|number|nr\.?|id|#)?\s{{0,2}}[:#]?\s{{0,2}}#?"
            r"([A-Z]{0,5}-?\d[\w-]{2,24})"
        ),
    ),
    ("account", re.compile(r"\b(?:CUST|ACC|ACCT|ACCOUNT|ORG|TENANT)-[A-Z0-9-]{2,24}\b")),
    ("version", re.compile(r"(?i)\bv(?:ersion)?\s?(\d{1,3}(?:\.\d{1,4}){1,3})\b")),
    ("endpoint", re.compile(r"(?:(?:GET|POST|PUT|PATCH|DELETE)\s)?/(?:api|v\d)/[\w/{}:.-]{1,80}")),
    (
        "field",
        re.compile(
            rf"(?<![\w.@/-])[a-z][a-z0-9_]{{1,30}}\.(?!(?:{_TOP_LEVEL_DOMAINS})\b)[a-z][a-z0-9_]{{2,30}}"
            r"(?![\w.@/-]|\.[a-z])"
        ),
    ),
)


def entities_of(text: str) -> tuple[Entity, ...]:
    """The first few entities of a text, each once."""
    part = text[:_READ_CHARACTERS]
    found: dict[tuple[str, str], Entity] = {}
    for kind, pattern in _KINDS:
        for match in pattern.finditer(part):
            value = match.group(match.lastindex or 0).strip(".,;:")
            found.setdefault((kind, value), Entity(kind=kind, text=value))
            if len(found) >= _MOST_ENTITIES:
                return tuple(found.values())
    for amount, currency in amounts_of(part):
        found.setdefault(("amount", f"{amount:.2f} {currency}"), Entity(kind="amount", text=f"{amount:.2f} {currency}"))
    return tuple(found.values())[:_MOST_ENTITIES]


def amounts_of(text: str) -> list[tuple[float, str]]:
    """Sums of money named in a text, with their currency as ISO 4217 code, each once and in order."""
    found: dict[tuple[float, str], None] = {}
    for match in _AMOUNT.finditer(text[:_READ_CHARACTERS]):
        sign = (match.group("before") or match.group("after")).upper()
        number = _decimal(match.group("first") or match.group("second"))
        if number is not None:
            found.setdefault((float(number), _CURRENCIES.get(sign, sign)), None)
    return list(found)


def _decimal(text: str) -> Decimal | None:
    """Read `1,234.50`, `1.234,50`, `1 234,50`, `29,99` and `1,200`: a last group of three digits is thousands."""
    plain = text.replace(" ", "").replace("'", "")
    last = max(plain.rfind("."), plain.rfind(","))
    if last >= 0 and len(plain) - last - 1 <= 2:
        plain = plain[:last].replace(".", "").replace(",", "") + "." + plain[last + 1 :]
    else:
        plain = plain.replace(".", "").replace(",", "")
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None
