"""What kind a file is, told by what it begins with; its name counts only where that says nothing."""

from __future__ import annotations

import gzip
import json
import random

import pytest

from integrations.evidence.kinds import HEAD_BYTES, is_text, kind_of

LOGS = {
    "ISO times": "2026-11-21T15:04:25Z INFO api started\n2026-11-21T15:04:26Z ERROR api failed\n",
    "a logger of Python": "2026-11-21 15:04:25,123 ERROR db: no connection\n",
    "in brackets": "[2026-11-21 15:04:25] [error] no connection\n",
    "syslog": "Nov 21 15:04:25 host sshd[12]: Failed password\n",
    "syslog of RFC 5424": "<34>1 2026-11-21T15:04:25Z host su - ID47 - failed\n",
    "klog": "I1121 15:04:25.123456       1 main.go:12] started\nE1121 15:04:26.1 1 x.go:1] no\n",
    "an access log": '203.0.113.7 - - [21/Nov/2026:15:04:25 +0000] "GET / HTTP/1.1" 502 12\n',
    "nginx": "2026/11/21 15:04:25 [error] 7#7: *1 connect() failed\n",
    "levels alone": "INFO: started\nERROR: no connection\nWARN  slow\n",
    "JSON lines": '{"ts":1,"level":"error","msg":"a"}\n{"ts":2,"level":"info","msg":"b"}\n',
    "JSON lines with trace ids": '{"time":"2026-11-21T15:04:25Z","msg":"a","trace_id":"ab","span_id":"cd"}\n',
    "JSON lines about a deployment": '{"time":"2026-11-21T15:04:25Z","message":"x","type":"deployment"}\n',
    "docker's JSON": '{"log":"hello\\n","stream":"stdout","time":"2026-11-21T15:04:25Z"}\n',
    "a list of records": '[\n {"timestamp": "2026-11-21T15:04:25Z", "message": "no"}\n]',
    "OpenTelemetry logs": '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1"}]}]}]}',
    "logfmt": 'ts=2026-11-21T15:04:25Z caller=a.go:8 msg=x\nlevel=error msg="no" err=timeout\n',
    "docker compose": "api-1  | 2026-11-21T15:04:25Z started\ndb-1   | 2026-11-21T15:04:26Z ready\n",
    "stack traces": "2026-11-21 15:04:25 ERROR x\njava.lang.Foo: no\n"
    + "\tat a.b.C(C.java:1)\n" * 8
    + "2026-11-21 15:04:26 INFO y\n",
    "a traceback": 'Traceback (most recent call last):\n  File "a.py", line 1, in x\nValueError: no\n',
    "CSV of messages": "time,level,message\n2026-11-21T15:04:25Z,ERROR,no\n",
    "seconds since 1970": "1795273465.123 api failed\n1795273466.001 api failed\n",
}
METRICS = {
    "wide": "timestamp,api.latency_ms,db.connections\n2026-11-21T15:04:00Z,12.5,40\n2026-11-21T15:05:00Z,,41\n",
    "long": "time,service,metric,value\n2026-11-21T15:04:00Z,api,latency_ms,12.5\n",
    "semicolons": "Time;api.cpu\n2026-11-21 15:04;0.5\n",
    "Grafana's CSV": '"Time","api","db"\n"2026-11-21 15:04:00","1.5","null"\n',
    "an exporter": "# HELP http_requests_total Requests.\n# TYPE http_requests_total counter\nhttp_requests_total 3\n",
    "a range query": '{"status":"success","data":{"resultType":"matrix","result":[]}}',
    "OpenTelemetry metrics": '{"resourceMetrics":[]}',
    "a comment above": "# exported\ntime,api.errors\n1795273465,3\n",
}
CHANGES = {
    "a list in YAML": "- id: CHG-7\n  at: 2026-11-21T14:02:00Z\n  kind: deployment\n  service: checkout\n",
    "below a key": "changes:\n  - change_id: C1\n    time: 2026-11-21T14:02:00Z\n    service: a\n",
    "deployments in JSON": '{"deployments": [{"service": "a", "deployed_at": "2026-11-21T14:02:00Z"}]}',
    "JSON lines": '{"id":"1","at":"2026-11-21T14:02:00Z","type":"feature_flag","service":"a"}\n',
    "values before and after": '[{"service":"a","old_value":"10","new_value":"1","changed_at":"2026-11-21T14:02:00Z"}]',
    "with services named": "changes:\n- at: 2026-11-21T14:02:00Z\n  kind: configuration\n  services: [a]\n  uses: x\n",
}
TOPOLOGY = {
    "calls beside": "services:\n  - name: web\n    team: a\n  - name: api\ncalls:\n  - [web, api]\n",
    "calls inside": "services:\n  web:\n    depends_on: [api]\n  api: {}\n",
    "JSON": '{"services": [{"name": "web"}], "dependencies": [["web", "api"]]}',
    "a graph": '{"nodes":[{"id":"a"}],"edges":[{"from":"a","to":"b"}]}',
    "only who calls whom": "web:\n  calls: [api]\napi:\n  calls: [db]\n",
}
TRACES = {
    "OpenTelemetry": '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"a","spanId":"b"}]}]}]}',
    "OpenTelemetry lines": '{"resourceSpans":[]}\n{"resourceSpans":[]}\n',
    "Jaeger": '{"data":[{"traceID":"a","spans":[{"traceID":"a","operationName":"GET"}]}]}',
    "Zipkin": '[{"traceId":"a","id":"b","timestamp":1,"duration":2,"localEndpoint":{"serviceName":"x"}}]',
}
KUBERNETES = {
    "pods": "NAME          READY   STATUS             RESTARTS   AGE\napi-1   0/1     CrashLoopBackOff   7   9m\n",
    "events": "LAST SEEN   TYPE      REASON    OBJECT      MESSAGE\n9s          Warning   BackOff   pod/a   Back-off\n",
    "events without a head": "9s          Warning   BackOff   pod/api-1   Back-off\n",
    "pods without a head": "default   api-1   0/1     Pending   0    36s   <none>\n",
    "nodes": "NAME     STATUS     ROLES    AGE   VERSION\nnode-1   NotReady   <none>   42d   v1.31.2\n",
    "top": "NAME    CPU(cores)   MEMORY(bytes)\napi-1   999m         512Mi\n",
    "describe": "Name:         api-1\nNamespace:    default\nLabels:       app=api\nStatus:       Pending\nEvents:\n",
    "YAML": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: api-1\nspec:\n  containers:\n  - image: x\n",
    "YAML with a comment": "---\n# live\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\n",
    "JSON": '{\n "apiVersion": "v1",\n "items": [{"kind": "Event", "message": "no", "lastTimestamp": 1}],\n'
    ' "kind": "List"\n}',
    "nothing found": "No resources found in default namespace.\n",
    "no such thing": 'Error from server (NotFound): pods "api-1" not found\n',
    "many resources": "NAME        READY   STATUS    RESTARTS   AGE\npod/a   1/1   Running   0   1d\n\n"
    "NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE\n",
}
NOTES = {
    "prose": "Since two o'clock the shop is slow. Marketing started a campaign.\n",
    "prose with a time in it": "We deployed at 14:02.\nThen it broke: checkout gave errors.\nNobody knows why.\n",
    "Markdown": "# Incident\n\n- 14:02 deployed\n- 14:05 errors\n\nSee the dashboard, please.\n",
    "nothing": "",
    "one key": "please: help\n",
    "another JSON": '{"hello": "world"}',
}
SAMPLES = [
    (kind, title, text)
    for kind, samples in (
        ("logs", LOGS),
        ("metrics", METRICS),
        ("changes", CHANGES),
        ("topology", TOPOLOGY),
        ("traces", TRACES),
        ("kubernetes", KUBERNETES),
        ("notes", NOTES),
    )
    for title, text in samples.items()
]


@pytest.mark.parametrize(("kind", "title", "text"), SAMPLES, ids=[f"{kind}-{title}" for kind, title, _ in SAMPLES])
def test_a_file_is_what_it_holds_whatever_its_name(kind: str, title: str, text: str) -> None:
    assert kind_of("pasted.txt", text.encode()).value == kind


@pytest.mark.parametrize(("kind", "title", "text"), [sample for sample in SAMPLES if sample[2]])
def test_gzip_byte_order_marks_and_windows_lines_change_nothing(kind: str, title: str, text: str) -> None:
    assert kind_of("pasted.txt.gz", gzip.compress(text.encode())).value == kind
    assert kind_of("pasted.txt", b"\xef\xbb\xbf" + text.encode()).value == kind
    assert kind_of("pasted.txt", text.encode("utf-16")).value == kind
    assert kind_of("pasted.txt", text.replace("\n", "\r\n").encode()).value == kind


@pytest.mark.parametrize("cut", [3_000, 20_001, HEAD_BYTES])
def test_a_head_that_ends_in_the_middle_is_enough(cut: int) -> None:
    records = [{"traceId": f"{n:032x}", "spanId": "a", "startTimeUnixNano": str(n)} for n in range(2_000)]
    spans = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": records}]}]}).encode()
    lines = b"".join(b"2026-11-21T15:04:25Z INFO request %d done in %d ms\n" % (n * n, n) for n in range(20_000))

    assert kind_of("x", spans[:cut]).value == "traces"
    assert kind_of("x", lines[:cut]).value == "logs"
    assert kind_of("x", gzip.compress(lines)[:cut]).value == "logs"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("api.log", "logs"),
        ("api.log.3.gz", "logs"),
        ("C:\\logs\\api.log", "logs"),
        ("prod-topology.yaml", "topology"),
        ("changes.json", "changes"),
        ("traces.json", "traces"),
        ("numbers.csv", "metrics"),
        ("README", "notes"),
        ("../../topology.yaml", "topology"),
    ],
)
def test_the_name_decides_where_the_content_says_nothing(name: str, kind: str) -> None:
    assert kind_of(name, b"").value == kind


def test_a_name_does_not_win_over_the_content() -> None:
    assert kind_of("metrics.csv", LOGS["ISO times"].encode()).value == "logs"
    assert kind_of("api.log", KUBERNETES["pods"].encode()).value == "kubernetes"


@pytest.mark.parametrize(
    "head",
    [b"\x00\x01\x02" * 100, b"PK\x03\x04\x00\x00", b"\x1f\x8b broken", bytes(range(256)) * 10, b"\xff" * 500],
)
def test_what_is_no_text_is_of_no_kind(head: bytes) -> None:
    assert kind_of("upload", head).value == "notes"


@pytest.mark.parametrize(
    "hostile",
    [
        *("{" * 60_000, "[" * 60_000, " " * 65_000, "a:" * 30_000, "- " * 30_000, '"' * 65_000, "a" * 65_000 + ":"),
        *("\t" * 65_000, "word " * 13_000, "a=b " * 16_000, "1" * 65_000, "x," * 32_000, "{ " * 30_000),
        *("Name:\n" * 10_000, "Oct 1\n" * 10_000, "a/b:\n" * 10_000, "1/1  \n" * 10_000, "-" * 65_000),
    ],
    ids=range(18),
)
def test_hostile_beginnings_are_judged_at_once(hostile: str) -> None:
    """A pattern that backtracks would hold this for minutes; there is no clock here, the test would not end."""
    assert kind_of("x", hostile.encode()).value in {"notes", "kubernetes"}


def test_a_small_file_that_unpacks_to_a_huge_one_is_looked_at_in_part() -> None:
    bomb = gzip.compress(b"2026-11-21T15:04:25Z INFO same\n" * 2_000_000)
    assert kind_of("x.gz", bomb[:HEAD_BYTES]).value == "logs"


@pytest.mark.parametrize(
    "content",
    [
        '[{"ref": "R1", "timestamp": "2026-01-01T10:00:00Z", "category": "deploy", "service": "a", "message": "v2"}]',
        "number,date,type,app,message,new_version,old,changed_by\n1,2026-01-01T10:00:00Z,deploy,a,x,v2,v1,u1\n",
    ],
)
def test_records_of_changes_may_have_messages(content):
    assert kind_of("records.txt", content.encode()) == "changes"


def test_a_table_with_very_many_columns_is_one_of_metrics_all_the_same() -> None:
    names = [f"service-{number}.http_request_duration_p99_ms" for number in range(120)]
    rows = [",".join(["timestamp", *names]), ",".join(["2026-03-01T10:00:00Z", *("1.5" for _ in names)])]
    assert kind_of("export.csv", "\n".join(rows).encode()) == "metrics"


def test_a_table_of_versions_with_a_message_holds_changes() -> None:
    table = (
        "id,timestamp,type,component,message,new_version,previous_version\n7,2026-03-01T10:00:00Z,deploy,api,x,2,1\n"
    )
    assert kind_of("export.csv", table.encode()) == "changes"


@pytest.mark.parametrize("text", [*LOGS.values(), *METRICS.values(), *CHANGES.values(), *TOPOLOGY.values(), ""])
def test_evidence_is_text_packed_or_not(text: str) -> None:
    raw = text.encode()
    assert is_text(raw)
    assert is_text(gzip.compress(raw))
    assert is_text(gzip.compress(raw)[:40])
    assert is_text(text.encode("utf-16"))


def test_logs_in_an_older_encoding_and_with_colours_are_text() -> None:
    assert is_text("2026-11-21 15:04:25 FEHLER Schlüssel für Zürich ungültig\n".encode("latin-1"))
    assert is_text(b"\x1b[31mERROR\x1b[0m no connection\n")


@pytest.mark.parametrize("seed", range(20))
def test_a_picture_a_program_and_noise_are_no_text(seed: int) -> None:
    noise = random.Random(seed).randbytes(3_000)
    assert not is_text(noise)
    assert not is_text(noise.replace(b"\x00", b"\x01"))
    assert not is_text(b"\x89PNG\r\n\x1a\n" + noise)
    assert not is_text(gzip.compress(noise))
