import csv
import gzip
import json
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from sandbox.incidents import KINDS, Truth, make_incident

TRACES = {
    "bad_deployment": r"Exception|Error\b|panic|NoSuchMethod|unsupported schema|cannot unmarshal|InvalidOperation",
    "connection_pool": r"pool|too many clients|remaining connection slots|ResourceRequest timed out",
    "certificate": r"(?i)certificate",
    "memory_leak": r"(?i)out ?of ?memory|oom command|heap limit|MemoryError",
    "slow_dependency": r"(?i)timeout|timed out|deadline|took \d{4,}|duration: \d{4,}|slow",
    "disk_full": r"(?i)no space left|ENOSPC",
    "bad_configuration": r"(?i)setting|propert|environment|placeholder|config|REMOTE_BASE_URL|TOKEN_TTL|BATCH_SIZE|"
    r"FEED_ENDPOINT|MODE|REGION_MAP|CALLBACK_URL|upstreams|redirection cycle| NR | NC ",
    "traffic_surge": r"(?i)saturated|rejected|too many|limit|pressure|shedding|not enough|overload|backlog",
    "clock_skew": r"(?i)jwt|token|timestamp|time jumped|too ?skewed|expired",
    "dns_failure": r"(?i)UnknownHost|DnsNameResolver|name resolution|Name or service not known|no such host|lookup|"
    r"getaddrinfo|could not be resolved|dns_resolution|ENOTFOUND",
}
"""What a person would look for."""


def logs_of(evidence: Path) -> dict[str, str]:
    texts = {}
    for file in sorted(evidence.iterdir()):
        if file.name.endswith(".gz"):
            texts[file.name] = gzip.decompress(file.read_bytes()).decode()
        elif file.suffix in (".log", ".txt") and file.name != "description.txt":
            texts[file.name] = file.read_text()
    return texts


def records_of(evidence: Path) -> list[dict[str, object]]:
    [file] = evidence.glob("changes.*")
    if file.suffix == ".csv":
        with file.open() as rows:
            return [dict(row) for row in csv.DictReader(rows)]
    content = yaml.safe_load(file.read_text()) if file.suffix == ".yaml" else json.loads(file.read_text())
    return content["changes"] if isinstance(content, dict) else content


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("setting", [{}, {"faults": 2}, {"remove_evidence": True}])
def test_the_same_seed_gives_the_same_bytes_and_another_one_another_system(tmp_path: Path, setting: dict) -> None:
    first = make_incident(12, tmp_path / "a", lines=1_000, **setting)
    again = make_incident(12, tmp_path / "b", lines=1_000, **setting)
    other = make_incident(13, tmp_path / "c", lines=1_000, **setting)

    assert first == again
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    assert other.services != first.services


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_fault_leaves_its_traces_once_it_began(tmp_path: Path, kind: str) -> None:
    truth = make_incident(5, tmp_path, lines=2_000, kind=kind)

    everything = "\n".join(logs_of(tmp_path / "evidence").values())
    assert truth.kind == kind
    assert truth.is_answerable
    assert len(re.findall(TRACES[kind], everything)) > 5
    if kind in ("certificate", "disk_full"):
        removed = make_incident(5, tmp_path / "removed", lines=2_000, kind=kind, remove_evidence=True)
        left = "\n".join(logs_of(tmp_path / "removed" / "evidence").values())
        assert not re.search(TRACES[kind], left)
        assert not removed.is_answerable


@pytest.mark.parametrize("seed", range(4))
def test_the_truth_fits_the_evidence(tmp_path: Path, seed: int) -> None:
    truth = make_incident(seed, tmp_path, lines=1_000, faults=1 + seed % 2)

    evidence = tmp_path / "evidence"
    named = (evidence / "topology.yaml").read_text()
    records = records_of(evidence)
    ids = [str(value) for record in records for value in record.values()]
    assert json.loads((tmp_path / "truth.json").read_text()) == truth.as_json()
    assert len(set(truth.services)) == 1 + seed % 2
    assert list(truth.causes) == sorted(truth.causes, key=lambda cause: cause.onset)
    for cause in truth.causes:
        assert re.search(rf"\b{re.escape(cause.service)}\b", named)
        assert cause.service in truth.affected
        assert cause.change is None or ids.count(cause.change) == 1
        assert cause.change is not None or cause.kind not in ("bad_deployment", "bad_configuration")
    assert len(records) >= 4
    assert (evidence / "description.txt").read_text().strip()


def test_a_change_that_did_it_came_before_the_onset(tmp_path: Path) -> None:
    truth = make_incident(3, tmp_path, lines=1_000, kind="bad_configuration")

    [record] = [record for record in records_of(tmp_path / "evidence") if truth.change in record.values()]
    moments = []
    for value in record.values():
        try:
            moments.append(datetime.fromisoformat(str(value)))
        except ValueError:
            continue
    assert 0 < (truth.onset - moments[0]).total_seconds() < 15 * 60


@pytest.mark.parametrize("seed", [2, 3, 7, 9])
def test_where_evidence_is_removed_nothing_speaks_of_the_faulty_service(tmp_path: Path, seed: int) -> None:
    truth = make_incident(seed, tmp_path, lines=1_500, remove_evidence=True)

    evidence = tmp_path / "evidence"
    [faulty] = truth.services
    name = re.compile(rf"(?<![\w-]){re.escape(faulty)}(?![\w-])")
    texts = logs_of(evidence)
    metrics = evidence / "metrics.csv"
    assert texts
    assert not any(file.startswith(f"{faulty}.") for file in texts)
    assert not [line for text in texts.values() for line in text.splitlines() if name.search(line)]
    assert not metrics.exists() or not name.search(metrics.read_text())
    if truth.change is not None:
        assert truth.change not in [str(value) for record in records_of(evidence) for value in record.values()]


def test_as_many_lines_are_written_as_were_asked_for(tmp_path: Path) -> None:
    make_incident(4, tmp_path, lines=10_000, kind="dns_failure")

    lines = sum(text.count("\n") for text in logs_of(tmp_path / "evidence").values())
    assert 8_500 < lines < 12_500


def test_systems_differ_in_size_format_and_words(tmp_path: Path) -> None:
    truths: list[Truth] = [make_incident(seed, tmp_path / str(seed), lines=300) for seed in range(8)]

    folders = [tmp_path / str(seed) / "evidence" for seed in range(8)]
    assert len({len(list(folder.iterdir())) for folder in folders}) > 3
    assert len({(folder / "metrics.csv").read_text().split(",")[0] for folder in folders}) > 1
    assert len({next(folder.glob("changes.*")).suffix for folder in folders}) > 1
    assert [truth.kind for truth in truths] == list(KINDS[:8])


def test_the_command_writes_an_incident_and_prints_its_truth(tmp_path: Path) -> None:
    words = ["9", str(tmp_path / "nine"), "--lines", "300", "--kind", "disk_full"]
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.incidents", *words], check=True, capture_output=True, timeout=60
    )

    assert json.loads(done.stdout) == json.loads((tmp_path / "nine" / "truth.json").read_text())
    assert json.loads(done.stdout)["kind"] == "disk_full"


@pytest.mark.parametrize("wrong", [{"kind": "gremlins"}, {"faults": 3}, {"faults": 0}])
def test_what_cannot_be_made_is_refused(tmp_path: Path, wrong: dict) -> None:
    with pytest.raises(ValueError, match="must be one of"):
        make_incident(1, tmp_path, **wrong)
