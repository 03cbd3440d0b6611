"""How the command line speaks: sentences, exit codes, JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import typer

from domain.cases.messages import Accepted
from domain.cases.terms import Status
from domain.errors import ConfigurationProblem, InvalidInput, NotReachable, Refused, UnknownCase
from starters.cli import report


def ends_with(error: BaseException | None, result: int | None = None) -> int:
    @report.command
    def work() -> int | None:
        if error is not None:
            raise error
        return result

    with pytest.raises(typer.Exit) as end:
        work()
    return end.value.exit_code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Refused("x"), 1),
        (UnknownCase("x"), 1),
        (InvalidInput("x"), 2),
        (ConfigurationProblem("x"), 2),
        (NotReachable("x"), 3),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_kind_of_error_has_its_exit_code(error, code):
    assert ends_with(error) == code


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1)])
def test_a_command_may_return_its_exit_code(result, code):
    assert ends_with(None, result) == code


def test_several_faults_come_as_one_sentence_each(capsys):
    ends_with(ConfigurationProblem("One is wrong.\nAnother is wrong."))
    assert capsys.readouterr().err == "Error: One is wrong.\nError: Another is wrong.\n"


def test_a_fault_of_our_own_becomes_a_sentence_and_a_file_with_the_details(capsys):
    assert ends_with(ZeroDivisionError("secret detail")) == 1
    said = capsys.readouterr().err
    assert said.startswith("Error: ")
    assert "secret detail" not in said
    file = said.rsplit(" with ", 1)[1].strip().removesuffix(".")
    with open(file, encoding="utf-8") as details:
        assert "ZeroDivisionError" in details.read()


def test_models_and_lists_of_them_are_printed_as_json(capsys):
    report.put_json([Accepted(text="Grüße", status=Status.CLOSED)])
    printed = capsys.readouterr().out
    assert json.loads(printed) == [{"text": "Grüße", "status": "closed"}]
    assert "Grüße" in printed


def test_a_table_shows_text_literally_and_does_not_squeeze_it_without_a_terminal(capsys):
    long = "x" * 120
    report.console().print(report.table(("case", "what"), [("[bold]T-1[/bold]", long)]))
    printed = capsys.readouterr().out
    assert "[bold]T-1[/bold]" in printed
    assert long in printed
    assert "\x1b" not in printed


def test_the_time_of_a_deadline_reads_like_speech():
    from starters.cli.words import ago, due, one_line, span, times

    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    later = datetime(2026, 1, 1, 14, 5, 7, tzinfo=UTC)
    assert ago(later, now) == "in 2 h 5 min"
    assert ago(now, later) == "2 h 5 min ago"
    assert due(now, later) == "2 h 5 min late"
    assert ago(None) == ""
    assert span(later - later) == "0 s"
    assert [ago(now, now + timedelta(minutes=some, seconds=7)) for some in (3, 12)] == ["3 min 7 s ago", "12 min ago"]
    assert [times(count) for count in (0, 1, 3)] == ["", "once", "3 times"]
    assert span(datetime(2026, 1, 3, tzinfo=UTC) - datetime(2026, 1, 1, tzinfo=UTC)) == "2 d"
    assert one_line("a\n b   c") == "a b c"
    assert one_line("abcdefgh", 6) == "abc..."


def columns_of(width: int | None, **options: object) -> list[str]:
    made = report.table(
        ("case", "team", "why"), [("T-1", "customer success", "because it is so")], width=width, **options
    )
    return [str(column.header) for column in made.columns]


def test_a_narrow_terminal_loses_the_expendable_columns_first_and_never_the_name():
    assert columns_of(None, expendable=("why", "team")) == ["case", "team", "why"]
    assert columns_of(45, expendable=("why", "team")) == ["case", "team", "why"]
    assert columns_of(30, expendable=("why", "team")) == ["case", "team"]
    assert columns_of(10, expendable=("why", "team")) == ["case"]


def test_cells_may_break_between_words_before_a_column_is_left_out():
    assert columns_of(30, expendable=("why", "team"), wrap=1) == ["case", "team", "why"]
