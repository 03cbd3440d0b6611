"""What of the tables is compared with a database."""

from __future__ import annotations

_FULL_TEXT = ("ix_articles_search", "ix_lessons_search")


def is_compared(_object: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
    """Leave out what only one database has when tables and database are compared: the full-text indexes."""
    if not reflected or name is None:
        return True
    if kind == "column":
        return name != "search"
    return not (name.startswith(("articles_search", "lessons_search")) or name in _FULL_TEXT)
