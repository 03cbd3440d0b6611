"""The gate of a vendor: when it opens, who may try, and what one answer tells all."""

import asyncio
from datetime import timedelta

import pytest

from domain.errors import (
    InvalidInput,
    OutcomeUnknown,
    VendorError,
    VendorRefused,
    VendorThrottled,
    VendorUnavailable,
)
from domain.tools.tool import ToolResult
from integrations.tools.circuit import VendorGate
from integrations.tools.provider import NotAllowed
from tests.tool_world import Shelf, call_of, patience, run, spec, toolbox

OPEN_SECONDS = 60


def gate(**changes) -> VendorGate:
    settings = {"opens_after": 3, "stays_open": OPEN_SECONDS, "spread": 0, **changes}
    return VendorGate("bank", patience(**settings))


def down(code: str = "503") -> VendorUnavailable:
    return VendorUnavailable("bank", code, "It is down.")


async def attempt(one: VendorGate, outcome: BaseException | None = None, calls: list[int] | None = None) -> None:
    async def call() -> None:
        if calls is not None:
            calls.append(1)
        await asyncio.sleep(0)
        if outcome is not None:
            raise outcome

    async with one.admitted() as admission:
        await admission.watch(call())


async def fail(one: VendorGate, times: int, outcome: BaseException | None = None) -> None:
    for _ in range(times):
        with pytest.raises((VendorError, InvalidInput, NotAllowed, asyncio.CancelledError)):
            await attempt(one, outcome or down())


async def its_time_passes(one: VendorGate) -> None:
    """Opened a minute earlier, without waiting for it."""
    context = (await one._breakers.get_breaker("bank")).context
    assert context.opened_at is not None
    context._state.opened_at = context.opened_at - OPEN_SECONDS - 1


async def is_open(one: VendorGate) -> bool:
    try:
        await attempt(one)
    except VendorUnavailable as error:
        return error.code == "circuit_open"
    return False


@pytest.mark.parametrize("trouble", [down(), OutcomeUnknown("bank", "timeout", "No answer.")])
async def test_trouble_in_a_row_opens_the_circuit_and_nobody_calls(trouble):
    one = gate()
    await fail(one, 3, trouble)
    calls: list[int] = []
    with pytest.raises(VendorUnavailable) as caught:
        await attempt(one, calls=calls)
    assert caught.value.code == "circuit_open"
    assert caught.value.retry_after is not None
    assert timedelta(seconds=50) < caught.value.retry_after <= timedelta(seconds=OPEN_SECONDS)
    assert calls == []


@pytest.mark.parametrize(
    "answer",
    [
        VendorRefused("bank", "402", "Declined."),
        VendorThrottled("bank", "429", "Slow down."),
        InvalidInput("Correct it."),
        NotAllowed("That host is not allowed."),
        asyncio.CancelledError(),
    ],
)
async def test_what_is_no_trouble_of_the_vendor_never_opens_it(answer):
    one = gate()
    await fail(one, 10, answer)
    assert not await is_open(one)


async def test_an_answer_in_between_starts_the_count_anew():
    one = gate()
    await fail(one, 2)
    await attempt(one)
    await fail(one, 2)
    assert not await is_open(one)


async def test_of_a_hundred_callers_one_probes_and_the_others_come_back_at_different_times():
    waits: list[float] = []
    one = VendorGate("bank", patience(opens_after=1, stays_open=OPEN_SECONDS, spread=10))
    await fail(one, 1)
    await its_time_passes(one)
    calls: list[int] = []
    answered, all_wait = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        calls.append(1)
        await answered.wait()
        return "up"

    async def caller() -> str:
        try:
            async with one.admitted() as admission:
                return await admission.watch(slow())
        except VendorUnavailable as error:
            waits.append((error.retry_after or timedelta(0)).total_seconds())
            if len(waits) == 99:
                all_wait.set()
            return "waits"

    callers = [asyncio.create_task(caller()) for _ in range(100)]
    await asyncio.wait_for(all_wait.wait(), 10)
    assert len(calls) == 1, "only one probe while the circuit is half open"
    answered.set()
    outcomes = await asyncio.gather(*callers)
    assert sorted(outcomes) == ["up", *["waits"] * 99]
    assert len({round(wait, 3) for wait in waits}) > 90, "they do not come back at once"
    assert max(waits) - min(waits) > 5
    assert not await is_open(one)


async def test_a_probe_that_fails_opens_it_again():
    one = gate(opens_after=1)
    await fail(one, 1)
    await its_time_passes(one)
    await fail(one, 1)
    assert await is_open(one)


@pytest.mark.parametrize("end", [asyncio.CancelledError(), InvalidInput("Correct it.")])
async def test_a_probe_that_says_nothing_of_the_vendor_leaves_the_next_caller_to_probe(end):
    one = gate(opens_after=1)
    await fail(one, 1)
    await its_time_passes(one)
    await fail(one, 1, end)
    await fail(one, 1)
    assert await is_open(one), "the next call was a probe too, and it failed"


async def test_a_late_answer_from_before_does_not_close_the_circuit():
    one = gate(opens_after=1)
    release = asyncio.Event()

    async def early() -> None:
        async with one.admitted() as admission:
            await admission.watch(release.wait())

    late = asyncio.create_task(early())
    await asyncio.sleep(0)
    await fail(one, 1)
    await its_time_passes(one)

    async def probe() -> None:
        release.set()
        await late
        raise down()

    with pytest.raises(VendorUnavailable):
        async with one.admitted() as admission:
            await admission.watch(probe())
    assert await is_open(one)


async def test_a_vendor_that_said_wait_is_left_alone_by_every_call_of_the_process():
    shelf = Shelf(
        spec("a.one"),
        spec("a.two"),
        spec("b.other", vendor="elsewhere"),
        answer=VendorThrottled("warehouse", "429", "Slow down.", retry_after=timedelta(seconds=60), status=429),
    )
    box = toolbox(shelf)
    with pytest.raises(VendorThrottled) as told:
        await run(box, await call_of(box, "a.one"))
    assert told.value.status == 429
    shelf.answer = "fine"
    with pytest.raises(VendorThrottled) as waiting:
        await run(box, await call_of(box, "a.two"))
    assert timedelta(seconds=55) < waiting.value.retry_after <= timedelta(seconds=60)
    assert len(shelf.made) == 1, "the second call did not leave"
    result: ToolResult = await run(box, await call_of(box, "b.other"))
    assert result.output == "fine", "another vendor is not concerned"


async def test_the_wait_ends():
    now = [100.0]
    one = VendorGate("bank", patience(spread=0), clock=lambda: now[0])
    one.told_to_wait(timedelta(seconds=30))
    one.told_to_wait(timedelta(seconds=5))
    now[0] = 129.0
    with pytest.raises(VendorThrottled):
        await attempt(one)
    now[0] = 130.5
    await attempt(one)
