"""Slack's Block Kit: what its markup would interpret is escaped, and what it caps is cut here, visibly.

Limits: docs.slack.dev, Block Kit reference. Beyond them Slack refuses the whole message.
"""

from __future__ import annotations

from typing import Any

from domain.model import JsonValue

MOST_BLOCKS = 50
MOST_FIELDS = 10
_SECTION_TEXT = 3_000
_HEADER_TEXT = 150
_FIELD_TEXT = 2_000
_BUTTON_TEXT = 75
_CONTEXT_TEXT = 2_000
_BUTTON_VALUE = 2_000
_CUT = " ... (shortened)"
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))


def escape(text: str) -> str:
    """Escape the three characters of Slack's markup, so that text can neither mention people nor hide a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The reverse of `escape`, for where Slack reads no markup: plain text, addresses and values of buttons."""
    for entity, letter in _ENTITIES:
        text = text.replace(entity, letter)
    return text


def fitted(blocks: list[dict[str, JsonValue]]) -> tuple[dict[str, JsonValue], ...]:
    """Blocks that Slack takes: raw where it reads no markup, cut where it has a limit, never more than 50."""
    ready = [_block(_raw(block)) for block in blocks]
    if len(ready) > MOST_BLOCKS:
        left_out = len(ready) - MOST_BLOCKS + 1
        note = {"type": "plain_text", "text": f"... {left_out} more parts are left out"}
        ready = [*ready[: MOST_BLOCKS - 1], {"type": "context", "elements": [note]}]
    return tuple(ready)


def _raw(value: Any) -> Any:
    """Undo the escaping everywhere but in `mrkdwn` texts, and keep Slack from linking what looks like a link there."""
    if isinstance(value, list):
        return [_raw(part) for part in value]
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            return {**value, "verbatim": True}
        return {key: _raw(part) for key, part in value.items()}
    return unescape(value) if isinstance(value, str) else value


def _block(block: dict[str, Any]) -> dict[str, Any]:
    kind = block.get("type")
    if kind == "header":
        return {**block, "text": _cut(block["text"], _HEADER_TEXT)}
    if kind == "section":
        return _section(block)
    if kind == "context":
        return {**block, "elements": [_cut(element, _CONTEXT_TEXT) for element in block["elements"]]}
    if kind == "actions":
        return {**block, "elements": [_button(element) for element in block["elements"]]}
    return block


def _section(block: dict[str, Any]) -> dict[str, Any]:
    fitting = dict(block)
    if "text" in block:
        fitting["text"] = _cut(block["text"], _SECTION_TEXT)
    if "fields" in block:
        fitting["fields"] = [_cut(part, _FIELD_TEXT) for part in block["fields"][:MOST_FIELDS]]
    return fitting


def _button(element: dict[str, Any]) -> dict[str, Any]:
    fitting = {**element, "text": _cut(element["text"], _BUTTON_TEXT)}
    if "value" in element:
        fitting["value"] = element["value"][:_BUTTON_VALUE]
    return fitting


def _cut(text: dict[str, Any], limit: int) -> dict[str, Any]:
    whole = text["text"].strip("\n") or "-"  # Slack refuses an empty text
    if len(whole) <= limit:
        return {**text, "text": whole}
    fenced = text.get("type") == "mrkdwn" and whole.rstrip().endswith("```")
    mark = f"\n```{_CUT}" if fenced else _CUT
    kept = whole[: limit - len(mark)]
    last = kept.rfind("&")
    if text.get("type") == "mrkdwn" and last >= 0 and ";" not in kept[last:]:
        kept = kept[:last]  # half an entity would show as such
    return {**text, "text": kept + mark}
