"""Playbooks and data as the command line names them: by name in the library, by file, or written in place."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InvalidInput
from domain.model import JsonValue
from domain.playbook.schema_check import problem_with
from integrations.playbooks.library import SUFFIXES, FolderLibrary
from integrations.playbooks.reading import Unreadable, read_playbook
from integrations.playbooks.validating import Finding, examine, read_bytes


@dataclass(frozen=True)
class Chosen:
    """A playbook that somebody named."""

    definition: dict[str, JsonValue]
    name: str
    version: str
    text: str
    """As its author wrote it."""
    is_file: bool
    """Given as a file of its own, and not by a name of the library."""
    warnings: tuple[Finding, ...] = ()


def choose(library: FolderLibrary, tenant: str, named: str, version: str | None = None) -> Chosen:
    """A playbook by file or by name.

    Args:
        library: of this installation.
        tenant: whose.
        named: a path (with a slash, or ending in .yaml, .yml or .json), `-` for standard input, or a name.
        version: of a playbook in the library; the newest when None.

    Raises:
        InvalidInput: there is none, or it has faults; one line per fault.
    """
    if not is_path(named):
        shelved = library.shelved(tenant, named, version)
        definition = library.definition_of(shelved)
        text = read_bytes(shelved.path).decode("utf-8")
        return Chosen(definition, shelved.name, shelved.version, text, is_file=False, warnings=shelved.findings)
    content = content_of(named)
    found = examine(content, "standard input" if named == "-" else named)
    if found.definition is None:
        raise InvalidInput("\n".join(str(finding) for finding in found.errors))
    document = found.definition["document"]
    text = content.decode("utf-8", "replace")
    return Chosen(found.definition, document["name"], document["version"], text, is_file=True, warnings=found.findings)


def check_input(definition: dict[str, JsonValue], data: JsonValue) -> None:
    """Look whether data fits what a playbook asks for, before it is started.

    Raises:
        InvalidInput: it does not; names the place and never the value.
    """
    asked = definition.get("input")
    schema = asked.get("schema") if isinstance(asked, dict) else None
    if (problem := problem_with(schema, data)) is not None:
        raise InvalidInput(f"The input does not fit the playbook ({problem}): correct it, or see `playbook show`.")


def is_path(named: str) -> bool:
    """Whether a word names a file."""
    return named == "-" or "/" in named or "\\" in named or named.endswith(SUFFIXES)


def content_of(named: str) -> bytes:
    """What a file, or standard input for `-`, holds.

    Raises:
        InvalidInput: it cannot be read.
    """
    return sys.stdin.buffer.read() if named == "-" else read_bytes(Path(named))


def read_data(given: Sequence[str]) -> JsonValue:
    """Data as the command line takes it: a file, JSON in place, or `key=value` pairs.

    A pair's value is JSON where it is one (`amount=5`, `tags=["a"]`), else a text; `customer.id=7` goes into a map.

    Raises:
        InvalidInput: it is none of these.
    """
    if not given:
        return None
    if len(given) == 1 and not _is_pair(given[0]):
        return _one(given[0])
    data: dict[str, JsonValue] = {}
    for pair in given:
        if not _is_pair(pair):
            raise InvalidInput("Several inputs are pairs like order=A1: correct them, or give one file.")
        name, _, text = pair.partition("=")
        _put(data, name.split("."), _value(text), name)
    return data


def _is_pair(text: str) -> bool:
    name, separator, _ = text.partition("=")
    return bool(separator) and all(part.replace("_", "a").replace("-", "a").isalnum() for part in name.split("."))


def _one(text: str) -> JsonValue:
    stripped = text.lstrip()
    if stripped.startswith(("{", "[")) or _is_json(stripped):
        try:
            return _data(text.encode("utf-8", "surrogatepass"), "The input")
        except UnicodeError:
            raise InvalidInput("The input is not UTF-8 text: correct it.") from None
    return _data(content_of(text), text)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _data(content: bytes, name: str) -> JsonValue:
    try:
        return read_playbook(content).data
    except Unreadable as problem:
        raise InvalidInput(f"{name}:{problem.line}:{problem.column}: {problem.sentence}") from None


def _value(text: str) -> JsonValue:
    try:
        return json.loads(text, parse_constant=lambda word: word)
    except (ValueError, RecursionError):
        return text


def _put(data: dict[str, JsonValue], path: list[str], value: JsonValue, name: str) -> None:
    for step in path[:-1]:
        data = data.setdefault(step, {})
        if not isinstance(data, dict):
            raise InvalidInput(f"{name} goes into something that is no map: give it once.")
    data[path[-1]] = value
