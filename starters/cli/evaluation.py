"""`surehand eval`: how good the product's answers are, on made-up incidents and on recorded ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from domain.errors import InvalidInput
from starters.cli import report
from starters.cli.options import JsonOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starters.scoring import Score, Setting, Verdict

_COLUMNS = (
    "of",
    "incidents",
    "service",
    "change",
    "kind",
    "honesty",
    "all faults",
    "accepted",
    "onset off by (median)",
)


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    group = typer.Typer(name="eval", help="Measure the product where the truth is known.", no_args_is_help=True)
    group.command("troubleshooting")(troubleshooting)
    group.command("recorded")(recorded)
    app.add_typer(group)


@report.command
async def troubleshooting(
    *,
    seeds: Annotated[str, typer.Option(help="Which incidents: 1..50, or 3,7,9.")] = "1..20",
    lines: Annotated[int, typer.Option(help="Log lines of each, about.", min=500, max=5_000_000)] = 20_000,
    settings: Annotated[
        str, typer.Option("--settings", help="single, overlapping, removed; several with commas.")
    ] = "single,overlapping,removed",
    kind: Annotated[str | None, typer.Option(help="Only this kind of fault, such as disk_full.")] = None,
    keep: Annotated[Path | None, typer.Option(help="Folder in which the incidents stay.", file_okay=False)] = None,
    at_least: Annotated[
        str | None, typer.Option("--at-least", help="Fail below, such as service=0.9,change=0.85,honesty=1.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Make incidents up, diagnose them without a model and score the answers.

    Exits with 1 when a share lies below `--at-least`.
    """
    from starters.evaluation import evaluate, seeds_in  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.scoring import table, too_low  # noqa: PLC0415

    wanted = _wanted(at_least)
    chosen, how = seeds_in(seeds), _settings(settings)
    verdicts: list[Verdict] = []
    async for verdict in evaluate(chosen, how, lines=lines, kind=kind, keep=keep):
        verdicts.append(verdict)
        report.note(f"{len(verdicts)}/{len(chosen) * len(how)}  {_line(verdict)}")
    rows = table(verdicts)
    misses = [one for one in verdicts if one.is_miss]
    short = too_low(rows[-1], wanted)
    if as_json:
        report.put_json(
            {
                "seeds": seeds,
                "lines": lines,
                "scores": [row.model_dump(mode="json") for row in rows],
                "verdicts": [one.model_dump(mode="json") for one in verdicts],
                "misses": [[one.seed, one.setting.value] for one in misses],
                "too_low": short,
            }
        )
    else:
        _show(rows, misses)
    for sentence in short:
        report.note(f"Too low: {sentence}")
    return report.FAILED if short else report.DONE


@report.command
async def recorded(
    folder: Annotated[
        Path, typer.Argument(help="Of the cases: each has a test_case.yaml and texts.", show_default=False)
    ],
    *,
    expected: Annotated[
        Path | None, typer.Option(help="What is expected of each; expectations.yaml in the folder when not given.")
    ] = None,
    at_least: Annotated[
        float, typer.Option("--at-least", help="Fail below this share of named findings.", min=0, max=1)
    ] = 0.0,
    as_json: JsonOption = False,
) -> int:
    """Give the product recorded outputs of tools, and see whether it names the expected findings.

    Exits with 1 when less than `--at-least` is named, or a wrong cause is accepted.
    """
    from starters.cli.recorded_view import show  # noqa: PLC0415 - keeps `surehand --help` fast
    from starters.recorded_cases import answered, cases_in  # noqa: PLC0415
    from starters.recorded_scoring import expectations_in, judged, scored  # noqa: PLC0415

    known = expectations_in(expected or folder / "expectations.yaml")
    cases = cases_in(folder)
    missing = sorted({case.name for case in cases} ^ known.keys())
    if missing:
        raise InvalidInput(f"Cases and expectations differ in {', '.join(missing[:5])}: make them the same.")
    verdicts = [judged(await answered(case), known[case.name]) for case in cases]
    score = scored(verdicts)
    if as_json:
        said = {**score.model_dump(mode="json"), "share": round(score.share, 4)}
        report.put_json({"score": said, "verdicts": [one.model_dump(mode="json") for one in verdicts]})
    else:
        show(score, verdicts)
    return report.FAILED if score.share < at_least or score.wrong else report.DONE


def _show(rows: Sequence[Score], misses: Sequence[Verdict]) -> None:
    widths = [max(len(_COLUMNS[at]), *(len(_cells(row)[at]) for row in rows)) for at in range(len(_COLUMNS))]
    for cells in (_COLUMNS, *(_cells(row) for row in rows)):
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
    if misses:
        typer.echo(f"\n{len(misses)} of them to look at:")
    for one in misses:
        typer.echo(f"  {_line(one)}")


def _cells(row: Score) -> tuple[str, ...]:
    shares = (row.service, row.change, row.kind, row.honesty, row.every_service, row.accepted)
    median = row.onset_error_median_minutes
    return (
        row.name,
        str(row.incidents),
        *("-" if share is None else f"{100 * share:.0f} %" for share in shares),
        "-" if median is None else f"{median:.1f} min",
    )


def _line(one: Verdict) -> str:
    truth = " and ".join(
        f"{cause.service}/{cause.kind}{f'/{cause.change}' if cause.change else ''}" for cause in one.truth
    )
    said = one.problem or f"{one.said or 'nothing'} ({'accepted' if one.accepted else 'not accepted'})"
    return f"{'miss' if one.is_miss else 'ok  '}  seed {one.seed} {one.setting.value}: {truth}; said {said}"


def _settings(text: str) -> list[Setting]:
    from starters.scoring import Setting  # noqa: PLC0415

    words = [word.strip() for word in text.split(",") if word.strip()]
    known = {setting.value: setting for setting in Setting}
    if not words or any(word not in known for word in words):
        raise InvalidInput(f"--settings takes {', '.join(known)}, with commas between them.")
    return [known[word] for word in dict.fromkeys(words)]


def _wanted(text: str | None) -> dict[str, float]:
    from starters.scoring import MEASURES  # noqa: PLC0415

    wanted: dict[str, float] = {}
    for piece in text.split(",") if text else ():
        measure, _, share = piece.strip().partition("=")
        try:
            wanted[measure] = float(share)
        except ValueError:
            wanted[measure] = -1.0
        if measure not in MEASURES or not 0 <= wanted[measure] <= 1:
            raise InvalidInput(f"--at-least takes {', '.join(MEASURES)} with a share from 0 to 1, such as service=0.9.")
    return wanted
