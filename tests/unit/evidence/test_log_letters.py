"""Levels that stand as letters, and lines that merely begin with one of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from domain.troubleshooting.evidence import Finding, Sign
from integrations.evidence.kinds import kind_of
from integrations.evidence.logs.analysing import LogFile, LogQuestion, analyse
from integrations.evidence.logs.meaning import is_defect, sign_of

BEGIN = datetime(2026, 2, 3, 7, tzinfo=UTC)


def found_in(folder: Path, line: str, bad: str) -> list[Finding]:
    """A quiet hour, and half an hour in which a second line comes beside the first."""
    lines = []
    for minute in range(90):
        at = BEGIN + timedelta(minutes=minute)
        lines += [at.strftime(line) for _ in range(6)]
        lines += [at.strftime(bad) for _ in range(3) if minute >= 60 and bad]
    file = folder / "shop.log"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    asked = LogQuestion(files=(LogFile(path=file, name=file.name),), around=BEGIN + timedelta(minutes=75))
    return list(analyse(asked).findings)


def test_a_day_in_february_is_no_fatal_error(tmp_path: Path) -> None:
    assert found_in(tmp_path, "Feb  3 %H:%M:01 web-1 shop[12]: request done in 12ms", "") == []


@pytest.mark.parametrize("front", ["", "[pod/shop-7f8b9c6d5-x2m4n/shop] ", "shop-1  | "])
def test_klogs_letter_is_the_level_also_behind_the_name_of_a_container(tmp_path: Path, front: str) -> None:
    quiet = front + "I0203 %H:%M:02.723000       1 server.go:45] served /prices"
    said = (
        front
        + 'E0203 %H:%M:04.723000       1 client.go:45] Get "http://stock:80/a": dial tcp: lookup stock: no such host'
    )
    (finding,) = [one for one in found_in(tmp_path, quiet, said) if one.sign is not Sign.TRAFFIC]
    assert (finding.sign, finding.at) == (Sign.DNS, BEGIN + timedelta(minutes=60, seconds=4))


def test_the_same_words_with_another_letter_are_another_line(tmp_path: Path) -> None:
    words = "0203 %H:%M:02.723000       1 sync.go:45] the queue was emptied"
    (finding,) = [one for one in found_in(tmp_path, "I" + words, "E" + words) if one.sign is not Sign.TRAFFIC]
    assert finding.numbers["count"] == 90


def test_rubys_logger_is_read(tmp_path: Path) -> None:
    quiet = "I, [%Y-%m-%dT%H:%M:02.120411 #4411]  INFO -- : Completed 200 OK in 45ms"
    said = "E, [%Y-%m-%dT%H:%M:04.120411 #4411] ERROR -- : NoMethodError (undefined method `price' for nil:NilClass)"
    (finding,) = [one for one in found_in(tmp_path, quiet, said) if one.sign is not Sign.TRAFFIC]
    assert finding.sign is Sign.NEW_ERROR
    assert finding.numbers["defect"] == 1


@pytest.mark.parametrize(
    "said",
    [
        "Signature expired: 20260203T071000Z is now earlier than 20260203T071400Z",
        "request date is 154 seconds away from server time",
        "The difference between the request time and the current time is too large.",
    ],
)
def test_a_request_that_is_too_old_for_its_receiver_tells_of_clocks(said: str) -> None:
    assert sign_of(said) is Sign.CLOCK


@pytest.mark.parametrize(
    "said", ['parse BATCH_SIZE: time: missing unit in duration "500"', "invalid value for POOL_SIZE: many"]
)
def test_a_setting_that_cannot_be_parsed_is_a_wrong_setting(said: str) -> None:
    assert sign_of(said) is Sign.CONFIGURATION


def test_only_a_programs_own_mistakes_are_defects() -> None:
    assert is_defect("TypeError: cannot read property 'price' of undefined")
    assert is_defect("panic: runtime error: invalid memory address or nil pointer dereference")
    assert not is_defect("TimeoutError: no answer from stock")
    assert not is_defect("ConnectionError: stock refused")


def test_calls_that_are_written_as_arrows_are_a_topology() -> None:
    assert kind_of("map.yaml", b"edges:\n- portal -> basket\n- basket -> stock\n").value == "topology"
