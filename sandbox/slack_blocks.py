"""Checks Block Kit as Slack does (docs.slack.dev, Block Kit reference): types, required parts and lengths."""

from __future__ import annotations

from typing import Any

_MOST_BLOCKS = 50
_TEXT_LIMITS = {"header": 150, "section": 3_000}
_KINDS = frozenset({"header", "section", "context", "actions", "divider", "image", "input", "rich_text", "markdown"})


def blocks_fault(blocks: Any) -> str | None:
    """Slack's word for what is wrong with blocks, or None."""
    if not isinstance(blocks, list) or any(not isinstance(block, dict) for block in blocks):
        return "invalid_blocks_format"
    if len(blocks) > _MOST_BLOCKS:
        return "invalid_blocks"
    if not all(_is_right(block) for block in blocks):
        return "invalid_blocks"
    return None


def _is_right(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind not in _KINDS or len(str(block.get("block_id", ""))) > 255:
        return False
    if kind == "header":
        return _is_text(block.get("text"), _TEXT_LIMITS["header"], plain=True)
    if kind == "section":
        return _section_is_right(block)
    if kind == "context":
        elements = block.get("elements")
        return isinstance(elements, list) and 1 <= len(elements) <= 10 and all(_is_text(e, 3_000) for e in elements)
    if kind == "actions":
        elements = block.get("elements")
        return isinstance(elements, list) and 1 <= len(elements) <= 25 and all(_is_button(e) for e in elements)
    return True


def _section_is_right(block: dict[str, Any]) -> bool:
    fields = block.get("fields")
    if fields is None and "text" not in block:
        return False
    if "text" in block and not _is_text(block["text"], _TEXT_LIMITS["section"]):
        return False
    return fields is None or (
        isinstance(fields, list) and 1 <= len(fields) <= 10 and all(_is_text(field, 2_000) for field in fields)
    )


def _is_button(element: Any) -> bool:
    if not isinstance(element, dict) or element.get("type") != "button":
        return isinstance(element, dict) and "type" in element
    return (
        _is_text(element.get("text"), 75, plain=True)
        and len(str(element.get("action_id", ""))) <= 255
        and len(str(element.get("value", ""))) <= 2_000
        and len(str(element.get("url", ""))) <= 3_000
        and element.get("style") in (None, "primary", "danger")
    )


def _is_text(text: Any, limit: int, *, plain: bool = False) -> bool:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        return False
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    # `verbatim` belongs to mrkdwn and `emoji` to plain text; Slack refuses them the other way round.
    wrong = "emoji" if text.get("type") == "mrkdwn" else "verbatim"
    return text.get("type") in kinds and 1 <= len(text["text"]) <= limit and wrong not in text
