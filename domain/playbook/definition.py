"""A playbook's definition as typed values: what the interpreter, the diagrams and the dry run read.

The specification's JSON schema has checked the document before; what is refused beyond it stands in `checking.py`.
Source: Serverless Workflow DSL 1.0.3, dsl-reference.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import ConfigDict, Field, ValidationError, model_validator

from domain.errors import InvalidInput
from domain.model import JsonValue, Value
from domain.playbook.duration import parse_duration


class Part(Value):
    """A part of a definition. Its fields bear the specification's names; Python's own words get an underscore."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class DataIn(Part):
    """`input`: which data come in."""

    schema_: JsonValue = Field(default=None, alias="schema")
    from_: JsonValue = Field(default=None, alias="from")


class DataOut(Part):
    """`output` and `export`: which data go out."""

    schema_: JsonValue = Field(default=None, alias="schema")
    as_: JsonValue = Field(default=None, alias="as")


class Task(Part):
    """What all tasks have. Exactly one of the fields that name a kind is set; `kind` says which."""

    if_: str | None = Field(default=None, alias="if")
    input: DataIn | None = None
    output: DataOut | None = None
    export: DataOut | None = None
    timeout: JsonValue = None
    then: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    call: str | None = None
    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    do: TaskList | None = None
    fork: Fork | None = None
    emit: dict[str, JsonValue] | None = None
    for_: For | None = Field(default=None, alias="for")
    while_: str | None = Field(default=None, alias="while")
    listen: Listen | None = None
    foreach: ForEach | None = None
    raise_: dict[str, JsonValue] | None = Field(default=None, alias="raise")
    run: dict[str, JsonValue] | None = None
    set: JsonValue = None
    switch: tuple[dict[str, SwitchCase], ...] | None = None
    try_: TaskList | None = Field(default=None, alias="try")
    catch: Catch | None = None
    wait: JsonValue = None

    @property
    def kind(self) -> str:
        """The specification's word for this kind of task."""
        by_field = (
            ("for", self.for_),
            ("call", self.call),
            ("fork", self.fork),
            ("emit", self.emit),
            ("listen", self.listen),
            ("raise", self.raise_),
            ("run", self.run),
            ("set", self.set),
            ("switch", self.switch),
            ("try", self.try_),
            ("wait", self.wait),
            ("do", self.do),
        )
        return next((kind for kind, value in by_field if value is not None), "do")

    @property
    def undo(self) -> dict[str, JsonValue] | None:
        """The author's undoing task; None when there is none."""
        undo = self.metadata.get("undo")
        return undo if isinstance(undo, dict) else None

    @property
    def needs_no_undo(self) -> bool:
        """The author said that nothing is to be taken back (`metadata.undo: none`)."""
        return self.metadata.get("undo") == "none"

    @property
    def title(self) -> str | None:
        """The author's words for this task (`metadata.title`), shown to people."""
        title = self.metadata.get("title")
        return title if isinstance(title, str) else None


class TaskList(Part):
    """Named tasks in order."""

    items: tuple[tuple[str, Task], ...] = ()

    def __len__(self) -> int:
        return len(self.items)

    def index_of(self, name: str) -> int | None:
        """Where a task of that name stands."""
        return next((index for index, (other, _) in enumerate(self.items) if other == name), None)

    @model_validator(mode="before")
    @classmethod
    def _of_array(cls, value: Any) -> Any:
        """Read the specification's array of one-key maps."""
        if not isinstance(value, list | tuple):
            return value
        pairs: list[tuple[str, Any]] = []
        for item in value:
            if not isinstance(item, dict) or len(item) != 1:
                raise ValueError("each task is a map with one name")
            pairs.extend(item.items())
        return {"items": pairs}


class Fork(Part):
    """Branches side by side."""

    branches: TaskList
    compete: bool = False


class For(Part):
    """What a loop goes over."""

    each: str = "item"
    in_: str = Field(alias="in")
    at: str = "index"


class ForEach(Part):
    """What is done for each event of a listener."""

    item: str = "item"
    at: str = "index"
    do: TaskList | None = None
    output: DataOut | None = None
    export: DataOut | None = None


class EventFilter(Part):
    """Which events count."""

    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")
    correlate: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)


class EventStrategy(Part):
    """What a listener waits for."""

    one: EventFilter | None = None
    any: tuple[EventFilter, ...] | None = None
    all: tuple[EventFilter, ...] | None = None
    until: JsonValue = None


class Listen(Part):
    """What is listened to, and how it is read."""

    to: EventStrategy
    read: str = "data"


class SwitchCase(Part):
    """One way out of a switch."""

    when: str | None = None
    then: str = "continue"


class ErrorFilter(Part):
    """Which errors a catch is for."""

    with_: dict[str, JsonValue] = Field(default_factory=dict, alias="with")


class Catch(Part):
    """What is done about an error."""

    errors: ErrorFilter | None = None
    as_: str = Field(default="error", alias="as")
    when: str | None = None
    except_when: str | None = Field(default=None, alias="exceptWhen")
    retry: JsonValue = None
    do: TaskList | None = None


class Backoff(Part):
    """How delays between attempts grow."""

    constant: JsonValue = None
    linear: JsonValue = None
    exponential: JsonValue = None


class AttemptLimit(Part):
    """How often, and for how long each time."""

    count: int | None = None
    duration: JsonValue = None


class RetryLimit(Part):
    """When to stop trying."""

    attempt: AttemptLimit | None = None
    duration: JsonValue = None


class Jitter(Part):
    """How much delays vary."""

    from_: JsonValue = Field(alias="from")
    to: JsonValue


class RetryPolicy(Part):
    """How a failed block is tried again."""

    when: str | None = None
    except_when: str | None = Field(default=None, alias="exceptWhen")
    delay: JsonValue = None
    backoff: Backoff | None = None
    limit: RetryLimit | None = None
    jitter: Jitter | None = None


class Document(Part):
    """What the playbook is."""

    dsl: str
    namespace: str
    name: str
    version: str
    title: str = ""
    summary: str = ""
    tags: dict[str, JsonValue] = Field(default_factory=dict)
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Use(Part):
    """Parts that are named once."""

    authentications: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    errors: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    functions: dict[str, Task] = Field(default_factory=dict)
    retries: dict[str, RetryPolicy] = Field(default_factory=dict)
    timeouts: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    secrets: tuple[str, ...] = ()


class Playbook(Part):
    """A whole definition."""

    document: Document
    input: DataIn | None = None
    use: Use = Use()
    do: TaskList
    timeout: JsonValue = None
    output: DataOut | None = None
    schedule: dict[str, JsonValue] | None = None

    def retry_policy(self, named: JsonValue) -> RetryPolicy | None:
        """A retry policy given in place or by name."""
        if isinstance(named, str):
            return self.use.retries.get(named)
        return RetryPolicy.model_validate(named) if isinstance(named, dict) else None

    def timeout_of(self, named: JsonValue) -> timedelta | None:
        """A timeout given in place or by name; None when there is none or it is an expression."""
        timeout = self.use.timeouts.get(named) if isinstance(named, str) else named
        after = timeout.get("after") if isinstance(timeout, dict) else None
        return parse_duration(after) if after is not None else None


for _model in (Task, TaskList, Fork, ForEach, Catch, Use, Playbook):
    _model.model_rebuild()


def parse_playbook(definition: JsonValue) -> Playbook:
    """Read a definition.

    Args:
        definition: the document as JSON.

    Raises:
        InvalidInput: it is not a playbook; `surehand playbook validate` says where and why.
    """
    try:
        return Playbook.model_validate(definition)
    except ValidationError as error:
        first = error.errors()[0]
        place = "/".join(str(part) for part in first["loc"])
        raise InvalidInput(
            f"This is not a playbook ({place}: {first['msg']}): run `surehand playbook validate` on it."
        ) from None


def walk(tasks: TaskList, path: str = "/do") -> Iterator[tuple[str, str, Task]]:
    """Every task below a list, outer before inner, with its path and name.

    Yields:
        Path as in an error's `instance` (`/do/0/tryGetPet/try/0/getPet`), name, task.
    """
    for index, (name, task) in enumerate(tasks.items):
        yield from _walk_task(f"{path}/{index}/{name}", name, task)


def walk_everything(playbook: Playbook) -> Iterator[tuple[str, Task]]:
    """Every task of a definition with its path: in its lists, its functions and its undos, however deep.

    Raises:
        InvalidInput: an undo is no task.
    """
    found = [(path, task) for path, _, task in walk(playbook.do)]
    for name, function in playbook.use.functions.items():
        found += [(path, task) for path, _, task in _walk_task(f"/use/functions/{name}", name, function)]
    yield from found
    for path, task in found:
        if task.undo is not None:
            undo = f"{path}/metadata/undo"
            yield from ((inner, below) for inner, _, below in _walk_task(undo, "undo", _undoing(task.undo, undo)))


def _undoing(undo: dict[str, JsonValue], path: str) -> Task:
    try:
        return Task.model_validate(undo)
    except ValidationError:
        raise InvalidInput(f"{path} is no task: run `surehand playbook validate` on the playbook.") from None


def _walk_task(path: str, name: str, task: Task) -> Iterator[tuple[str, str, Task]]:
    yield path, name, task
    for field, inner in _inner_lists(task):
        yield from walk(inner, f"{path}/{field}")


def _inner_lists(task: Task) -> Iterator[tuple[str, TaskList]]:
    lists = (
        ("do", task.do),
        ("try", task.try_),
        ("fork/branches", task.fork.branches if task.fork else None),
        ("catch/do", task.catch.do if task.catch else None),
        ("foreach/do", task.foreach.do if task.foreach else None),
    )
    return ((field, inner) for field, inner in lists if inner is not None)
