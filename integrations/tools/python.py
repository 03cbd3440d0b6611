"""Tools that are Python: asynchronous methods, marked with `tool`, of objects that receive their clients.

Parameters are one Pydantic model, from which the schema is made; it refuses unknown fields. Written like this:

    class Warehouse:
        def __init__(self, http: VendorHttp) -> None: ...

        @tool(name="stock.reserve", title="Reserve stock", vendor="warehouse", safety=Safety.CONFIRM, idempotent=True)
        async def reserve(self, arguments: Reservation, context: CallContext) -> Reserved: ...
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ValidationError

from domain.errors import InvalidInput
from domain.model import JsonValue
from domain.tools.tool import RESULT_LIMIT_BYTES, Safety, ToolCall, ToolCategory, ToolSpec, ToolUndo, is_reserved
from integrations.tools.provider import CallContext, ProviderAnswer

PROVIDER = "python"
_MARK = "__surehand_tool__"
MethodT = TypeVar("MethodT", bound=Callable[..., Awaitable[Any]])


def tool(
    *,
    name: str,
    title: str,
    vendor: str,
    category: ToolCategory = ToolCategory.EXECUTION,
    capabilities: tuple[str, ...] = (),
    safety: Safety = Safety.DANGEROUS,
    idempotent: bool = False,
    undo: ToolUndo | None = None,
    amount: str | None = None,
    currency: str | None = None,
    customer: str | None = None,
    ladder: str | None = None,
    timeout: timedelta = timedelta(seconds=20),
    give_up_after: timedelta | None = None,
    result_limit_bytes: int = RESULT_LIMIT_BYTES,
    description: str = "",
) -> Callable[[MethodT], MethodT]:
    """Mark an asynchronous method `(self, arguments: Model, context: CallContext) -> Model | JSON` as a tool.

    The arguments are the fields of `ToolSpec`. The description is the method's docstring when none is given.

    Raises:
        TypeError: the method does not have that shape, its model lets unknown fields in, or the name is reserved.
    """
    if is_reserved(name):
        raise TypeError(f"{name} already means something in a playbook: give the tool another name")
    fields = {key: value for key, value in locals().items() if key != "description"}

    def mark(method: MethodT) -> MethodT:
        if not inspect.iscoroutinefunction(method) or len(inspect.signature(method).parameters) != 3:
            raise TypeError(f"{name}: a tool is an async method (self, arguments, context)")
        said = description or inspect.getdoc(method) or ""
        setattr(method, _MARK, {**fields, "description": said})
        return method  # type: ignore[return-value]  # the check above narrows it away

    return mark


@dataclass(frozen=True)
class _Tool:
    spec: ToolSpec
    method: Callable[[Any, CallContext], Awaitable[Any]] = field(repr=False)
    model: type[BaseModel]


class PythonTools:
    """The provider of every marked method of some objects."""

    def __init__(self, *objects: object, name: str = PROVIDER) -> None:
        """`objects` hold the clients that their methods use; `name` is what `tools.yaml` lists the provider under."""
        self._name = name
        self._tools: dict[str, _Tool] = {}
        for owner in objects:
            for made in _tools_of(owner):
                if made.spec.name in self._tools:
                    raise TypeError(f"two tools are called {made.spec.name}: rename one")
                self._tools[made.spec.name] = made

    @property
    def name(self) -> str:
        """What `tools.yaml` lists it under."""
        return self._name

    async def specs(self) -> Sequence[ToolSpec]:
        """Every tool, by name."""
        return [self._tools[name].spec for name in sorted(self._tools)]

    async def call(self, spec: ToolSpec, call: ToolCall, context: CallContext) -> ProviderAnswer:
        """Read the arguments strictly and call the method. A method may give a `ProviderAnswer` itself.

        Raises:
            InvalidInput: the arguments do not fit; the sentence names one and never its value.
            VendorError: from the method.
        """
        made = self._tools[spec.name]
        answer = await made.method(_read(made.model, call), context)
        return answer if isinstance(answer, ProviderAnswer) else ProviderAnswer(output=_plain(answer))


def _tools_of(owner: object) -> list[_Tool]:
    found = []
    for attribute in dir(type(owner)):
        fields = getattr(getattr(type(owner), attribute, None), _MARK, None)
        if fields is not None:
            found.append(_build(owner, attribute, fields))
    return found


def _build(owner: object, attribute: str, fields: dict[str, Any]) -> _Tool:
    function = getattr(type(owner), attribute)
    hints = get_type_hints(function)
    parameter = list(inspect.signature(function).parameters)[1]
    model = hints.get(parameter)
    if not (isinstance(model, type) and issubclass(model, BaseModel)) or model.model_config.get("extra") != "forbid":
        raise TypeError(f"{fields['name']}: {parameter} is a Pydantic model that forbids extra fields")
    answer = hints.get("return")
    has_model = isinstance(answer, type) and issubclass(answer, BaseModel)
    source = f"{type(owner).__module__}.{type(owner).__qualname__}"
    spec = ToolSpec(
        **fields,
        provider=PROVIDER,
        source=source,
        target=f"{source}.{attribute}",
        input_schema=model.model_json_schema(),
        output_schema=answer.model_json_schema(mode="serialization") if answer is not None and has_model else None,
    )
    return _Tool(spec=spec, method=getattr(owner, attribute), model=model)


def _read(model: type[BaseModel], call: ToolCall) -> BaseModel:
    """Strictly, as JSON: "1" is no number, and a date is text in JSON."""
    try:
        return model.model_validate_json(json.dumps(call.arguments), strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(step) for step in fault["loc"] if isinstance(step, int) or str(step).isidentifier())
        raise InvalidInput(f"{call.tool}: {where or 'the whole'} {_saying(fault['type'])}.") from None


def _saying(kind: str) -> str:
    if kind == "missing":
        return "is missing: add it"
    if kind == "extra_forbidden":
        return "is not known: remove it"
    return f"cannot be used ({kind.replace('_', ' ')}): correct it"


def _plain(answer: Any) -> JsonValue:
    return answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
