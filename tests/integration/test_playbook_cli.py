"""`surehand playbook` against a real server and worker: one run per key, events, aborts, ends."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.dev_process import Dev
from tests.unit.playbooks.documents import small

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One that all tests of this module share; each test has runs of its own."""
    running = Dev(tmp_path_factory.mktemp("dev")).start()
    yield running
    running.stop()


def put(dev: Dev, name: str, tasks: str) -> str:
    path = dev.folder / f"{name}.yaml"
    path.write_text(small(tasks).replace("name: small", f"name: {name}"))
    return str(path)


def test_a_run_gives_its_output_and_the_same_key_gives_the_same_run(dev):
    file = put(dev, "sum", "- add: {set: {sum: '${ .a + .b }'}}\n")
    order = ("playbook", "run", file, "--input", "a=2", "--input", "b=3", "--key", "K1", "--wait")
    first = dev.json(*order)
    assert (first["outcome"], first["status"], first["output"]) == ("started", "completed", {"sum": 5})
    assert first["workflow_id"] == "playbook:default:sum:K1"
    again = dev.json(*order)
    assert (again["outcome"], again["output"]) == ("known", {"sum": 5})
    other = dev.surehand("playbook", "run", file, "--input", "a=9", "--input", "b=3", "--key", "K1")
    assert other.returncode == 1
    assert "another input" in other.stderr


def test_a_run_without_a_key_is_one_of_its_own(dev):
    file = put(dev, "plain", "- a: {set: {x: 1}}\n")
    runs = {dev.json("playbook", "run", file)["run"] for _ in range(2)}
    assert len(runs) == 2
    assert all(run.startswith("plain:") for run in runs)


def test_a_run_that_fails_says_why_and_fails(dev):
    file = put(dev, "broke", "- a: {raise: {error: {type: 'https://x.example/bad', status: 400, title: It is bad}}}\n")
    done = dev.surehand("playbook", "run", file, "--wait")
    assert done.returncode == 1
    assert "Error: The run is faulted: It is bad" in done.stderr
    assert done.stdout == ""


def test_an_input_that_does_not_fit_is_refused_before_anything_starts(dev):
    refused = dev.surehand("playbook", "run", "payment", "--key", "NO-1", "--input", "amount=many")
    assert refused.returncode == 2
    assert "The input does not fit the playbook (" in refused.stderr
    assert dev.surehand("case", "show", "payment:NO-1").returncode == 1


def test_a_call_that_is_tried_again_is_shown_with_the_reason(dev):
    given = {
        "reference": "AGAIN-1",
        "customer": {"id": "CUST-1", "email": "noa.berg@example.com"},
        "amount": 25,
        "currency": "EUR",
        "payment_method": "pm_card_chargeDeclinedProcessingError",
    }
    dev.json("playbook", "run", "payment", "--key", "AGAIN-1", "--input", json.dumps(given))
    deadline = time.monotonic() + 60
    while True:
        calls = dev.json("case", "show", "payment:AGAIN-1")["under_way"]
        if calls and calls[0]["attempt"] > 1:
            break
        assert time.monotonic() < deadline, calls
    assert calls[0]["step"] == "payments.authorise"
    assert "could not decide" in calls[0]["problem"]
    assert dev.surehand("case", "cancel", "payment:AGAIN-1").returncode == 0


def test_an_event_reaches_the_run_that_waits_for_it(dev):
    file = put(dev, "hears", "- l: {listen: {to: {one: {with: {type: paid}}}}}\n- a: {set: {got: '${ .[0] }'}}\n")
    dev.json("playbook", "run", file, "--key", "E1")
    event = {"id": "1", "source": "/shop", "type": "paid", "data": {"amount": 5}}
    said = dev.surehand("playbook", "event", "hears:E1", json.dumps(event))
    assert said.returncode == 0, said.stderr
    assert dev.surehand("playbook", "event", "hears:E1", json.dumps(event)).returncode in (0, 1)
    ended = dev.json("playbook", "run", file, "--key", "E1", "--wait")
    assert ended["output"] == {"got": {"amount": 5}}


def test_an_aborted_run_is_cancelled_and_says_so(dev):
    file = put(dev, "waits", "- w: {wait: {days: 30}}\n")
    dev.json("playbook", "run", file, "--key", "A1")
    done = dev.surehand("playbook", "abort", "waits:A1", "--as", "ivan.petrov@example.com", "--reason", "Not needed")
    assert done.returncode == 0, done.stderr
    ended = dev.surehand("playbook", "run", file, "--key", "A1", "--wait", "--json")
    assert ended.returncode == 1
    assert json.loads(ended.stdout)["status"] == "cancelled"
    late = dev.surehand("playbook", "abort", "waits:A1", "--as", "ivan.petrov@example.com", "--reason", "Again")
    assert late.returncode == 1
    assert late.stderr.startswith("Error: ")


def test_what_is_no_run_is_refused(dev):
    for run in ("TICK-1", "nobody:knows"):
        done = dev.surehand("playbook", "event", run, '{"id": "1", "source": "s", "type": "t"}')
        assert done.returncode in (1, 2)
        assert done.stderr.count("\n") == 1
