"""The tool box: what is refused before anything happens, and what comes back."""

import asyncio
import time
from datetime import timedelta

import pytest

from domain.errors import ConfigurationProblem, OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.tools.tool import RefusalKind, Safety, ToolCall, ToolUndo
from domain.tools.tool_policy import ProviderSettings, ToolPolicy, ToolSettings, VendorSettings
from integrations.tools import registry
from integrations.tools.provider import NotAllowed, ProviderAnswer, ToolChanged
from tests.tool_world import Shelf, call_of, run, spec, toolbox

NAMED = {
    "type": "object",
    "properties": {"sku": {"type": "string"}},
    "required": ["sku"],
    "additionalProperties": False,
}


async def test_a_call_gives_the_output_with_its_size_attempt_and_status():
    shelf = Shelf(spec(), answer=ProviderAnswer(output={"id": 7}, status=201, headers={"x": "y"}))
    box = toolbox(shelf)
    result = await run(box, await call_of(box, "stock.reserve", {"sku": "a"}), attempt=3)
    assert result.output == {"id": 7}
    assert (result.size_bytes, result.attempt, result.status, result.headers) == (8, 3, 201, {"x": "y"})
    assert not result.truncated
    assert shelf.contexts[0].key == "playbook:t:1/a"
    assert shelf.contexts[0].attempt == 3


async def test_a_tool_whose_provider_is_not_listed_does_not_exist():
    box = toolbox(Shelf(spec()), policy=ToolPolicy())
    assert await box.specs("default") == []
    refusal = await box.check(await call_of(box, "stock.reserve"))
    assert refusal is not None
    assert refusal.kind is RefusalKind.UNKNOWN_TOOL


@pytest.mark.parametrize("listed", ["warehouse", "openapi"])
async def test_a_provider_is_listed_by_its_kind_or_by_its_name(listed):
    box = toolbox(Shelf(spec()), policy=ToolPolicy(providers={listed: ProviderSettings()}))
    assert [tool.name for tool in await box.specs("default")] == ["stock.reserve"]


async def test_tools_are_picked_and_left_out_by_pattern_and_switched_off_by_name():
    shelf = Shelf(spec("stock.reserve"), spec("stock.delete"), spec("stock.count"), spec("other.thing"))
    policy = ToolPolicy(
        providers={"warehouse": ProviderSettings(only=("stock.*",), excluded=("stock.del*",))},
        tools={"stock.count": ToolSettings(enabled=False)},
    )
    assert [tool.name for tool in await toolbox(shelf, policy=policy).specs("default")] == ["stock.reserve"]


async def test_of_two_tools_with_one_name_the_first_provider_has_it():
    first, second = Shelf(spec(), answer="first"), Shelf(spec(source="evil"), answer="second", name="evil")
    box = toolbox(first, second)
    assert (await run(box, await call_of(box, "stock.reserve"))).output == "first"
    assert len(await box.specs("default")) == 1


async def test_a_tool_that_changed_after_it_was_looked_at_is_refused_and_not_run():
    shelf = Shelf(spec(safety=Safety.CONFIRM))
    box = toolbox(shelf)
    call = await call_of(box, "stock.reserve")
    assert await box.check(call) is None
    shelf.tools = [spec(safety=Safety.CONFIRM, target="https://elsewhere.example")]
    await box._registry.refresh()
    result = await run(box, call)
    assert result.refusal.kind is RefusalKind.TOOL_CHANGED
    assert shelf.made == []


async def test_a_tool_made_stricter_after_its_approval_is_a_changed_tool():
    shelf = Shelf(spec(safety=Safety.CONFIRM))
    call = await call_of(toolbox(shelf), "stock.reserve")
    policy = ToolPolicy(
        providers={"warehouse": ProviderSettings()}, tools={"stock.*": ToolSettings(safety=Safety.DANGEROUS)}
    )
    refusal = await toolbox(shelf, policy=policy).check(call)
    assert refusal.kind is RefusalKind.TOOL_CHANGED


async def test_a_call_that_is_bound_to_no_specification_is_made_of_safe_tools_only():
    box = toolbox(Shelf(spec("a.read"), spec("a.write", safety=Safety.CONFIRM)))
    unbound = {"key": "k", "tenant": "default"}
    assert await box.check(ToolCall(tool="a.read", **unbound)) is None
    assert (await box.check(ToolCall(tool="a.write", **unbound))).kind is RefusalKind.TOOL_CHANGED


async def test_arguments_are_checked_before_anything_leaves():
    shelf = Shelf(spec(input_schema=NAMED))
    box = toolbox(shelf)
    result = await run(box, await call_of(box, "stock.reserve", {"sku": 123456789}))
    assert result.refusal.kind is RefusalKind.INVALID_ARGUMENTS
    assert "sku" in result.refusal.sentence
    assert "123456789" not in result.refusal.sentence
    assert shelf.made == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (NotAllowed("That host is not allowed."), RefusalKind.NOT_ALLOWED),
        (ToolChanged("It changed."), RefusalKind.TOOL_CHANGED),
    ],
)
async def test_what_a_provider_must_not_do_is_a_refusal_and_no_failure(error, kind):
    box = toolbox(Shelf(spec(), answer=error))
    assert (await run(box, await call_of(box, "stock.reserve"))).refusal.kind is kind


async def test_an_output_beyond_the_limit_is_cut_and_says_so():
    box = toolbox(Shelf(spec(result_limit_bytes=500), answer={"id": 1, "text": "x" * 10_000}))
    result = await run(box, await call_of(box, "stock.reserve"))
    assert result.truncated
    assert result.output["id"] == 1
    assert result.size_bytes == 10_018


async def test_an_output_that_does_not_fit_its_schema_is_noted_and_passed_on(caplog):
    box = toolbox(Shelf(spec(output_schema=NAMED), answer={"sku": 4711}))
    result = await run(box, await call_of(box, "stock.reserve"))
    assert result.output == {"sku": 4711}
    assert "does not fit its schema" in caplog.text
    assert "4711" not in caplog.text


@pytest.mark.parametrize(("safety", "error"), [(Safety.SAFE, VendorUnavailable), (Safety.CONFIRM, OutcomeUnknown)])
async def test_a_call_that_takes_too_long_is_in_doubt_only_where_it_could_have_changed_something(safety, error):
    async def hang(*_):
        await asyncio.sleep(30)

    shelf = Shelf(spec(safety=safety, timeout=timedelta(seconds=0.1)), answer=lambda *_: hang())
    box = toolbox(shelf)
    started = time.monotonic()
    with pytest.raises(error):
        await run(box, await call_of(box, "stock.reserve"))
    assert time.monotonic() - started < 20


async def test_alternatives_come_in_the_configured_order():
    shelf = Shelf(*(spec(f"{name}.reserve", capabilities=("stock.reserve",)) for name in ("a", "b", "c")))
    policy = ToolPolicy(
        providers={"warehouse": ProviderSettings()}, capabilities={"stock.reserve": ("c.reserve", "a.reserve")}
    )
    chosen = await toolbox(shelf, policy=policy).choose("default", "stock.reserve")
    assert [tool.name for tool in chosen] == ["c.reserve", "a.reserve", "b.reserve"]


async def test_a_vendor_with_a_rate_has_a_queue_of_its_own():
    box = toolbox(Shelf(spec(), spec("b.x", vendor="bank")), vendors={"bank": VendorSettings(calls_per_second=5)})
    assert [(tool.name, tool.queue) for tool in await box.specs("default")] == [
        ("b.x", "surehand-bank"),
        ("stock.reserve", None),
    ]


async def test_a_tool_that_only_an_unreadable_provider_may_have_is_tried_again_and_not_refused():
    shelf = Shelf(spec())

    async def fail():
        raise VendorUnavailable("warehouse", "connection", "It does not answer.")

    shelf.specs = fail  # type: ignore[method-assign]
    box = toolbox(shelf, Shelf(spec("other.tool"), name="other"))
    with pytest.raises(VendorUnavailable):
        await box.find("default", "stock.reserve")
    assert await box.find("default", "other.tool") is not None
    assert any("could not be read" in note for note in await box.verify(["default"]))


async def test_a_provider_that_hangs_holds_up_nobody_after_its_first_reading(monkeypatch):
    monkeypatch.setattr(registry, "_READ_SECONDS", 0.3)
    monkeypatch.setattr(registry, "_AGAIN_SECONDS", 0.0)
    hanging = Shelf(name="hanging")

    async def hang():
        await asyncio.sleep(30)

    hanging.specs = hang  # type: ignore[method-assign]
    box = toolbox(hanging, Shelf(spec(), answer="fine"))
    await box.specs("default")
    monkeypatch.setattr(registry, "_READ_SECONDS", 20)
    started = time.monotonic()
    assert (await run(box, await call_of(box, "stock.reserve"))).output == "fine"
    assert time.monotonic() - started < 15
    await box.close()


async def test_a_provider_that_cannot_be_used_as_configured_stops_the_start_and_not_the_others():
    broken = Shelf(name="broken")

    async def refuse():
        raise ConfigurationProblem("broken.yaml is no document: correct it.")

    broken.specs = refuse  # type: ignore[method-assign]
    box = toolbox(broken, Shelf(spec(), answer="fine"))
    with pytest.raises(ConfigurationProblem, match=r"broken\.yaml"):
        await box.verify(["default"])
    assert (await run(box, await call_of(box, "stock.reserve"))).output == "fine"


def with_settings(**said: object) -> ToolPolicy:
    return ToolPolicy(providers={"warehouse": ProviderSettings()}, tools={"stock.reserve": ToolSettings(**said)})


@pytest.mark.parametrize("level", [Safety.SAFE, Safety.CONFIRM])
async def test_configuration_that_would_make_a_tool_laxer_is_refused_at_start_up(level):
    box = toolbox(Shelf(spec(safety=Safety.DANGEROUS)), policy=with_settings(safety=level))
    with pytest.raises(ConfigurationProblem, match=r"stock\.reserve"):
        await box.verify(["default"])
    assert await box.specs("default") == [], "and not offered at all"


async def test_a_tool_that_asks_may_be_confirmed_in_advance_and_a_dangerous_one_may_not():
    policy = with_settings(pre_approved=True)
    asking = await toolbox(Shelf(spec(safety=Safety.CONFIRM)), policy=policy).specs("default")
    assert asking[0].pre_approved
    assert asking[0].safety is Safety.CONFIRM
    with pytest.raises(ConfigurationProblem, match="dangerous"):
        await toolbox(Shelf(spec(safety=Safety.DANGEROUS)), policy=policy).verify(["default"])


async def test_a_pattern_that_confirms_in_advance_leaves_dangerous_tools_out():
    policy = ToolPolicy(providers={"warehouse": ProviderSettings()}, tools={"stock.*": ToolSettings(pre_approved=True)})
    for safety, confirmed in ((Safety.CONFIRM, True), (Safety.DANGEROUS, False)):
        (tool,) = await toolbox(Shelf(spec(safety=safety)), policy=policy).specs("default")
        assert tool.pre_approved is confirmed


async def test_what_configuration_says_of_a_tool_by_name_wins_over_a_pattern():
    policy = ToolPolicy(
        providers={"warehouse": ProviderSettings()},
        tools={
            "*": ToolSettings(timeout=timedelta(seconds=5), ladder="refund"),
            "stock.reserve": ToolSettings(timeout=timedelta(seconds=9), undo=ToolUndo(tool="stock.release")),
        },
    )
    box = toolbox(Shelf(spec()), policy=policy)
    (tool,) = await box.specs("default")
    assert (tool.timeout, tool.ladder) == (timedelta(seconds=9), "refund")
    assert any("stock.release" in note for note in await box.verify(["default"])), "its undo is not there"


async def test_a_refusal_by_the_vendor_goes_up_as_it_is():
    box = toolbox(Shelf(spec(), answer=VendorRefused("warehouse", "422", "No.", status=422)))
    with pytest.raises(VendorRefused):
        await run(box, await call_of(box, "stock.reserve"))
