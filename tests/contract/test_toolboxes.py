"""The tool box and the fake that stands for it in workflow tests agree on what workflows build on."""

from typing import Any

import pytest

from domain.errors import VendorRefused
from domain.tools.tool import RefusalKind, Safety, ToolCall
from tests.fakes import FakeToolBox
from tests.tool_world import Shelf, spec, toolbox

KEEP = spec("stock.keep", safety=Safety.CONFIRM, idempotent=False, capabilities=("stock.keep",))


@pytest.fixture(params=["real", "fake"])
def box(request: pytest.FixtureRequest) -> Any:
    """Gives its arguments back, and refuses the argument `no`."""

    def answer(call: ToolCall, *_: object) -> Any:
        return VendorRefused("warehouse", "402", "No.") if "no" in call.arguments else {"kept": call.arguments}

    if request.param == "real":
        return toolbox(Shelf(KEEP, answer=answer))
    return FakeToolBox(KEEP).on("stock.keep", answer)


async def call(box: Any, key: str = "k", name: str = "stock.keep", **arguments: Any) -> Any:
    found = await box.find("default", name)
    digest = found.brief().digest if found is not None else ""
    made = ToolCall(tool=name, arguments=arguments, key=key, tenant="default", digest=digest)
    return await box.run(made, attempt=1, beat=lambda: None)


async def test_tools_are_found_by_name_and_by_capability(box):
    assert (await box.find("default", "stock.keep")).brief().digest == KEEP.brief().digest
    assert await box.find("default", "stock.gone") is None
    assert [tool.name for tool in await box.choose("default", "stock.keep")] == ["stock.keep"]
    assert await box.choose("default", "other") == []


async def test_a_repeat_with_the_same_key_gives_what_the_first_gave(box):
    first = await call(box, a=1)
    again = await call(box, a=2)
    assert (first.output, first.repeated) == ({"kept": {"a": 1}}, False)
    assert (again.output, again.repeated) == ({"kept": {"a": 1}}, True)
    assert (await call(box, "another", a=2)).output == {"kept": {"a": 2}}


async def test_what_must_not_be_called_is_a_result_with_a_refusal(box):
    assert (await call(box, name="stock.gone")).refusal.kind is RefusalKind.UNKNOWN_TOOL
    stale = ToolCall(tool="stock.keep", key="k", tenant="default", digest="0" * 64)
    assert (await box.check(stale)).kind is RefusalKind.TOOL_CHANGED
    result = await box.run(stale, attempt=1, beat=lambda: None)
    assert result.refusal.kind is RefusalKind.TOOL_CHANGED


async def test_a_vendors_refusal_is_raised_and_leaves_the_key_free(box):
    with pytest.raises(VendorRefused):
        await call(box, no=True)
    assert (await call(box, a=1)).output == {"kept": {"a": 1}}
