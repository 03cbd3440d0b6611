"""Which installation a command talks to, and what keeps two `surehand dev` apart."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import Refused
from starters.dev import state
from starters.finding import find_settings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def here(monkeypatch, tmp_path):
    for name in list(os.environ):
        if name.startswith("SUREHAND_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SUREHAND_DATA_DIR", str(tmp_path))
    return tmp_path


def ready(folder: Path) -> state.DevState:
    dev = state.DevState(
        pid=1,
        started_at=datetime.now(UTC),
        temporal_address="127.0.0.1:4711",
        ui_url="http://127.0.0.1:4712",
        outbox_url=None,
        variables={
            "SUREHAND_TEMPORAL__ADDRESS": "127.0.0.1:4711",
            "SUREHAND_SMTP__HOST": "127.0.0.1",
            "SUREHAND_SMTP__SENDER": "support@example.com",
        },
    )
    state.write(folder, dev)
    return dev


def test_a_running_dev_server_is_found_without_any_setting(here):
    with state.only_one(here):
        ready(here)
        settings = find_settings()
    assert settings.temporal.address == "127.0.0.1:4711"
    assert settings.smtp is not None


def test_what_a_dead_dev_server_left_behind_is_not_believed(here):
    ready(here)
    assert find_settings().temporal.address == "127.0.0.1:7233"


def test_an_explicit_address_wins_over_a_running_dev_server(here, monkeypatch):
    monkeypatch.setenv("SUREHAND_TEMPORAL__ADDRESS", "127.0.0.1:9")
    with state.only_one(here):
        ready(here)
        settings = find_settings()
    assert settings.temporal.address == "127.0.0.1:9"
    assert settings.smtp is None


def test_a_second_one_in_the_same_folder_is_refused_in_a_sentence(here):
    with state.only_one(here), pytest.raises(Refused, match=r"runs in .* already"), state.only_one(here):
        pass


def test_the_folder_is_free_again_after_a_kill(here):
    script = (
        "import sys, time; from pathlib import Path; from starters.dev import state\n"
        f"with state.only_one(Path({str(here)!r})):\n print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    ready(here)
    assert state.running(here) is not None
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert state.running(here) is None
    with state.only_one(here):
        pass


def test_the_state_is_readable_by_its_owner_only(here):
    ready(here)
    assert (here / "dev.json").stat().st_mode & 0o077 == 0


def test_a_state_that_makes_no_sense_is_none(here):
    (here / "dev.json").write_text('{"pid": "many"}')
    assert state.last(here) is None
