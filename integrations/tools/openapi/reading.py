"""An OpenAPI document as a plain value: JSON or YAML, read without tags, anchors' explosions or surprises of type."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import yaml

from domain.errors import InvalidInput
from domain.model import JsonValue

DOCUMENT_LIMIT = 10_000_000
"""Bytes. The largest published ones (Stripe, GitHub) have 8 to 12 MB of JSON; their subsets fit."""
_EXPANDED_LIMIT = 3_000_000
"""Values in a document when each alias of YAML is counted as often as it is used."""
_DEEPEST = 200
"""Levels of nesting in YAML."""
_REFERENCES_FOLLOWED = 20
_UNREADABLE = "The OpenAPI document cannot be read: give it as JSON or YAML in UTF-8."
_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unsupported(Exception):
    """An operation that cannot become a tool; its text says why."""


class _Loader(_Base):  # type: ignore[misc]
    """YAML as JSON: strings, numbers, true, false and null; keys are text as written (`200`, `on`, `=`)."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute

    def map_of(self, node: Any) -> dict[str, Any]:
        """A mapping with keys as text and without merge keys, which YAML 1.2 has not and which can explode."""
        if not isinstance(node, yaml.MappingNode):
            raise yaml.constructor.ConstructorError(None, None, "expected a mapping", node.start_mark)
        if any(not isinstance(key, yaml.ScalarNode) for key, _ in node.value):
            raise yaml.constructor.ConstructorError(None, None, "a key is not text", node.start_mark)
        return {str(key.value): self.construct_object(value, deep=True) for key, value in node.value}


def _prepare() -> None:
    kinds = (
        ("null", r"(~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
        ("bool", r"(true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
        ("int", r"[-+]?(0|[1-9][0-9]{0,17})\Z", list("-+0123456789")),
        ("float", r"[-+]?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?\Z", list("-+0123456789")),
    )
    for kind, pattern, first in kinds:
        _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{kind}", re.compile(pattern), first)
    _Loader.add_constructor("tag:yaml.org,2002:map", _Loader.map_of)


_prepare()


def read_document(content: bytes) -> Document:
    """Read a document of OpenAPI 3.0, 3.1 or 2.0.

    Raises:
        InvalidInput: it is too large, neither JSON nor YAML, or no OpenAPI document.
    """
    if len(content) > DOCUMENT_LIMIT:
        raise InvalidInput(f"The OpenAPI document is larger than {DOCUMENT_LIMIT // 1_000_000} MB: cut it down.")
    try:
        text = content.decode("utf-8-sig")
        data = json.loads(text) if text.lstrip()[:1] in ("{", "[") else None
        if data is None:
            data = _yaml(text)
    except (ValueError, RecursionError):
        data = _flow_yaml(content)
    except yaml.YAMLError:
        raise InvalidInput(_UNREADABLE) from None
    try:
        size = _expanded(data, {})
    except RecursionError:
        raise InvalidInput(_UNREADABLE) from None
    if size > _EXPANDED_LIMIT:
        raise InvalidInput("The OpenAPI document grows too large when its aliases are followed: write them out.")
    if not isinstance(data, dict) or not isinstance(data.get("paths"), dict):
        raise InvalidInput("The document is no OpenAPI document with paths: correct `document`.")
    return Document(data)


def _flow_yaml(content: bytes) -> Any:
    """A document that begins like JSON and is YAML; anything else is refused."""
    try:
        return _yaml(content.decode("utf-8-sig"))
    except (ValueError, RecursionError, yaml.YAMLError):
        raise InvalidInput(_UNREADABLE) from None


def _yaml(text: str) -> Any:
    """Read YAML, once it is known not to nest so deeply that libyaml's recursion would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise InvalidInput(_UNREADABLE)
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - the loader is a safe one


def _expanded(node: Any, seen: dict[int, int]) -> int:
    if not isinstance(node, dict | list):
        return 1
    if id(node) not in seen:
        inner = node.values() if isinstance(node, dict) else node
        seen[id(node)] = 1 + sum(_expanded(item, seen) for item in inner)
    return seen[id(node)]


class Document:
    """A document and its references."""

    def __init__(self, data: dict[str, JsonValue]) -> None:
        """Refuse versions that we do not know.

        Raises:
            InvalidInput: the version is none of 2.0, 3.0 and 3.1.
        """
        self.data = data
        self.version = str(data.get("openapi") or data.get("swagger") or "")
        if not re.match(r"(3\.[01](\.|\Z)|2\.0\Z)", self.version):
            raise InvalidInput("The document has no version that is read here: use OpenAPI 2.0, 3.0 or 3.1.")

    @property
    def is_swagger(self) -> bool:
        """Whether it is OpenAPI 2.0."""
        return self.version.startswith("2")

    @property
    def dialect_30(self) -> bool:
        """Whether schemas are those of 3.0 and before, which are no JSON Schema of today."""
        return not self.version.startswith("3.1")

    def resolved(self, node: JsonValue) -> dict[str, JsonValue]:
        """A node with its reference followed; empty when it is no object.

        Raises:
            Unsupported: the reference leads out of the document, to nothing, or in a circle.
        """
        for _ in range(_REFERENCES_FOLLOWED):
            if not isinstance(node, dict):
                return {}
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self.target(reference)
        raise Unsupported("a reference leads in a circle")

    def target(self, reference: str) -> JsonValue:
        """What a reference points to (RFC 6901).

        Raises:
            Unsupported: it leads out of the document or to nothing.
        """
        if reference == "#":
            return self.data
        if not reference.startswith("#/"):
            raise Unsupported("a reference leads out of the document")
        node: JsonValue = self.data
        for part in reference[2:].split("/"):
            name = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(node, dict) and name in node:
                node = node[name]
            elif isinstance(node, list) and name.isdecimal() and int(name) < len(node):
                node = node[int(name)]
            else:
                raise Unsupported("a reference leads to nothing")
        return node
