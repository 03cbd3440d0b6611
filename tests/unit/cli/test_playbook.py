"""`surehand playbook`, as far as it needs no server: validate, list, show, dry-run."""

import json

import pytest

from tests.unit.playbooks.documents import small

GOOD = small("- look: {wait: PT1H}\n- tell: {call: notify, with: {to: '${ .to }', text: Hello}}\n")
BAD = small("- look: {wait: P1M}\n- look: {set: {x: '${ $nobody }'}}\n")


@pytest.fixture
def files(surehand, tmp_path):
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    return tmp_path


def test_every_command_explains_itself(surehand):
    for name in ("validate", "list", "show", "dry-run", "run", "abort", "event"):
        result = surehand("playbook", name, "--help")
        assert result.exit_code == 0
        assert "Usage: " in result.stdout


def test_validate_names_every_fault_and_fails(surehand, files):
    result = surehand("playbook", "validate", "good.yaml", "bad.yaml")
    assert result.exit_code == 1
    assert [line.partition(" ")[0] for line in result.stdout.splitlines()] == [
        "bad.yaml:7:16:", "bad.yaml:8:3:", "bad.yaml:8:23:",
    ]  # fmt: skip
    assert result.stderr == "good.yaml: it can run.\n"
    assert surehand("playbook", "validate", "good.yaml").exit_code == 0


def test_validate_as_json(surehand, files):
    found = json.loads(surehand("playbook", "validate", "bad.yaml", "--json").stdout)
    assert [(finding["line"], finding["weight"]) for finding in found] == [(7, "error"), (8, "error"), (8, "error")]
    assert found[0]["pointer"] == "/do/0/look/wait"
    assert json.loads(surehand("playbook", "validate", "good.yaml", "--json").stdout) == []


def test_validate_reads_standard_input_and_knows_tools(surehand, files):
    text = small("- a: {call: no.such_tool}\n")
    assert surehand("playbook", "validate", "-", text=text).exit_code == 0
    result = surehand("playbook", "validate", "-", "--tools", text=text)
    assert result.exit_code == 1
    assert "There is no tool" in result.stdout


def test_a_file_that_is_not_there_is_wrong_use(surehand, files):
    result = surehand("playbook", "validate", "nowhere.yaml")
    assert result.exit_code == 2
    assert result.stderr == "Error: nowhere.yaml cannot be read (No such file or directory): correct the path.\n"


def test_nothing_in_a_playbook_reaches_the_terminal_as_a_command(surehand, files):
    (files / "evil.yaml").write_text(small('- "a\\e[31m": {call: x.y, metadata: {title: "t\\e[2J"}}\n'))
    for command in (("validate",), ("show",), ("show", "--mermaid"), ("show", "--tree"), ("dry-run",)):
        result = surehand("playbook", *command, "evil.yaml")
        assert "\x1b" not in result.stdout + result.stderr


def test_the_library_is_listed_with_the_installations_own(surehand, files, monkeypatch):
    (files / "own" / "default").mkdir(parents=True)
    (files / "own" / "default" / "mine.yaml").write_text(GOOD.replace("small", "mine"))
    (files / "own" / "broken.yaml").write_text(BAD.replace("small", "broken"))
    monkeypatch.setenv("SUREHAND_PLAYBOOKS__FOLDER", str(files / "own"))
    rows = {row["name"]: row for row in json.loads(surehand("playbook", "list", "--json").stdout)}
    assert rows["mine"]["runs"]
    assert rows["broken"]["faults"] == 3
    assert "3 faults" in surehand("playbook", "list").stdout
    assert surehand("playbook", "show", "mine", "--yaml").stdout == GOOD.replace("small", "mine")
    result = surehand("playbook", "show", "broken")
    assert result.exit_code == 2
    assert "broken.yaml:7: " in result.stderr


def test_a_playbook_is_shown_as_tree_diagram_and_text(surehand, files):
    assert "look  wait 1 h" in surehand("playbook", "show", "good.yaml").stdout
    assert surehand("playbook", "show", "good.yaml", "--mermaid").stdout.startswith("flowchart TD\n")
    assert surehand("playbook", "show", "good.yaml", "--yaml").stdout == GOOD
    assert surehand("playbook", "show", "good.yaml", "--yaml", "--tree").exit_code == 2


def test_a_faulty_file_is_not_shown_but_its_faults_are(surehand, files):
    result = surehand("playbook", "dry-run", "bad.yaml")
    assert result.exit_code == 2
    assert result.stderr.count("Error: bad.yaml:") == 3


def test_a_dry_run_says_what_would_be_done(surehand, files):
    result = surehand("playbook", "dry-run", "good.yaml", "--input", "to=ann")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:3] == ["  1. look: wait 1 h", "  2. tell: notify ${ .to }"]
    assert 'with {"to": "ann", "text": "Hello"}' in result.stdout
    made = json.loads(surehand("playbook", "dry-run", "good.yaml", "--input", '{"to": "ann"}', "--json").stdout)
    assert [step["kind"] for step in made["steps"]] == ["wait", "message"]


def test_a_dry_run_that_would_go_wrong_fails(surehand, files):
    (files / "odd.yaml").write_text(small("- a: {call: no.such_tool}\n"))
    result = surehand("playbook", "dry-run", "odd.yaml")
    assert result.exit_code == 1
    assert "Problem: /do/0/a: there is no tool" in result.stderr


def test_running_needs_a_server_and_says_so(surehand, files, monkeypatch):
    monkeypatch.setenv("SUREHAND_TEMPORAL__ADDRESS", "127.0.0.1:1")
    result = surehand("playbook", "run", "good.yaml")
    assert result.exit_code == 3
    assert result.stderr.startswith("Error: ")
