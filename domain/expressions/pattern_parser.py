"""Reading regular expressions, in the syntax jq's own library calls Perl's."""

from __future__ import annotations

from typing import NoReturn

from domain.expressions.errors import Raised
from domain.expressions.pattern_syntax import (
    ANCHORS,
    CLASSES,
    ESCAPES,
    NAMED,
    PROPERTIES,
    Alternatives,
    Assertion,
    Characters,
    Group,
    Part,
    Repeat,
    Sequence,
    Test,
    any_case,
    is_hex,
    negated,
)

_LONGEST = 2000
_MOST = 1000
"""The largest number in `{n,m}`."""
_DEEPEST = 25
_MOST_GROUPS = 40


def parse_pattern(text: str, flags: str) -> tuple[Part, tuple[str | None, ...]]:
    """Read a pattern.

    Args:
        text: the pattern.
        flags: `i` ignores case, `x` allows space and comments, `p` and `m` let a dot take line breaks.

    Returns:
        Its tree, and the name of each group that is kept, or None.

    Raises:
        Raised: it is no pattern, or it asks for what cannot be done in linear time.
    """
    if len(text) > _LONGEST:
        raise Raised("the regular expression is too long")
    parser = _Reader(text, flags)
    tree = parser.alternatives()
    if parser.place < len(text):
        parser.refuse("has a parenthesis too many")
    return tree, tuple(parser.names)


class _Reader:
    def __init__(self, text: str, flags: str) -> None:
        self.text = text
        self.place = 0
        self.names: list[str | None] = []
        self.depth = 0
        self.ignore_case = "i" in flags
        self.extended = "x" in flags
        self.dot_takes_all = "p" in flags or "m" in flags

    def refuse(self, what: str) -> NoReturn:
        """Say what is wrong with the pattern."""
        raise Raised(f"the regular expression {what}, at position {self.place}")

    def _peek(self) -> str:
        return self.text[self.place : self.place + 1]

    def _take(self, wanted: str) -> bool:
        if self.text.startswith(wanted, self.place):
            self.place += len(wanted)
            return True
        return False

    def _next(self) -> str:
        character = self._peek()
        if not character:
            self.refuse("ends too early")
        self.place += 1
        return character

    def alternatives(self) -> Part:
        """Everything up to a closing parenthesis or the end."""
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse("is nested too deeply")
        before = (self.ignore_case, self.extended, self.dot_takes_all)
        parts = [self._sequence()]
        while self._take("|"):
            parts.append(self._sequence())
        self.ignore_case, self.extended, self.dot_takes_all = before
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Alternatives(tuple(parts))

    def _sequence(self) -> Part:
        parts: list[Part] = []
        while self.place < len(self.text) and self._peek() not in "|)":
            if self.extended and self._skip():
                continue
            part = self._atom()
            if part is not None:
                parts.append(self._quantified(part))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _skip(self) -> bool:
        """Space and comments of the extended form."""
        start = self.place
        while self._peek() and self._peek() in " \t\r\n\f\v#":
            if self._next() == "#":
                end = self.text.find("\n", self.place)
                self.place = len(self.text) if end < 0 else end
        return self.place > start

    def _quantified(self, part: Part) -> Part:
        while True:
            if self.extended:
                self._skip()
            bounds = self._bounds()
            if bounds is None:
                return part
            least, most = bounds
            greedy = not self._take("?")
            if greedy and self._peek() == "+":
                self.refuse("has a possessive quantifier, which is refused")
            if isinstance(part, Assertion):
                part = Sequence(()) if least == 0 else part
                continue
            part = Repeat(part, least, most, greedy)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        end = self.text.find("}", self.place)
        if self._peek() != "{" or end < 0:
            return None
        low, comma, high = self.text[self.place + 1 : end].partition(",")
        if not (low or high) or not all(number.isascii() and number.isdigit() for number in (low, high) if number):
            return None
        least = min(int(low[:9] or 0), _MOST + 1)
        most = (None if not high else min(int(high[:9]), _MOST + 1)) if comma else least
        if least > _MOST or (most or 0) > _MOST:
            self.refuse(f"repeats more than {_MOST} times")
        if most is not None and most < least:
            self.refuse("has a repetition whose bounds are in the wrong order")
        self.place = end + 1
        return least, most

    def _atom(self) -> Part | None:  # noqa: PLR0911 - one for each kind of sign
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return Characters(self._cased(self._set()))
            case ".":
                return Characters((lambda _c: True) if self.dot_takes_all else (lambda c: c != "\n"))
            case "^":
                return Assertion("start")
            case "$":
                return Assertion("last_end")
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                self.place -= 1
                self.refuse("repeats nothing")
        return Characters(self._literal(character))

    def _literal(self, character: str) -> Test:
        if not self.ignore_case:
            return character.__eq__
        return frozenset((character, character.lower(), character.upper())).__contains__

    def _cased(self, test: Test) -> Test:
        return any_case(test) if self.ignore_case else test

    def _group(self) -> Part | None:
        if not self._take("?"):
            return self._kept(None)
        if self._take("#"):
            end = self.text.find(")", self.place)
            if end < 0:
                self.refuse("has a comment that does not end")
            self.place = end + 1
            return None
        if self._take(":"):
            return self._closed(None)
        for sign in ("=", "!", "<=", "<!"):
            if self._take(sign):
                self.refuse("looks ahead or behind, which is refused: match more and use the groups")
        if self._take(">"):
            self.refuse("has an atomic group, which is refused")
        if self._take("<") or self._take("P<"):
            end = self.text.find(">", self.place)
            name = self.text[self.place : max(end, self.place)]
            if not name.isidentifier():
                self.refuse("has a group without a proper name")
            self.place = end + 1
            return self._kept(name)
        return self._options()

    def _kept(self, name: str | None) -> Part:
        if len(self.names) >= _MOST_GROUPS:
            self.refuse(f"has more than {_MOST_GROUPS} groups")
        self.names.append(name)
        return self._closed(len(self.names))

    def _closed(self, number: int | None) -> Part:
        body = self.alternatives()
        if not self._take(")"):
            self.refuse("has a parenthesis that does not close")
        return Group(body, number)

    def _options(self) -> Part | None:
        """`(?i)` for the rest of the group, `(?i:...)` for its own."""
        on = True
        before = (self.ignore_case, self.extended, self.dot_takes_all)
        while (letter := self._next()) not in ":)":
            if letter == "-":
                on = False
            elif letter == "i":
                self.ignore_case = on
            elif letter == "x":
                self.extended = on
            elif letter in "ms":
                self.dot_takes_all = on
            else:
                self.refuse("has a group of an unknown kind")
        if letter == ")":
            return None
        part = self._closed(None)
        self.ignore_case, self.extended, self.dot_takes_all = before
        return part

    def _escape(self) -> Part:
        character = self._next()
        if character in ANCHORS:
            return Assertion(ANCHORS[character])
        if character.isdigit() and character != "0":
            self.refuse("has a backreference, which is refused: compare the groups afterwards")
        if character in "kKgGRXQ":
            self.refuse("has an escape that is refused")
        test = self._class(character)
        return Characters(self._cased(test) if test else self._literal(self._one(character)))

    def _class(self, character: str) -> Test | None:
        """`\\d` and its like, and `\\p{...}`."""
        if character.lower() in CLASSES:
            test = CLASSES[character.lower()]
            return negated(test) if character.isupper() else test
        if character not in "pP":
            return None
        end = self.text.find("}", self.place)
        if not self._take("{") or end < 0:
            self.refuse("has a property without a name")
        name = self.text[self.place : end]
        self.place = end + 1
        turned = name.startswith("^")
        found = PROPERTIES.get(name.lstrip("^").lower())
        if found is None:
            self.refuse("has a property that is not known here")
        return negated(found) if turned is not (character == "P") else found

    def _one(self, character: str) -> str:
        """The character that an escape stands for."""
        if character in ESCAPES:
            return ESCAPES[character]
        if character in "xu0":
            return self._code(character)
        if character.isalpha():
            self.refuse("has an escape that is not known here")
        return character

    def _code(self, letter: str) -> str:
        if letter == "x" and self._take("{"):
            end = self.text.find("}", self.place)
            digits = self.text[self.place : max(end, self.place)]
            self.place = end + 1
        else:
            width = {"x": 2, "u": 4, "0": 2}[letter]
            digits = ""
            while len(digits) < width and self._peek() and is_hex(self._peek()):
                digits += self._next()
        try:
            return chr(int(digits or "0", 8 if letter == "0" else 16))
        except (ValueError, OverflowError):
            self.refuse("has a character code that is none")

    def _set(self) -> Test:
        """Square brackets."""
        turned = self._take("^")
        tests: list[Test] = []
        singles: set[str] = set()
        first = True
        while first or self._peek() != "]":
            first = False
            if self._take("[:"):
                tests.append(self._posix())
                continue
            if self._peek() == "[" or self._take("&&"):
                self.refuse("has a set within a set, which is refused")
            low = self._next()
            if low == "\\":
                low = self._next()
                test = self._class(low)
                if test is not None:
                    tests.append(test)
                    continue
                low = "\b" if low == "b" else self._one(low)
            high = self._range_end()
            if high is None:
                singles.add(low)
            elif high < low:
                self.refuse("has a range whose ends are in the wrong order")
            else:
                tests.append(lambda character, low=low, high=high: low <= character <= high)  # type: ignore[misc]
        self.place += 1
        return self._joined(frozenset(singles), tuple(tests), turned)

    def _joined(self, singles: frozenset[str], tests: tuple[Test, ...], turned: bool) -> Test:
        def within(character: str) -> bool:
            return character in singles or any(test(character) for test in tests)

        test = self._cased(within)
        return negated(test) if turned else test

    def _posix(self) -> Test:
        turned = self._take("^")
        end = self.text.find(":]", self.place)
        test = NAMED.get(self.text[self.place : max(end, self.place)])
        if test is None:
            self.refuse("has a character class that is not known here")
        self.place = end + 2
        return negated(test) if turned else test

    def _range_end(self) -> str | None:
        if self._peek() != "-" or self.text[self.place + 1 : self.place + 2] in ("]", ""):
            return None
        self.place += 1
        high = self._next()
        if high != "\\":
            return high
        letter = self._next()
        if letter.lower() in CLASSES:
            self.refuse("has a range that ends in a class")
        return self._one(letter)
