"""Outputs with the command, or the record of a tool's call, in front of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from domain.troubleshooting.evidence import EvidenceKind
from integrations.evidence.kinds import kind_of
from integrations.evidence.kubernetes.analysing import analyse as analyse_cluster
from integrations.evidence.logs.analysing import LogFile, LogQuestion, analyse
from integrations.evidence.printed import printed_by

STAMPED = "2026-03-01T12:00:00Z INFO ready\n2026-03-01T12:01:00Z ERROR no space left on device\n"
QUIET = "".join(f"2026-03-01T12:{minute:02}:00Z INFO GET /healthz 200 in {minute}ms\n" for minute in range(30))


def record(tool: str, **more: Any) -> str:
    """A line as tools keep it of their calls."""
    params = more.pop("params", {})
    return json.dumps({"tool_name": tool, "params": params, **more}) + "\n"


@pytest.mark.parametrize(
    ("line", "pod", "namespace", "term"),
    [
        ("$ kubectl logs deploy/api -n shop --tail=50", "api", "shop", None),
        ("me@host:~$ kubectl -n shop logs api-7f8b9c6d5-x2m4n | grep ERROR", "api-7f8b9c6d5-x2m4n", "shop", "ERROR"),
        ("+ kubectl logs api-0 -n shop", "api-0", "shop", None),
        ("Command executed: kubectl logs api-0 -n shop", "api-0", "shop", None),
        ("kubectl logs -f api-0 -c web", "api-0", None, None),
        ("# docker logs --tail 50 web-1", "web-1", None, None),
        ("$ journalctl -u nginx.service --since today", "nginx.service", None, None),
        (record("pod_logs", params={"pod_name": "api-0", "namespace": "shop", "filter": "x"}), "api-0", "shop", "x"),
    ],
)  # fmt: skip
def test_it_is_known_whose_log_was_printed(line: str, pod: str, namespace: str | None, term: str | None) -> None:
    head = printed_by(line.splitlines())
    assert head is not None
    assert (head.is_log, head.pod, head.namespace, head.term) == (True, pod, namespace, term)


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "info", "command": "kubectl logs api", "msg": "ran"}',
        '{"time": "2026-03-01T12:00:00Z", "tool": "x", "params": {}}',
        "12:00:00 INFO ran kubectl logs api",
        "$ ls -l",
        '{"tool_name": ' + "[" * 5_000,
        "",
    ],
)
def test_what_is_no_command_and_no_record_is_no_head(line: str) -> None:
    assert printed_by([line]) is None


def test_a_log_that_a_terminal_printed_belongs_to_its_pod_and_is_read_as_a_log(tmp_path: Path) -> None:
    text = "$ kubectl logs api-7f8b9c6d5-x2m4n -n shop\n" + STAMPED
    assert kind_of("paste.txt", text.encode()) is EvidenceKind.LOGS
    file = tmp_path / "paste.txt"
    file.write_text(text)
    result = analyse(LogQuestion(files=(LogFile(path=file, name="paste.txt"),)))
    assert {one.service for one in result.findings} == {"api"}
    assert any("lines 3-3" in one.source for one in result.findings)


def test_lines_without_a_time_that_a_pod_printed_are_read_with_its_cluster() -> None:
    text = (
        record("pod_logs", params={"pod_name": "sync-4rl2v", "namespace": "shop"}) + "stdout:\nlibfoo.so: not found\n"
    )
    assert kind_of("x.txt", text.encode()) is EvidenceKind.KUBERNETES


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (record("fetch_page", params={"url": "https://a.example/dns"}) + "Name: x\nNamespace: y\nEvents:\n", "notes"),
        (record("search", params={"q": 1}) + '{"resourceSpans": []}\n', "traces"),
        ('{"alertname": "PodDown", "namespace": "shop", "pod": "api-0"}', "kubernetes"),
        ('{"subject": "CN=shop.example", "issuer": "CN=a"}', "notes"),
        ('{"ts": "2026-03-01T12:00:00Z", "level": "error", "subject": "x", "pod": "api-0", "msg": "y"}', "logs"),
        ("$ kubectl get pods -n shop | wc -l\n14\n", "kubernetes"),
    ],
)  # fmt: skip
def test_kinds_are_told_by_what_was_asked_for(text: str, kind: str) -> None:
    assert kind_of("x.txt", text.encode()).value == kind


def test_two_printings_of_the_same_log_count_once(tmp_path: Path) -> None:
    files = []
    for name in ("now.txt", "previous.txt"):
        file = tmp_path / name
        file.write_text(f"$ kubectl logs api-0 -n shop --tail={len(name)}\n" + STAMPED)
        files.append(LogFile(path=file, name=name))
    result = analyse(LogQuestion(files=tuple(files)))
    assert [one.numbers["count"] for one in result.findings] == [1.0]
    assert "previous.txt says the same as now.txt" in result.summary


def test_a_quiet_log_is_told_as_such_with_what_its_lines_are_like(tmp_path: Path) -> None:
    file = tmp_path / "api.log"
    file.write_text(QUIET)
    (fact,) = analyse(LogQuestion(files=(LogFile(path=file, name="api.log"),))).facts
    assert fact.startswith("The log of api has 30 lines from 2026-03-01 12:00 to 2026-03-01 12:29 UTC; none reports")
    assert "GET /healthz 200" in fact


def test_an_empty_answer_is_told_with_what_was_looked_for(tmp_path: Path) -> None:
    asked = record("pod_logs", status="no_data", params={"pod_name": "api-0", "namespace": "shop", "filter": "ERROR"})
    said = 'No line with "ERROR" was found in the log of api-0 in the namespace shop.'
    assert analyse_cluster([("x.txt", asked, None)]).facts == (said,)
    file = tmp_path / "x.txt"
    file.write_text("$ docker logs web-1 | grep ERROR\n")
    assert analyse(LogQuestion(files=(LogFile(path=file, name="x.txt"),))).facts == (
        'No line with "ERROR" was found in the log of web-1.',
    )


def test_a_log_without_any_error_is_told_and_a_complaint_is_none() -> None:
    head = "$ kubectl logs api-0 -n shop\n"
    assert analyse_cluster([("x", head + "ready\ndone\n", None)]).facts == (
        "The log of api-0 has 2 lines; none reports an error.",
    )
    refused = (
        head + 'Error from server (BadRequest): container "web" in pod "api-0" is waiting to start: PodInitializing\n'
    )
    assert analyse_cluster([("x", refused, None)]).facts == ()


def test_a_count_by_a_query_names_what_was_counted_and_where() -> None:
    query = "kubectl get pod -A -o json | jq '.items[] | select(.metadata.namespace == \"shop\")' | wc -l"
    text = record("count", params={"kind": "pod"}, invocation=query) + "      1 results\n"
    assert analyse_cluster([("x", text, None)]).facts == ("A query counted 1 pod in the namespace shop.",)


def test_what_was_looked_for_in_the_wrong_namespace_is_said_to_be_in_the_other() -> None:
    nothing = "$ kubectl get pods -n shop-9 | grep video\n"
    rows = "NAMESPACE   NAME                       READY   STATUS    RESTARTS   AGE\n"
    rows += "shop-8      video-7f8b9c6d5-x2m4n      1/1     Running   0          2d\n"
    texts = [one.text for one in analyse_cluster([("a", nothing, None), ("b", rows, None)]).findings]
    assert texts[0] == "video is not in the namespace shop-9, but in shop-8: look there."
    assert texts[1].startswith("Nothing that was looked through has the name video")
    refused = '$ kubectl get pod video -n shop-9\nError from server (NotFound): pods "video" not found\n'
    assert "but in shop-8" in str(analyse_cluster([("a", refused, None), ("b", rows, None)]).findings)
    assert "but in" not in str(analyse_cluster([("a", nothing, None)]).findings)


def test_a_file_that_is_named_after_the_command_names_no_service(tmp_path: Path) -> None:
    file = tmp_path / "kubectl_logs_all.txt"
    file.write_text(STAMPED)
    result = analyse(LogQuestion(files=(LogFile(path=file, name=file.name),)))
    assert {one.service for one in result.findings} == {None}


@pytest.mark.parametrize(
    "line",
    ["kubectl " + "-n a " * 150, "$ kubectl logs " + "-c " * 300, "kubectl get | grep -" + "x " * 400, "a" * 20_000],
)
def test_hostile_commands_hang_nothing(line: str) -> None:
    head = printed_by([line] * 8)
    assert head is None or head.lines <= 8
