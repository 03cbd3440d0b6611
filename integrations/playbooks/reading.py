"""Reads a playbook from YAML or JSON into plain JSON, and keeps for every value where it stands.

YAML as its version 1.2 reads it (core schema): `on`, `yes` and `12:30` stay text. No tags, no merge keys, no bombs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import yaml

from domain.model import JsonValue
from integrations.playbooks.places import Place, pointer_to

SIZE_LIMIT = 512 * 1024
"""Bytes of a playbook."""
NODE_LIMIT = 20_000
"""Values in a playbook, with aliases written out."""
DEPTH_LIMIT = 60

_STR, _NULL, _BOOL = "tag:yaml.org,2002:str", "tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_CORE = (
    (_BOOL, re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), "tTfF"),
    (_INT, re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"), "-+0123456789"),
    (
        _FLOAT,
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
        ),
        "-+.0123456789",
    ),
    (_NULL, re.compile(r"(?:null|Null|NULL|~|)\Z"), ["n", "N", "~", ""]),
)
"""YAML 1.2, section 10.3.2."""


class Unreadable(Exception):
    """The text is no playbook that could be looked at any further."""

    def __init__(self, sentence: str, line: int = 1, column: int = 1) -> None:
        """Line and column count from 1."""
        super().__init__(sentence)
        self.sentence = sentence
        self.line = line
        self.column = column


@dataclass(frozen=True)
class PlaybookText:
    """A document as JSON, with the place of every value by its JSON pointer."""

    data: JsonValue
    places: dict[str, Place]

    def place(self, pointer: str) -> Place:
        """Where a value stands, or the nearest value around it."""
        while pointer not in self.places and pointer:
            pointer = pointer.rpartition("/")[0]
        return self.places.get(pointer, Place(1, 1))


def read_playbook(text: str | bytes) -> PlaybookText:
    """Read a document.

    Args:
        text: YAML or JSON, UTF-8 when it is bytes.

    Raises:
        Unreadable: it is too large, not YAML, or holds what JSON cannot.
    """
    source = _decoded(text)
    try:
        node = _composed(source)
        if node is None:
            raise Unreadable("The file is empty: write a playbook into it.")
        builder = _Builder(source)
        data = builder.build(node, "", 0)
    except RecursionError:
        raise _too_deep(1, 1) from None
    return PlaybookText(data, builder.places)


def _decoded(text: str | bytes) -> str:
    if len(text) > SIZE_LIMIT:
        raise Unreadable(f"The file is larger than {SIZE_LIMIT // 1024} KB: split the playbook.")
    if isinstance(text, bytes):
        try:
            text = text.decode("utf-8")
        except UnicodeDecodeError:
            raise Unreadable("The file is not UTF-8 text: save it as UTF-8.") from None
    text = text.removeprefix("\ufeff")
    # YAML forbids tabs where JSON allows them, and only outside of strings: there one space does as well.
    return text.replace("\t", " ") if _is_json(text) else text


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class CoreLoader(yaml.SafeLoader):
    """Composes nodes by the words of YAML 1.2, and counts them while it does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own way

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._count = 0
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node, as long as the document keeps to its limits."""
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        self._count += 1
        self._depth += 1
        if self._count > 2 * NODE_LIMIT:
            raise _too_many(mark.line + 1, mark.column + 1)
        if self._depth > DEPTH_LIMIT + 2:
            raise _too_deep(mark.line + 1, mark.column + 1)
        node: yaml.Node | None = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _tag, _pattern, _first in _CORE:
    CoreLoader.add_implicit_resolver(_tag, _pattern, list(_first))


def _composed(text: str) -> yaml.Node | None:
    try:
        loader = CoreLoader(text)
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise Unreadable(
            f"This is not YAML ({_short(error.problem or error.context)}): correct it.", line, column
        ) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        raise Unreadable("A character here may not stand in YAML: remove it.", line, column) from None
    except yaml.YAMLError:
        raise Unreadable("This is not YAML: correct it.") from None
    except (ValueError, OverflowError):
        # PyYAML lets a \U escape beyond Unicode through to chr().
        raise Unreadable("An escape in a quoted text names no character: correct it.") from None


def _short(problem: str | None) -> str:
    return " ".join((problem or "it cannot be read").split())[:120]


class _Builder:
    """Makes JSON of nodes; aliases are written out and count like the rest."""

    def __init__(self, source: str) -> None:
        self.places: dict[str, Place] = {}
        self._lines = source.split("\n")
        self._count = 0

    def build(self, node: yaml.Node, pointer: str, depth: int, key: yaml.Node | None = None) -> JsonValue:
        line, column = _start(node)
        self._count += 1
        if self._count > NODE_LIMIT:
            raise _too_many(line, column)
        if depth > DEPTH_LIMIT:
            raise _too_deep(line, column)
        self.places[pointer] = self._place(node, key)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, pointer, depth)
        if isinstance(node, yaml.SequenceNode):
            _check_tag(node, _SEQ)
            return [self.build(item, f"{pointer}/{index}", depth + 1) for index, item in enumerate(node.value)]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, pointer: str, depth: int) -> dict[str, JsonValue]:
        _check_tag(node, _MAP)
        made: dict[str, JsonValue] = {}
        for key, value in node.value:
            line, column = _start(key)
            name = _key(key)
            if name == "<<":
                raise Unreadable("A merge key (<<) is no YAML 1.2: write the keys out.", line, column)
            if name in made:
                raise Unreadable(f"The key {_shown(name)} stands here twice: remove one of them.", line, column)
            made[name] = self.build(value, pointer_to(pointer, name), depth + 1, key)
        return made

    def _place(self, node: yaml.Node, key: yaml.Node | None) -> Place:
        line, column = _start(node)
        key_line, key_column = _start(key) if key is not None else (line, column)
        style = getattr(node, "style", None) if isinstance(node, yaml.ScalarNode) else "collection"
        indent = 0
        if style in ("|", ">"):
            below = (text for text in self._lines[line : node.end_mark.line] if text.strip())
            first = next(below, "")
            indent = len(first) - len(first.lstrip(" "))
        return Place(line, column, key_line, key_column, style or "", indent, node.end_mark.line + 1)


def _start(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _check_tag(node: yaml.Node, *known: str) -> None:
    if node.tag not in known:
        raise Unreadable("A tag (!) may not stand in a playbook: remove it.", *_start(node))


def _key(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode) or not isinstance(node.tag, Hashable):
        raise Unreadable("A key must be a plain word: write it out.", *_start(node))
    _check_tag(node, _STR, _NULL, _BOOL, _INT, _FLOAT)
    return _clean(node)


def _scalar(node: yaml.Node) -> JsonValue:
    _check_tag(node, _STR, _NULL, _BOOL, _INT, _FLOAT)
    text: str = node.value
    try:
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return {"true": True, "false": False}[text.lower()]
        if node.tag == _INT:
            return _integer(text)
        if node.tag == _FLOAT:
            return _number(text)
    except (ValueError, KeyError, OverflowError):
        raise Unreadable(
            "This number or word is not one that JSON knows: correct or quote it.", *_start(node)
        ) from None
    return _clean(node)


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    if len(text) > 300:
        raise ValueError
    return int(text if base == 10 else text[2:], base)


def _number(text: str) -> float:
    number = float(text)
    if number != number or number in (float("inf"), float("-inf")):  # noqa: PLR0124 - only NaN differs from itself
        raise ValueError
    return number


def _clean(node: yaml.Node) -> str:
    """The text, with escaped surrogate pairs joined as JSON means them."""
    text: str = node.value
    if any("\ud800" <= character <= "\udfff" for character in text):
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise Unreadable("Half a character (a lone surrogate) stands here: correct it.", *_start(node)) from None
    return text


def _shown(name: str) -> str:
    return json.dumps(name if len(name) <= 60 else name[:57] + "...", ensure_ascii=False)


def _too_many(line: int, column: int) -> Unreadable:
    return Unreadable(f"The document has more than {NODE_LIMIT:,} values: split the playbook.", line, column)


def _too_deep(line: int, column: int) -> Unreadable:
    return Unreadable(f"Values are nested more than {DEPTH_LIMIT} deep: flatten them.", line, column)
