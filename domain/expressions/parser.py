"""From words to a tree, by jq's grammar."""

from __future__ import annotations

from domain.expressions import syntax as s
from domain.expressions.errors import ExpressionSyntax
from domain.expressions.lexer import Word, read_words
from domain.expressions.reading import Reader

_LEVELS: dict[str, tuple[int, str]] = {
    "//": (2, "right"),
    **dict.fromkeys(("=", "|=", "+=", "-=", "*=", "/=", "%=", "//="), (3, "none")),
    "or": (4, "left"),
    "and": (5, "left"),
    **dict.fromkeys(("==", "!=", "<", "<=", ">", ">="), (6, "none")),
    **dict.fromkeys(("+", "-"), (7, "left")),
    **dict.fromkeys(("*", "/", "%"), (8, "left")),
}
_KEYWORDS = frozenset(
    (
        *("def", "as", "reduce", "foreach", "try", "catch", "label", "import", "include"),
        *("if", "then", "elif", "else", "end", "and", "or", "__loc__"),
    )
)
_KEY, _END = "*key", "*end"
"""Variables that no text can name."""
_CONSTANTS = {"null": None, "true": True, "false": False}


def parse(text: str) -> s.Node:
    """Read an expression.

    Raises:
        ExpressionSyntax: it is none.
    """
    return _Parser(read_words(text)).whole()


class _Parser(Reader):
    # Expressions

    def whole(self) -> s.Node:
        """The expression that all words make up."""
        found = self._pipe()
        if self._word.kind != "end":
            self._refuse("something follows that belongs to nothing")
        return found

    def _pipe(self, commas: bool = True) -> s.Node:
        self._deeper()
        at = self._word.at
        stages: list[s.Node] = []
        definitions: list[tuple[int, s.Definition]] = []
        while True:
            if self._is("def"):
                definitions.append((self._word.at, self._definition()))
                continue
            if stages or not definitions or self._word.kind != "end":
                stage = self._comma() if commas else self._binary(1)
            else:
                stage = s.Identity(at)
            stages.append(stage)
            if not self._take("|"):
                break
            if self._is("def"):
                stages.append(self._pipe(commas))
                break
        self._depth -= 1
        whole = stages[0] if len(stages) == 1 else s.Pipe(at, tuple(stages))
        for place, definition in reversed(definitions):
            whole = s.Define(place, definition, whole)
        return whole

    def _comma(self) -> s.Node:
        at = self._word.at
        parts = [self._binary(1)]
        while self._take(","):
            parts.append(self._binary(1))
        return parts[0] if len(parts) == 1 else s.Comma(at, tuple(parts))

    def _binary(self, lowest: int) -> s.Node:
        left = self._operand()
        while True:
            word = self._word
            level = _LEVELS.get(word.value) if word.kind in ("symbol", "name") else None
            if level is None or level[0] < lowest:
                return left
            self._next += 1
            rank, side = level
            self._deeper()
            right = self._binary(rank if side == "right" else rank + 1)
            self._depth -= 1
            kind = s.Assign if rank == 3 else s.Binary
            left = kind(word.at, word.value, left, right)
            following = _LEVELS.get(self._word.value) if self._word.kind == "symbol" else None
            if side == "none" and following is not None and following[0] == rank:
                self._refuse("comparisons and assignments do not chain; use parentheses")

    def _operand(self) -> s.Node:
        at = self._word.at
        if self._is("def"):
            return s.Define(at, self._definition(), self._pipe())
        if self._take("-"):
            self._deeper()
            found: s.Node = s.Negation(at, self._operand())
            self._depth -= 1
            return found
        if self._take("label"):
            name = self._variable_name()
            self._need("|")
            return s.Label(at, name, self._pipe())
        term = self._postfix()
        if self._take("as"):
            patterns = self._patterns()
            self._need("|")
            return s.Bind(at, term, patterns, self._pipe())
        return term

    # Terms

    def _postfix(self) -> s.Node:
        term = self._term()
        reached = False
        while True:
            word = self._word
            if word.kind == "field":
                self._next += 1
                term = s.Index(word.at, term, s.Literal(word.at, word.value))
            elif self._is("."):
                term = self._dotted(term)
            elif self._take("["):
                term = self._bracket(term, word.at)
            elif self._take("?"):
                term = _optional(term, word.at) if reached else s.Try(word.at, term, None)
            elif self._is("?//"):  # `.a?//1` without a space: not an alternative pattern, two operators
                term = _optional(term, word.at) if reached else s.Try(word.at, term, None)
                self._words[self._next] = Word("symbol", "//", word.at + 1)
            else:
                return term
            reached = True

    def _dotted(self, target: s.Node) -> s.Node:
        """A dot before a text or a bracket."""
        at = self._advance().at
        if self._word.kind == "text":
            return s.Index(at, target, self._text("text"))
        if not self._is("["):
            self._refuse("a name or a bracket is missing after the dot")
        self._next += 1
        return self._bracket(target, at)

    def _bracket(self, target: s.Node, at: int) -> s.Node:
        if self._take("]"):
            return s.Iterate(at, target)
        if self._take(":"):
            end = self._pipe()
            self._need("]")
            return s.Slice(at, target, None, end)
        first = self._pipe()
        if self._take(":"):
            last = None if self._is("]") else self._pipe()
            self._need("]")
            return s.Slice(at, target, first, last)
        self._need("]")
        return s.Index(at, target, first)

    def _term(self) -> s.Node:  # noqa: PLR0911 - one for each kind of word
        word = self._word
        match word.kind:
            case "number":
                self._next += 1
                return s.Literal(word.at, _number(word.value))
            case "field":
                self._next += 1
                return s.Index(word.at, s.Identity(word.at), s.Literal(word.at, word.value))
            case "variable":
                self._next += 1
                return s.Variable(word.at, word.value)
            case "text":
                return self._text("text")
            case "format":
                self._next += 1
                return self._text(word.value[1:]) if self._word.kind == "text" else s.Format(word.at, word.value[1:])
            case "symbol":
                return self._symbol(word)
            case "name":
                return self._named(word)
        return self._refuse("a value is missing")

    def _symbol(self, word: Word) -> s.Node:  # noqa: PLR0911 - one for each symbol
        if self._take(".."):
            return s.Call(word.at, "recurse", ())
        if self._take("."):
            if self._word.kind == "text":
                return s.Index(word.at, s.Identity(word.at), self._text("text"))
            return s.Identity(word.at)
        if self._take("("):
            found = self._pipe()
            self._need(")")
            return found
        if self._take("["):
            if self._take("]"):
                return s.Array(word.at, None)
            body = self._pipe()
            self._need("]")
            return s.Array(word.at, body)
        if self._take("{"):
            return self._object(word.at)
        return self._refuse("a value is missing")

    def _named(self, word: Word) -> s.Node:
        forms = {"if": self._if, "try": self._try, "reduce": self._reduce, "foreach": self._foreach}
        form = forms.get(word.value)
        if form is not None:
            self._next += 1
            self._deeper()
            found = form(word.at)
            self._depth -= 1
            return found
        if word.value in ("import", "include"):
            raise ExpressionSyntax("Modules are refused: write the definition into the expression.", word.at)
        if word.value in _KEYWORDS:
            self._refuse(f"“{word.value}” does not belong here")
        self._next += 1
        if word.value in _CONSTANTS and not self._is("("):
            return s.Literal(word.at, _CONSTANTS[word.value])
        if word.value == "break":
            return s.Break(word.at, self._variable_name())
        arguments: list[s.Node] = []
        if self._take("("):
            arguments.append(self._pipe())
            while self._take(";"):
                arguments.append(self._pipe())
            self._need(")")
        return s.Call(word.at, word.value, tuple(arguments))

    def _text(self, form: str) -> s.Node:
        word = self._advance()
        parts: list[str | s.Node] = []
        for part in word.parts:
            if not isinstance(part, str):
                parts.append(_Parser(part, self._depth + 1).whole())
            elif part:
                parts.append(part)
        if all(isinstance(part, str) for part in parts):
            return s.Literal(word.at, "".join(str(part) for part in parts))
        return s.Text(word.at, tuple(parts), form)

    # Keywords

    def _if(self, at: int) -> s.Node:
        condition = self._pipe()
        self._need("then")
        then = self._pipe()
        place = self._word.at
        if self._take("elif"):
            self._deeper()
            found = s.If(at, condition, then, self._if(place))
            self._depth -= 1
            return found
        otherwise: s.Node = self._pipe() if self._take("else") else s.Identity(place)
        self._need("end")
        return s.If(at, condition, then, otherwise)

    def _try(self, at: int) -> s.Node:
        body = self._postfix_try()
        return s.Try(at, body, self._postfix_try() if self._take("catch") else None)

    def _postfix_try(self) -> s.Node:
        at = self._word.at
        if self._take("-"):
            return s.Negation(at, self._postfix())
        return self._postfix()

    def _reduce(self, at: int) -> s.Node:
        source, patterns = self._source()
        start = self._pipe()
        self._need(";")
        update = self._pipe()
        self._need(")")
        return s.Reduce(at, source, patterns, start, update)

    def _foreach(self, at: int) -> s.Node:
        source, patterns = self._source()
        start = self._pipe()
        self._need(";")
        update = self._pipe()
        extract = self._pipe() if self._take(";") else None
        self._need(")")
        return s.Foreach(at, source, patterns, start, update, extract)

    def _source(self) -> tuple[s.Node, tuple[s.Pattern, ...]]:
        source = self._postfix()
        self._need("as")
        patterns = self._patterns()
        self._need("(")
        return source, patterns

    def _definition(self) -> s.Definition:
        self._need("def")
        name = self._advance()
        if name.kind != "name" or name.value in _KEYWORDS:
            self._next -= 1
            self._refuse("a function needs a name")
        parameters: list[str] = []
        if self._take("("):
            while True:
                word = self._advance()
                if word.kind not in ("name", "variable"):
                    self._next -= 1
                    self._refuse("a parameter needs a name")
                parameters.append("$" + word.value if word.kind == "variable" else word.value)
                if not self._take(";"):
                    break
            self._need(")")
        self._need(":")
        body = self._pipe()
        self._need(";")
        return s.Definition(name.value, tuple(parameters), body)

    # Objects and patterns

    def _object(self, at: int) -> s.Node:
        entries: list[tuple[s.Node, s.Node]] = []
        while not self._take("}"):
            if entries:
                self._need(",")
                if self._take("}"):
                    break
            entries.append(self._entry())
        return s.Object(at, tuple(entries))

    def _entry(self) -> tuple[s.Node, s.Node]:
        word = self._word
        here = s.Identity(word.at)
        if word.kind == "variable":
            self._next += 1
            return s.Literal(word.at, word.value), s.Variable(word.at, word.value)
        key = self._key()
        if self._take(":"):
            return key, self._pipe(commas=False)
        if word.kind == "symbol":
            self._refuse("a key in parentheses needs a value")
        return key, s.Index(word.at, here, key)

    def _key(self) -> s.Node:
        word = self._word
        if word.kind == "text":
            return self._text("text")
        if word.kind == "format" and self._words[self._next + 1].kind == "text":
            self._next += 1
            return self._text(word.value[1:])
        if word.kind == "name":
            self._next += 1
            return s.Literal(word.at, word.value)
        if word.kind == "number":
            self._next += 1
            return s.Literal(word.at, _number(word.value))
        self._need("(")
        key = self._pipe()
        self._need(")")
        return key

    def _patterns(self) -> tuple[s.Pattern, ...]:
        patterns = [self._pattern()]
        while self._take("?//"):
            patterns.append(self._pattern())
        return tuple(patterns)

    def _pattern(self) -> s.Pattern:
        self._deeper()
        try:
            if self._word.kind == "variable":
                return s.VariablePattern(self._advance().value)
            if self._take("["):
                parts = [self._pattern()]
                while self._take(","):
                    parts.append(self._pattern())
                self._need("]")
                return s.ArrayPattern(tuple(parts))
            self._need("{")
            entries = [self._pattern_entry()]
            while self._take(","):
                entries.append(self._pattern_entry())
            self._need("}")
            return s.ObjectPattern(tuple(entries))
        finally:
            self._depth -= 1

    def _pattern_entry(self) -> tuple[s.Node, str | None, s.Pattern | None]:
        word = self._word
        if word.kind == "variable":
            self._next += 1
            return s.Literal(word.at, word.value), word.value, self._pattern() if self._take(":") else None
        key = self._key()
        self._need(":")
        return key, None, self._pattern()

    def _variable_name(self) -> str:
        word = self._advance()
        if word.kind != "variable":
            self._next -= 1
            self._refuse("a name with a dollar sign is missing")
        return word.value


def _number(text: str) -> int | float:
    if text.isdigit() and len(text) <= 17:
        return int(text)
    return float(text)


def _optional(term: s.Node, at: int) -> s.Node:
    """`?` after a step: only that step may fail, not what it is taken from, nor its key."""
    here = s.Identity(at)
    if isinstance(term, s.Iterate):
        return s.Pipe(at, (term.target, s.Try(at, s.Iterate(at, here), None)))
    if isinstance(term, s.Index) and isinstance(term.key, s.Literal):
        return s.Pipe(at, (term.target, s.Try(at, s.Index(at, here, term.key), None)))
    if isinstance(term, s.Index):
        step: s.Node = s.Index(at, here, s.Variable(at, _KEY))
        return s.Bind(at, term.key, (s.VariablePattern(_KEY),), s.Pipe(at, (term.target, s.Try(at, step, None))))
    if isinstance(term, s.Slice):
        nothing = s.Literal(at, None)
        step = s.Slice(at, here, s.Variable(at, _KEY), s.Variable(at, _END))
        taken = s.Bind(
            at, term.end or nothing, (s.VariablePattern(_END),), s.Pipe(at, (term.target, s.Try(at, step, None)))
        )
        return s.Bind(at, term.start or nothing, (s.VariablePattern(_KEY),), taken)
    return s.Try(at, term, None)
