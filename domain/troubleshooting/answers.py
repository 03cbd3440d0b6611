"""What the answer of a check says: a finding where it is bad, a denial where it is good, else nothing."""

from __future__ import annotations

import math
from collections.abc import Callable

from pydantic import ValidationError

from domain.expressions import ExpressionFault, compile_expression
from domain.model import JsonValue, Value
from domain.text.redaction import Redactor
from domain.troubleshooting.checks import CheckAsked
from domain.troubleshooting.evidence import Finding, Findings, Sign
from domain.troubleshooting.keeping import cut

_MOST_LINES = 2_000
_MOST_VALUES = 1_000
_WORST_FIRST = {">": max, ">=": max, "<": min, "<=": min}

Meaning = Callable[[str], Sign | None]
"""What the words of a line say, as for lines of logs."""


class CheckAnswer(Value):
    """What came of a check."""

    findings: Findings = Findings()
    value: float | None = None
    good: bool | None = None
    """None where the answer says nothing."""
    sentence: str = ""
    """For people: "Disk use of orders-db: 93 % (bad when > 90)"."""
    problem: str = ""
    """Why the answer cannot be read."""


def read_answer(asked: CheckAsked, output: JsonValue, meaning: Meaning, *, source: str = "") -> CheckAnswer:
    """Read what a tool gave, as the check says. It is data: nothing in it is trusted to be of a kind.

    Args:
        asked: the check.
        output: of the tool.
        meaning: what the words of a line say.
        source: the tool.
    """
    read = _of_lines(asked, output, meaning, source) if asked.reads.lines else _of_number(asked, output, source)
    own = _own(output)
    if own is None:
        return read
    # A tool that gives findings itself, such as a probe, is heard beside what the check makes of its answer.
    both = own.model_copy(
        update={
            "findings": (*own.findings, *read.findings.findings),
            "denied": (*own.denied, *read.findings.denied),
            "summary": read.findings.summary or own.summary,
        }
    )
    return read.model_copy(update={"findings": both, "problem": "" if own.findings else read.problem})


def _of_number(asked: CheckAsked, output: JsonValue, source: str) -> CheckAnswer:
    try:
        numbers = _numbers(asked, output)
    except ExpressionFault:
        return CheckAnswer(problem=f"The answer of the check {asked.name} is not as its `reads` says: correct it.")
    if not numbers:
        return CheckAnswer(problem=f"The answer of the check {asked.name} has no number: correct its `reads`.")
    sign, _ = asked.reads.limit
    bad = [one for one in numbers if asked.reads.is_bad(one)]
    worst = _WORST_FIRST[sign](numbers) if sign in _WORST_FIRST else (bad or numbers)[0]
    sentence = f"{asked.title}: {worst:g}{_unit(asked)} (bad when {asked.reads.bad.strip()})"
    given = {"value": worst, "threshold": asked.reads.limit[1]}
    return _answer(asked, worst, sentence, bad=bool(bad), source=source, given=given)


def _of_lines(asked: CheckAsked, output: JsonValue, meaning: Meaning, source: str) -> CheckAnswer:
    text = output.get("output") if isinstance(output, dict) else output
    if not isinstance(text, str):
        return CheckAnswer(problem=f"The answer of the check {asked.name} has no text: correct its `reads`.")
    told: dict[Sign, list[str]] = {}
    for line in text.splitlines()[:_MOST_LINES]:
        sign = meaning(line)
        if sign is not None and asked.reads.sign in (None, sign):
            told.setdefault(sign, []).append(line.strip())
    if not told:
        return _answer(asked, 0.0, f"{asked.title}: no line tells of trouble", bad=False, source=source)
    found = []
    for sign, lines in sorted(told.items(), key=lambda entry: (-len(entry[1]), entry[0].value)):
        shown = Redactor().redact(cut(lines[0], 160)).text
        sentence = f"{asked.title}: {len(lines)} lines tell of {sign.label}, such as: {shown}"
        count = float(len(lines))
        found.append(_answer(asked, count, sentence, bad=True, source=source, sign=sign, given={"count": count}))
    findings = tuple(finding for one in found for finding in one.findings.findings)
    together = found[0].findings.model_copy(update={"findings": findings})
    return found[0].model_copy(update={"findings": together})


def _answer(
    asked: CheckAsked,
    value: float,
    sentence: str,
    *,
    bad: bool,
    source: str,
    sign: Sign | None = None,
    given: dict[str, float] | None = None,
) -> CheckAnswer:
    reads = asked.reads
    sign = sign or reads.sign
    strength = reads.strength if bad else reads.against
    one = None
    if sign is not None and strength > 0:
        one = Finding(
            sign=sign,
            service=asked.service,
            about=reads.about,
            strength=strength,
            text=cut(sentence + ".", 500),
            numbers=given or {},
            source=f"check:{asked.name} {source}".strip(),
        )
    findings = Findings(
        findings=(one,) if one is not None and bad else (),
        denied=(one,) if one is not None and not bad else (),
        services=(asked.service,) if asked.service else (),
        summary=f"{cut(sentence, 280)}.",
    )
    return CheckAnswer(findings=findings, value=value, good=not bad, sentence=cut(sentence, 300))


def _own(output: JsonValue) -> Findings | None:
    if not isinstance(output, dict) or "findings" not in output:
        return None
    try:
        return Findings.model_validate({name: output[name] for name in Findings.model_fields if name in output})
    except ValidationError:
        return None


def _numbers(asked: CheckAsked, output: JsonValue) -> list[float]:
    reads = asked.reads
    if reads.column:
        rows = output.get("rows") if isinstance(output, dict) else None
        values: list[JsonValue] = (
            [row.get(reads.column) for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        )
    else:
        values = []
        for each in compile_expression(reads.value).evaluate_all(output):
            values += each if isinstance(each, list) else [each]
    found = (_number(one) for one in values[:_MOST_VALUES])
    return [one for one in found if one is not None]


def _number(value: JsonValue) -> float | None:
    if isinstance(value, bool):
        return float(value)
    if not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _unit(asked: CheckAsked) -> str:
    return f" {asked.reads.unit}" if asked.reads.unit else ""
