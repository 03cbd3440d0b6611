"""Tasks and durations in a few words, for diagrams, trees and the dry run."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from domain.errors import InvalidInput
from domain.model import JsonValue
from domain.playbook.definition import EventFilter, EventStrategy, Task
from domain.playbook.duration import parse_duration
from domain.playbook.outline import mapping

_UNITS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))


def duration_text(value: JsonValue) -> str:
    """`1 h 30 min`; an expression as it stands."""
    try:
        rest = parse_duration(value).total_seconds()
    except InvalidInput:
        return str(value)
    if rest < 1:
        return f"{round(rest * 1000)} ms"
    parts = []
    for unit, size in _UNITS:
        count = int(rest // size)
        rest -= count * size
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts)


def task_words(task: Task) -> str:
    """What a task does: `call payments.capture`, `wait 7 d`; empty for one that only holds others."""
    words: dict[str, Callable[[Task], str]] = {
        "call": call_words,
        "wait": lambda task: f"wait {duration_text(task.wait)}",
        "listen": lambda task: f"listen to {strategy_words(task.listen.to)}" if task.listen is not None else "listen",
        "emit": _emit_words,
        "raise": _raise_words,
        "run": _run_words,
        "set": lambda task: f"set {', '.join(task.set)}" if isinstance(task.set, dict) else "set data",
    }
    return words[task.kind](task) if task.kind in words else ""


def call_words(task: Task) -> str:
    """What a call is to."""
    given = task.with_
    parameters = mapping(given.get("parameters"))
    words = {
        "http": f"{str(given.get('method', 'get')).upper()} {_address(given.get('endpoint'))}",
        "openapi": f"call operation {given.get('operationId', '')}",
        "mcp": f"call MCP tool {parameters.get('name', given.get('method', ''))}",
        "approve": f"people approve: {given.get('summary', '')}",
        "notify": f"notify {given.get('to', '')}",
        "ask_model": "ask the language model",
        "use": f"use a tool for {given.get('capability', '')}",
    }
    return words.get(task.call or "", f"call {task.call}")


def _address(endpoint: JsonValue) -> str:
    return endpoint if isinstance(endpoint, str) else str(mapping(endpoint).get("uri", ""))


def _emit_words(task: Task) -> str:
    event = mapping(mapping(mapping(task.emit).get("event")).get("with"))
    return f"emit {event.get('type', 'an event')}"


def _raise_words(task: Task) -> str:
    error = mapping(task.raise_).get("error")
    name = error if isinstance(error, str) else str(mapping(error).get("type", "an error")).rpartition("/")[2]
    return f"raise {name}"


def _run_words(task: Task) -> str:
    flow = mapping(mapping(task.run).get("workflow"))
    return f"run playbook {flow.get('name', '')} {flow.get('version', '')}".rstrip()


def strategy_words(strategy: EventStrategy) -> str:
    """Which events are listened to."""
    word = "all of" if strategy.all is not None else "any of" if strategy.any is not None else ""
    names = ", ".join(_filter_words(strategy)) or "any event"
    return f"{word} {names}".strip()


def _filter_words(strategy: EventStrategy) -> Iterator[str]:
    filters: tuple[EventFilter, ...] = strategy.any or strategy.all or ((strategy.one,) if strategy.one else ())
    for one in filters:
        yield str(one.with_.get("type") or ", ".join(f"{name}={value}" for name, value in one.with_.items()))
