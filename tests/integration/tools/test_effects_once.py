"""Tools whose vendor would do a thing twice: once all the same, on a real store."""

import asyncio
import os
import signal
import sys
import textwrap
import uuid
from pathlib import Path

import pytest

from domain.errors import OutcomeUnknown, VendorRefused, VendorUnavailable
from domain.tools.tool import Safety
from integrations.store.store import SqlStore
from integrations.tools.provider import NotAllowed, ProviderAnswer
from tests.tool_world import Shelf, call_of, run, spec, toolbox

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def key() -> str:
    return f"playbook:default:x:{uuid.uuid4().hex}/step"


def effectful(answer: object = None) -> Shelf:
    return Shelf(spec(safety=Safety.CONFIRM, idempotent=False), answer=answer)


async def test_a_repeat_after_the_effect_gives_what_the_first_gave(store, key):
    shelf = effectful(ProviderAnswer(output={"id": "p_1"}, status=201))
    box = toolbox(shelf, ledger=store.ledger)
    call = await call_of(box, "stock.reserve", {"sku": "a"}, key)
    first = await run(box, call)
    again = await run(toolbox(shelf, ledger=store.ledger), call, attempt=2)
    assert len(shelf.made) == 1
    assert (again.output, again.status, again.repeated, again.attempt) == ({"id": "p_1"}, 201, True, 2)
    assert not first.repeated


async def test_twenty_attempts_at_once_have_one_effect(store, key):
    async def slow(*_):
        await asyncio.sleep(0.05)
        return "done"

    shelf = effectful(lambda *_: slow())
    box = toolbox(shelf, ledger=store.ledger)
    call = await call_of(box, "stock.reserve", {}, key)
    outcomes = await asyncio.gather(*(run(box, call) for _ in range(20)), return_exceptions=True)
    assert len(shelf.made) == 1
    assert all(isinstance(each, OutcomeUnknown) or each.output == "done" for each in outcomes)
    assert (await run(box, call)).output == "done"


@pytest.mark.parametrize(
    "error",
    [
        VendorUnavailable("warehouse", "connection", "It does not answer."),
        VendorRefused("warehouse", "402", "Declined."),
        NotAllowed("That host is not allowed."),
    ],
)
async def test_a_failure_that_certainly_had_no_effect_leaves_the_way_open(store, key, error):
    shelf = effectful(error)
    box = toolbox(shelf, ledger=store.ledger)
    call = await call_of(box, "stock.reserve", {}, key)
    if isinstance(error, NotAllowed):
        assert (await run(box, call)).refusal is not None
    else:
        with pytest.raises(type(error)):
            await run(box, call)
    shelf.answer = "done"
    assert (await run(box, call, attempt=2)).output == "done"


async def test_an_attempt_without_an_answer_is_not_made_again(store, key):
    shelf = effectful(OutcomeUnknown("warehouse", "timeout", "No answer."))
    box = toolbox(shelf, ledger=store.ledger)
    call = await call_of(box, "stock.reserve", {}, key)
    for attempt in (1, 2):
        with pytest.raises(OutcomeUnknown):
            await run(box, call, attempt=attempt)
    assert len(shelf.made) == 1


class Asked(Shelf):
    """A provider whose vendor can tell what an attempt did."""

    async def find_effect(self, spec, call, context):
        return ProviderAnswer(output="found") if self.made else None


async def test_a_vendor_that_can_tell_is_asked(store, key):
    shelf = Asked(spec(safety=Safety.CONFIRM, idempotent=False), answer=OutcomeUnknown("warehouse", "timeout", "-"))
    box = toolbox(shelf, ledger=store.ledger)
    call = await call_of(box, "stock.reserve", {}, key)
    with pytest.raises(OutcomeUnknown):
        await run(box, call)
    for attempt in (2, 3):
        result = await run(box, call, attempt=attempt)
        assert (result.output, result.repeated) == ("found", True)
    assert len(shelf.made) == 1


async def test_alternatives_under_one_step_are_effects_of_their_own(store, key):
    shelf = Shelf(spec("a.reserve", safety=Safety.CONFIRM, idempotent=False), answer="a")
    other = Shelf(spec("b.reserve", safety=Safety.CONFIRM, idempotent=False), answer="b", name="other")
    box = toolbox(shelf, other, ledger=store.ledger)
    assert (await run(box, await call_of(box, "a.reserve", {}, key))).output == "a"
    assert (await run(box, await call_of(box, "b.reserve", {}, key))).output == "b"


async def test_a_process_killed_after_the_effect_has_it_once(tmp_path, key):
    """The first attempt acts and is killed before it can record; the second must not act."""
    effects = tmp_path / "effects"
    url = f"sqlite+aiosqlite:///{tmp_path / 'store.db'}"
    program = textwrap.dedent(f"""
        import asyncio, os
        from domain.tools.tool import Safety
        from integrations.store.store import SqlStore
        from tests.tool_world import Shelf, call_of, run, spec, toolbox

        async def act(call, context):
            with open({str(effects)!r}, "a") as file:
                file.write("effect\\n")
            print("acted", flush=True)
            await asyncio.sleep(60)

        async def main():
            store = await SqlStore.open({url!r})
            shelf = Shelf(spec(safety=Safety.CONFIRM, idempotent=False), answer=act)
            box = toolbox(shelf, ledger=store.ledger)
            await run(box, await call_of(box, "stock.reserve", {{}}, {key!r}))

        asyncio.run(main())
    """)

    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert killed.stdout is not None
    assert await asyncio.wait_for(killed.stdout.readline(), 60) == b"acted\n"
    os.kill(killed.pid, signal.SIGKILL)
    await killed.communicate()
    store = await SqlStore.open(url)
    try:
        shelf = effectful("a second effect")
        box = toolbox(shelf, ledger=store.ledger)
        with pytest.raises(OutcomeUnknown) as caught:
            await run(box, await call_of(box, "stock.reserve", {}, key), attempt=2)
    finally:
        await store.close()
    assert caught.value.code == "no_record"
    assert shelf.made == []
    assert effects.read_text() == "effect\n"
