"""The style sheet: whoever reads it, in light and in dark, sees enough contrast (WCAG 2.2 AA, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest

CSS = (Path(__file__).parents[2] / "templates/console/static/console.css").read_text("utf-8")
TEXTS = ("ink", "soft", "main", "bad", "warn")
GROUNDS = ("back", "paper", "tint")
BLOCKS = re.findall(r":root \{([^}]*--back[^}]*)\}", CSS)
SCHEMES = {name: dict(re.findall(r"--(\w+): (#[0-9a-f]+)", block)) for name, block in
           zip(("light", "dark", "print"), BLOCKS, strict=True)}  # fmt: skip


def luminance(colour: str) -> float:
    """Relative luminance. Source: WCAG 2.2, definition of relative luminance."""
    short = colour.lstrip("#")
    whole = "".join(letter * 2 for letter in short) if len(short) == 3 else short
    parts = [int(whole[place : place + 2], 16) / 255 for place in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_reckoned_as_the_guideline_does() -> None:
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_texts_and_edges_stand_out_from_every_ground(scheme: str) -> None:
    colours = SCHEMES[scheme]
    for text, ground in itertools.product(TEXTS, GROUNDS):
        assert contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground} in {scheme}"
    assert contrast(colours["on"], colours["main"]) >= 4.5
    for edge, ground in itertools.product(("edge", "main", "bad", "warn"), GROUNDS[:2]):
        assert contrast(colours[edge], colours[ground]) >= 3, f"{edge} on {ground} in {scheme}"


def test_colours_are_named_once_and_used_by_name() -> None:
    rest = re.sub(r":root \{[^}]*\}", "", CSS)
    assert re.findall(r"#[0-9a-f]{3,8}\b", rest) == []
    used = set(re.findall(r"var\(--(\w+)\)", rest))
    assert used == set(SCHEMES["light"]) == set(SCHEMES["dark"]) == set(SCHEMES["print"])


def test_motion_and_focus_are_as_people_want_them() -> None:
    assert "prefers-reduced-motion: reduce" in CSS
    assert re.search(r":focus-visible \{ outline: 2px solid var\(--main\)", CSS)
