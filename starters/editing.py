"""Other arguments for a parked call, as the command line takes them."""

from __future__ import annotations

import json
from collections.abc import Sequence

from domain.errors import InvalidInput
from domain.model import JsonValue
from domain.playbook.edits import with_values
from starters.playbook_files import read_data


def edited(
    arguments: dict[str, JsonValue] | None, assignments: Sequence[str], whole: str | None
) -> dict[str, JsonValue]:
    """The arguments after an edit; the given ones stay as they are.

    Args:
        arguments: what the call was made with.
        assignments: `path=value`, with dots and numbers in the path (`items.0.quantity=2`). A value is JSON where it
            is JSON and does not take the place of a text.
        whole: all arguments anew, as JSON or a file of it; assignments go over them.

    Raises:
        InvalidInput: something cannot be read, or leads nowhere.
    """
    base = _whole(whole) if whole is not None else dict(arguments or {})
    pairs = [_pair(base, assignment) for assignment in assignments]
    try:
        return with_values(base, pairs)
    except KeyError as error:
        raise InvalidInput(f"{error.args[0]} leads to no place in the arguments: see `surehand case show`.") from None


def _whole(given: str) -> dict[str, JsonValue]:
    data = read_data([given])
    if not isinstance(data, dict):
        raise InvalidInput('--arguments is no map: write {"name": value}, or name a file of it.')
    return data


def _pair(base: dict[str, JsonValue], assignment: str) -> tuple[str, JsonValue]:
    path, equals, text = assignment.partition("=")
    if not equals or not all(path.split(".")):
        raise InvalidInput("Another value is given as path=value: correct --set.")
    if isinstance(_at(base, path), str):
        return path, text
    try:
        return path, json.loads(text, parse_constant=lambda word: word)
    except (ValueError, RecursionError):
        return path, text


def _at(value: JsonValue, path: str) -> JsonValue:
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
