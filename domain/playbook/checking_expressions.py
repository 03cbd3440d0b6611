"""Checks every expression of a playbook."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from domain.expressions import ExpressionSyntax, compile_expression, is_expression
from domain.model import JsonValue
from domain.playbook.checking_durations import late_durations
from domain.playbook.faults import Fault, advice, warning
from domain.playbook.outline import KNOWN_TO_INPUT, KNOWN_TO_OUTPUT, KNOWN_TO_TASKS, Spot, listing, mapping, under

_SECRETS = ("secrets", "secret")


@dataclass(frozen=True)
class Written:
    """A text of the document in which expressions may stand."""

    pointer: str
    value: JsonValue
    variables: frozenset[str] = KNOWN_TO_TASKS
    whole: bool = False
    """The text is an expression even without `${ }` around it."""


def expression_faults(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Fault]:
    """Faults of all expressions of a document."""
    for written in _of_document(root):
        yield from _faults(written)
    for spot in found:
        for written in texts_of(spot):
            yield from _faults(written)
    scopes = {spot.pointer: spot.variables | spot.inner for spot in found}
    for pointer, value in late_durations(root, found):
        holder = pointer
        while holder and holder not in scopes:
            holder = holder.rpartition("/")[0]
        yield from _faults(Written(pointer, value, scopes.get(holder, KNOWN_TO_TASKS | {"error"})))


def texts_of(spot: Spot) -> Iterator[Written]:
    """Every part of a task that may hold expressions, durations left out."""
    yield from _data_texts(spot.task, spot.pointer, spot.variables)
    if "if" in spot.task:
        yield Written(under(spot.pointer, "if"), spot.task["if"], spot.variables, whole=True)
    by_kind = {"for": _of_for, "listen": _of_listen, "switch": _of_switch, "try": _of_try}
    if spot.kind in by_kind:
        yield from by_kind[spot.kind](spot)
        return
    fields = {"call": ("with",), "emit": ("emit", "event", "with"), "raise": ("raise", "error")}
    fields |= {"run": ("run", "workflow", "input"), "set": ("set",)}
    steps = fields.get(spot.kind)
    if steps is not None:
        yield Written(under(spot.pointer, *steps), _at(spot.task, steps), spot.variables)


def _data_texts(task: dict[str, JsonValue], pointer: str, variables: frozenset[str]) -> Iterator[Written]:
    for section, field in (("input", "from"), ("output", "as"), ("export", "as")):
        value = mapping(task.get(section)).get(field)
        known = variables | {"output"} if section == "export" else variables
        if value is not None:
            yield Written(under(pointer, section, field), value, known, whole=isinstance(value, str))


def _of_for(spot: Spot) -> Iterator[Written]:
    loop = mapping(spot.task.get("for"))
    yield Written(under(spot.pointer, "for", "in"), loop.get("in"), spot.variables, whole=True)
    yield Written(under(spot.pointer, "while"), spot.task.get("while"), spot.variables | spot.inner, whole=True)


def _of_switch(spot: Spot) -> Iterator[Written]:
    for index, entry in enumerate(listing(spot.task.get("switch"))):
        for name, case in mapping(entry).items():
            here = under(spot.pointer, "switch", index, name, "when")
            yield Written(here, mapping(case).get("when"), spot.variables, whole=True)


def _of_try(spot: Spot) -> Iterator[Written]:
    caught, here = mapping(spot.task.get("catch")), under(spot.pointer, "catch")
    variables = spot.variables | spot.inner
    yield Written(under(here, "errors", "with"), _at(caught, ("errors", "with")), variables)
    for field in ("when", "exceptWhen"):
        yield Written(under(here, field), caught.get(field), variables, whole=True)
    yield from _of_retry(mapping(caught.get("retry")), under(here, "retry"), variables)


def _of_retry(policy: dict[str, JsonValue], pointer: str, variables: frozenset[str]) -> Iterator[Written]:
    for field in ("when", "exceptWhen"):
        yield Written(under(pointer, field), policy.get(field), variables, whole=True)


def _of_listen(spot: Spot) -> Iterator[Written]:
    to, here = mapping(mapping(spot.task.get("listen")).get("to")), under(spot.pointer, "listen", "to")
    yield from _of_strategy(to, here, spot.variables)
    until = to.get("until")
    if isinstance(until, str):
        yield Written(under(here, "until"), until, spot.variables, whole=True)
    yield from _of_strategy(mapping(until), under(here, "until"), spot.variables)
    foreach = mapping(spot.task.get("foreach"))
    yield from _data_texts(foreach, under(spot.pointer, "foreach"), spot.variables | spot.inner)


def _of_strategy(strategy: dict[str, JsonValue], pointer: str, variables: frozenset[str]) -> Iterator[Written]:
    filters = [(under(pointer, "one"), mapping(strategy.get("one")))]
    for kind in ("any", "all"):
        entries = enumerate(listing(strategy.get(kind)))
        filters += [(under(pointer, kind, index), mapping(entry)) for index, entry in entries]
    for here, event in filters:
        yield Written(under(here, "with"), event.get("with"), variables)
        for name, rule in mapping(event.get("correlate")).items():
            place = under(here, "correlate", name)
            yield Written(under(place, "from"), mapping(rule).get("from"), variables, whole=True)
            yield Written(under(place, "expect"), mapping(rule).get("expect"), variables)


def _of_document(root: dict[str, JsonValue]) -> Iterator[Written]:
    for section, variables in (("input", KNOWN_TO_INPUT), ("output", KNOWN_TO_OUTPUT)):
        yield from _data_texts({section: root.get(section)}, "", variables)
    use = mapping(root.get("use"))
    for name, policy in mapping(use.get("retries")).items():
        yield from _of_retry(mapping(policy), under("/use/retries", name), KNOWN_TO_TASKS | {"error"})
    for section in ("authentications", "errors"):
        yield Written(under("/use", section), use.get(section))


def _at(value: JsonValue, steps: tuple[str, ...]) -> JsonValue:
    for step in steps:
        value = mapping(value).get(step)
    return value


def _faults(written: Written) -> Iterator[Fault]:
    value, pointer = written.value, written.pointer
    if isinstance(value, str):
        yield from _text_faults(written, value)
    for name, part in mapping(value).items():
        yield from _faults(replace(written, pointer=under(pointer, name), value=part, whole=False))
    for index, part in enumerate(listing(value)):
        yield from _faults(replace(written, pointer=under(pointer, index), value=part, whole=False))


def _text_faults(written: Written, text: str) -> Iterator[Fault]:
    if not (written.whole or is_expression(text)):
        if "${" in text:
            sentence = 'This is plain text: an expression is all of a text, such as ${ "Order \\(.id)" }.'
            yield warning(written.pointer, sentence)
        return
    try:
        compiled = compile_expression(text)
    except ExpressionSyntax as error:
        sentence = f"This expression cannot be used: {error}"
        yield Fault(pointer=written.pointer, sentence=sentence, offset=max(error.position, 0))
        return
    for name in sorted(compiled.variables - written.variables):
        at = re.search(rf"\${re.escape(name)}\b", text)
        sentence = _unknown_variable(name, written.variables)
        yield Fault(pointer=written.pointer, sentence=sentence, offset=at.start() if at else 0)


def _unknown_variable(name: str, known: frozenset[str]) -> str:
    if name in _SECRETS:
        return "Secrets are not seen by expressions: name the secret with `use` in an authentication instead."
    otherwise = f"known here are {', '.join('$' + other for other in sorted(known))}."
    return f"There is no ${name}: {advice(name, known, otherwise)}"
