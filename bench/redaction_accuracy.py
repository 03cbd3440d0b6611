"""Measures redaction on labelled texts: precision and recall by kind, with every miss.

    python bench/redaction_accuracy.py SYNTH.jsonl CASES.jsonl

The files are those of presidio-research (generated sentences with spans) and of presidio's own test cases.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.text.redaction import Redactor

KINDS = {
    "CREDIT_CARD": "CARD", "PHONE_NUMBER": "PHONE", "EMAIL_ADDRESS": "EMAIL", "IBAN_CODE": "IBAN", "US_SSN": "SSN",
    "IP_ADDRESS": "IP",
}  # fmt: skip
CASE_KINDS = {"iban": "IBAN", "ip": "IP", "phone": "PHONE", "us_ssn": "SSN", "credit_card": "CARD", "email": "EMAIL"}
REDACTOR = Redactor()


def _spans_found(text: str) -> list[tuple[str, str]]:
    mapping = REDACTOR.redact(text).mapping
    return [(re.sub(r"\W|_\d+", "", token), value) for token, value in mapping.items()]


def _synth(path: str, *, with_names: bool = False) -> None:
    hit, miss, extra = Counter[str](), Counter[str](), Counter[str]()
    lines: list[str] = []
    for row in map(json.loads, Path(path).read_text(encoding="utf-8").splitlines()):
        text = row["full_text"]
        found = _spans_found(text)
        wanted = [(KINDS[s["entity_type"]], s["entity_value"]) for s in row["spans"] if s["entity_type"] in KINDS]
        for kind, value in wanted:
            covered = any(k == kind and (value in v or v in value) for k, v in found)
            (hit if covered else miss)[kind] += 1
            if not covered:
                lines.append(f"  missed {kind}: {value!r} in {text[:110]!r}")
        for kind, value in found:
            if not any(kind == k and (value in v or v in value) for k, v in wanted):
                extra[kind] += 1
                lines.append(f"  extra {kind}: {value!r} in {text[:110]!r}")
    _table("generated sentences", hit, miss, extra, lines)


def _names(path: str) -> None:
    """Names are found only when the ticket gives them: the share that is gone once it does."""
    total = left = 0
    for row in map(json.loads, Path(path).read_text(encoding="utf-8").splitlines()):
        names = [span["entity_value"] for span in row["spans"] if span["entity_type"] == "PERSON"]
        text = REDACTOR.redact(row["full_text"], names).text
        for name in names:
            total += 1
            left += bool(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text))
    print(f"names, when known: {total - left} of {total} replaced")


def _cases(path: str) -> None:
    hit, miss, extra = Counter[str](), Counter[str](), Counter[str]()
    lines: list[str] = []
    for row in map(json.loads, Path(path).read_text(encoding="utf-8").splitlines()):
        kind = CASE_KINDS.get(row["kind"])
        if kind is None:
            continue
        text, wanted = row["values"][0], row["values"][1]
        found = sum(k == kind for k, _ in _spans_found(text))
        hit[kind] += min(found, wanted)
        miss[kind] += max(wanted - found, 0)
        extra[kind] += max(found - wanted, 0)
        if found != wanted:
            lines.append(f"  {kind}: wanted {wanted}, found {found}: {text[:110]!r}")
    _table("test cases", hit, miss, extra, lines)


def _table(title: str, hit: Counter[str], miss: Counter[str], extra: Counter[str], lines: list[str]) -> None:
    print(title)
    print("\n".join(lines))
    for kind in sorted({*hit, *miss, *extra}):
        recall = hit[kind] / max(hit[kind] + miss[kind], 1)
        precision = hit[kind] / max(hit[kind] + extra[kind], 1)
        print(f"  {kind}: recall {recall:.3f} ({hit[kind]}/{hit[kind] + miss[kind]}), precision {precision:.3f}")


if __name__ == "__main__":
    _synth(sys.argv[1])
    _names(sys.argv[1])
    _cases(sys.argv[2])
