"""Tools that are Python methods."""

from datetime import date, timedelta

import pytest
from pydantic import BaseModel, Field

from domain.errors import InvalidInput
from domain.model import Value
from domain.tools.tool import RefusalKind, Safety, ToolUndo
from integrations.tools.provider import CallContext
from integrations.tools.python import PythonTools, tool
from tests.tool_world import call_of, run, toolbox


class Reservation(Value):
    sku: str = Field(pattern=r"^[A-Z]{2}-\d+$")
    count: int = Field(ge=1)
    on: date | None = None


class Reserved(Value):
    reservation_id: str
    on: date | None


class Warehouse:
    def __init__(self) -> None:
        self.seen: list[tuple[Reservation, CallContext]] = []

    @tool(
        name="stock.reserve",
        title="Reserve stock",
        vendor="warehouse",
        capabilities=("stock.reserve",),
        safety=Safety.CONFIRM,
        idempotent=True,
        undo=ToolUndo(tool="stock.release", arguments={"id": "${ $output.reservation_id }"}),
        amount=".count",
        timeout=timedelta(seconds=3),
    )
    async def reserve(self, arguments: Reservation, context: CallContext) -> Reserved:
        """Put stock aside."""
        self.seen.append((arguments, context))
        return Reserved(reservation_id="r1", on=arguments.on)

    @tool(name="stock.count", title="Count stock", vendor="warehouse", safety=Safety.SAFE)
    async def count(self, arguments: Reservation, context: CallContext) -> dict[str, int]:
        return {"left": 3}


async def test_the_specification_comes_from_the_method_and_its_models():
    specs = {spec.name: spec for spec in await PythonTools(Warehouse()).specs()}
    reserve = specs["stock.reserve"]
    assert reserve.description == "Put stock aside."
    assert reserve.input_schema["required"] == ["sku", "count"]
    assert reserve.input_schema["additionalProperties"] is False
    assert reserve.output_schema is not None
    assert reserve.undo is not None
    assert (reserve.provider, reserve.safety, reserve.timeout) == ("python", Safety.CONFIRM, timedelta(seconds=3))
    assert specs["stock.count"].output_schema is None


async def test_a_call_gives_the_method_a_model_and_the_key():
    warehouse = Warehouse()
    box = toolbox(PythonTools(warehouse))
    result = await run(box, await call_of(box, "stock.reserve", {"sku": "AB-1", "count": 2, "on": "2026-02-03"}))
    assert result.output == {"reservation_id": "r1", "on": "2026-02-03"}
    arguments, context = warehouse.seen[0]
    assert arguments.on == date(2026, 2, 3)
    assert context.key == "playbook:t:1/a"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"sku": "secret-4711", "count": 1}, "sku"),
        ({"sku": "AB-1", "count": "4711"}, "count"),
        ({"sku": "AB-1", "count": 4711.5}, "count"),
        ({"sku": "AB-1"}, "count"),
        ({"sku": "AB-1", "count": 1, "on": "4711-13-45"}, "on"),
        ({"sku": "AB-1", "count": 1, "discount": 4711}, "discount"),
    ],
)
async def test_arguments_are_read_strictly_and_a_refusal_names_them_without_their_values(arguments, named):
    warehouse = Warehouse()
    box = toolbox(PythonTools(warehouse))
    result = await run(box, await call_of(box, "stock.reserve", arguments))
    assert result.refusal.kind is RefusalKind.INVALID_ARGUMENTS
    assert named in result.refusal.sentence
    assert "4711" not in result.refusal.sentence
    assert warehouse.seen == []


async def test_the_provider_checks_strictly_by_itself_too():
    provider = PythonTools(Warehouse())
    call = await call_of(toolbox(provider), "stock.reserve", {"sku": "AB-1", "count": "4711"})
    (spec,) = [spec for spec in await provider.specs() if spec.name == "stock.reserve"]
    with pytest.raises(InvalidInput, match="count") as caught:
        await provider.call(spec, call, CallContext(key="k", tenant="t", attempt=1))
    assert "4711" not in str(caught.value)


class Loose(BaseModel):
    anything: str = ""


def test_a_method_that_is_no_tool_is_refused_when_it_is_written():
    with pytest.raises(TypeError, match="async method"):

        @tool(name="a.b", title="", vendor="x")
        def sync(self, arguments: Reservation, context: CallContext) -> None: ...

    with pytest.raises(TypeError, match="playbook"):
        tool(name="approve", title="", vendor="x")

    class LetsAnythingIn:
        @tool(name="a.b", title="", vendor="x")
        async def call(self, arguments: Loose, context: CallContext) -> None: ...

    with pytest.raises(TypeError, match="forbids extra"):
        PythonTools(LetsAnythingIn())
    with pytest.raises(TypeError, match="rename"):
        PythonTools(Warehouse(), Warehouse())
