"""Incidents written by hand, in words, layouts and shapes that the program which makes incidents up does not have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.troubleshooting.hypotheses import Diagnosis, FaultKind
from starters.evaluation import investigate
from starters.scoring import Cause, Truth

BEGIN = datetime(2026, 5, 12, 8, tzinfo=UTC)
ONSET = BEGIN + timedelta(minutes=120)
_END = 150


async def said_of(folder: Path) -> Diagnosis:
    """What is said of it, when it was reported a quarter of an hour after its onset."""
    cause = Cause(service="nobody looks at this", kind="unknown", onset=ONSET)
    return await investigate(folder, Truth(seed=0, is_answerable=True, causes=(cause,)))


def minutes(first: int = 0, last: int = _END) -> Iterator[tuple[int, datetime]]:
    for minute in range(first, last):
        yield minute, BEGIN + timedelta(minutes=minute)


def write(folder: Path, name: str, lines: list[tuple[datetime, str]]) -> None:
    text = [line for _, line in sorted(lines, key=lambda one: one[0])]
    (folder / name).write_text("\n".join(text) + "\n", encoding="utf-8")


async def test_a_release_that_breaks_a_ruby_shop_is_told_from_the_disk_that_fills_beside_it(tmp_path: Path) -> None:
    """A storefront in Ruby on Rails' words, a thumbnailer in PHP's; a hub and spokes instead of layers."""
    web, thumbs, pay = [], [], []
    for minute, at in minutes():
        for second in range(0, 60, 6):
            when = at + timedelta(seconds=second)
            stamp = f"I, [{when:%Y-%m-%dT%H:%M:%S}.120411 #4411]  INFO -- :"
            web.append((when, f"{stamp} Completed 200 OK in {40 + second}ms (Views: 12.1ms | ActiveRecord: 8.2ms)"))
        for second in range(0, 60, 10):
            when = at + timedelta(seconds=second)
            thumbs.append((when, f"[{when:%d-%b-%Y %H:%M:%S} UTC] PHP Notice:  resized image {minute}{second}.jpg"))
            pay.append((when, f"{when:%Y/%m/%d %H:%M:%S} [notice] 31#31: settled batch {minute}{second}"))
    for _, at in minutes(120):
        for second in (5, 25, 45):
            when = at + timedelta(seconds=second)
            stamp = f"E, [{when:%Y-%m-%dT%H:%M:%S}.900112 #4411] ERROR -- :"
            web.append((when, f"{stamp} NoMethodError (undefined method `discounted_price' for nil:NilClass)"))
    for _, at in minutes(128):
        for second in (2, 12, 22, 32, 42, 52):
            when = at + timedelta(seconds=second)
            said = "PHP Warning:  imagejpeg(/srv/thumbs/a.jpg): failed to open stream: No space left on device"
            thumbs.append((when, f"[{when:%d-%b-%Y %H:%M:%S} UTC] {said}"))
    write(tmp_path, "storefront.log", web)
    write(tmp_path, "thumbnailer.log", thumbs)
    write(tmp_path, "settlement.log", pay)
    released = (ONSET - timedelta(minutes=2)).isoformat()
    changes = [
        {"id": "REL-88", "type": "deployment", "service": "storefront", "at": released, "version": "2026.19",
         "previous": "2026.18", "summary": "Weekly train"},
        {"id": "CFG-12", "type": "configuration", "service": "settlement", "summary": "Batch size 50",
         "at": (BEGIN + timedelta(minutes=31)).isoformat()},
    ]  # fmt: skip
    (tmp_path / "changes.json").write_text(json.dumps(changes), encoding="utf-8")
    (tmp_path / "map.yaml").write_text(
        "services:\n  storefront: {calls: [thumbnailer, settlement]}\n  thumbnailer: {}\n  settlement: {}\n",
        encoding="utf-8",
    )
    diagnosis = await said_of(tmp_path)
    cause = diagnosis.find(diagnosis.accepted)
    assert cause is not None, diagnosis.why_not
    holds = {cause.hypothesis_id, *diagnosis.also}
    assert holds == {"storefront/bad_deployment/REL-88", "thumbnailer/disk_full"}


async def test_a_name_that_is_gone_is_told_from_a_caller_that_can_resolve_nothing(tmp_path: Path) -> None:
    """Three jobs of a warehouse write what curl, Java and .NET say; two of them need the same name."""
    picker, packer, label = [], [], []
    for minute, at in minutes():
        for second in range(0, 60, 10):
            when = at + timedelta(seconds=second)
            picker.append((when, f"{when:%Y-%m-%d %H:%M:%S},101 picker INFO  pick list {minute}-{second} done"))
            packer.append((when, f"{when:%Y-%m-%d %H:%M:%S}Z info: Packer.Worker[0] parcel {minute}{second} closed"))
            label.append((when, f"<134>1 {when:%Y-%m-%dT%H:%M:%SZ} wh1 labelmaker 77 - - printed {minute}{second}"))
    for _, at in minutes(121):
        for second in (1, 21, 41):
            when = at + timedelta(seconds=second)
            said = "java.net.UnknownHostException: addressbook.wh.lan: Name or service not known"
            picker.append((when, f"{when:%Y-%m-%d %H:%M:%S},733 picker ERROR lookup of customer failed: {said}"))
            packer.append(
                (when, f"{when:%Y-%m-%d %H:%M:%S}Z fail: Packer.Worker[0] No such host is known. (addressbook:443)")
            )
    write(tmp_path, "picker.log", picker)
    write(tmp_path, "packer.log", packer)
    write(tmp_path, "labelmaker.log", label)
    (tmp_path / "map.yaml").write_text(
        "edges:\n- picker -> addressbook\n- packer -> addressbook\n- packer -> labelmaker\n- picker -> labelmaker\n",
        encoding="utf-8",
    )
    diagnosis = await said_of(tmp_path)
    assert diagnosis.accepted == "addressbook/dns_failure", diagnosis.why_not


async def test_without_the_logs_of_whom_it_calls_nobody_is_accused(tmp_path: Path) -> None:
    """The same shop, of which only the entry's own vague complaints are left, and a release that came before them."""
    web = []
    for _, at in minutes():
        for second in range(0, 60, 6):
            when = at + timedelta(seconds=second)
            web.append((when, f"{when:%Y-%m-%dT%H:%M:%S}Z portal INFO served page in 31ms"))
    for _, at in minutes(120):
        for second in (5, 25, 45):
            when = at + timedelta(seconds=second)
            web.append((when, f"{when:%Y-%m-%dT%H:%M:%S}Z portal ERROR request failed status=500"))
    write(tmp_path, "portal.log", web)
    released = {"id": "REL-9", "type": "deployment", "service": "portal", "version": "9", "summary": "Weekly train",
                "at": (ONSET - timedelta(minutes=9)).isoformat()}  # fmt: skip
    (tmp_path / "changes.json").write_text(json.dumps([released]), encoding="utf-8")
    (tmp_path / "map.yaml").write_text("edges:\n- portal -> basket\n- basket -> stock\n", encoding="utf-8")
    diagnosis = await said_of(tmp_path)
    assert diagnosis.accepted is None
    assert "missing" in diagnosis.why_not
    assert all(one.fault is not FaultKind.UNKNOWN or one.posterior < 1 for one in diagnosis.hypotheses)
