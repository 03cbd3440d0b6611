"""What this runtime refuses, or warns of, in a document that the specification allows. Pure rules over JSON.

They go through a document with faults in it, so that an author sees all of them at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.model import JsonValue
from domain.playbook.checking_calls import call_faults
from domain.playbook.checking_durations import duration_faults
from domain.playbook.checking_expressions import expression_faults
from domain.playbook.checking_flow import flow_faults
from domain.playbook.checking_schemas import schema_part_faults
from domain.playbook.faults import Fault, advice, quoted, warning
from domain.playbook.outline import Spot, listing, mapping, spots, under
from domain.tools.tool import ToolBrief

_TOP = ("document", "input", "use", "do", "timeout", "output", "schedule", "$schema")
PARKS = ("exhausted", "always", "never")
"""When a failed call waits for a person: `metadata.park`."""
_RUNS = ("container", "script", "shell")
_TAKEN = ("incident", "troubleshooting")
"""Names before a colon that mean an incident where people name a case: a run of such a playbook could not be named."""


def check(document: JsonValue, tools: Mapping[str, ToolBrief] | None = None) -> list[Fault]:
    """Everything that this runtime has against a document, beyond the specification's schema.

    Args:
        document: as JSON; may have any shape.
        tools: those of the tenant by name; without them, calls of tools are taken on trust.
    """
    found = list(spots(document))
    return [
        *_document_faults(mapping(document)),
        *_reference_faults(mapping(document), found),
        *flow_faults(document),
        *call_faults(mapping(document), found, tools),
        *expression_faults(mapping(document), found),
        *duration_faults(mapping(document), found),
        *schema_part_faults(mapping(document), found),
    ]


def _document_faults(root: dict[str, JsonValue]) -> Iterator[Fault]:
    version, name = mapping(root.get("document")).get("dsl"), mapping(root.get("document")).get("name")
    if isinstance(version, str) and not version.startswith("1.0."):
        yield Fault(pointer="/document/dsl", sentence=f"DSL {quoted(version)} is not known: write dsl: '1.0.3'.")
    if name in _TAKEN:
        sentence = f"{quoted(name)} means an incident to people: name it otherwise."
        yield Fault(pointer="/document/name", sentence=sentence)
    for key in root:
        if key not in _TOP:
            otherwise = "nothing reads it: remove it."
            yield Fault(
                pointer=under("", key),
                sentence=f"{quoted(key)} does not belong here: {advice(key, _TOP, otherwise)}",
                on_key=True,
            )
    if "schedule" in root:
        yield warning("/schedule", "A schedule starts nothing here: start it with `surehand playbook run`.")
    use = mapping(root.get("use"))
    if use.get("extensions"):
        yield Fault(pointer="/use/extensions", sentence="Extensions do not run here: put their tasks into the list.")
    if use.get("catalogs"):
        yield Fault(pointer="/use/catalogs", sentence="Catalogs are not loaded here: define the function under `use`.")


def _reference_faults(root: dict[str, JsonValue], found: list[Spot]) -> Iterator[Fault]:
    names = {kind: _names(mapping(root.get("use")).get(kind)) for kind in ("timeouts", "retries", "errors")}

    def unknown(pointer: str, kind: str, name: JsonValue) -> Iterator[Fault]:
        if isinstance(name, str) and name not in names[kind]:
            otherwise = f"define it under use.{kind}."
            yield Fault(
                pointer=pointer,
                sentence=f"There is no {quoted(name)} under use.{kind}: {advice(name, names[kind], otherwise)}",
            )

    yield from unknown("/timeout", "timeouts", root.get("timeout"))
    for spot in found:
        yield from unknown(under(spot.pointer, "timeout"), "timeouts", spot.task.get("timeout"))
        caught = mapping(spot.task.get("catch"))
        yield from unknown(under(spot.pointer, "catch", "retry"), "retries", caught.get("retry"))
        raised = mapping(spot.task.get("raise"))
        yield from unknown(under(spot.pointer, "raise", "error"), "errors", raised.get("error"))
        yield from _run_faults(spot)
        yield from _metadata_faults(spot)
        yield from _listen_faults(spot)


def _names(value: JsonValue) -> tuple[str, ...]:
    return tuple(mapping(value))


def _run_faults(spot: Spot) -> Iterator[Fault]:
    for way in _RUNS:
        if way in mapping(spot.task.get("run")):
            sentence = f"`run: {way}` does not run here: call a tool, or a workflow with `run: workflow`."
            yield Fault(pointer=under(spot.pointer, "run", way), sentence=sentence, on_key=True)


def _metadata_faults(spot: Spot) -> Iterator[Fault]:
    metadata, here = mapping(spot.task.get("metadata")), under(spot.pointer, "metadata")
    if "title" in metadata and not isinstance(metadata["title"], str):
        yield Fault(pointer=under(here, "title"), sentence="A title is a text: correct it.")
    if "park" in metadata and metadata["park"] not in PARKS:
        sentence = f"{quoted(metadata['park'])} is not possible here: use {', '.join(PARKS[:-1])} or {PARKS[-1]}."
        yield Fault(pointer=under(here, "park"), sentence=sentence)


def _listen_faults(spot: Spot) -> Iterator[Fault]:
    listen = spot.task.get("listen")
    if not isinstance(listen, dict):
        return
    here = under(spot.pointer, "listen", "to")
    to = mapping(listen.get("to"))
    if to.get("all") == []:
        yield Fault(pointer=under(here, "all"), sentence="This waits for no event at all: name one.")
    if "until" in to and "any" not in to:
        yield Fault(pointer=under(here, "until"), sentence="`until` goes with `any` only: use `any`.", on_key=True)
    if to.get("any") == [] and "until" not in to:
        yield Fault(
            pointer=under(here, "any"), sentence="This would take any event there is: name one, or add `until`."
        )
    until = mapping(to.get("until"))
    if "until" in until:
        pointer = under(here, "until", "until")
        yield Fault(pointer=pointer, sentence="An `until` has no `until` of its own: remove it.", on_key=True)
    if any(until.get(strategy) == [] for strategy in ("any", "all")):
        yield Fault(pointer=under(here, "until"), sentence="This `until` names no event: name one.")
    foreach = spot.task.get("foreach")
    if isinstance(foreach, dict) and not listing(foreach.get("do")):
        pointer = under(spot.pointer, "foreach")
        yield Fault(pointer=pointer, sentence="`foreach` has nothing to do: give it a `do`.", on_key=True)
