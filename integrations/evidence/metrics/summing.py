"""What all series of some evidence say together: what changed at the same time, and in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from domain.troubleshooting.evidence import Finding, Sign
from integrations.evidence.answers import earliest, latest, said


def together(told: Sequence[tuple[Finding, str]]) -> list[Finding]:
    """Says which series changed within a few points of one another.

    Args:
        told: each finding with the name of its series.
    """
    timed = [(one, name) for one, name in told if one.at is not None and one.sign is not Sign.RESTORED]
    result = []
    for finding, name in told:
        beside = [
            other
            for one, other in timed
            if other != name and finding.at and one.at and abs((one.at - finding.at).total_seconds()) <= 120
        ]
        if not beside or finding.sign is Sign.RESTORED:
            result.append(finding)
            continue
        listed = said(", ".join(dict.fromkeys(beside[:4])), 200)
        more = f" and {len(beside) - 4} more" if len(beside) > 4 else ""
        words = f"{finding.text.rstrip('.')}; within two minutes of {listed}{more}."
        result.append(finding.model_copy(update={"text": words[:500]}))
    return result


def summary_of(findings: Sequence[Finding], series: int, points: int, relative: bool) -> str:
    """What was read and what came of it, in a sentence or two.

    Args:
        findings: of all series.
        series: how many were read.
        points: values of all of them.
        relative: times count from an unknown start.
    """
    read = f"{series} series with {points} values were read"
    began = earliest(one.at for one in findings if one.sign is not Sign.RESTORED)
    ended = latest(one.at for one in findings if one.sign is Sign.RESTORED)
    if not findings:
        return f"{read}; none of them changed for long or is beyond a limit."
    when = f"; the first change was at {began:%Y-%m-%d %H:%M:%S} UTC" if began else ""
    over = f", and the last was back to normal at {ended:%H:%M:%S}" if ended else ""
    unsure = " The times have no date, so nothing can be compared with other evidence." if relative else ""
    return f"{read}; {len({one.source for one in findings})} of them show a symptom{when}{over}.{unsure}"
