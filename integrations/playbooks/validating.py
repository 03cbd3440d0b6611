"""Looks a playbook's text through, and reports every fault with its line and column, in the order of the text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InvalidInput
from domain.model import JsonValue, Value
from domain.playbook.checking import check
from domain.playbook.faults import Fault, Weight
from domain.tools.tool import ToolBrief
from integrations.playbooks.places import Place
from integrations.playbooks.reading import SIZE_LIMIT, PlaybookText, Unreadable, read_playbook
from integrations.playbooks.schema import schema_faults


class Finding(Value):
    """A fault with its place in a file."""

    file: str
    line: int
    column: int
    sentence: str
    weight: Weight = Weight.ERROR
    pointer: str = ""
    """JSON pointer of what it is about."""

    def __str__(self) -> str:
        """As compilers write it, so that editors find the place."""
        return f"{self.file}:{self.line}:{self.column}: {self.weight.value}: {self.sentence}"


@dataclass(frozen=True)
class Examination:
    """What a look at a text found."""

    findings: tuple[Finding, ...]
    document: JsonValue = None
    """The playbook as JSON; None when the text could not be read."""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings with which it does not run."""
        return tuple(finding for finding in self.findings if finding.weight is Weight.ERROR)

    @property
    def definition(self) -> dict[str, JsonValue] | None:
        """The playbook, when it can run."""
        return self.document if not self.errors and isinstance(self.document, dict) else None


def examine(text: str | bytes, name: str, tools: Mapping[str, ToolBrief] | None = None) -> Examination:
    """Look a text through. Never raises.

    Args:
        text: YAML or JSON.
        name: of the file, for the findings.
        tools: the tenant's, by name; without them, calls of tools are taken on trust.
    """
    try:
        read = read_playbook(text)
    except Unreadable as problem:
        return Examination((Finding(file=name, line=problem.line, column=problem.column, sentence=problem.sentence),))
    found = [_located(fault, read, name) for fault in all_faults(read.data, tools)]
    ordered = sorted(found, key=lambda finding: (finding.line, finding.column, finding.sentence))
    return Examination(tuple(dict.fromkeys(ordered)), read.data)


def read_bytes(path: Path) -> bytes:
    """A file's content, as far as a playbook may be long.

    Raises:
        InvalidInput: there is no such file, or it cannot be opened.
    """
    try:
        with path.open("rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror}): correct the path.") from None


def all_faults(document: JsonValue, tools: Mapping[str, ToolBrief] | None = None) -> list[Fault]:
    """The faults of a document in JSON: the specification's, and what this runtime refuses or warns of."""
    if not isinstance(document, dict):
        return [Fault(pointer="", sentence="A playbook is a map that begins with `document:` and `do:`: correct it.")]
    ours = check(document, tools)
    # Where both have something to say, the sentence that knows this runtime says more.
    covered = {fault.pointer for fault in ours if fault.weight is Weight.ERROR}
    theirs = [fault for fault in schema_faults(document) if fault.pointer not in covered]
    return [*theirs, *ours]


def sentences(faults: Iterable[Fault]) -> tuple[str, ...]:
    """Errors with their pointers, for a definition that came without a text."""
    return tuple(f"{fault.pointer or '/'}: {fault.sentence}" for fault in faults if fault.weight is Weight.ERROR)


def _located(fault: Fault, read: PlaybookText, name: str) -> Finding:
    line, column = _where(fault, read, read.place(fault.pointer))
    return Finding(
        file=name, line=line, column=column, sentence=fault.sentence, weight=fault.weight, pointer=fault.pointer
    )


def _where(fault: Fault, read: PlaybookText, place: Place) -> tuple[int, int]:
    if fault.offset is not None:
        return place.within(_value_at(read.data, fault.pointer), fault.offset)
    return place.of_key if fault.on_key else place.shown


def _value_at(data: JsonValue, pointer: str) -> str:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        data = data[int(name)] if isinstance(data, list) else data[name]
    return str(data)
