"""Redaction: personal data and secrets are replaced by stable tokens before a text leaves for a language model.

What comes back has its tokens put back, except for secrets, which stay tokens for good. Only tokens that were
handed out are put back, so that a model cannot invent one. The patterns are in `redaction_patterns.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.model import JsonValue, Value
from domain.text.normalise import INVISIBLE
from domain.text.redaction_patterns import Finding, find_all

NEVER_RESTORED = frozenset({"SECRET", "CARD", "SSN", "IBAN"})
"""Kinds that no answer needs: they stay tokens wherever the text goes."""
_TOKEN = re.compile(r"\[([A-Z]{2,10})_(\d{1,5})\]")
_HIDDEN = re.compile(f"[{INVISIBLE}\u200c\u200d]|[\U000e0000-\U000e007f]")
_CHUNK = 40_000
_OVERLAP = 4_000
"""Long texts are looked through in parts that overlap by more than any secret is long."""
_SHORTEST_NAME = 2
_DEEPEST = 60


class Redacted(Value):
    """A text without personal data, and what its tokens stand for."""

    text: str
    mapping: dict[str, str]
    """Token -> what it stands for. It never leaves the process that made it."""


class RedactedJson(Value):
    """A JSON value without personal data, and what its tokens stand for."""

    value: JsonValue
    mapping: dict[str, str]


@dataclass
class _Tokens:
    """Hands out tokens; the same thing gets the same token all over a text or JSON value."""

    given: frozenset[str]
    """Tokens that stand in the text already, as the customer's own words: never handed out."""
    kinds: frozenset[str] | None = None
    """What is replaced; everything when None."""
    mapping: dict[str, str] = field(default_factory=dict)
    _by_value: dict[tuple[str, str], str] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def wanted(self, kind: str) -> bool:
        return self.kinds is None or kind in self.kinds

    def token(self, kind: str, original: str) -> str:
        key = (kind, _canonical(kind, original))
        if key not in self._by_value:
            token = self._next(kind)
            self._by_value[key] = token
            self.mapping[token] = original
        return self._by_value[key]

    def _next(self, kind: str) -> str:
        while True:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            token = f"[{kind}_{self._counts[kind]}]"
            if token not in self.given:
                return token


class Redactor:
    """Replaces personal data and secrets by tokens, and puts back what may be put back. Keeps nothing."""

    def redact(self, text: str, known_names: Iterable[str] = (), *, kinds: frozenset[str] | None = None) -> Redacted:
        """Replace everything that is found.

        Args:
            text: what is about to leave.
            known_names: names of people that the ticket gives; their parts are found whatever their case.
            kinds: replace these only, such as `SECRET`; all when None.
        """
        tokens = _Tokens(_tokens_in(text), kinds)
        return Redacted(text=_replace(text, _name_pattern(known_names), tokens), mapping=tokens.mapping)

    def redact_json(
        self, value: JsonValue, known_names: Iterable[str] = (), *, kinds: frozenset[str] | None = None
    ) -> RedactedJson:
        """Replace in every text of a JSON value, keys included, with one mapping for all of them.

        Each text is looked at on its own: a secret that is split over two of them is not found.
        """
        names = _name_pattern(known_names)
        tokens = _Tokens(_tokens_in("\n".join(_texts(value))), kinds)
        return RedactedJson(value=_replace_json(value, names, tokens, 0), mapping=tokens.mapping)

    def restore(self, text: str, mapping: Mapping[str, str]) -> str:
        """Put back what the tokens stand for, in one pass; secrets and tokens that were not handed out stay."""

        def original(match: re.Match[str]) -> str:
            return match.group(0) if match.group(1) in NEVER_RESTORED else mapping.get(match.group(0), match.group(0))

        return _TOKEN.sub(original, text)

    def restore_json(self, value: JsonValue, mapping: Mapping[str, str]) -> JsonValue:
        """`restore` for every text of a JSON value."""
        if isinstance(value, str):
            return self.restore(value, mapping)
        if isinstance(value, Mapping):
            return {
                self.restore(key, mapping) if isinstance(key, str) else key: self.restore_json(inner, mapping)
                for key, inner in value.items()
            }
        if isinstance(value, (list, tuple)):
            return [self.restore_json(inner, mapping) for inner in value]
        return value


def _canonical(kind: str, original: str) -> str:
    """What makes two spellings the same thing."""
    plain = _HIDDEN.sub("", original)
    if kind in ("CARD", "IBAN", "PHONE", "SSN"):
        return re.sub(r"[^\w+]", "", plain).upper()
    return plain if kind == "SECRET" else plain.casefold()


def _tokens_in(text: str) -> frozenset[str]:
    return frozenset(match.group(0) for match in _TOKEN.finditer(text))


def _texts(value: JsonValue, depth: int = 0) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping) and depth < _DEEPEST:
        for key, inner in value.items():
            yield from _texts(key, depth + 1)
            yield from _texts(inner, depth + 1)
    elif isinstance(value, (list, tuple)) and depth < _DEEPEST:
        for inner in value:
            yield from _texts(inner, depth + 1)


def findings(text: str) -> list[tuple[str, str]]:
    """Kind and words of everything that would be replaced, in order."""
    plain, _ = _without_hidden(text)
    return [(one.kind, plain[one.start : one.end]) for one in _non_overlapping(_findings(plain, None))]


def _replace_json(value: JsonValue, names: re.Pattern[str] | None, tokens: _Tokens, depth: int) -> JsonValue:
    if isinstance(value, str):
        return _replace(value, names, tokens)
    if depth >= _DEEPEST:
        # Nobody nests this deep in good faith; what cannot be looked at does not leave.
        return "[left out: nested too deeply]" if isinstance(value, (Mapping, list, tuple)) else value
    if isinstance(value, Mapping):
        return {
            _replace(key, names, tokens) if isinstance(key, str) else key: _replace_entry(
                key, inner, names, tokens, depth
            )
            for key, inner in value.items()
        }
    if isinstance(value, (list, tuple)):
        return [_replace_json(inner, names, tokens, depth + 1) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and 10**12 <= abs(value) < 10**19:
        replaced = _replace(str(value), names, tokens)
        return value if replaced == str(value) else replaced
    return value


_SECRET_KEY = re.compile(
    r"(?i)^(?:.*[_-])?(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?token|auth[_-]?token|private[_-]?key"
    r"|authorization|pin|cvv|cvc)$"
)


def is_secret_name(key: str) -> bool:
    """Whether what stands under this key is a secret, such as under `client_secret`."""
    return _SECRET_KEY.match(key) is not None


def _replace_entry(
    key: object, value: JsonValue, names: re.Pattern[str] | None, tokens: _Tokens, depth: int
) -> JsonValue:
    """In `{"password": "..."}` the key says what the value is."""
    if isinstance(value, str) and value and isinstance(key, str) and tokens.wanted("SECRET") and is_secret_name(key):
        return tokens.token("SECRET", value)
    return _replace_json(value, names, tokens, depth + 1)


def _name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """One pattern for every part of every name; the whole name first, so that it becomes one token."""
    parts: set[str] = set()
    for name in names:
        plain = unicodedata.normalize("NFC", _HIDDEN.sub("", name)).strip()
        pieces = [piece for piece in re.split(r"[\s,]+", plain) if len(piece.strip(".")) >= _SHORTEST_NAME]
        parts.update(piece.strip(".") for piece in pieces if piece.casefold() not in _NOT_NAMES)
        if len(pieces) > 1:
            parts.add(plain)
    if not parts:
        return None
    longest_first = sorted(parts, key=lambda part: (-len(part), part))
    spelled = [r"\s+".join(re.escape(piece) for piece in part.split()) for part in longest_first]
    return re.compile(rf"(?<!\w)(?:{'|'.join(spelled)})(?!\w)", re.IGNORECASE)


_NOT_NAMES = frozenset(
    {"dr", "mr", "mrs", "ms", "prof", "von", "van", "de", "der", "da", "di", "la", "le", "el", "und", "and", "inc"}
    | {"ltd", "gmbh", "the", "of", "co", "support", "customer", "will", "may", "an", "in", "to", "so", "no", "it"}
    | {"is", "my", "me"}
)
"""Parts of names that are also everyday words: they stand for nobody on their own."""


def _replace(text: str, names: re.Pattern[str] | None, tokens: _Tokens) -> str:
    if not text:
        return text
    plain, places = _without_hidden(text)
    found = [finding for finding in _non_overlapping(_findings(plain, names)) if tokens.wanted(finding.kind)]
    if not found:
        return text
    parts, last = [], 0
    for finding in found:
        start = places[finding.start]
        end = places[finding.end - 1] + 1
        parts += [text[last:start], tokens.token(finding.kind, text[start:end])]
        last = end
    return "".join([*parts, text[last:]])


def _without_hidden(text: str) -> tuple[str, list[int] | range]:
    """The text without zero-width characters, and where each of its characters stands in the original."""
    if not _HIDDEN.search(text):
        return text, range(len(text))
    kept = [index for index, character in enumerate(text) if not _HIDDEN.match(character)]
    return "".join(text[index] for index in kept), kept


def _findings(text: str, names: re.Pattern[str] | None) -> list[Finding]:
    found: list[Finding] = []
    for start in range(0, len(text), _CHUNK):
        part = text[max(start - _OVERLAP, 0) : start + _CHUNK + _OVERLAP]
        shift = max(start - _OVERLAP, 0)
        found += [finding.shifted(shift) for finding in find_all(part)]
        if names is not None:
            found += [Finding("NAME", m.start() + shift, m.end() + shift, 9) for m in names.finditer(part)]
    return found


def _non_overlapping(found: list[Finding]) -> list[Finding]:
    """The surest finding wins where two overlap, then the longest."""
    taken: list[Finding] = []
    for finding in sorted(found, key=lambda one: (one.rank, one.start - one.end, one.start)):
        if finding.end > finding.start:
            taken.append(finding)
    free: list[Finding] = []
    covered = bytearray(max((finding.end for finding in taken), default=0))
    for finding in taken:
        if not any(covered[finding.start : finding.end]):
            covered[finding.start : finding.end] = b"\x01" * (finding.end - finding.start)
            free.append(finding)
    return sorted(free, key=lambda one: one.start)
