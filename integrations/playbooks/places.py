"""Where things stand in a playbook's text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """Where a value stands, counted from 1, and where its key does."""

    line: int
    column: int
    key_line: int = 0
    key_column: int = 0
    style: str = "collection"
    """`` for plain text, `'`, `"`, `|`, `>`, or `collection`."""
    indent: int = 0
    """Of the lines of a block text."""
    last_line: int = 0

    @property
    def of_key(self) -> tuple[int, int]:
        """Where the key stands; the value, where there is none."""
        return (self.key_line, self.key_column) if self.key_line else (self.line, self.column)

    @property
    def shown(self) -> tuple[int, int]:
        """Where to point a person: at a single value, or at the key of what has parts."""
        return self.of_key if self.style == "collection" else (self.line, self.column)

    def within(self, text: str, offset: int) -> tuple[int, int]:
        """Where a character of a text stands. Approximate where quoting or folding changed the text.

        Args:
            text: the value.
            offset: of the character, from 0.
        """
        if self.style in ("|", ">"):
            before = text[:offset]
            row = min(self.line + 1 + before.count("\n"), max(self.last_line, self.line))
            column = offset - (before.rfind("\n") + 1) if self.style == "|" else 0
            return row, self.indent + column + 1
        if self.last_line > self.line:
            return self.line, self.column
        return self.line, self.column + offset + (1 if self.style in ("'", '"') else 0)


def pointer_to(parent: str, step: str | int) -> str:
    """The JSON pointer of a value's part (RFC 6901)."""
    return f"{parent}/{str(step).replace('~', '~0').replace('/', '~1')}"
