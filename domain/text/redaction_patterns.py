"""The patterns of redaction: what personal data and secrets look like, and the checks that tell them from the rest.

Every quantifier is bounded, so no text makes a pattern slow. Ranks say which of two overlapping findings is surer.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Finding:
    """Something found in a text."""

    kind: str
    start: int
    end: int
    rank: int
    """0 is the surest."""

    def shifted(self, by: int) -> Finding:
        """The same finding in a text that begins `by` characters earlier."""
        return replace(self, start=self.start + by, end=self.end + by)


_CLOUD_KEYS = (
    r"(?<![A-Za-z0-9])(?:AKIA|ASIA|AROA|AIDA|AGPA|ANPA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,250}|xapp-\d-[A-Za-z0-9-]{10,250}"  # Slack
    r"|https://hooks\.slack\.com/services/[A-Za-z0-9/]{20,120}"
    r"|gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|glpat-[A-Za-z0-9_-]{20,64}"  # GitHub, GitLab
    r"|(?<![A-Za-z0-9])(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,250}|whsec_[A-Za-z0-9+/=]{16,128}"  # Stripe
    r"|(?<![A-Za-z0-9])sk-(?:proj-|ant-|svcacct-|admin-)?[A-Za-z0-9_-]{20,250}"  # OpenAI, Anthropic
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,250}"  # Google
    r"|SG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,64}|(?<![A-Za-z0-9])SK[0-9a-f]{32}"  # SendGrid, Twilio
    r"|npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{40,250}|hf_[A-Za-z0-9]{30,64}|dop_v1_[a-f0-9]{64}"
)
_KEYS = re.compile(_CLOUD_KEYS)
_JWT = re.compile(r"(?<![\w.-])eyJ[A-Za-z0-9_-]{8,2000}\.[A-Za-z0-9_-]{4,4000}(?:\.[A-Za-z0-9_-]{0,2000})?")
_PEM = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----[A-Za-z0-9+/=\s:,\\-]{0,3900}?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)"
)
_BEARER = re.compile(
    r"(?i)\b(?:bearer|basic|token)\s{1,4}(?P<secret>(?=[A-Za-z._~+/-]{0,80}\d|[A-Za-z0-9]{24})[A-Za-z0-9._~+/-]{12,2000}={0,2})"
)
_NAMED_SECRET = re.compile(
    r"(?i)(?<![A-Za-z])(?:pass(?:word|wort|wd|phrase|code)?s?|kennwort|mot de passe"
    r"|contrase[ñn]a|clave|senha|wachtwoord"
    r"|pwd|secret(?:[ _-]?(?:access[ _-]?)?key)?|api[ _-]?key|access[ _-]?key|auth[ _-]?token|access[ _-]?token"
    r"|refresh[ _-]?token|client[ _-]?secret|private[ _-]?key|pin(?:[ _-]?code)?|cvv2?|cvc|otp|security code)"
    r"[\"']?(?:[ \t]{0,3}(?::=?|=>?)[ \t]{0,3}|\s{1,3}(?:is|was|ist|lautet|est|es|war|é|è)(?:\s{0,2}:)?\s{1,3})"
    r"(?P<secret>\"[^\"\n]{1,200}\"|'[^'\n]{1,200}'|[^\s\"',;]{3,200})"
)
_URL_WITH_CREDENTIALS = re.compile(
    r"(?i)\b[a-z][a-z0-9+.-]{1,20}://"
    r"(?P<secret>[^\s/@:]{0,100}:[^\s/@]{1,200})@[^\s\"'<>]{1,500}"
)
_URL_TOKEN = re.compile(
    r"(?i)[?&](?:token|key|api_?key|sig|signature|access_token|auth|password|secret|code)=(?P<secret>[^&\s#\"'<>]{6,1000})"
)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}(?![\w-])"
)
_CARD = re.compile(r"(?<![\w.])(?:\d[ \t.-]{0,2}){11,18}\d(?![\w])")
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}[A-Za-z0-9 \t-]{11,60}")
_SSN = re.compile(r"(?<![\w-])(\d{3})([- .])(\d{2})\2(\d{4})(?![\w-])")
_BARE_SSN = re.compile(r"(?i)\b(?:ssn|social security(?: number| no\.?)?)\D{0,20}(?P<secret>\d{9})(?!\d)")
_IP4 = re.compile(r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\w]|\.\d)")
_IP6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f]{0,4}:)(?:[0-9A-Fa-f]{0,4}:){2,7}(?:[0-9A-Fa-f]{1,4}|(?:\d{1,3}\.){3}\d{1,3})?(?![\w:])"
)
_PHONE = re.compile(
    r"(?<![\w.,:/#+=-])(?:\+|\(\+?)?\d[\d \t()./-]{5,28}\d(?:[ \t]{0,2}(?:x|ext\.?|extension)[ \t]{0,2}\d{1,6})?"
    r"(?![\w%@])(?![.,:/-]\d)"
)
_PHONE_CUE = re.compile(
    r"(?i)(?:phone|tel(?:efon|éfono|éphone)?|mobile?|cell|call|fax|whatsapp|handy|reach|ring|dial|text|number is|numéro"
    r"|nummer|rufen|llam|appel)\w*[^\n]{0,25}\Z"
)
_NOT_PHONE_CUE = re.compile(
    r"(?i)(?:order|invoice|ticket|case|account|ref(?:erence)?|bestell\w*|rechnung\w*|commande|facture|pedido|factura|id"
    r"|code|error|version|sku|serial|tracking|transaction|amount|total|usd|eur|build|release|line|port|zip|plz|year|[$€£#])"
    r"[ \t]{0,2}(?:no\.?|number|num\.?|nr\.?|id|is)?[ \t]{0,2}[:=#]?[ \t]{0,2}\Z"
)
_DATE = re.compile(
    r"\A(?:(?:19|20)\d\d[-./ ][01]?\d[-./ ][0-3]?\d|[0-3]?\d[-./ ][0-3]?\d[-./ ](?:(?:19|20)\d\d|\d{2}))"
    r"(?:[ T]\d{1,2})?\Z"
)
_CARD_CUE = re.compile(r"(?i)\b(?:card|karte|kreditkarte|carte|tarjeta|carta)\w{0,10}[^\n\d]{0,25}\Z")
_IBAN_COUNTRIES = {
    15: "NO",
    16: "BE",
    18: "DK FI FO GL NL",
    19: "MK SI",
    20: "AT BA EE KZ LT LU XK",
    21: "CH HR LI LV",
    22: "BG BH CR DE GB GE IE ME RS VA",
    23: "AE GI IL IQ",
    24: "AD CZ ES MD PK RO SA SE SK TN VG",
    25: "LY PT",
    26: "IS TR",
    27: "FR GR IT MC MR SM",
    28: "AL AZ BY CY DO GT HU LB PL",
    29: "BR EG PS QA UA",
    30: "JO KW MU",
    31: "MT SC",
    32: "LC",
}
"""Length -> countries. Source: the public IBAN registry (ISO 13616)."""
_IBAN_COUNTRY_LENGTH = {
    country: length for length, countries in _IBAN_COUNTRIES.items() for country in countries.split()
}
_CARD_LENGTHS = {"3": (14, 15, 16), "4": (13, 16, 19), "5": (16,), "6": (16, 17, 18, 19), "2": (16,), "1": (15,)}
"""First digit -> lengths in use: American Express, Diners, JCB, Visa, Mastercard, Discover, UATP."""
_COMMON_WORDS = frozenset(
    {"not", "the", "wrong", "incorrect", "required", "invalid", "expired", "correct", "being"}
    | {"always", "never", "too", "very", "case", "reset", "forgotten", "forgot", "lost"}
    | {"missing", "still", "now", "also", "that", "this", "what", "set", "sent"}
    | {"changed", "falsch", "nicht", "vergessen", "incorrecta", "and", "stored", "needed", "safe"}
    | {"secure", "weak", "strong", "unknown", "rejected", "accepted", "ungültig", "abgelaufen", "no"}
    | {"pas", "perdu", "oublié", "olvidada", "working", "broken", "protected", "none", "null"}
    | {"true", "false", "empty", "blocked", "locked", "saved", "valid", "just", "only"}
    | {"hidden", "displayed", "shown", "asked", "gone"}
)
"""What follows `password is` in sentences that name no password."""


def luhn(digits: str) -> bool:
    """The check digit of payment cards."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def iban_end(text: str) -> int:
    """How many characters of `text` are an IBAN that it begins with; 0 when it begins with none.

    Checks the country's length and the check digits modulo 97 of ISO 13616.
    """
    wanted = _IBAN_COUNTRY_LENGTH.get(text[:2].upper(), 0)
    plain, end = "", 0
    for end, character in enumerate(text, start=1):  # noqa: B007 - its last value is the answer
        plain += character.upper() if character.isalnum() else ""
        if len(plain) >= wanted:
            break
    follows = text[end : end + 1]
    if not wanted or len(plain) != wanted or follows.isalnum():
        return 0
    turned = plain[4:] + plain[:4]
    return end if int("".join(str(int(character, 36)) for character in turned)) % 97 == 1 else 0


def _is_card(match: re.Match[str]) -> bool:
    digits = re.sub(r"\D", "", match.group(0))
    if len(set(digits)) == 1 or not luhn(digits):
        return False
    before = match.string[max(match.start() - 60, 0) : match.start()]
    return len(digits) in _CARD_LENGTHS.get(digits[0], ()) or bool(_CARD_CUE.search(before))


def _is_ssn(match: re.Match[str]) -> bool:
    area, group, serial = match.group(1), match.group(3), match.group(4)
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def _is_ip6(match: re.Match[str]) -> bool:
    text = match.group(0)
    if len(text) < 3 or text in ("::", "::1"):
        return text == "::1"
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return bool(re.search(r"[0-9A-Fa-f]{2}", text))


def _is_named_secret(match: re.Match[str]) -> bool:
    value = match.group("secret").strip("\"'").rstrip(".,!?)")
    return len(value) >= 3 and value.casefold() not in _COMMON_WORDS


def _is_phone(match: re.Match[str]) -> bool:
    """Digits in groups. Without a plus, brackets or a cue before them, plain runs are order numbers and the like."""
    text = match.group(0).strip()
    digits = re.sub(r"\D", "", re.split(r"(?i)x|ext", text)[0])
    before = match.string[max(match.start() - 40, 0) : match.start()]
    if not 7 <= len(digits) <= 15 or _DATE.match(text) or len(set(digits)) == 1:
        return False
    if _NOT_PHONE_CUE.search(before) and not text.startswith("+"):
        return False
    if text.startswith(("+", "00")) and len(digits) >= 8:
        return True
    if _PHONE_CUE.search(before):
        return True
    groups = re.findall(r"\d+", text)
    if re.search(r"\(\d{2,5}\)", text) and len(digits) >= 8:
        return True
    national = len(groups) >= 2 and text[0] == "0" and 9 <= len(digits) <= 12 and len(groups[0]) >= 3
    # North American and other usual groupings.
    grouped = [len(group) for group in groups[:3]] in ([3, 3, 4], [1, 3, 3], [2, 3, 3], [4, 3, 3], [2, 4, 4]) and len(
        groups
    ) <= 5
    return national or (grouped and len(digits) >= 9)


# Rank, kind, pattern, check. Ranks: secrets first, because a card number inside a password is part of the password.
_PATTERNS: tuple[tuple[int, str, re.Pattern[str], Callable[[re.Match[str]], bool] | None], ...] = (
    (0, "SECRET", _PEM, None),
    (1, "SECRET", _KEYS, None),
    (1, "SECRET", _JWT, None),
    (2, "SECRET", _URL_WITH_CREDENTIALS, None),
    (2, "SECRET", _URL_TOKEN, None),
    (2, "SECRET", _BEARER, None),
    (3, "SECRET", _NAMED_SECRET, _is_named_secret),
    (4, "IBAN", _IBAN, lambda match: iban_end(match.group(0)) > 0),
    (4, "CARD", _CARD, _is_card),
    (5, "EMAIL", _EMAIL, None),
    (5, "SSN", _SSN, _is_ssn),
    (5, "SSN", _BARE_SSN, None),
    (6, "IP", _IP4, None),
    (6, "IP", _IP6, _is_ip6),
    (7, "PHONE", _PHONE, _is_phone),
)


def find_all(text: str) -> Iterator[Finding]:
    """Everything found in a text; findings may overlap."""
    for rank, kind, pattern, check in _PATTERNS:
        for match in pattern.finditer(text):
            if check is None or check(match):
                group = "secret" if "secret" in pattern.groupindex else 0
                start, end = match.span(group)
                if pattern is _NAMED_SECRET and text[start] not in "\"'":
                    end = start + len(match.group(group).rstrip(".,!?)"))
                elif pattern is _IBAN:
                    end = start + iban_end(match.group(0))
                yield Finding(kind, start, end, rank)
