"""How recorded cases went, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from starters.recorded_scoring import CaseClass, Score, Verdict


def show(score: Score, verdicts: Sequence[Verdict]) -> None:
    """Each case with its finding, those that do not count with the reason, and the score last."""
    width = max(len(one.case) for one in verdicts)
    for one in verdicts:
        if one.kind is CaseClass.TEXT:
            typer.echo(f"{'named ' if one.named else 'missed'}  {one.case.ljust(width)}  {one.finding}")
            for text, absent in one.missing.items():
                typer.echo(f"        not in the {text}: {'; '.join(absent)}")
        for wrong in one.wrong:
            typer.echo(f"        {one.case}: accepted {wrong}, which is not the cause")
    typer.echo("\nNot counted:")
    for one in verdicts:
        if one.kind is not CaseClass.TEXT:
            typer.echo(f"  {one.case.ljust(width)}  {one.why}")
    typer.echo(f"\n{score.named} of {score.counted} expected findings are named ({score.share:.0%}).")
    typer.echo(
        f"Of {score.faults} faults, the first hypothesis is about the right service in {score.led}; "
        f"wrong causes accepted: {score.wrong}."
    )
