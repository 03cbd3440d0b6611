"""Whether the product's answer to a recorded case names the expected finding.

What is expected stands in data, case by case. A finding is named when the words that make it up stand together in one
line, and in everything that people read: the answer to the question, the report and the page of the case. Accepting a
cause that is not the expected one is a miss, whatever else was said.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, field_validator

from domain.errors import InvalidInput
from domain.model import Term, Value
from starters.recorded_cases import Answered

READ = ("answer", "report", "page")
"""What people read."""
_LONGEST_PATTERN = 300


class CaseClass(Term):
    """What a case is good for."""

    TEXT = "text"
    """Its evidence is text that holds the expected finding."""
    OTHER = "other"
    """The recording does not hold it, or what is expected is no finding."""


class Line(Value):
    """Words that must stand in one line."""

    all_of: tuple[str, ...] = Field(min_length=1)
    """Patterns, without regard to capital letters."""

    @field_validator("all_of")
    @classmethod
    def _are_patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            if len(pattern) > _LONGEST_PATTERN:
                raise ValueError("a pattern is too long")
            try:
                re.compile(pattern)
            except re.error:
                raise ValueError(f"{pattern!r} is no pattern") from None
        return patterns

    def stands_in(self, text: str) -> bool:
        """Whether some line of a text holds all of it."""
        found = [re.compile(pattern, re.IGNORECASE) for pattern in self.all_of]
        return any(all(pattern.search(line) for pattern in found) for line in text.splitlines())


class Expectation(Value):
    """What is expected of one case."""

    kind: CaseClass = Field(alias="class")
    finding: str
    """In words, for people."""
    why: str = ""
    """Why a case is not counted; of one that is and that is missed: why."""
    lines: tuple[Line, ...] = ()
    """All of them make the finding up. Of a case that is not counted: what the recording holds nevertheless."""
    services: tuple[str, ...] = ()
    """Whose fault it is, where there is one; any of them is right."""
    faults: tuple[str, ...] = ()
    """Kinds of fault that are right."""


class Verdict(Value):
    """One case: what was expected, and whether it was named."""

    case: str
    kind: CaseClass
    finding: str
    named: bool
    missing: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Text that people read -> what of the finding does not stand in it."""
    wrong: tuple[str, ...] = ()
    """What was accepted and is not the cause."""
    leading: str | None = None
    leads_rightly: bool | None = None
    """Whether the hypothesis in first place is about the right service; None where no fault is expected."""
    accepted: bool = False
    why: str = ""


class Score(Value):
    """All cases together."""

    cases: int
    counted: int
    """Cases whose evidence is text that holds the finding."""
    named: int
    led: int
    """Cases with a fault whose first hypothesis is about the right service."""
    faults: int
    wrong: int
    """Cases of any class in which something was accepted that is not the cause."""

    @property
    def share(self) -> float:
        """Of the counted cases, the share that is named."""
        return self.named / self.counted if self.counted else 0.0


def expectations_in(file: Path) -> dict[str, Expectation]:
    """Read what is expected.

    Args:
        file: YAML: `cases`, a map from names of cases.

    Raises:
        InvalidInput: it cannot be read, or holds something else.
    """
    try:
        document: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        return {str(name): Expectation.model_validate(one) for name, one in document["cases"].items()}
    except OSError:
        raise InvalidInput(f"{file} cannot be read: give the file with what is expected by --expected.") from None
    except (yaml.YAMLError, ValidationError, KeyError, TypeError, AttributeError) as problem:
        said = " ".join(str(problem).split())[:200]
        raise InvalidInput(f"{file} does not say what is expected ({said}): correct it.") from None


def judged(said: Answered, expected: Expectation) -> Verdict:
    """Compare an answer with what is expected.

    Args:
        said: by the product.
        expected: of this case.
    """
    missing = {name: absent for name in READ if (absent := _absent(_plain(said, name), expected.lines))}
    wrong = tuple(one for one in said.accepted if not _is_right(one, expected))
    leads = _is_right(said.leading, expected) if expected.services else None
    return Verdict(
        case=said.case,
        kind=expected.kind,
        finding=expected.finding,
        named=bool(expected.lines) and not missing and not wrong,
        missing=missing,
        wrong=wrong,
        leading=said.leading,
        leads_rightly=leads,
        accepted=bool(said.accepted),
        why=expected.why,
    )


def _absent(text: str, lines: Sequence[Line]) -> tuple[str, ...]:
    return tuple(" + ".join(line.all_of) for line in lines if not line.stands_in(text))


def _plain(said: Answered, name: str) -> str:
    text: str = getattr(said, name)
    if name != "report":
        return text
    # What people see of Markdown: without the marks that keep texts from outside literal.
    return re.sub(r"\\([\W_])", r"\1", html.unescape(text))


def _is_right(hypothesis: str | None, expected: Expectation) -> bool:
    service, _, rest = (hypothesis or "").partition("/")
    fault = rest.partition("/")[0]
    return service in expected.services and (not expected.faults or fault in expected.faults)


def scored(verdicts: Sequence[Verdict]) -> Score:
    """Put verdicts together."""
    counted = [one for one in verdicts if one.kind is CaseClass.TEXT]
    faults = [one for one in counted if one.leads_rightly is not None]
    return Score(
        cases=len(verdicts),
        counted=len(counted),
        named=sum(one.named for one in counted),
        led=sum(one.leads_rightly is True for one in faults),
        faults=len(faults),
        wrong=sum(bool(one.wrong) for one in verdicts),
    )
