"""`checks.yaml`: layers, tenants' overrides, and one sentence with file and entry for what could never work."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG

GOOD = """
  disk-use:
    title: Disk use of {service}
    tells: [disk_full]
    capability: command.run
    arguments: {command: disk-use, arguments: {host: "{service}"}}
    reads: {value: '.output | scan("(\\\\d+)%") | .[0]', bad: "> 90", sign: disk, unit: "%"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def configured(folder: Path, text: str, name: str = "checks.yaml") -> Configuration:
    (folder / name).write_text(text, "utf-8")
    return Configuration((SHIPPED_CONFIG, folder))


def names(configuration: Configuration, tenant: str = "default") -> set[str]:
    return {check.name for check in configuration.checks_for(tenant)}


def test_a_folder_adds_checks_and_takes_shipped_ones_away(folder: Path) -> None:
    shipped = names(Configuration((SHIPPED_CONFIG,)))
    found = names(configured(folder, f"checks:{GOOD}\n  certificate-days: null"))
    assert found == (shipped - {"certificate-days"}) | {"disk-use"}
    with pytest.raises(ConfigurationProblem, match="not configured"):
        Configuration((SHIPPED_CONFIG,)).checks_for("nobody")


def test_the_examples_in_the_shipped_file_can_be_used(folder: Path) -> None:
    text = (SHIPPED_CONFIG / "checks.yaml").read_text("utf-8")
    examples = "\n".join(line[2:] if line.startswith("#   ") else "" for line in text.splitlines())
    assert names(configured(folder, f"checks:\n{examples}")) >= {
        "sessions-of-database",
        "row-locks-waiting",
        "disk-use",
    }


def test_a_tenants_checks_are_its_own(folder: Path) -> None:
    text = "tenants: {acme-us: {overrides: {checks: {checks: {" + "certificate-days: null}}}}}"
    configuration = configured(folder, text, "tenants.yaml")
    assert "certificate-days" not in names(configuration, "acme-us")
    assert "certificate-days" in names(configuration)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("disk-use:", "Disk Use:", "cannot be a name"),
        ("{service}\n", "{host}\n", "the title may name {service} and nothing else"),
        ("[disk_full]", "[disc_full]", "is not one of the known words"),
        ("[disk_full]", "[]", "tells cannot be used"),
        ("[disk_full]", "[disk_full]\n    services: ['*; rm']", "is no name or pattern of services"),
        ('"{service}"}', '"{user}"}', "{user} is not known: use {service}, {change_id}, {onset}, {host}"),
        ("command: disk-use,", f"command: {'x' * 3_000},", "the arguments are longer than 3,000 characters"),
        ("command: disk-use,", 'command: "{service}",', "nothing may be filled into 'command'"),
        ("{host: ", '{"{service}": ', "nothing may be filled into a key"),
        ("command.run", "rm -rf", "capability cannot be used"),
        ("> 90", "90", "when the number is bad, such as `> 90`"),
        ("> 90", "> a", "when the number is bad, such as `> 90`"),
        ("sign: disk", "sign: memory", "memory is a sign of nothing that it tells"),
        (".output |", ".output | |", "check disk-use: "),
        ("value: ", "column: share, value: ", "give one of value, column and lines"),
        ('"{service}"}', "orders-db}", "nobody knows whose answer it is"),
        ("reads:", "read:", "read is not known here"),
    ],
)
def test_what_could_never_work_is_refused_with_file_and_entry(folder: Path, before: str, after: str, said: str) -> None:
    assert before in GOOD
    with pytest.raises(ConfigurationProblem) as refused:
        configured(folder, f"checks:{GOOD.replace(before, after, 1)}")
    sentence = str(refused.value)
    assert said in sentence
    assert "checks.yaml:" in sentence
    assert all("checks.yaml:" in line for line in sentence.splitlines())


@pytest.mark.parametrize(
    "place", ["sql: \"SELECT 1 WHERE 'a' = '{service}'\", database: d", "sql: x, database: '{service}'"]
)
def test_nothing_is_filled_into_a_statement(folder: Path, place: str) -> None:
    text = f"""
checks:
  locks:
    title: Waiting locks
    tells: [data]
    services: [orders-db]
    capability: database.query
    arguments: {{{place}}}
    reads: {{column: waiting, bad: "> 0", sign: data}}
"""
    with pytest.raises(ConfigurationProblem, match="give the value below 'parameters'"):
        configured(folder, text)
