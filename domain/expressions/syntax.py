"""The tree of an expression."""

from __future__ import annotations

from dataclasses import dataclass

from domain.model import JsonValue


@dataclass(frozen=True, slots=True)
class Node:
    """Any part of an expression; `at` is its offset in characters."""

    at: int


@dataclass(frozen=True, slots=True)
class Identity(Node):
    """`.`."""


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, or a text without interpolation, or true, false, null."""

    value: JsonValue


@dataclass(frozen=True, slots=True)
class Text(Node):
    """A text with `\\( )`; `format` is what each inserted value goes through."""

    parts: tuple[str | Node, ...]
    format: str


@dataclass(frozen=True, slots=True)
class Format(Node):
    """`@name` on its own."""

    name: str


@dataclass(frozen=True, slots=True)
class Array(Node):
    """`[ ]`."""

    body: Node | None


@dataclass(frozen=True, slots=True)
class Object(Node):
    """`{ }`: keys and values."""

    entries: tuple[tuple[Node, Node], ...]


@dataclass(frozen=True, slots=True)
class Negation(Node):
    """`-e`."""

    body: Node


@dataclass(frozen=True, slots=True)
class Pipe(Node):
    """`a | b | c`."""

    stages: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comma(Node):
    """`a, b, c`."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """Arithmetic, comparison, `and`, `or`, `//`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """`=`, `|=`, and the arithmetic forms."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class If(Node):
    """`if c then a else b end`."""

    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Try(Node):
    """`try e catch h`, and `e?`."""

    body: Node
    handler: Node | None


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function by its name."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Definition:
    """`def name(params): body;`. A parameter with `$` is also a variable."""

    name: str
    parameters: tuple[str, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Define(Node):
    """A definition and what it is visible in."""

    definition: Definition
    rest: Node


@dataclass(frozen=True, slots=True)
class VariablePattern:
    """`$name`."""

    name: str


@dataclass(frozen=True, slots=True)
class ArrayPattern:
    """`[p, q]`."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class ObjectPattern:
    """`{key: p}`; each entry is the key, a variable of the key's own value, and a pattern for it."""

    entries: tuple[tuple[Node, str | None, Pattern | None], ...]


Pattern = VariablePattern | ArrayPattern | ObjectPattern


@dataclass(frozen=True, slots=True)
class Bind(Node):
    """`e as p ?// q | body`."""

    source: Node
    patterns: tuple[Pattern, ...]
    body: Node


@dataclass(frozen=True, slots=True)
class Reduce(Node):
    """`reduce e as p (init; update)`."""

    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node


@dataclass(frozen=True, slots=True)
class Foreach(Node):
    """`foreach e as p (init; update; extract)`."""

    source: Node
    patterns: tuple[Pattern, ...]
    start: Node
    update: Node
    extract: Node | None


@dataclass(frozen=True, slots=True)
class Label(Node):
    """`label $name | body`."""

    name: str
    body: Node


@dataclass(frozen=True, slots=True)
class Break(Node):
    """`break $name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`t[key]` and `t.name`."""

    target: Node
    key: Node


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """`t[from:to]`."""

    target: Node
    start: Node | None
    end: Node | None


@dataclass(frozen=True, slots=True)
class Iterate(Node):
    """`t[]`."""

    target: Node
