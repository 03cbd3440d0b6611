"""Lines within lines, names that are no names, and files in which hardly two lines are alike."""

from __future__ import annotations

import json
import random

from domain.troubleshooting.evidence import Sign
from integrations.evidence.logs.meaning import sign_of
from integrations.evidence.logs.mining import Miner
from integrations.evidence.logs.names import Names
from tests.unit.evidence.logs.made import at, look, repeated, text_of, work


def wrapped(inner: str, minute: float, container: str) -> str:
    outer = {"time": f"{at(minute):%Y-%m-%dT%H:%M:%S}.5Z", "stream": "stdout", "log": inner}
    return json.dumps({**outer, "kubernetes": {"container_name": container}})


def test_whose_container_it_is_the_node_knows_better_than_a_loggers_name(tmp_path) -> None:
    inner = json.dumps({"level": 50, "name": "router", "msg": "cannot price the basket"})
    lines = [wrapped(json.dumps({"level": 30, "name": "router", "msg": "ok"}), n / 6, "pricing") for n in range(300)]
    lines += [wrapped(inner, 50 + n / 5, "pricing") for n in range(40)]
    findings = look(tmp_path, "\n".join(lines))
    assert findings.services == ("pricing",)
    assert findings.findings[0].service == "pricing"


def test_a_part_of_a_package_and_the_name_of_a_file_speak_of_no_service() -> None:
    mention = Names(["web", "orders"]).mention
    assert mention is not None
    assert not mention.search("org.springframework.web.client.HttpServerErrorException")
    assert not mention.search("raised in orders.py, line 7")
    assert mention.search("no answer of orders.shop.internal:8080")
    assert mention.search("web gave up.")


def test_a_missing_key_is_a_setting_only_where_it_is_written_as_one() -> None:
    assert sign_of("KeyError: 'DATABASE_URL'") is Sign.CONFIGURATION
    assert sign_of("KeyError: 'unit_price'") is None
    assert sign_of("missing property checkout.region") is Sign.CONFIGURATION
    assert sign_of('UnrecognizedPropertyException: Unrecognized field "unit" (class PriceRequest)') is None


def test_a_trace_that_syslog_folded_into_one_line_is_read_as_a_trace(tmp_path) -> None:
    folded = "Error: ENOSPC: no space left on device, write#012    at store (/srv/app/store.js:52:17)#012    at run"
    lines = work(minutes=60) + repeated(folded, 40, 55)
    finding = look(tmp_path, text_of(lines)).findings[0]
    assert finding.sign is Sign.DISK
    assert "#012" not in finding.text


def test_syslogs_host_and_tag_are_no_part_of_a_message_behind_a_pods_name(tmp_path) -> None:
    head = "[pod/stock-7c706df0-x7k2p/stock] <11>1 {:%Y-%m-%dT%H:%M:%S}.7+00:00 ip-10-0-1-69 stock 1 - - ERROR {}"
    lines = [head.format(at(n / 4), "request 4f660cfc9295 errored with 500") for n in range(60)]
    finding = look(tmp_path, "\n".join(lines)).findings[0]
    assert (finding.service, finding.sign) == ("stock", Sign.ERRORS)
    assert '"request 4f660cfc9295' in finding.text


def test_templates_that_come_back_are_not_forgotten_however_many_came_between() -> None:
    miner = Miner()
    first = miner.template_of("payment <*> declined by the bank")
    pick = random.Random(3)
    for _ in range(3_000):
        miner.template_of(" ".join("".join(pick.choices("bcdfgklmnprst", k=6)) for _ in range(pick.randrange(3, 12))))
    assert first is not None
    assert miner.template_of("payment <*> declined by the bank") is first
    assert len(miner.clusters) <= 500


def test_lines_that_are_all_different_are_no_new_error_when_they_can_no_longer_be_told_apart(
    tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr("integrations.evidence.logs.shapes._MOST_SHAPES", 200)
    monkeypatch.setattr("integrations.evidence.logs.shapes._MOST_COARSE", 100)
    monkeypatch.setattr("integrations.evidence.logs.shapes._LOOKED_UP", 50)
    pick = random.Random(4)

    def words() -> str:
        return " ".join("".join(pick.choices("bcdfgklmnprst", k=6)) for _ in range(9))

    lines = [(at(n / 40), "ERROR", "checkout", words()) for n in range(2_400)]
    findings = look(tmp_path, text_of(lines))
    assert findings.findings
    assert all(finding.sign is Sign.ERRORS and "is new" not in finding.text for finding in findings.findings)
    assert sum(finding.numbers["count"] for finding in findings.findings) > 1_500
