"""What was changed, from the records that people have."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from integrations.evidence.changes import read_changes
from integrations.evidence.documents import Unreadable
from tests.unit.evidence.shelf import Shelf

AT = datetime(2026, 3, 1, 14, 2, tzinfo=UTC)


def one(text: str, name: str = "changes", service: str | None = None):  # type: ignore[no-untyped-def]
    (change,) = read_changes(text, name=name, service=service).changes
    return change


@pytest.mark.parametrize(
    "text",
    [
        '[{"id": "CHG-7", "at": "2026-03-01T14:02:00Z", "service": "orders", "type": "deployment", "version": "4.2.0", "previous": "4.1.9"}]',  # noqa: E501 - as it stands in the file
        '{"changes": [{"change_id": "CHG-7", "timestamp": 1772373720, "app": "orders", "kind": "deploy", "to": "4.2.0", "from": "4.1.9"}]}',  # noqa: E501 - as it stands in the file
        '{"number": "CHG-7", "deployed_at": "2026-03-01 15:02:00 +0100", "component": "orders", "category": "release", "new": "4.2.0", "old": "4.1.9"}\n',  # noqa: E501 - as it stands in the file
        "deployments:\n- id: CHG-7\n  time: 2026-03-01T14:02:00Z\n  service: orders\n  version: 4.2.0\n  before: 4.1.9\n",  # noqa: E501 - as it stands in the file
        "orders:\n- id: CHG-7\n  at: 2026-03-01 14:02\n  version: 4.2.0\n  previous: 4.1.9\n  type: deployment\n",
        "change_id;completed_at;target;kind;new_version;old_version\nCHG-7;2026-03-01T14:02:00+00:00;orders;deployment;4.2.0;4.1.9\n",
    ],
)  # fmt: skip
def test_a_deployment_is_read_from_many_shapes(text: str) -> None:
    change = one(text)
    assert (change.change_id, change.at, change.service, change.kind) == ("CHG-7", AT, "orders", "deployment")
    assert (change.version, change.before) == ("4.2.0", "4.1.9")


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"summary": "Raise db pool size to 50"}, "configuration"),
        ({"title": "Enable feature flag new-checkout"}, "feature_flag"),
        ({"flag": "new-checkout", "value": True}, "feature_flag"),
        ({"message": "ALTER TABLE orders add column"}, "migration"),
        ({"description": "Scale search from 3 to 9"}, "scaling"),
        ({"summary": "Rotated TLS certificate"}, "secret"),
        ({"summary": "Terraform apply: new firewall rule"}, "infrastructure"),
        ({"image": "shop/orders:4.2.0"}, "deployment"),
        ({"summary": "Lunch"}, "other"),
    ],
)
def test_the_kind_is_known_by_its_words(record: dict[str, object], kind: str) -> None:
    assert one(json.dumps({"at": "2026-03-01T14:02:00Z", **record})).kind == kind


def test_nobody_is_named_and_no_secret_is_told() -> None:
    text = json.dumps(
        [
            {"at": 1772373720, "service": "a", "by": "Anna Example <anna@example.com>", "message": "deploy by anna@example.com"},  # noqa: E501 - as it stands in the file
            {"at": 1772373721, "service": "a", "by": "anna example <anna@example.com>", "setting": "db_password", "old": "hunter2", "new": "hunter3"},  # noqa: E501 - as it stands in the file
            {"at": 1772373722, "service": "a", "author": "argocd-bot", "value": {"api_key": "abc", "replicas": 3}},
        ]
    )  # fmt: skip
    changes = read_changes(text, name="x", service=None).changes
    told = " ".join(change.model_dump_json() for change in changes)
    for secret in ("anna", "Anna", "hunter", '"abc"', "api_key: abc"):
        assert secret not in told
    assert changes[0].author == changes[1].author
    assert changes[2].author == "argocd"
    assert "replicas: 3" in (changes[2].version or "")


def test_git_log_is_read_without_its_authors() -> None:
    log = (
        "commit 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nAuthor: Bo Example <bo@example.com>\n"
        "Date:   2026-03-01 15:02:00 +0100\n\n    Release orders 4.2.0\n\n    Signed-off-by: Bo\n\n"
        "commit 1b825dc642cb6eb9a060e54bf8d69288fbee4904\nDate:   Sun Mar 1 10:00:00 2026 +0000\n\n    Fix a typo\n"
    )
    first, second = read_changes(log, name="git.log", service="orders").changes
    assert (second.change_id, second.at, second.version, second.service) == ("4b825dc642cb", AT, "4.2.0", "orders")
    assert second.author is not None
    assert second.author.startswith("person-")
    assert first.at.hour == 10


def test_the_histories_of_helm_and_argo_are_read() -> None:
    helm = (
        "REVISION\tUPDATED                 \tSTATUS    \tCHART       \tAPP VERSION\tDESCRIPTION\n"
        "1       \tSun Mar  1 09:00:00 2026\tsuperseded\torders-1.4.0\t4.1.9      \tInstall complete\n"
        "2       \tSun Mar  1 14:02:00 2026\tdeployed  \torders-1.5.0\t4.2.0      \tUpgrade complete\n"
    )
    last = read_changes(helm, name="helm.txt", service=None).changes[-1]
    assert (last.service, last.at, last.version, last.kind) == ("orders", AT, "4.2.0", "deployment")
    argo = "ID  DATE                           REVISION\n7   2026-03-01 14:02:00 +0000 UTC  main (8f3c1d2)\n"
    assert one(argo, service="orders").at == AT
    status = {"metadata": {"name": "orders"}, "status": {"history": [{"deployedAt": "2026-03-01T14:02:00Z", "revision": "8f3c1d2"}]}}  # fmt: skip  # noqa: E501 - as it is
    assert (one(json.dumps(status)).service, one(json.dumps(status)).version) == ("orders", "8f3c1d2")


def test_a_key_is_an_id_or_names_a_setting() -> None:
    record = {"at": "2026-03-01T14:02:00Z", "service": "a", "old": "8", "new": "12"}
    assert one(json.dumps({**record, "key": "OPS-12"})).change_id == "OPS-12"
    setting = one(json.dumps({**record, "key": "pool.size"}))
    assert (setting.kind, setting.version, setting.before) == ("configuration", "12", "8")
    assert "pool.size" in setting.summary


def test_a_change_without_an_id_gets_the_same_one_every_time() -> None:
    text = json.dumps({"at": "2026-03-01T14:02:00Z", "service": "a", "version": "2"})
    assert one(text).change_id == one(text).change_id
    assert one(text).change_id.startswith("change-")


@pytest.mark.parametrize(
    "text",
    [
        "hello", "[]", '[{"id": 1}]', "[" * 50_000, "a: &a [x]\nb: [" + "*a," * 600 + "]", '{"at": ' + "9" * 5000 + "}",
        "\n".join(f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'x'}]" for n in range(9)),
    ],
)  # fmt: skip
def test_what_holds_no_changes_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(Unreadable, match=r"\.$"):
        read_changes(text, name="x", service=None)


async def test_the_tool_orders_narrows_and_says_what_it_left_out(shelf: Shelf) -> None:
    rows = [{"at": 1772373720 + 60 * n, "service": f"s{n % 3}", "version": f"1.{n}"} for n in range(300)]
    many = shelf.put(json.dumps(rows[::-1]), "deploys.json")
    output = await shelf.ask("changes.read", many, shelf.put(b"\xff\xfe\x00\xd8junk", "odd.txt"))
    assert len(output["changes"]) == 200
    assert output["changes"] == sorted(output["changes"], key=lambda change: change["at"])
    assert "300 changes" in output["summary"]
    assert "odd.txt" in output["summary"]
    few = await shelf.ask("changes.read", many, until="2026-03-01T14:04:00Z")
    assert [change["version"] for change in few["changes"]] == ["1.0", "1.1", "1.2"]
    last = await shelf.ask("changes.read", many, since="2026-03-01T14:03:00Z", until="2026-03-01T14:04:00Z")
    assert [change["version"] for change in last["changes"]] == ["1.1", "1.2"]


def test_a_spreadsheets_formula_stays_text() -> None:
    change = one('at,service,summary\n2026-03-01T14:02:00Z,orders,"=HYPERLINK(""http://x"")"\n')
    assert not change.summary.startswith("=")


def test_ten_megabytes_in_one_line_are_read() -> None:
    text = json.dumps([{"at": 1772373720, "service": "a", "notes": "x" * 10_000_000}])
    assert len(one(text).summary) <= 500
