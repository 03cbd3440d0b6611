"""Configuration: layers, faults with file and line, and a people directory that follows its file."""

import os
import shutil
from datetime import time, timedelta
from pathlib import Path

import pytest
import yaml

from domain.errors import ConfigurationProblem
from domain.policies.case_policy import Timers
from domain.tickets.ticket import Priority
from domain.triage.classification import Category
from domain.triage.decision import Urgency
from runtime.configuration.policies import Configuration
from runtime.settings.environment import SHIPPED_CONFIG, load_settings

DEMO = SHIPPED_CONFIG / "demo"


@pytest.fixture
def folder(tmp_path):
    user = tmp_path / "user"
    user.mkdir()
    return user


def with_file(folder: Path, name: str, text: str) -> Configuration:
    (folder / name).write_text(text, "utf-8")
    return Configuration((SHIPPED_CONFIG, folder))


def refusal(folder: Path, name: str, text: str) -> str:
    with pytest.raises(ConfigurationProblem) as problem:
        with_file(folder, name, text)
    return str(problem.value)


def test_the_shipped_configuration_is_whole():
    configuration = Configuration.from_settings(load_settings(environ={}))
    policy = configuration.policy_for("default")

    assert configuration.tenants == ("default", "acme-us")
    assert {category: policy.category_team[category] for category in Category}
    assert [policy.sla.targets[priority].first_response for priority in Priority] == [
        timedelta(minutes=15),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=8),
        timedelta(hours=24),
    ]
    assert [policy.timers.urgency_delay[urgency] for urgency in Urgency] == [
        timedelta(0),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(minutes=240),
    ]
    assert policy.calendars["berlin"].hours[0] == ((time(9), time(18)),)
    assert policy.calendars["always"].always_open
    assert set(policy.ladders) == {"default", "reply", "refund", "credit", "payment_review", "change"}


@pytest.mark.parametrize("dirs", [(SHIPPED_CONFIG,), (SHIPPED_CONFIG, DEMO)])
def test_the_files_write_out_every_timer_and_rely_on_no_default(dirs):
    timers = yaml.safe_load((dirs[-1] / "timers.yaml").read_text("utf-8"))["timers"]
    assert set(timers) == set(Timers.model_fields)


def test_every_working_calendar_knows_its_holidays_until_the_end_of_2028():
    for name in ("berlin", "new-york"):
        holidays = Configuration((SHIPPED_CONFIG,)).policy_for("default").calendars[name].holidays
        assert {day.year for day in holidays} == {2026, 2027, 2028}
        assert list(holidays) == sorted(set(holidays))


def test_a_whole_life_at_the_demo_pace_takes_half_a_minute_and_keeps_the_shipped_people():
    shipped, demo = (Configuration(dirs).policy_for("default") for dirs in ((SHIPPED_CONFIG,), (SHIPPED_CONFIG, DEMO)))
    timers = demo.timers

    longest = timers.urgency_delay[Urgency.SCHEDULED] + timers.claim_within[Urgency.SCHEDULED]
    assert longest + timers.claim_expires_after + timers.final_analysis_after <= timedelta(seconds=35)
    # What people agreed on takes its own time everywhere else.
    half_an_hour = timedelta(minutes=30)
    assert shipped.timers.lasting(half_an_hour) == half_an_hour
    assert demo.timers.lasting(half_an_hour) <= timedelta(seconds=8)
    assert demo.teams == shipped.teams
    assert all(calendar.always_open for calendar in demo.calendars.values())
    for name, ladder in shipped.ladders.items():
        faster = demo.ladders[name]
        assert [rung.model_copy(update={"time_allowed": None}) for rung in faster.rungs] == [
            rung.model_copy(update={"time_allowed": None}) for rung in ladder.rungs
        ]
        assert faster.when_nobody_answers == "deny"


def test_a_user_layer_changes_one_value_and_leaves_its_neighbours(folder):
    policy = with_file(folder, "sla.yaml", "targets:\n  low: {first_response: 36 h}\n").policy_for("default")

    assert policy.sla.targets[Priority.LOW].first_response == timedelta(hours=36)
    assert policy.sla.targets[Priority.LOW].resolution == timedelta(days=7)
    assert policy.sla.targets[Priority.HIGH].first_response == timedelta(hours=2)


def test_a_key_set_to_null_takes_the_lower_one_away(folder):
    policy = with_file(folder, "teams.yaml", "teams:\n  finance: {next_team: null}\n").policy_for("default")
    assert policy.teams["finance"].next_team is None


def test_a_tenants_overrides_are_its_own():
    configuration = Configuration((SHIPPED_CONFIG,))
    acme, default = configuration.policy_for("acme-us"), configuration.policy_for("default")

    assert acme.reply.signature == "Acme Support"
    assert default.reply.signature == "Customer Support"
    assert [len(policy.ladder("refund").rungs) for policy in (acme, default)] == [1, 2]


def test_the_version_changes_with_the_content_and_only_with_it(folder):
    before = Configuration((SHIPPED_CONFIG,)).policy_for("default").version
    same = with_file(folder, "replies.yaml", "# nothing new\nreply: {signature: Customer Support}\n")
    assert same.policy_for("default").version == before

    other = with_file(folder, "replies.yaml", "reply: {signature: The Desk}\n")
    assert other.policy_for("default").version != before
    assert other.policy_for("acme-us").version == Configuration((SHIPPED_CONFIG,)).policy_for("acme-us").version


def test_the_dashboard_address_of_the_settings_serves_tenants_that_set_none(folder):
    configuration = Configuration((SHIPPED_CONFIG,), dashboard_url="https://desk.example.com")
    assert configuration.policy_for("default").dashboard_url == "https://desk.example.com"


def test_an_unknown_tenant_is_refused_in_a_sentence():
    with pytest.raises(ConfigurationProblem, match="add it to tenants"):
        Configuration((SHIPPED_CONFIG,)).policy_for("nobody")


@pytest.mark.parametrize(
    ("name", "text", "line", "words"),
    [
        ("sla.yaml", "targets:\n  low: {first_response: 1 h}\n  low: {first_response: 2 h}\n", 3, "stands here twice"),
        ("sla.yaml", "targets:\n  low:\n    first_response: 90\n", 3, "not a duration"),
        ("sla.yaml", "targets:\n  soon: {first_response: 1 h, next_response: 1 h, resolution: 1 h}\n", 2, "soon"),
        ("sla.yaml", "warn_at_percent: [90, 50]\n", 1, "must rise"),
        ("timers.yaml", "timers:\n  claim_expire_after: 1 h\n", 2, "not known here"),
        ("timers.yaml", "timers:\n  survey_after: 1 min\n", 2, "follow each other"),
        ("teams.yaml", "teams:\n  finance:\n    emial: x@example.com\n", 3, "not known here"),
        ("teams.yaml", "teams:\n  finance:\n    lead: p-nobody\n", 3, "is not in people.yaml"),
        ("teams.yaml", "teams:\n  finance:\n    emails: x@example.com\n", 3, "not known here"),
        ("tenants.yaml", "tenants:\n  default:\n    duty_lead: p-bert\n", 3, "no longer active"),
        ("people.yaml", "people:\n  p-new:\n    name: New\n", 2, "email is missing"),
        ("tenants.yaml", "tenants:\n  default:\n    currencies:\n      rates: {EUR: 0}\n", 4, "EUR"),
        ("tenants.yaml", "tenants:\n  default:\n    currencies:\n      own: dollars\n", 4, "own"),
        ("approvals.yaml", "ladders:\n  refund:\n    rungs: []\n", 2, "has no rungs"),
        (
            "approvals.yaml",
            "ladders:\n  refund:\n    rungs:\n      - {name: x, time_allowed: 1 h}\n",
            4,
            "names nobody",
        ),
        (
            "approvals.yaml",
            "ladders:\n  refund:\n    rungs:\n      - {name: x, roles: [astronaut], time_allowed: 1 h}\n",
            4,
            "finds 0 active",
        ),
        (
            "approvals.yaml",
            "ladders:\n  credit:\n    rungs:\n      - {name: x, people: [p-omar], quorum: 2, time_allowed: 1 d}\n",
            4,
            "needs 2",
        ),
        ("approvals.yaml", "ladders:\n  refund:\n    when_nobody_answers: maybe\n", 3, "deny, approve"),
        ("calendars.yaml", "calendars:\n  berlin:\n    time_zone: Mars/Base\n", 3, "no time zone"),
        ("calendars.yaml", "calendars:\n  berlin:\n    hours: {friday: ['17:00-09:00']}\n", 3, "opening hours"),
        (
            "calendars.yaml",
            "calendars:\n  berlin:\n    hours: {friday: ['09:00-12:00', '11:00-13:00']}\n",
            3,
            "overlaps",
        ),
        ("calendars.yaml", "calendars:\n  berlin:\n    hours: {freitag: []}\n", 3, "no weekday"),
        ("risk.yaml", "risk:\n  frustration_weight: 0.9\n", 1, "add up to 1"),
        ("incidents.yaml", "incidents:\n  join: always\n", 2, "'never', 'suggest' or 'clear'"),
        ("incidents.yaml", "incidents:\n  joins_within: 24\n", 2, "is not a duration"),
        ("incidents.yaml", "incidents:\n  joins_within: 0 s\n", 1, "longer than 0 s"),
        ("incidents.yaml", "incidents:\n  opened_per_hour: -1\n", 2, "cannot be used"),
        ("tenants.yaml", "tenants:\n  default:\n    overrides: {people: {}}\n", 3, "cannot be overridden"),
        ("tenants.yaml", "tenants:\n  bad name:\n    duty_lead: p-omar\n", 2, "rename the tenant"),
        ("teams.yaml", "teams: [\n", 2, "not YAML"),
        ("teams.yaml", "teams: !!python/object/apply:os.getcwd []\n", 1, "not YAML"),
        ("teams.yaml", "- a list\n", 1, "begin with a key"),
    ],
)
def test_a_fault_names_file_and_line_and_what_to_do(folder, name, text, line, words):
    sentence = refusal(folder, name, text)

    assert f"{folder / name}:{line}" in sentence
    assert words in sentence
    assert sentence.rstrip().endswith((".", "correct it."))


def test_teams_that_pass_cases_in_a_circle_are_refused(folder):
    assert "circle" in refusal(folder, "teams.yaml", "teams:\n  management: {next_team: general_support}\n")


def test_a_misspelt_file_name_is_refused_and_never_ignored(folder):
    assert "did you mean timers.yaml?" in refusal(folder, "timer.yaml", "timers: {}\n")


def test_two_entries_that_share_an_alias_are_refused(folder):
    text = "people:\n  p-two:\n    name: Two\n    email: two@example.com\n    aliases: [Lena.Brandt@Example.com]\n"
    assert "one person could approve twice" in refusal(folder, "people.yaml", text)


def test_a_person_is_found_by_any_of_their_names_and_only_in_their_tenant():
    configuration = Configuration((SHIPPED_CONFIG,))

    for name in ("p-noor", "noor.haddad@example.com", "N.Haddad@example.com ", "U0SURE0002", "u0sure0002"):
        person = configuration.person("default", name)
        assert person is not None
        assert person.person_id == "p-noor"
    assert configuration.person("acme-us", "p-noor") is None
    assert configuration.person("default", "") is None


def test_holders_are_the_active_ones_of_the_tenant_in_the_order_of_the_file():
    configuration = Configuration((SHIPPED_CONFIG,))

    assert [p.person_id for p in configuration.holders("default", ("support_lead",), ())] == ["p-lena", "p-noor"]
    assert [p.person_id for p in configuration.holders("default", ("support_manager",), ("p-bert", "p-tom"))] == [
        "p-omar",
        "p-ruth",
        "p-tom",
    ]
    assert [p.person_id for p in configuration.holders("acme-us", ("support_lead",), ("p-lena",))] == ["p-dana"]


def test_somebody_deactivated_while_running_holds_nothing_any_more(folder):
    shutil.copy(SHIPPED_CONFIG / "people.yaml", folder / "people.yaml")
    configuration = Configuration((SHIPPED_CONFIG, folder))
    assert "p-noor" in [p.person_id for p in configuration.holders("default", ("support_lead",), ())]

    (folder / "people.yaml").write_text("people:\n  p-noor: {active: false}\n", "utf-8")

    assert "p-noor" not in [p.person_id for p in configuration.holders("default", ("support_lead",), ())]
    person = configuration.person("default", "p-noor")
    assert person is not None
    assert not person.active


def test_a_team_whose_lead_has_left_is_a_warning_and_no_reason_to_stay_down(folder):
    configuration = with_file(folder, "people.yaml", "people:\n  p-noor: {active: false}\n")
    assert len(configuration.warnings) == 1
    assert "lead of technical_support" in configuration.warnings[0]
    assert Configuration((SHIPPED_CONFIG,)).warnings == []


def test_a_people_file_broken_in_mid_edit_leaves_the_old_entries_in_force(folder, caplog):
    (folder / "people.yaml").write_text("people:\n  p-noor: {active: false}\n", "utf-8")
    configuration = Configuration((SHIPPED_CONFIG, folder))

    (folder / "people.yaml").write_text("people:\n  p-noor: {active: fal", "utf-8")
    os.utime(folder / "people.yaml", (1, 1))

    person = configuration.person("default", "p-noor")
    assert person is not None
    assert not person.active
    assert "old one stays in force" in caplog.text


def test_other_files_are_given_out_as_they_are(folder):
    shipped = folder / "shipped"
    shutil.copytree(SHIPPED_CONFIG, shipped)
    (shipped / "phrases.yaml").write_text("greeting: {en: Hello}\n", "utf-8")
    assert Configuration((shipped,)).raw("phrases") == {"greeting": {"en": "Hello"}}
    assert Configuration((shipped,)).raw("nothing") == {}


def test_the_table_of_response_times_in_the_documents_is_the_shipped_one():
    table = (SHIPPED_CONFIG.parent / "docs/configuration.md").read_text("utf-8")
    targets = yaml.safe_load((SHIPPED_CONFIG / "sla.yaml").read_text("utf-8"))["targets"]
    for priority, times in targets.items():
        cells = (priority, times["first_response"], times["next_response"], times["resolution"])
        assert f"| {' | '.join(cells)} |" in table
