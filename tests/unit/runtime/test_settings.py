"""Settings: what is read, what is refused, and in which words."""

import base64
import re
from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem
from runtime.settings.environment import SECRETS_PREFIX, SHIPPED_CONFIG, Settings, load_settings
from runtime.settings.faults import variables

ROOT = Path(__file__).resolve().parents[3]
KEY = base64.b64encode(b"k" * 32).decode()


def refusal(**variables: str) -> list[str]:
    with pytest.raises(ConfigurationProblem) as problem:
        load_settings(environ={f"SUREHAND_{name}": value for name, value in variables.items()})
    return str(problem.value).splitlines()


def test_an_empty_environment_gives_settings_for_one_machine_with_every_vendor_off():
    settings = load_settings(environ={})

    assert settings.temporal.address == "127.0.0.1:7233"
    assert settings.store_url == "sqlite+aiosqlite:///.surehand/surehand.db"
    assert settings.configuration_dirs == (SHIPPED_CONFIG,)
    assert [settings.smtp, settings.slack, settings.zendesk, settings.hubspot, settings.stripe] == [None] * 5
    assert (settings.model.primary, settings.model.secondary, settings.codec) == (None, None, None)


def test_a_nested_variable_switches_a_vendor_on():
    settings = load_settings(environ={"SUREHAND_SLACK__BOT_TOKEN": "xoxb-1"})

    assert settings.slack is not None
    assert settings.slack.bot_token.get_secret_value() == "xoxb-1"


def test_an_empty_variable_counts_as_unset():
    assert load_settings(environ={"SUREHAND_SLACK__BOT_TOKEN": " "}).slack is None


def test_the_environment_is_read_from_the_process(monkeypatch):
    monkeypatch.setenv("SUREHAND_TENANT", "acme-us")
    assert load_settings().tenant == "acme-us"


def test_defaults_yield_to_the_file_the_file_to_the_environment_and_that_to_overrides(tmp_path):
    file = tmp_path / "surehand.env"
    file.write_text(
        "SUREHAND_TENANT=file\nSUREHAND_DATA_DIR=file\nSUREHAND_TEMPORAL__NAMESPACE=file\nPOSTGRES_USER=x\n"
    )
    settings = load_settings(
        defaults={
            "SUREHAND_TENANT": "d",
            "SUREHAND_DATA_DIR": "d",
            "SUREHAND_TEMPORAL__NAMESPACE": "d",
            "SUREHAND_TEMPORAL__TASK_QUEUE": "d",
        },
        environ={"SUREHAND_ENV_FILE": str(file), "SUREHAND_TENANT": "env", "SUREHAND_DATA_DIR": "env"},
        overrides={"SUREHAND_TENANT": "override"},
    )

    assert settings.tenant == "override"
    assert settings.data_dir == Path("env")
    assert settings.temporal.namespace == "file"
    assert settings.temporal.task_queue == "d"


def test_no_file_is_read_that_nobody_named(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("SUREHAND_TENANT=implicit\n")
    monkeypatch.chdir(tmp_path)
    assert load_settings(environ={}).tenant == "default"


def test_an_env_file_that_is_not_there_is_refused():
    assert refusal(ENV_FILE="/nowhere/x.env") == [
        "SUREHAND_ENV_FILE names a file that is not there: correct the path or unset it."
    ]


def test_an_unknown_variable_is_refused_with_the_nearest_right_name():
    assert refusal(TEMPORAL__ADRESS="x:1") == [
        "SUREHAND_TEMPORAL__ADRESS is not a setting of Surehand: did you mean SUREHAND_TEMPORAL__ADDRESS?"
    ]
    assert refusal(QQQQQQQQQQQQ="1")[0].endswith("remove it; .env.example lists every variable.")


def test_every_fault_is_one_sentence_that_names_the_variable():
    sentences = refusal(
        TEMPORAL__ADDRESS="http://x",
        TEMPORAL__TLS="maybe",
        WORKER__MAX_CACHED_WORKFLOWS="-1",
        SMTP__PORT="many",
        CONFIG_DIRS="/nowhere/at/all",
        DASHBOARD_URL="ftp://x",
        TENANT="a b",
    )

    named = {sentence.split(" ")[0] for sentence in sentences}
    assert named == {
        "SUREHAND_TEMPORAL__ADDRESS",
        "SUREHAND_TEMPORAL__TLS",
        "SUREHAND_WORKER__MAX_CACHED_WORKFLOWS",
        "SUREHAND_SMTP__PORT",
        "SUREHAND_SMTP__HOST",
        "SUREHAND_SMTP__SENDER",
        "SUREHAND_CONFIG_DIRS",
        "SUREHAND_DASHBOARD_URL",
        "SUREHAND_TENANT",
    }
    for sentence in sentences:
        assert sentence.endswith(".")
        assert ":" in sentence
        assert "pydantic" not in sentence


@pytest.mark.parametrize("keys", ["hunter2hunter2", "id:hunter2", f"a:{KEY},a:{KEY}", "a:aHVudGVyMg=="])
def test_unusable_keys_are_refused_without_repeating_them(keys):
    sentences = refusal(CODEC__KEYS=keys)

    assert len(sentences) == 1
    assert "hunter2" not in sentences[0]
    assert sentences[0].startswith("SUREHAND_CODEC__")


def test_the_first_key_encrypts_unless_another_is_named():
    keys = {"SUREHAND_CODEC__KEYS": f"new:{KEY}, old:{KEY}"}

    first = load_settings(environ=keys).codec
    named = load_settings(environ={**keys, "SUREHAND_CODEC__ACTIVE": "old"}).codec

    assert first is not None
    assert (first.active_id, list(first.key_ring)) == ("new", ["new", "old"])
    assert named is not None
    assert named.active_id == "old"
    assert refusal(CODEC__KEYS=f"a:{KEY}", CODEC__ACTIVE="b")


def test_half_a_pair_of_credentials_is_refused():
    assert "both" in refusal(SMTP__HOST="h", SMTP__SENDER="a@example.com", SMTP__USERNAME="u")[0]
    assert "both" in refusal(TEMPORAL__TLS_CERT_FILE=__file__)[0]


def test_secrets_stand_in_no_representation_and_in_the_list_for_the_log_filter():
    secrets = ["xoxb-sentinel", "store-sentinel", "model-sentinel", KEY]
    settings = load_settings(
        environ={
            "SUREHAND_SLACK__BOT_TOKEN": secrets[0],
            "SUREHAND_STORE__URL": f"postgresql://u:{secrets[1]}@db/x",
            "SUREHAND_MODEL__PRIMARY__API_KEY": secrets[2],
            "SUREHAND_MODEL__PRIMARY__MODEL": "m",
            "SUREHAND_MODEL__PRIMARY__BASE_URL": "https://example.com/v1",
            "SUREHAND_CODEC__KEYS": f"a:{KEY}",
        }
    )

    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert not [secret for secret in secrets if secret in shown]
    assert settings.secret_values() >= set(secrets)
    assert settings.store_url == f"postgresql+asyncpg://u:{secrets[1]}@db/x"


def test_the_example_file_lists_every_variable_with_its_meaning_and_default():
    text = (ROOT / ".env.example").read_text("utf-8")
    listed = re.findall(r"^# (.+)\n# (SUREHAND_[A-Z_]+)=(.*)$", text, re.MULTILINE)
    expected = list(variables(Settings))

    assert [name for _, name, _ in listed] == [variable.name for variable in expected]
    for (meaning, _, default), variable in zip(listed, expected, strict=True):
        assert meaning.startswith(variable.meaning)
        assert default == (variable.default or "")
        assert variable.meaning


def test_only_the_settings_module_reads_the_environment():
    folders = ("domain", "runtime", "integrations", "activities", "workflows", "workers", "starters")
    readers = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\bos\.(environ|getenv|putenv)\b|from os import .*(environ|getenv)", path.read_text("utf-8"))
    ]
    assert readers == ["runtime/settings/environment.py"]


def test_every_variable_that_the_documents_name_exists():
    known = {variable.name for variable in variables(Settings)} | {"SUREHAND_ENV_FILE"}
    known |= {f"{variable.name}_FILE" for variable in variables(Settings) if variable.secret}
    names = ("configuration.md", "encryption.md", "deployment.md", "operating.md", "webhooks.md", "observability.md")
    documents = [ROOT / "docs" / name for name in names]
    named = {word for path in documents for word in re.findall(r"SUREHAND_[A-Z_]+[A-Z]", path.read_text("utf-8"))}

    assert len(named) > 10
    unknown = {name for name in named - known if not name.startswith(SECRETS_PREFIX)}
    assert unknown == {"SUREHAND_TEMPORAL__ADRESS"}, "the one misspelt on purpose"


def test_named_secrets_are_taken_as_they_are_and_shown_nowhere():
    settings = load_settings(
        environ={
            "SUREHAND_SECRETS__INVENTORY_KEY": "0012",
            "SUREHAND_SECRETS__Pin": "[1, 2]",
            "SUREHAND_SECRETS__X": "",
        }
    )

    assert {name: secret.get_secret_value() for name, secret in settings.secrets.items()} == {
        "inventory_key": "0012",
        "pin": "[1, 2]",
    }
    assert settings.secret_values() >= {"0012", "[1, 2]"}
    assert "0012" not in repr(settings) + settings.model_dump_json()


def test_a_secret_with_a_name_that_nothing_can_refer_to_is_refused():
    assert "is not a name" in refusal(SECRETS__A__B="x")[0]


def test_a_secret_may_come_out_of_a_file_of_its_own(tmp_path):
    file = tmp_path / "url"
    file.write_text("postgresql://surehand:a pass word@postgres/surehand\n")
    key = tmp_path / "key"
    key.write_text("0123456789")
    settings = load_settings(
        environ={"SUREHAND_STORE__URL_FILE": str(file), "SUREHAND_SECRETS__INVENTORY_KEY_FILE": str(key)}
    )

    assert settings.store_url.endswith("a pass word@postgres/surehand")
    assert settings.secrets["inventory_key"].get_secret_value() == "0123456789"
    assert "a pass word" in settings.secret_values()


def test_a_file_of_a_secret_that_cannot_be_used_is_refused_without_its_words(tmp_path):
    empty = tmp_path / "empty"
    empty.write_text("\n")
    assert refusal(STORE__URL_FILE="/nowhere/x") == [
        "SUREHAND_STORE__URL_FILE names a file that cannot be read: correct its path or who may read it."
    ]
    assert refusal(SLACK__BOT_TOKEN_FILE=str(empty)) == [
        "SUREHAND_SLACK__BOT_TOKEN_FILE names a file that holds nothing: write the secret into it."
    ]
    assert refusal(SLACK__BOT_TOKEN_FILE=str(empty), SLACK__BOT_TOKEN="xoxb-1") == [
        "SUREHAND_SLACK__BOT_TOKEN and SUREHAND_SLACK__BOT_TOKEN_FILE are both set: keep one of them."
    ]


def test_only_secrets_have_files():
    assert refusal(TENANT_FILE="/etc/hostname")[0].startswith("SUREHAND_TENANT_FILE is not a setting of Surehand")


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "needs one place that tokens come from"),
        ({"TOKEN_URL": "https://login.example.com/t"}, "set CLIENT_ID"),
        ({"TOKEN_URL": "https://login.example.com/t", "CLIENT_ID": "c"}, "set CLIENT_SECRET or REFRESH_TOKEN"),
        ({"TOKEN_URL": "http://login.example.com/t", "CLIENT_ID": "c", "CLIENT_SECRET": "s"}, "with https://"),
    ],
)
def test_a_login_by_access_token_that_cannot_work_is_refused(variables, said):
    smtp = {"SMTP__HOST": "mail.example.com", "SMTP__SENDER": "a@example.com", "SMTP__USERNAME": "a@example.com"}
    oauth = {f"SMTP__OAUTH__{name}": value for name, value in {"SCOPES": "mail", **variables}.items()}
    assert said in refusal(**smtp, **oauth)[0]


def test_an_access_token_is_never_sent_in_the_clear_or_beside_a_password():
    oauth = {"SMTP__OAUTH__TOKEN_URL": "https://login.example.com/t", "SMTP__OAUTH__CLIENT_ID": "c",
             "SMTP__OAUTH__CLIENT_SECRET": "s", "SMTP__HOST": "mail.example.com", "SMTP__SENDER": "a@example.com",
             "SMTP__USERNAME": "a@example.com"}  # fmt: skip
    assert "starttls or tls" in refusal(**oauth, SMTP__SECURITY="none")[0]
    assert "no PASSWORD beside it" in refusal(**oauth, SMTP__PASSWORD="p")[0]
