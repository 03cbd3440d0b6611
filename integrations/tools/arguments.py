"""Checks JSON against a tool's schema: bounded in size, depth and time, and silent about values.

Schemas come from documents and servers that others write. A check therefore fetches nothing, ends by a deadline
whatever the schema says, and leaves regular expressions to a process that can be ended (see `patterns`).
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import jsonschema
import jsonschema.validators
from jsonschema.exceptions import ValidationError, best_match
from referencing import Registry

from domain.model import JsonValue
from domain.tools.tool import canonical
from integrations.tools.cap import deeper_than
from integrations.tools.patterns import BadPattern, PatternMatcher, TooSlow

ARGUMENTS_LIMIT_BYTES = 256_000
DEEPEST_ARGUMENTS = 40
CHECK_SECONDS = 2.0
_PLAIN = re.compile(r"(?!.*\d{4})[A-Za-z_][A-Za-z0-9_-]{0,40}\Z")
"""What looks like the name of an argument and not like a number, an address or a sentence."""
_FEW = 200
_UNUSABLE = "The schema of {what} cannot be used for a check: correct the document that it comes from."


@dataclass(frozen=True)
class _Check:
    """One check under way; keywords find it by the context they run in."""

    deadline: float
    search: Callable[[str, str], bool]


_current: ContextVar[_Check] = ContextVar("current_check")


def fault_of_size(arguments: dict[str, JsonValue]) -> str | None:
    """One sentence when arguments are too large or nested too deeply."""
    if deeper_than(arguments, DEEPEST_ARGUMENTS):
        return f"The arguments are nested deeper than {DEEPEST_ARGUMENTS} levels: flatten them."
    if len(canonical(arguments)) > ARGUMENTS_LIMIT_BYTES:
        return f"The arguments take more than {ARGUMENTS_LIMIT_BYTES:,} bytes: shorten them."
    return None


def fault_of_schema(
    value: JsonValue, schema: Mapping[str, JsonValue], what: str, *, trusted: bool = False
) -> str | None:
    """One sentence about the first thing in a value that its schema does not allow; None when all holds.

    Blocks for up to `CHECK_SECONDS`: call it in a thread.

    Args:
        value: of bounded size and depth.
        schema: JSON Schema; its own `$schema` counts, else draft 2020-12.
        what: what the schema is of, for the sentence.
        trusted: the schema is made of our own code, so its patterns need no process of their own.
    """
    deadline = time.monotonic() + CHECK_SECONDS
    with PatternMatcher(deadline) as matcher:
        token = _current.set(_Check(deadline, _search_here if trusted else matcher.search))
        try:
            error = best_match(_validator(schema).iter_errors(value))
        except TooSlow:
            return f"The check of {what} took too long: simplify its schema or shorten what you give it."
        except Exception:  # whatever a broken schema makes the checker raise: no call passes unchecked
            return _UNUSABLE.format(what=what)
        finally:
            _current.reset(token)
    return None if error is None else _sentence(error, what)


def _search_here(pattern: str, text: str) -> bool:
    return re.search(pattern, text) is not None


def _validator(schema: Mapping[str, JsonValue]) -> Any:
    dialect = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    keywords = {**dialect.VALIDATORS, **_OURS}
    if "patternProperties" in canonical(dict(schema)) and "unevaluatedProperties" in canonical(dict(schema)):
        raise BadPattern  # together they would be matched in this process
    timed = {name: _timed(check) for name, check in keywords.items() if name in dialect.VALIDATORS}
    # A registry of its own: the library's default one fetches addresses that a schema refers to.
    extended: Any = jsonschema.validators.extend(dialect, timed)  # type: ignore[no-untyped-call]
    return extended(schema, registry=Registry())


Keyword = Callable[[Any, Any, Any, Mapping[str, Any]], Iterable[ValidationError] | None]


def _timed(check: Keyword) -> Keyword:
    def within_time(validator: Any, value: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
        deadline = _current.get().deadline
        if time.monotonic() > deadline:
            raise TooSlow
        for error in check(validator, value, instance, schema) or ():
            yield error
            if time.monotonic() > deadline:
                raise TooSlow

    return within_time


def _pattern(validator: Any, pattern: str, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if validator.is_type(instance, "string") and not _current.get().search(pattern, instance):
        yield ValidationError("pattern")


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Any], instance: Any, schema: Mapping[str, Any]
) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    for pattern, part in patterns.items():
        for name, value in instance.items():
            if _current.get().search(pattern, name):
                yield from validator.descend(value, part, path=name, schema_path=pattern)


def _additional(validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if not validator.is_type(instance, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    search = _current.get().search
    extra = [name for name in instance if name not in known and not any(search(each, name) for each in patterns)]
    if validator.is_type(allowed, "object"):
        for name in extra:
            yield from validator.descend(instance[name], allowed, path=name)
    elif not allowed and extra:
        yield ValidationError("additionalProperties", path=[extra[0]])


def _unique(validator: Any, wanted: bool, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if not wanted or not validator.is_type(instance, "array"):
        return
    if len(instance) <= _FEW:
        yield from jsonschema.Draft202012Validator.VALIDATORS["uniqueItems"](validator, wanted, instance, schema) or ()
    elif len({canonical(item) for item in instance}) < len(instance):
        # The library compares each with each, which takes minutes for the longest array that is let in.
        yield ValidationError("uniqueItems")


_OURS: dict[str, Keyword] = {
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "uniqueItems": _unique,
}
_SAYINGS = {
    "additionalProperties": "is not known: remove it",
    "unevaluatedProperties": "has something that is not known: remove it",
    "enum": "is not one of the words that are allowed: correct it",
    "const": "is not what it must be: correct it",
    "pattern": "does not have the form that is asked for: correct it",
    "minimum": "is too small: correct it",
    "exclusiveMinimum": "is too small: correct it",
    "maximum": "is too large: correct it",
    "exclusiveMaximum": "is too large: correct it",
    "multipleOf": "is not a multiple of what it must be: correct it",
    "minLength": "is too short: correct it",
    "maxLength": "is too long: correct it",
    "minItems": "has too few entries: correct it",
    "maxItems": "has too many entries: correct it",
    "uniqueItems": "has an entry twice: remove one",
}


def _sentence(error: ValidationError, what: str) -> str:
    """What is wrong, by the place and the rule; the library's own message would repeat the value."""
    path = ".".join(_shown(part) for part in error.absolute_path)
    name = path or "the whole"
    if error.validator == "required" and isinstance(error.instance, dict):
        required: Any = error.validator_value
        missing = next((each for each in required if each not in error.instance), "something")
        return f"{what}: {f'{path}.' if path else ''}{_shown(missing)} is missing: add it."
    if error.validator == "type":
        wanted = error.validator_value
        kinds = " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)
        return f"{what}: {name} must be of type {kinds}: correct it."
    return f"{what}: {name} {_SAYINGS.get(str(error.validator), 'does not fit its schema: correct it')}."


def _shown(part: object) -> str:
    """A part of a path. What does not look like a name may be somebody's data, such as an address used as a key."""
    return str(part) if isinstance(part, int) or _PLAIN.match(str(part)) else "*"
