"""The tree of commands: what there is, how fast it starts, what wrong use looks like."""

import subprocess
import sys

import pytest

COMMANDS = ["dev", "demo", "worker", "setup", "doctor", "triage", "ticket", "case", "approvals", "approve", "reject"]
COMMANDS += ["claim", "resolve", "feedback", "replay", "tool", "serve", "key", "console"]
CASE_COMMANDS = ["list", "show", "watch", "timeline", "message", "cancel", "escalate", "unpark"]
NEEDED_FOR_WORK = {"temporalio", "sqlalchemy", "fastapi", "starlette", "httpx", "httpx2", "openai", "mcp", "slack_sdk"}
NEEDED_FOR_WORK |= {"jinja2", "opentelemetry", "cryptography", "networkx", "jsonschema", "yaml", "rich", "numpy"}


def test_help_lists_every_command(surehand):
    text = surehand("--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)
    text = surehand("case", "--help").stdout
    assert all(f"\n  {name} " in text for name in CASE_COMMANDS)


@pytest.mark.parametrize("path", [[name] for name in COMMANDS] + [["case", name] for name in CASE_COMMANDS])
def test_every_command_explains_itself(surehand, path):
    result = surehand(*path, "--help")
    assert result.exit_code == 0
    assert "Usage: " in result.stdout


def test_the_version_is_printed(surehand):
    result = surehand("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("surehand ")


def test_help_loads_nothing_that_only_work_needs():
    script = (
        "import sys; from starters.cli import main; sys.argv = ['surehand', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    shown, _, loaded = done.stdout.rpartition("loaded ")
    assert "Usage: " in shown
    # How soon help comes is what it loads; a measured time would be the machine's.
    assert "pydantic" in loaded.split()
    assert not NEEDED_FOR_WORK & set(loaded.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["case", "show"],
        ["claim", "TICK-1"],
        ["reject", "TICK-1", "--as", "p-lena"],
        ["case", "unpark", "TICK-1", "step", "perhaps", "--as", "p-lena"],
        ["feedback", "TICK-1", "--rating", "9"],
        ["feedback", "TICK-1"],
        ["case", "message", "TICK-1", " "],
        ["resolve", "TICK-1", " ", "--as", "p-lena"],
        ["replay"],
        ["replay", "--from-server", "history.json"],
    ],
    ids=" ".join,
)
def test_wrong_use_exits_with_two_and_never_with_a_traceback(surehand, arguments):
    result = surehand(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_misspelt_setting_is_wrong_use_and_named(surehand, monkeypatch):
    monkeypatch.setenv("SUREHAND_TEMPRAL__ADDRESS", "127.0.0.1:1")
    result = surehand("case", "list")
    assert result.exit_code == 2
    assert "SUREHAND_TEMPORAL__ADDRESS" in result.stderr


def test_a_server_that_is_away_exits_with_three_and_says_what_to_do(surehand, monkeypatch):
    monkeypatch.setenv("SUREHAND_TEMPORAL__ADDRESS", "127.0.0.1:1")
    result = surehand("case", "list", "--json")
    assert result.exit_code == 3
    assert result.stdout == ""
    assert "surehand dev" in result.stderr


def test_dev_refuses_to_start_beside_a_server_that_the_settings_name(surehand, monkeypatch):
    monkeypatch.setenv("SUREHAND_TEMPORAL__ADDRESS", "127.0.0.1:1")
    result = surehand("dev")
    assert result.exit_code == 2
    assert "SUREHAND_TEMPORAL__ADDRESS" in result.stderr


def test_a_reader_that_leaves_early_is_no_error(tmp_path):
    many = tmp_path / "many.jsonl"
    many.write_text('{"id": "T-1", "subject": "Hello", "customerEmail": "a@example.com"}\n' * 500)
    command = f"{sys.executable} -m starters.cli triage --json {many} | head -n 1"
    done = subprocess.run(["/bin/bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.stdout == "[\n"
    assert done.stderr == ""
