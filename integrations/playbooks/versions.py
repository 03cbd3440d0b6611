"""The order of semantic versions. Source: Semantic Versioning 2.0.0, section 11."""

from __future__ import annotations

Order = tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]


def order_of(version: str) -> Order:
    """A key to sort versions by; a text that is no semantic version comes before all that are."""
    numbers, _, before = version.partition("+")[0].partition("-")
    parts = numbers.split(".")
    if not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        return (), False, ()
    # A number comes before a word, and a release after all that led to it.
    steps = [
        (not step.isdigit(), int(step) if step.isascii() and step.isdigit() and len(step) < 20 else 0, step)
        for step in before.split(".")
    ]
    return tuple(int(part) for part in parts), not before, tuple(steps if before else ())


def is_release(version: str) -> bool:
    """Whether a version is no alpha, beta or other forerunner."""
    return "-" not in version.partition("+")[0]
