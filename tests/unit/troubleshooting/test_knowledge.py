"""Signatures: which fits, how rankings become one, and that those that ship can be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from domain.errors import ConfigurationProblem
from domain.troubleshooting.evidence import Sign
from domain.troubleshooting.hypotheses import FaultKind
from domain.troubleshooting.knowledge import AnsweredBy, fuse, match_signatures
from integrations.knowledge.incidents import FailureKnowledge
from runtime.configuration.signature_files import read_signatures

ROOT = Path(__file__).parents[3]
SHIPPED = read_signatures([ROOT / "config"])

SAYINGS = {
    "FATAL: sorry, too many clients already": "database-connection-limit",
    "HikariPool-1 - Connection is not available, request timed out after 30000ms.": "pool-too-small",
    "x509: certificate has expired or is not yet valid: current time 2026": "certificate-expired",
    "PKIX path building failed: unable to find valid certification path": "certificate-untrusted",
    "java.lang.OutOfMemoryError: Java heap space": "java-heap-space",
    "Last State: Terminated, Reason: OOMKilled, Exit Code: 137": "out-of-memory-killed",
    "write /var/lib/data: no space left on device": "disk-full",
    "dial tcp: lookup payments on 10.0.0.10:53: no such host": "dns-no-such-name",
    "Back-off pulling image: ImagePullBackOff": "image-cannot-be-pulled",
    "0/6 nodes are available: 6 Insufficient cpu.": "cannot-be-scheduled",
    'ERROR: column does not exist: "discount"': "migration-broke-schema",
    "Deadlock found when trying to get lock; try restarting transaction": "deadlock-in-database",
    "JWT rejected: token used before issued": "token-clock-skew",
    "429 Too Many Requests from api.vendor.example": "vendor-rate-limit",
    "Liveness probe failed: HTTP probe failed with statuscode: 500": "probe-fails",
    "consumer lag is 120000 messages behind": "consumer-behind",
    "accept4: too many open files": "file-descriptors-used-up",
    "password authentication failed for user app": "credentials-rotated",
    "readonly You can't write against a read only replica.": "failover-happened",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory": "node-heap",
}


@pytest.mark.parametrize(("saying", "signature"), SAYINGS.items())
def test_what_programs_say_leads_to_its_signature(saying: str, signature: str) -> None:
    assert match_signatures(SHIPPED, saying)[0].signature_id == signature


@pytest.mark.parametrize("text", ["", "my room is nice", "Everything is fine today, thank you.", "zoom in"])
def test_what_says_nothing_of_a_failure_leads_to_none(text: str) -> None:
    assert match_signatures(SHIPPED, text) == []


def test_signs_alone_lead_to_signatures_and_words_outweigh_them() -> None:
    assert Sign.CERTIFICATE in match_signatures(SHIPPED, "", [Sign.CERTIFICATE])[0].signs
    best = match_signatures(SHIPPED, "enospc on the database volume", [Sign.CERTIFICATE])[0]
    assert best.fault is FaultKind.DISK_FULL


def test_what_ships_covers_the_faults_and_names_playbooks_that_are_there() -> None:
    playbooks = {path.stem for path in (ROOT / "playbooks").glob("*.yaml")}
    assert len(SHIPPED) >= 60
    assert {one.fault for one in SHIPPED} == set(FaultKind) - {FaultKind.UNKNOWN}
    assert {one.playbook for one in SHIPPED} - {None} <= playbooks
    assert {sign for one in SHIPPED for sign in one.signs} == set(Sign) - {Sign.RESTORED}


@pytest.mark.parametrize("signature", SHIPPED, ids=lambda one: one.signature_id)
def test_every_signature_is_found_by_its_own_words(signature) -> None:
    for phrase in signature.words:
        assert signature in match_signatures(SHIPPED, f"2026-03-01 ERROR x: {phrase.upper()}; gave up")


def test_rankings_become_one_in_which_agreement_counts() -> None:
    fused = fuse({AnsweredBy.VECTOR: ["a", "b"], AnsweredBy.FULL_TEXT: ["b", "c"], AnsweredBy.SIGNATURES: []})
    assert [reference for reference, _, _ in fused] == ["b", "a", "c"]
    assert fused[0][2] == (AnsweredBy.VECTOR, AnsweredBy.FULL_TEXT)


async def test_without_a_store_signatures_answer_and_else_general_guidance() -> None:
    knowledge = FailureKnowledge(SHIPPED, None)
    known = await knowledge.search("acme", "too many open files")
    unknown = await knowledge.search("acme", "the purple thing hums")

    assert (known.answered_by, known.down) == (AnsweredBy.SIGNATURES, ())
    assert (unknown.answered_by, unknown.hits[0].reference) == (AnsweredBy.GENERAL, "general:first-steps")
    assert len((await knowledge.search("acme", "timeout latency", signs=[Sign.LATENCY, Sign.CPU], limit=2)).hits) == 2


def written(folder: Path, text: str) -> list[Path]:
    (folder / "signatures.yaml").write_text(text)
    return [ROOT / "config", folder]


def test_a_folder_changes_adds_and_takes_away_signatures(tmp_path: Path) -> None:
    dirs = written(
        tmp_path,
        "signatures:\n  disk-full: null\n  cache-down: {fix: Call the cache team.}\n"
        "  ours: {title: Ours, fault: data, signs: [data], words: [our own error], check: [Look.], refuted_by: Not so.,"
        " fix: Mend it.}\n",
    )
    found = {one.signature_id: one for one in read_signatures(dirs)}
    assert "disk-full" not in found
    assert found["cache-down"].fix == "Call the cache team."
    assert found["ours"].words == ("our own error",)


@pytest.mark.parametrize(
    "text",
    [
        "signatures:\n  Bad Name: {title: x}\n",
        "signatures:\n  cache-down: {fault: nonsense}\n",
        "signatures:\n  cache-down: {words: [Upper Case]}\n",
        "signatures:\n  cache-down: {words: []}\n",
        "signatures:\n  cache-down: {surprise: 1}\n",
        "signatures:\n  cache-down: text\n",
        "sigs: {}\n",
    ],
)
def test_a_signature_that_cannot_be_used_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationProblem, match=r"signatures\.yaml:\d"):
        read_signatures(written(tmp_path, text))
