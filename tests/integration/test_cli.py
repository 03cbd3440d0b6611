"""The command line against a real server, worker and sandbox, all started by `surehand dev`."""

import asyncio
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.cases.messages import ClaimInput
from domain.errors import Refused
from runtime.settings.environment import SigningSettings, load_settings
from runtime.temporal.connection import connect
from starters.cases import Cases
from starters.dev import state
from tests.dev_process import Dev

pytestmark = pytest.mark.server
SAMPLES = Path(__file__).resolve().parents[2] / "starters" / "samples"


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dev]:
    """One that all tests of this module share; each test has tickets of its own."""
    running = Dev(tmp_path_factory.mktemp("dev")).start()
    yield running
    running.stop()


def ticket(sample: str, ticket_id: str, **changes: object) -> str:
    """A sample under another id."""
    return json.dumps(
        {**json.loads((SAMPLES / f"{sample}.json").read_text("utf-8")), "ticket_id": ticket_id, **changes}
    )


def test_it_says_where_everything_is(dev):
    said = dev.said()
    assert str(dev.state.ui_url) in said
    assert str(dev.state.outbox_url) in said
    assert "surehand ticket submit" in said


def test_it_says_that_it_is_ready_and_after_how_long(dev):
    # How soon that is allowed to be is measured by `bench`, on a machine of its own.
    assert "is ready after" in dev.said()
    assert dev.ready_after_seconds > 0


def test_a_second_dev_in_the_same_folder_says_so_and_ends(dev):
    second = dev.surehand("dev")
    assert second.returncode == 1
    assert "already" in second.stderr
    assert second.stderr.count("\n") == 1
    assert state.running(dev.folder) is not None


def test_a_ticket_becomes_one_case_however_often_it_is_submitted(dev):
    text = ticket("production-outage", "CLI-ONCE")
    (first,) = dev.json("ticket", "submit", "-", "--wait", text=text)
    assert first["outcome"] == "started"
    assert first["decision"] == "immediate_escalation"
    assert first["team"] == "engineering"
    assert dev.json("ticket", "submit", "-", text=text)[0]["outcome"] == "known"
    changed = ticket("production-outage", "CLI-ONCE", body="The outage is still going on.")
    assert dev.json("ticket", "submit", "-", text=changed)[0]["outcome"] == "joined"
    shown = dev.until("CLI-ONCE", lambda case: case["conversation_count"] >= 2)
    said = [message["text"] for message in shown["conversation"] if message["author"] == "customer"]
    assert len(said) == 2
    assert "still going on" in said[1]
    assert dev.json("ticket", "submit", "-", text=changed)[0]["outcome"] == "joined"
    assert [m["author"] for m in dev.json("case", "show", "CLI-ONCE")["conversation"]].count("customer") == 2


def test_people_take_a_case_and_bring_it_to_its_resolution(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("security-report", "CLI-PEOPLE"))
    dev.until("CLI-PEOPLE", lambda case: case["status"] == "waiting_claim")
    claimed = dev.surehand("claim", "CLI-PEOPLE", "--as", "ivan.petrov@example.com")
    assert claimed.returncode == 0, claimed.stderr
    other = dev.surehand("claim", "CLI-PEOPLE", "--as", "p-noor")
    assert other.returncode == 1
    assert "p-ivan has this case" in other.stderr
    assert dev.surehand("claim", "CLI-PEOPLE", "--as", "p-noor", "--take-over").returncode == 0
    assert dev.surehand("case", "message", "CLI-PEOPLE", "We look into it.", "--as", "p-noor").returncode == 0
    again = dev.surehand("case", "message", "CLI-PEOPLE", "We look into it.", "--as", "p-noor")
    assert again.returncode == 0
    assert dev.surehand("resolve", "CLI-PEOPLE", "Links are checked again.", "--as", "p-noor").returncode == 0
    shown = dev.until("CLI-PEOPLE", lambda case: case["status"] == "resolved")
    assert shown["claim"]["claimed_by"] == "p-noor"
    assert [m["text"] for m in shown["conversation"]].count("We look into it.") == 1
    second = dev.surehand("resolve", "CLI-PEOPLE", "Once more.", "--as", "p-noor")
    assert second.returncode == 1
    assert "already" in second.stderr
    assert dev.surehand("feedback", "CLI-PEOPLE", "--rating", "5", "--was-right").returncode == 0
    assert dev.surehand("feedback", "CLI-PEOPLE", "--rating", "5", "--was-right").returncode == 0
    assert dev.json("case", "show", "CLI-PEOPLE")["outcome"]["ratings"] == [5]
    entries = dev.json("case", "timeline", "CLI-PEOPLE")
    assert [entry["number"] for entry in entries] == list(range(len(entries)))
    page = dev.surehand("case", "show", "CLI-PEOPLE").stdout
    assert "claimed by  p-noor" in " ".join(page.split()).replace("claimed by p-noor", "claimed by  p-noor")
    assert "Traceback" not in page


def test_an_answer_is_rejected_written_anew_and_approved_for_exactly_what_it_says(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("vip-export", "CLI-VIP"))
    first = request_of(dev, "CLI-VIP")
    assert first["arguments"]["text"]
    assert first["ladder"][0]["approvers"]
    off_ladder = dev.surehand("approve", "CLI-VIP", "--as", "p-tom")
    assert off_ladder.returncode == 1
    assert "not been asked" in off_ladder.stderr
    assert dev.surehand("reject", "CLI-VIP", "--as", "p-lena", "--reason", "Greet more warmly.").returncode == 0
    second = request_of(dev, "CLI-VIP", other_than=first["request"])
    stale = dev.surehand("approve", "CLI-VIP", "--as", "p-sofia", "--digest", "0" * 12)
    assert stale.returncode == 1
    assert "changed after you saw them" in stale.stderr
    approve = ["approve", "CLI-VIP", second["request"], "--as", "p-sofia", "--digest", second["digest"][:12]]
    assert dev.surehand(*approve).returncode == 0
    assert dev.surehand(*approve).returncode in (0, 1), "said twice: the same receipt, or what it has become"
    shown = dev.until("CLI-VIP", lambda case: case["status"] == "waiting_customer" and case["last_word_at"])
    decided = {request["request_id"]: request["status"] for request in shown["approvals"].values()}
    assert decided == {first["request"]: "rejected", second["request"]: "approved"}
    assert dev.json("approvals", "--mine", "p-tom") == []


def request_of(dev: Dev, case: str, *, other_than: str = "") -> dict:
    """The case's open request, as `surehand approvals` lists it."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for request in dev.json("approvals"):
            if request["case"] == case and request["request"] != other_than:
                return request
        time.sleep(0.3)
    raise AssertionError(f"{case} waits for no approval")


def test_a_cancelled_case_takes_back_what_it_sent_and_takes_nothing_more(dev):
    text = ticket("production-outage", "CLI-CANCEL")
    dev.json("ticket", "submit", "-", "--wait", text=text)
    assert dev.surehand("case", "cancel", "CLI-CANCEL").returncode == 0
    shown = dev.until("CLI-CANCEL", lambda case: case["withdrawn"])
    assert shown["status"] == "withdrawn"
    deadline = time.monotonic() + 60
    # It shows that it is withdrawn a moment before it ends; until then a repeated ticket joins it.
    while (again := dev.surehand("ticket", "submit", "-", text=text)).returncode == 0:
        assert time.monotonic() < deadline
    assert again.returncode == 1
    assert "withdrawn" in again.stderr
    late = dev.surehand("case", "message", "CLI-CANCEL", "Hello?")
    assert late.returncode == 1
    assert "closed" in late.stderr


def test_a_person_hands_over_a_case_that_was_not_to_be_escalated(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("password-reset", "CLI-ESCALATE"))
    done = dev.surehand("case", "escalate", "CLI-ESCALATE", "--as", "p-lena", "--reason", "Asked for by phone")
    assert done.returncode == 0, done.stderr
    dev.until("CLI-ESCALATE", lambda case: case["status"] == "waiting_claim")


def test_tickets_that_are_not_taken_go_to_a_file_and_lose_no_other(dev, tmp_path):
    rejects = tmp_path / "rejects.jsonl"
    bad = {"id": "CLI-BAD", "subject": " ", "note": "kept as it was"}
    text = json.dumps([bad, json.loads(ticket("feature-request", "CLI-GOOD"))])
    done = dev.surehand("ticket", "submit", "-", "--rejects", str(rejects), "--json", text=text)
    assert done.returncode == 1
    assert [row["id"] for row in json.loads(done.stdout)] == ["CLI-GOOD", "CLI-BAD"]
    (line,) = rejects.read_text().splitlines()
    assert json.loads(line)["ticket"] == bad


def test_a_long_text_travels_by_reference(dev):
    words = "The dashboard is slow. " * 4_000
    dev.json("ticket", "submit", "-", "--wait", text=ticket("slow-dashboard", "CLI-LONG", body=words))
    shown = dev.json("case", "show", "CLI-LONG")
    assert len(shown["ticket"]["body"]) <= 16_000
    assert shown["ticket"]["full_text_ref"]


def test_lists_are_filtered_and_closed_against_injection(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("security-report", "CLI-LIST"))
    deadline = time.monotonic() + 120
    while "CLI-LIST" not in {row["case"] for row in dev.json("case", "list", "--team", "security_team")}:
        assert time.monotonic() < deadline
        time.sleep(0.3)
    assert all(row["category"] == "security" for row in dev.json("case", "list", "--category", "security"))
    assert len(dev.json("case", "list", "--limit", "1")) == 1
    attack = dev.surehand("case", "list", "--team", "x' OR WorkflowId STARTS_WITH 'e")
    assert attack.returncode == 2
    table = dev.surehand("case", "list").stdout
    assert table.splitlines()[0].split()[:2] == ["case", "status"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["case", "show", "NOBODY-1"], 1, "no case by that name"),
        (["case", "message", "NOBODY-1", "Hello"], 1, "no case by that name"),
        (["case", "timeline", "NOBODY-1"], 1, "no case by that name"),
        (["claim", "NOBODY-1", "--as", "p-nobody"], 2, "Nobody of tenant default"),
        (["claim", "NOBODY-1", "--as", "p-bert"], 2, "has left"),
        (["case", "show", "escalation:acme-us:X", "--tenant", "default"], 2, "another tenant"),
        (["case", "list", "--tenant", "no such"], 2, "tenant name"),
    ],
)
def test_what_does_not_exist_is_said_in_a_sentence(dev, arguments, code, says):
    done = dev.surehand(*arguments)
    assert done.returncode == code
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_running_cases_replay_with_the_installed_code_and_a_changed_history_does_not(dev, tmp_path):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("security-report", "CLI-REPLAY"))
    from_server = dev.surehand("replay", "--from-server", "--query", "WorkflowId = 'escalation:default:CLI-REPLAY'")
    assert from_server.returncode == 0, from_server.stdout
    assert from_server.stdout.startswith("ok      escalation:default:CLI-REPLAY")
    good = tmp_path / "good.json"
    good.write_text(history_of(dev, "escalation:default:CLI-REPLAY"))
    assert dev.surehand("replay", str(good)).returncode == 0
    bad = tmp_path / "bad.json"
    bad.write_text(good.read_text().replace('"classify_ticket"', '"classify_otherwise"'))
    done = dev.surehand("replay", str(tmp_path), "--json")
    assert done.returncode == 1
    assert [row["ok"] for row in json.loads(done.stdout)] == [False, True]
    assert "another way" in json.loads(done.stdout)[0]["problem"]


def history_of(dev: Dev, workflow_id: str) -> str:
    """A history as `temporal workflow show` prints it."""
    from runtime.temporal.dev_server import binary

    command = [str(binary()), "workflow", "show", "--workflow-id", workflow_id, "--output", "json"]
    command += ["--address", dev.state.temporal_address]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_word_that_no_way_in_has_signed_is_not_taken(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("security-report", "CLI-FORGED"))

    async def forge() -> None:
        settings = load_settings(environ={}, defaults=dev.state.variables)
        # All that is needed to reach Temporal, and no key.
        client = await connect(settings.model_copy(update={"signing": SigningSettings()}))
        await Cases(client).claim("default", "CLI-FORGED", ClaimInput(person_id="p-lena"))

    with pytest.raises(Refused, match="is not signed"):
        asyncio.run(forge())
    assert dev.json("case", "show", "CLI-FORGED")["claim"]["claimed_by"] is None
    assert dev.surehand("claim", "CLI-FORGED", "--as", "p-ivan").returncode == 0
    (private,) = dev.folder.glob("signing.key")
    assert private.stat().st_mode & 0o077 == 0


def test_doctor_finds_everything_in_place(dev):
    results = {result["name"]: result["status"] for result in dev.json("doctor")}
    assert "missing" not in results.values()


def test_a_watched_case_prints_what_happens_until_it_ends(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("security-report", "CLI-WATCH"))
    dev.surehand("case", "cancel", "CLI-WATCH")
    watched = dev.surehand("case", "watch", "CLI-WATCH")
    assert watched.returncode == 0
    assert "Ticket received" in watched.stdout
    assert "Withdrawn" in watched.stdout


def test_a_worker_that_is_killed_is_started_again_and_its_cases_go_on(dev):
    dev.json("ticket", "submit", "-", "--wait", text=ticket("security-report", "CLI-KILLED"))
    (worker,) = [pid for pid in dev.children() if b"starters.dev.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    os.kill(worker, signal.SIGKILL)
    deadline = time.monotonic() + 120
    # While no worker answers, a command says that saying it again is safe.
    while (claimed := dev.surehand("claim", "CLI-KILLED", "--as", "p-ivan")).returncode == 3:
        assert time.monotonic() < deadline
    assert claimed.returncode == 0, claimed.stderr
    dev.until("CLI-KILLED", lambda case: case["claim"]["claimed_by"] == "p-ivan")
    while "The worker is back." not in dev.said():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_running_case_goes_on_after_ctrl_c_and_another_start(tmp_path):
    dev = Dev(tmp_path / "dev").start()
    try:
        dev.json("ticket", "submit", "-", "--wait", text=ticket("vip-export", "CLI-RESUME"))
        before, port = request_of(dev, "CLI-RESUME"), dev.state.temporal_port
        dev.send(signal.SIGINT)
        assert dev.ended() == 0
        assert dev.children() == []
        assert state.running(dev.folder) is None
        away = dev.surehand("case", "show", "CLI-RESUME")
        assert away.returncode == 3
        dev.start()
        assert dev.state.temporal_port == port
        after = request_of(dev, "CLI-RESUME")
        assert (after["request"], after["digest"], after["asked_at"]) == (
            before["request"], before["digest"], before["asked_at"]
        )  # fmt: skip
        assert dev.surehand("approve", "CLI-RESUME", "--as", "p-lena").returncode == 0
        dev.until("CLI-RESUME", lambda case: case["last_word_at"])
    finally:
        dev.stop()


def test_nothing_stays_behind_when_dev_is_killed(tmp_path):
    dev = Dev(tmp_path / "dev").start()
    assert len(dev.children()) >= 3
    dev.send(signal.SIGKILL)
    dev.ended()
    deadline = time.monotonic() + 60
    while dev.children() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert dev.children() == []


def test_without_a_worker_a_command_says_so_and_that_a_repeat_is_safe(tmp_path):
    from runtime.temporal.dev_server import EmbeddedServer

    async def serve() -> None:
        async with EmbeddedServer(ui=False) as server:
            alone = Dev(tmp_path / "alone")
            alone.environment["SUREHAND_TEMPORAL__ADDRESS"] = server.address
            text = ticket("password-reset", "CLI-ALONE")
            assert (await asyncio.to_thread(alone.json, "ticket", "submit", "-", text=text))[0]["outcome"] == "started"
            shown = await asyncio.to_thread(alone.surehand, "case", "show", "CLI-ALONE")
            told = await asyncio.to_thread(alone.surehand, "case", "message", "CLI-ALONE", "Hello?")
            assert (shown.returncode, told.returncode) == (3, 3)
            assert "surehand worker" in shown.stderr
            assert "again is safe" in told.stderr
            listed = await asyncio.to_thread(alone.json, "case", "list")
            assert [row["status"] for row in listed] == ["triaging"]

    import asyncio

    asyncio.run(serve())
