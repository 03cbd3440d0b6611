"""What a rule with the action `sanitise` leaves of arguments or words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.guarding.addresses import host_of, is_known_host
from domain.guarding.signals import links_in
from domain.model import JsonValue
from domain.policies.guardrails import GuardrailRule
from domain.text.redaction import NEVER_RESTORED, Redactor

_PERSONAL = frozenset({"EMAIL", "PHONE", "IP", "NAME"})
_SCHEMES = {"http": "hxxp", "https": "hxxps", "ftp": "fxp"}


def sanitised(value: JsonValue, rules: Sequence[GuardrailRule], link_hosts: Sequence[str]) -> tuple[JsonValue, bool]:
    """Apply all that the rules ask for.

    `secrets` replaces keys, passwords, card, bank account and social security numbers by tokens such as `[SECRET_1]`;
    `personal` does so with addresses and phone numbers; `links` makes links to unknown hosts unclickable; a path of the
    arguments is left out.

    Returns:
        The new value, and whether anything changed.
    """
    words = {word for rule in rules for word in rule.sanitise}
    kinds = (NEVER_RESTORED if "secrets" in words else frozenset()) | (
        _PERSONAL if "personal" in words else frozenset()
    )
    changed = value
    for path in sorted(word for word in words if word.startswith("arguments.")):
        changed = _without(changed, path.split(".")[1:])
    if "links" in words:
        changed = _each_text(changed, lambda text: _unclickable(text, link_hosts))
    if kinds:
        changed = Redactor().redact_json(changed, kinds=kinds).value
    return changed, changed != value


def _unclickable(text: str, link_hosts: Sequence[str]) -> str:
    for link in dict.fromkeys(links_in(text)):
        if not is_known_host(host_of(link), link_hosts):
            text = text.replace(link, defanged(link))
    return text


def defanged(link: str) -> str:
    """The link as a reader can still recognise it and no program opens it: `hxxps://evil[.]example/x`."""
    scheme, colon, rest = link.partition(":")
    if not colon or "." in scheme:
        return link.replace(".", "[.]")
    return f"{_SCHEMES.get(scheme.lower(), scheme)}[:]{rest.replace('.', '[.]')}"


def _without(value: JsonValue, path: Sequence[str]) -> JsonValue:
    if isinstance(value, list):
        return [_without(inner, path) for inner in value]
    if not isinstance(value, Mapping) or path[0] not in value:
        return value
    if len(path) == 1:
        return {key: inner for key, inner in value.items() if key != path[0]}
    return {key: _without(inner, path[1:]) if key == path[0] else inner for key, inner in value.items()}


def _each_text(value: JsonValue, change: object) -> JsonValue:
    if isinstance(value, str):
        return change(value)  # type: ignore[operator]
    if isinstance(value, Mapping):
        return {key: _each_text(inner, change) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_each_text(inner, change) for inner in value]
    return value
