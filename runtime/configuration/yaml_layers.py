"""Reads YAML strictly and lays files over each other, and keeps for every key where it stands.

Mappings merge key by key, everything else replaces what lies below, and a key set to null takes the key below away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from domain.errors import ConfigurationProblem

SIZE_LIMIT = 1_000_000
"""Bytes. A configuration file of this size is a mistake."""

Keys = tuple[str | int, ...]
ModelT = TypeVar("ModelT", bound=BaseModel)

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min|h|d)")
_UNITS = {"ms": 0.001, "s": 1, "min": 60, "h": 3600, "d": 86400}


class _Loader(yaml.CSafeLoader):
    """YAML's safe loader, by libyaml. `12:30` stays text: YAML 1.1 would read it as a number in base 60."""


_DIGITS = list("-+0123456789")
_REPLACED = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _REPLACED]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?\d+\Z"), _DIGITS)
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?\d+\.\d+\Z"), _DIGITS)


@dataclass(frozen=True)
class Document:
    """Layered data with the place of every key in it."""

    name: str
    """File name, for faults about something that stands nowhere."""
    data: dict[str, Any] = field(default_factory=dict)
    places: Mapping[Keys, str] = field(default_factory=dict)
    """Path of a key -> `file:line`."""

    def place(self, path: Keys) -> str:
        """Where the key stands, or the nearest key above it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.places:
                return self.places[path[:length]]
        return self.name

    def fault(self, path: Keys, sentence: str) -> ConfigurationProblem:
        """The error to raise about one key."""
        return ConfigurationProblem(f"{self.place(path)}: {sentence}")

    def below(self, *path: str | int) -> Document:
        """The part under a key, as a document of its own; empty when there is none."""
        part: Any = self.data
        for step in path:
            part = part.get(step) if isinstance(part, dict) else None
        if part is None:
            return Document(name=self.place(path))
        if not isinstance(part, dict):
            raise self.fault(path, f"{path[-1]} must have keys of its own: indent them below it.")
        depth = len(path)
        places = {key[depth:]: place for key, place in self.places.items() if key[:depth] == path}
        return Document(name=self.place(path), data=part, places=places)

    def under(self, upper: Document) -> Document:
        """This document with another laid over it."""
        places = dict(self.places)
        data = _merge(self.data, upper.data, (), places)
        places.update({path: place for path, place in upper.places.items() if path and _has(data, path)})
        return Document(name=upper.name, data=data, places=places)

    def read(self, model: type[ModelT], data: Mapping[str, Any], *path: str | int) -> ModelT:
        """Build a model from the data that stands at `path`.

        Raises:
            ConfigurationProblem: one sentence per fault, with file and line.
        """
        try:
            return model.model_validate(data)
        except ConfigurationProblem as problem:
            raise self.fault(path, str(problem)) from None
        except ValidationError as error:
            sentences = []
            for fault in error.errors(include_url=False, include_input=False):
                where: Keys = (*path, *fault["loc"])
                sentences.append(f"{self.place(where)}: {_sentence(fault['type'], fault['msg'], where)}")
            raise ConfigurationProblem("\n".join(sentences)) from None


def read_layers(dirs: Sequence[Path], name: str) -> Document:
    """The file of that name in each folder that has it, laid over each other, lowest first.

    Raises:
        ConfigurationProblem: a file cannot be read, is not YAML, or repeats a key.
    """
    document = Document(name=name)
    for folder in dirs:
        path = folder / name
        if path.is_file():
            document = document.under(read_yaml(path))
    return document


def read_yaml(path: Path) -> Document:
    """One file.

    Raises:
        ConfigurationProblem: it cannot be read, is not YAML, or repeats a key; the sentence names file and line.
    """
    if path.stat().st_size > SIZE_LIMIT:
        raise ConfigurationProblem(f"{path}: the file is larger than {SIZE_LIMIT:,} bytes: split or shorten it.")
    try:
        text = path.read_text("utf-8")
        loader = _Loader(text)
        node = loader.get_single_node()
        if node is None:
            return Document(name=str(path))
        if not isinstance(node, yaml.MappingNode):
            raise ConfigurationProblem(f"{path}:1: the file must begin with a key, such as `teams:`.")
        places: dict[Keys, str] = {(): f"{path}:1"}
        _note_places(node, (), path, places, depth=0)
        return Document(name=str(path), data=loader.construct_document(node), places=places)
    except UnicodeDecodeError:
        raise ConfigurationProblem(f"{path}: the file is not UTF-8 text: save it as UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationProblem(f"{path}:{line}: this is not YAML ({error.problem}): correct it.") from None
    except yaml.YAMLError:
        raise ConfigurationProblem(f"{path}: this is not YAML: correct it.") from None


def _note_places(node: yaml.Node, path: Keys, file: Path, places: dict[Keys, str], depth: int) -> None:
    if depth > 20:
        raise ConfigurationProblem(f"{file}:{node.start_mark.line + 1}: keys are nested too deeply: flatten them.")
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            line = key.start_mark.line + 1
            name = key.value
            if not isinstance(key, yaml.ScalarNode) or name == "<<":
                raise ConfigurationProblem(f"{file}:{line}: a key must be a plain word: write it out.")
            if (*path, name) in places:
                raise ConfigurationProblem(f"{file}:{line}: {name!r} stands here twice: remove one of them.")
            places[*path, name] = f"{file}:{line}"
            _note_places(value, (*path, name), file, places, depth + 1)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            places[*path, number] = f"{file}:{item.start_mark.line + 1}"
            _note_places(item, (*path, number), file, places, depth + 1)


def _merge(lower: Any, upper: Any, path: Keys, places: dict[Keys, str]) -> Any:
    if not isinstance(lower, dict) or not isinstance(upper, dict):
        # The upper layer replaces all of it, so no place of the lower one may be blamed for it.
        for known in [known for known in places if known[: len(path)] == path and len(known) > len(path)]:
            del places[known]
        return upper
    merged = dict(lower)
    for key, value in upper.items():
        if value is None:
            merged.pop(key, None)
        elif key in merged:
            merged[key] = _merge(merged[key], value, (*path, str(key)), places)
        else:
            merged[key] = value
    return merged


def _has(data: Any, path: Keys) -> bool:
    for step in path:
        known = step in data if isinstance(data, dict) else isinstance(data, list) and step in range(len(data))
        if not known:
            return False
        data = data[step]
    return True


def read_duration(text: object) -> timedelta | None:
    """`15 min`, `2 h`, `3 d`, `1.5 s` or `200 ms` as a duration; none when it is not one."""
    match = _DURATION.fullmatch(text.strip()) if isinstance(text, str) else None
    if match is None:
        return None
    return timedelta(seconds=float(match.group(1)) * _UNITS[match.group(2)])


def with_durations(document: Document, value: Any, *path: str | int) -> Any:
    """The value with every leaf read as a duration.

    Raises:
        ConfigurationProblem: a leaf is not one, such as a number without a unit.
    """
    if isinstance(value, dict):
        return {key: with_durations(document, part, *path, key) for key, part in value.items()}
    duration = read_duration(value)
    if duration is None:
        raise document.fault(path, f"{path[-1]} is not a duration: write a number with s, min, h or d, as in `15 min`.")
    return duration


def _sentence(kind: str, message: str, path: Keys) -> str:
    name = ".".join(str(step) for step in path)
    if kind == "extra_forbidden":
        return f"{name} is not known here: correct its name or remove it."
    if kind == "missing":
        return f"{name} is missing: add it."
    if kind == "enum":
        return f"{name} is not one of the known words: {message.removeprefix('Input should be ')}."
    return f"{name} cannot be used ({message[0].lower()}{message[1:]}): correct it."
