"""What kubectl printed, and what a good engineer concludes from it."""

# ruff: noqa: E501 - output stands here as kubectl prints it

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.evidence.kubernetes.analysing import analyse
from integrations.evidence.kubernetes.names import workload_of
from tests.unit.evidence.shelf import Shelf

PODS = """NAMESPACE   NAME                       READY   STATUS                       RESTARTS         AGE
shop        api-7f8b9c6d5-x2m4n        0/1     CrashLoopBackOff             12 (3m5s ago)    2d
shop        api-7f8b9c6d5-k9qqt        0/1     CrashLoopBackOff             11 (2m ago)      2d
shop        web-5d98ffcfd-tz4nc        0/1     ImagePullBackOff             0                20m
shop        stock-0                    0/1     Pending                      0                7m
shop        mail-6c67b4656-qdzgg       0/1     CreateContainerConfigError   0                5m
shop        sync-28512340-wpsss        0/1     OOMKilled                    3 (9m ago)       9m
shop        cart-6f5cbdf85-c5fsf       0/1     Running                      0                3h
shop        fine-6f5cbdf85-c5fsf       2/2     Running                      46 (3d ago)      29d
shop        agent-4rl2v                0/1     Init:CrashLoopBackOff        7 (1m ago)       1h
"""


def found(*texts: str, **more: Any) -> Any:
    return analyse([(f"{at}.txt", text, None) for at, text in enumerate(texts)], **more)


def signs(text: str, **more: Any) -> set[tuple[str, str | None]]:
    return {(one.sign.value, one.service) for one in found(text, **more).findings}


def only(text: str) -> Any:
    (one,) = found(text).findings
    return one


def test_a_table_of_pods_tells_each_workloads_trouble_once() -> None:
    result = found(PODS, as_of=datetime(2026, 3, 1, 12, tzinfo=UTC))
    assert {(one.sign.value, one.service) for one in result.findings} == {
        ("crash", "api"), ("scheduling", "web"), ("scheduling", "stock"), ("configuration", "mail"), ("memory", "sync"),
        ("scheduling", "cart"), ("crash", "agent"),
    }  # fmt: skip
    crash = next(one for one in result.findings if one.service == "api")
    assert "(2 pods)" in crash.text
    assert crash.numbers["pods"] == 2
    pull = next(one for one in result.findings if one.service == "web")
    assert pull.at == datetime(2026, 3, 1, 11, 40, tzinfo=UTC)
    assert result.details["pods"]["shop"]["Running"] == 2
    assert "9 pods in 1 namespace" in result.summary


def test_rows_that_grep_left_without_a_heading_are_read() -> None:
    rows = "\n".join(line for line in PODS.splitlines() if "ImagePull" in line or "stock" in line)
    assert signs("$ kubectl get pods -A -o wide | grep shop\n" + rows) == {
        ("scheduling", "web"),
        ("scheduling", "stock"),
    }


@pytest.mark.parametrize(
    ("message", "sign", "words"),
    [
        ("0/3 nodes are available: 3 Insufficient cpu.", "scheduling", "enough free cpu"),
        ("0/3 nodes are available: 1 node(s) had untolerated taint {gpu: true}, 2 node(s) had other.", "scheduling", "taints"),
        ("0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.", "scheduling", "labels"),
        ("0/3 nodes are available: pod has unbound immediate PersistentVolumeClaims.", "scheduling", "PersistentVolumeClaim"),
        ('Failed to pull image "shop/api:9": rpc error: manifest for shop/api:9 not found: manifest unknown', "scheduling", "shop/api:9 does not exist"),
        ("Readiness probe failed: HTTP probe failed with statuscode: 503", "scheduling", "statuscode: 503"),
        ('Error: secret "db-password" not found', "configuration", "secret db-password"),
        ("Error: couldn't find key url in ConfigMap shop/settings", "configuration", "no key url"),
        ('pods "api-1" is forbidden: exceeded quota: team-quota, requested: cpu=2', "scheduling", "team-quota"),
        ("The node was low on resource: ephemeral-storage. Threshold quantity: 1", "disk", "storage"),
        ("Memory cgroup out of memory: Killed process 12 (java)", "memory", "memory"),
    ],
)  # fmt: skip
def test_events_say_what_is_missing(message: str, sign: str, words: str) -> None:
    table = f"LAST SEEN   TYPE      REASON   OBJECT                    MESSAGE\n5m          Warning   Failed   pod/api-7f8b9c6d5-x2m4n   {message}\n"
    described = f"Name:   api-7f8b9c6d5-x2m4n\nNamespace:  shop\nEvents:\n  Type  Reason  Age  From  Message\n  Warning  Failed  5m (x3 over 9m)  kubelet  {message}\n"
    event = {
        "kind": "Event",
        "apiVersion": "v1",
        "type": "Warning",
        "reason": "Failed",
        "message": message,
        "firstTimestamp": "2026-03-01T12:00:00Z",
        "involvedObject": {"kind": "Pod", "name": "api-7f8b9c6d5-x2m4n"},
    }
    for text in (table, described, json.dumps({"kind": "List", "apiVersion": "v1", "items": [event]})):
        finding = only(text)
        assert (finding.sign, finding.service) == (sign, "api")
        assert words in finding.text
    assert finding.at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_description_tells_the_exit_code_and_the_node_selector() -> None:
    text = (
        "Name:             job-runner-757f89d977-795x7\nNamespace:        shop\n"
        "Controlled By:  ReplicaSet/job-runner-757f89d977\nContainers:\n  main:\n    State:          Waiting\n"
        "      Reason:       CrashLoopBackOff\n    Last State:     Terminated\n      Reason:       Error\n"
        "      Exit Code:    137\n      Finished:     Thu, 29 May 2025 12:15:28 +0200\n    Restart Count:  63\n"
    )
    crash = only(text)
    assert (crash.sign, crash.service) == ("crash", "job-runner")
    assert "63 restarts" in crash.text
    assert "exit code 137" in crash.text
    pending = "Name: one\nNamespace: shop\nNode-Selectors:  disk=ssd\nEvents:\n  Warning  FailedScheduling  38s  default-scheduler  0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.\n"
    assert "disk=ssd" in only(pending).text


def test_objects_are_read_from_yaml_and_json_also_between_other_lines() -> None:
    pod = """apiVersion: v1
kind: Pod
metadata:
  name: api-7f8b9c6d5-x2m4n
  namespace: shop
  ownerReferences:
  - {kind: ReplicaSet, name: api-7f8b9c6d5}
status:
  phase: Running
  containerStatuses:
  - restartCount: 4
    state: {waiting: {reason: CrashLoopBackOff}}
    lastState: {terminated: {reason: OOMKilled, exitCode: 137, finishedAt: "2026-03-01T12:00:00Z"}}
"""
    expected = {("memory", "api"), ("crash", "api")}
    assert signs(pod) == expected
    assert signs(
        "$ kubectl get pod -o yaml\n" + pod + "$ kubectl get nodes\nn1   NotReady   <none>   4d   v1.31.2\n"
    ) == {*expected, ("crash", "n1")}
    memory = next(one for one in found(pod).findings if one.sign == "memory")
    assert memory.at == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_service_that_selects_nobody_and_a_policy_that_lets_nothing_out_are_found() -> None:
    items = [
        {"kind": "Service", "metadata": {"name": "api"}, "spec": {"selector": {"app": "apii"}}},
        {"kind": "Pod", "metadata": {"name": "api-0", "labels": {"app": "api"}}, "status": {"phase": "Running"}},
        {"kind": "NetworkPolicy", "metadata": {"name": "no-egress"}, "spec": {"policyTypes": ["Egress"]}},
    ]
    result = found(json.dumps({"kind": "List", "apiVersion": "v1", "items": items}))
    assert {(one.sign.value, one.service) for one in result.findings} == {("unreachable", "api"), ("dns", "no-egress")}


@pytest.mark.parametrize(
    ("text", "sign", "words"),
    [
        ('Error from server (Forbidden): secrets is forbidden: User "bob" cannot list resource "secrets" in API group ""', "permission", "bob may not list secrets"),
        ('Error from server (NotFound): deployments.apps "api" not found', "configuration", "api does not exist"),
        ("No resources found in shpo namespace.", "configuration", "namespace shpo"),
        ("NAME   STATUS     ROLES    AGE   VERSION\nn1     NotReady   <none>   28d   v1.31.2", "crash", "n1 is not ready"),
        ("NAME   ENDPOINTS   AGE\napi    <none>      3d", "unreachable", "no pods behind it"),
        ("NAME   STATUS    VOLUME   CAPACITY\ndata   Pending   x   1", "scheduling", "Pending"),
        ("NAME   REFERENCE        TARGETS         MINPODS   MAXPODS   REPLICAS   AGE\napi    Deployment/api   <unknown>/80%   1         5         1          3d", "configuration", "metrics"),
        ("NAME   READY   UP-TO-DATE   AVAILABLE   AGE\napi    0/3     3            0           3d", "scheduling", "0 of 3"),
        ("NAME   STATUS   COMPLETIONS   DURATION   AGE\nsync   Failed   0/1   3m   3m", "crash", "job sync"),
        ("NAME   READY   SECRET   AGE\nshop-tls   False   shop-tls   3d", "certificate", "not ready"),
        ("NAME   CPU(cores)   CPU%   MEMORY(bytes)   MEMORY%\nn1     3900m        97%    2Gi             20%", "cpu", "CPU"),
        ("2026-03-01T12:00:00Z ERROR dial tcp: lookup payments.shop.svc: no such host", "dns", "payments.shop.svc"),
        ("$ kubectl logs api-7f8b9c6d5-x2m4n -n shop\npanic: environment variable DB_URL is not set", "configuration", "DB_URL"),
    ],
)  # fmt: skip
def test_other_tables_complaints_and_logs_are_understood(text: str, sign: str, words: str) -> None:
    finding = only(text)
    assert finding.sign == sign
    assert words in finding.text


def test_a_namespace_that_is_spelled_alike_is_suggested() -> None:
    assert "Did you mean shop?" in " ".join(
        one.text for one in found("No resources found in shpo namespace.\n" + PODS).findings
    )


def test_lines_of_a_log_belong_to_the_pod_that_kubectl_was_asked_for() -> None:
    text = "$ kubectl logs deploy/cart -n shop\n2026-03-01T12:00:00Z INFO ready\n2026-03-01T12:01:00Z ERROR connect failed to stock:8080 for bob@example.com password=hunter2\n"
    finding = only(text)
    assert (finding.service, finding.about) == ("cart", "stock:8080")
    assert finding.at == datetime(2026, 3, 1, 12, 1, tzinfo=UTC)
    assert "example.com" not in finding.text
    assert "hunter2" not in finding.text


def test_what_is_well_shows_no_trouble() -> None:
    text = PODS.splitlines()[0] + "\n" + PODS.splitlines()[8] + "\n$ kubectl logs api\n12:00 INFO done with 0 errors\n"
    result = found(text)
    assert result.findings == ()
    assert "Nothing in it shows trouble" in result.summary
    assert result.facts[0] == "No error stands in the log of api."


@pytest.mark.parametrize(
    ("pod", "workload"),
    [("api-7f8b9c6d5-x2m4n", "api"), ("db-0", "db"), ("node-exporter-2cxmv", "node-exporter"), ("sync-28512340-wpsss", "sync"), ("frontend-service", "frontend-service")],
)  # fmt: skip
def test_pods_are_named_after_their_workload(pod: str, workload: str) -> None:
    assert workload_of(pod) == workload


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x]\nkind: Pod\napiVersion: v1\n" + "\n".join(f"k{n}: [{', '.join(['*a'] * 200)}]" for n in range(9)),
        '{"kind": "Pod", "apiVersion": "v1", "items": ' + "[" * 20_000 + "]" * 20_000 + "}",
        json.dumps({"kind": "Pod", "apiVersion": "v1", "status": {"containerStatuses": [{"restartCount": 10**400}, 7, None]}, "metadata": []}),
        "Name: " + "x" * 200 + "\n" + "  Warning  " * 20_000,
        "image \"" * 20_000 + "\n" + "had taint {" * 20_000,
        json.dumps({"message": "x" * 10_000_000}),
        "0/1 " * 50_000,
        "{\n" * 20_000,
        "apiVersion: v1\n{}\n" * 5_000,
        ('{"a":"' + "x" * 200 + '",\n') * 5_000,
        "\ufffd\x07" * 1000,
    ],
)  # fmt: skip
def test_hostile_text_neither_hangs_nor_breaks_it(text: str) -> None:
    assert found(text).findings is not None


async def test_the_tool_reads_several_pieces_as_one_cluster(shelf: Shelf) -> None:
    output = await shelf.ask("kubernetes.analyse", shelf.put(PODS, "pods.txt"), shelf.put(b"\x00" * 100, "x.bin"))
    assert {one["service"] for one in output["findings"]} >= {"api", "web"}
    assert "x.bin: The file is binary" in output["summary"]


def test_a_count_that_a_query_printed_is_told() -> None:
    result = found("$ kubectl get pods -n shop --no-headers | wc -l\n      14\n")
    assert result.facts == ("A query counted 14 pods in the namespace shop.",)
    assert result.facts[0] in result.summary
    assert "counted 3 pods" in found("$ kubectl get pods -A | wc\n---\n      3 results\n").summary


def test_the_last_words_of_a_program_that_keeps_ending_explain_it_beyond_doubt_from_another_file_too() -> None:
    words = "$ kubectl logs api-7f8b9c6d5-x2m4n -n shop\nenvironment variable SHOP_KEY is not set\n"
    alone = {one.sign.value: one.strength for one in found(words).findings}
    both = {one.sign.value: one.strength for one in found(PODS, words).findings if one.service == "api"}
    assert alone == {"configuration": 0.85}
    assert both["configuration"] == 0.9
    assert both["crash"] < 0.6
    # What another workload says explains nothing.
    other = found(PODS, words.replace("api-", "else-")).findings
    assert next(one.strength for one in other if one.service == "else") == 0.85
    assert next(one.strength for one in other if (one.service, one.sign.value) == ("api", "crash")) == 0.75


@pytest.mark.parametrize(
    ("alert", "service", "sign", "words"),
    [
        ({"title": "CPUThrottlingHigh", "description": "82% throttling of CPU for container web", "subject": {"name": "api-7f8b9c6d5-x2m4n", "namespace": "shop", "container": "web"}}, "api", "cpu", "throttling 82 %"),
        ({"labels": {"alertname": "KubePodCrashLooping", "pod": "api-7f8b9c6d5-x2m4n", "namespace": "shop"}, "startsAt": "2026-03-01T12:00:00Z"}, "api", "crash", "CrashLoopBackOff"),
        ({"title": "KubeJobFailed", "subject": {"subject_type": "job", "name": "sync", "namespace": "shop"}}, "sync", "crash", "job sync"),
        ({"subject_name": "db-0", "subject_namespace": "shop", "finding_type": "issue", "description": "The node was low on resource: ephemeral-storage."}, "db", "disk", "low on ephemeral storage"),
        ({"subject_name": "web-0", "subject_namespace": "shop", "message": 'Back-off pulling image "shop/web:9"'}, "web", "scheduling", "image shop/web:9"),
    ],
)  # fmt: skip
def test_alerts_are_read_for_whom_they_name(alert: Any, service: str, sign: str, words: str) -> None:
    finding = only(json.dumps(alert, indent=2))
    assert (finding.service, finding.sign.value) == (service, sign)
    assert words in finding.text


def test_a_tree_of_what_belongs_together_is_read_by_workload() -> None:
    tree = (
        "NAME                     READY   STATUS   AGE\n"
        "Job/sync                 -                28d\n"
        "└── Pod/sync-mdr44       0/1     Error    28d\n"
    )
    assert signs(tree) == {("crash", "sync")}


def test_what_no_node_has_is_named() -> None:
    pod = "Name:             import\nNamespace:        shop\nLabels:           <none>\nNode-Selectors:   disk=fast\nEvents:\n"
    event = "  Warning  FailedScheduling  38s   default-scheduler  0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.\n"
    assert "node selector or affinity asks for (disk=fast); label a node" in only(pod + event).text
