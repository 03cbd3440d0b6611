"""The doctor's round: every check answers in time, in a sentence, whatever happens to one of them."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from domain.errors import NotReachable
from runtime.doctor.checks import Check, CheckStatus, missing, ok, run_all, warning
from runtime.doctor.platform_checks import PlatformChecks
from runtime.settings.environment import load_settings
from runtime.temporal.signing import make_key


def platform(**variables: str) -> PlatformChecks:
    return PlatformChecks(load_settings(environ={f"SUREHAND_{name}": value for name, value in variables.items()}))


async def test_results_come_in_order_with_the_verdicts_of_the_checks():
    async def good():
        return ok("Fine.")

    async def so_so():
        return warning("Look at it.")

    async def bad():
        return missing("Set it.")

    results = await run_all([Check("a", good), Check("b", so_so), Check("c", bad)])
    assert [(result.name, result.status.value) for result in results] == [
        ("a", "ok"),
        ("b", "warning"),
        ("c", "missing"),
    ]


async def test_a_check_that_fails_or_hangs_becomes_a_sentence_and_stops_no_other():
    async def refuses():
        raise NotReachable("It is not there: start it.")

    async def breaks():
        raise KeyError("secret detail")

    async def hangs():
        await asyncio.sleep(60)
        return ok("never")

    async def good():
        return ok("Fine.")

    began = time.monotonic()
    checks = [
        Check(name, run) for name, run in (("r", refuses), ("b", breaks), ("h", hangs), ("h2", hangs), ("g", good))
    ]
    results = await run_all(checks, timeout_seconds=0.2)

    assert time.monotonic() - began < 2, "side by side, not one after the other"
    assert [result.status for result in results] == [CheckStatus.MISSING] * 4 + [CheckStatus.OK]
    assert results[0].sentence == "It is not there: start it."
    assert results[1].sentence == "It could not be checked (KeyError): see the log."
    assert results[2].sentence.startswith("No answer within 0.2 seconds")


async def test_settings_without_any_way_to_reach_a_person_are_a_warning():
    assert (await platform().settings()).status is CheckStatus.WARNING
    verdict = await platform(SMTP__HOST="h", SMTP__SENDER="a@example.com").settings()
    assert verdict.status is CheckStatus.OK
    assert "SUREHAND_SLACK__BOT_TOKEN" in verdict.sentence
    assert "SUREHAND_SMTP__HOST" not in verdict.sentence


async def test_readable_payloads_are_a_warning_only_where_temporal_is_elsewhere():
    assert (await platform().encryption()).status is CheckStatus.OK
    assert (await platform(TEMPORAL__ADDRESS="temporal.example.com:7233").encryption()).status is CheckStatus.WARNING
    keys = "a:" + "QUFB" * 10 + "QUE="
    assert (await platform(CODEC__KEYS=keys).encryption()).sentence == "Key a encrypts; 1 can decrypt."


async def signatures(**variables: str):
    verdict = await platform(**{f"SIGNING__{name}": text for name, text in variables.items()}).signatures()
    return verdict.status, verdict.sentence


async def test_keys_that_workers_do_not_trust_or_that_run_out_are_found_before_somebody_decides():
    private, public = make_key("a-2026")
    _, others = make_key("b-2026")
    today = datetime.now(UTC).date()
    yesterday, next_week = today - timedelta(days=1), today + timedelta(days=7)

    assert (await signatures())[0] is CheckStatus.OK
    assert await signatures(KEY=private) == (CheckStatus.OK, "Key a-2026 signs.")
    assert await signatures(KEY=private, TRUSTED=public) == (CheckStatus.OK, "Key a-2026 signs. Workers trust 1.")
    assert (await signatures(TRUSTED=public))[0] is CheckStatus.OK
    for wrong in (others, others.replace("b-2026", "a-2026"), f"{public}:{yesterday},{others}"):
        assert (await signatures(KEY=private, TRUSTED=wrong))[0] is CheckStatus.MISSING
    assert (await signatures(TRUSTED=f"{public}:{yesterday}"))[0] is CheckStatus.MISSING
    assert (await signatures(TRUSTED=f"{public}:{today}"))[0] is CheckStatus.WARNING
    status, sentence = await signatures(KEY=private, TRUSTED=f"{public}:{next_week}")
    assert status is CheckStatus.WARNING
    assert "a-2026 runs out in 7 days" in sentence
    assert (await signatures(TRUSTED=f"{public}:{yesterday},{others}"))[0] is CheckStatus.OK


async def test_unsigned_words_are_a_warning_only_where_temporal_is_elsewhere():
    assert (await platform().signatures()).status is CheckStatus.OK
    assert (await platform(TEMPORAL__ADDRESS="temporal.example.com:7233").signatures()).status is CheckStatus.WARNING


async def test_the_configuration_is_checked_and_its_warnings_are_shown(tmp_path):
    assert (await platform().configuration()).status is CheckStatus.OK
    (tmp_path / "people.yaml").write_text("people:\n  p-noor: {active: false}\n", "utf-8")
    verdict = await platform(CONFIG_DIRS=str(tmp_path)).configuration()
    assert verdict.status is CheckStatus.WARNING
    assert "technical_support" in verdict.sentence
