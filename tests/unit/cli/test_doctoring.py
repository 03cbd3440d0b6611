"""`surehand doctor` about checks that incidents make."""

from __future__ import annotations

from pathlib import Path

from runtime.settings.environment import Settings
from starters.doctoring import incident_checks

DISK_USE = """
checks:
  disk-use:
    title: Disk use of {service}
    tells: [disk_full]
    capability: command.run
    arguments: {command: disk-use, arguments: {host: "{service}"}}
    reads: {value: .output | tonumber, bad: "> 90", sign: disk}
"""
COMMAND = """
commands:
  disk-use:
    program: [/bin/df, "{host}"]
    arguments: {host: {pattern: "[a-z-]+"}}
    tenants: ["*"]
    changes: false
"""


def test_the_doctor_names_checks_that_no_tool_can_make_and_is_content_once_one_can(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "checks.yaml").write_text(DISK_USE, "utf-8")
    settings = Settings(config_dirs=(folder,), data_dir=tmp_path / "data")

    helpless = incident_checks(settings)
    assert helpless.status.value == "warning"
    assert "1 of 2 have nothing that answers them (disk-use)" in helpless.sentence

    (folder / "tools.yaml").write_text(COMMAND.replace("changes: false", "changes: true"), "utf-8")
    assert incident_checks(settings).status.value == "warning"

    (folder / "tools.yaml").write_text(COMMAND, "utf-8")
    content = incident_checks(settings)
    assert (content.status.value, content.sentence) == (
        "ok",
        "2 of tenant default can be made: certificate-days, disk-use.",
    )
