"""A mailbox is read once, by one replica at a time, and nothing that stands in it stops the poll."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import timedelta

import pytest

from starters.service.hooks import mail, taking
from starters.service.inbox import polling
from tests.integration.mailboxes.conftest import World, letter, once_more, until

on_both = pytest.mark.parametrize("world", ["sqlite", "postgresql"], indirect=True)
BODY = "(UID BODY"
"""What stands in the command that loads a mail."""


def flags(world: World, uid: int, folder: str = "INBOX") -> list[str]:
    return next(mail.flags for mail in world.folders.mails(folder) if mail.uid == uid)


@on_both
async def test_new_mails_are_taken_once_and_old_ones_left_alone(world: World) -> None:
    world.folders.add("INBOX", letter(1))
    services = await world.poll()
    uids = [world.folders.add("INBOX", letter(number)) for number in (2, 3)]
    again = world.folders.add("INBOX", letter(2))
    await until(lambda: all("\\Seen" in flags(world, uid) for uid in (*uids, again)))
    await once_more(services)
    assert await world.taken(services) == ["Printer 2", "Printer 3"]
    assert flags(world, 1) == []
    count = services.metrics.registry.get_sample_value
    assert count("surehand_mailbox_mails_total", {"mailbox": "support", "outcome": "known"}) == 1


async def test_unread_mails_of_the_first_look_are_taken_where_that_is_wished(world: World) -> None:
    world.folders.add("INBOX", letter(1))
    world.folders.add("INBOX", letter(2), ["\\Seen"])
    services = await world.poll(start="unseen", taken="leave")
    world.folders.add("INBOX", letter(3), ["\\Seen"])  # somebody reads it before we do
    await until(lambda: looked_at(services) == 2)
    assert await world.taken(services) == ["Printer 1", "Printer 3"]
    assert flags(world, 1) == []


def looked_at(services: object, outcome: str = "taken") -> float:
    labels = {"mailbox": "support", "outcome": outcome}
    return services.metrics.registry.get_sample_value("surehand_mailbox_mails_total", labels) or 0  # type: ignore[attr-defined]


async def test_a_mail_that_came_by_webhook_is_known_when_the_mailbox_has_it_too(world: World) -> None:
    services = await world.poll()
    read = await asyncio.to_thread(mail.of_mime, letter(1), None)
    assert await taking.take(services, "default", taking.MAIL, read, once="token/abc")
    other = await asyncio.to_thread(mail.of_mime, letter(2), None)
    assert not await taking.take(services, "default", taking.MAIL, other, once="token/abc"), "a token counts once"
    world.folders.add("INBOX", letter(1))
    await until(lambda: looked_at(services, "known") == 1)
    assert await world.taken(services) == ["Printer 1"]


async def test_hostile_mails_are_put_aside_and_told_of_once(
    world: World, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "LIMIT_BYTES", 100_000)
    services = await world.poll()
    hostile = (
        b"Subject: nobody sent it\r\n\r\nx",
        b"",
        b"\x00\xff" * 500,
        b"From: eve@example.net\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"".join(
            b"--%b\r\nContent-Type: multipart/mixed; boundary=%b\r\n\r\n" % (b"b" * n, b"b" * (n + 1))
            for n in range(1, 150)
        ),
    )
    uids = [world.folders.add("INBOX", raw) for raw in hostile]
    big = world.folders.add("INBOX", letter(1) + b"x" * mail.LIMIT_BYTES)
    loading = world.sandbox.faults.add({"vendor": "imap", "kind": "drop", "match": f"FETCH {big} {BODY}"})
    good = world.folders.add("INBOX", letter(9))
    await until(lambda: "\\Seen" in flags(world, good))
    await once_more(services)
    assert await world.taken(services) == ["Printer 9"]
    assert [flags(world, uid) for uid in (*uids, big)] == [["\\Flagged"]] * 5
    assert loading.met == 0, "a mail that is too large is not even asked for"
    told = [record for record in caplog.records if "put aside" in record.message]
    assert sorted(record.__dict__["mail_uid"] for record in told) == sorted((*uids, big))
    assert "example.net" not in caplog.text


async def test_a_mail_that_always_ends_the_connection_is_put_aside_and_the_next_is_taken(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(polling, "_LONGEST_WAIT", timedelta(milliseconds=50))
    services = await world.poll(aside_folder="Aside")
    fault = {"vendor": "imap", "kind": "drop", "match": f"FETCH 1 {BODY}", "times": None}
    loading = world.sandbox.faults.add(fault)
    world.folders.add("INBOX", letter(1))
    world.folders.add("INBOX", letter(2))
    await until(lambda: looked_at(services) == 1)
    assert await world.taken(services) == ["Printer 2"]
    assert loading.met == 5
    assert [world.folders.raw(one) for one in world.folders.mails("Aside")] == [letter(1)]
    assert (
        sum("cannot be read" in record.message for record in caplog.records if record.levelno >= logging.WARNING) == 1
    )


async def test_a_folder_that_is_numbered_anew_shows_nothing_twice_and_hides_nothing(world: World) -> None:
    services = await world.poll()
    for number in (1, 2, 3):
        world.folders.add("INBOX", letter(number))
    await until(lambda: looked_at(services) == 3)
    world.sandbox.faults.add({"vendor": "imap", "kind": "fail", "match": "SELECT", "times": None})
    world.folders.add("INBOX", letter(4), ["\\Seen"])
    # Somebody deletes one, so that the new mail gets a number that another had before.
    world.folders.remove("INBOX", world.folders.mails("INBOX")[0])
    world.folders.number_anew("INBOX")
    world.sandbox.faults.remove(vendor="imap")
    await until(lambda: looked_at(services) == 4)
    world.folders.add("INBOX", letter(5))
    await until(lambda: looked_at(services) == 5)
    assert await world.taken(services) == [f"Printer {number}" for number in (1, 2, 3, 4, 5)]


@on_both
async def test_replicas_read_a_mailbox_in_turn_and_load_each_mail_once(world: World) -> None:
    first, second = await world.services(), await world.services()
    await world.begin(first)
    loading = world.sandbox.faults.add({"vendor": "imap", "kind": "delay", "match": BODY, "times": None})
    seen: list[int] = []
    async with polling.polling(second):
        for number in range(30):
            world.folders.add("INBOX", letter(number))
        await until(lambda: looked_at(first) + looked_at(second) == 30)
        seen = [int(looked_at(one)) for one in (first, second)]
    assert loading.met == 30, seen
    assert sorted(await world.taken(first)) == sorted(f"Printer {number}" for number in range(30))


@on_both
async def test_a_poll_that_is_stopped_midway_is_gone_on_with_by_another_replica(world: World) -> None:
    first = await world.services(taken="move", taken_folder="Done")
    poll = polling.polling(first)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(poll)
        await until(lambda: first.metrics.registry.get_sample_value(
            "surehand_mailbox_polls_total", {"mailbox": "support", "outcome": "read"}))  # fmt: skip
        hang = world.sandbox.faults.add({"vendor": "imap", "kind": "hang", "match": f"FETCH 2 {BODY}"})
        for number in (1, 2, 3):
            world.folders.add("INBOX", letter(number))
        await until(lambda: hang.met)
    assert await world.taken(first) == ["Printer 1"]
    second = await world.poll(taken="move", taken_folder="Done")
    await until(lambda: looked_at(second) == 2)
    assert await world.taken(second) == ["Printer 1", "Printer 2", "Printer 3"]
    await until(lambda: len(world.folders.mails("Done")) == 3)
    assert world.folders.mails("INBOX") == []


async def test_mails_wait_in_the_mailbox_while_its_server_or_our_store_is_away(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "_LONGEST_WAIT", timedelta(milliseconds=50))
    services = await world.poll()
    world.folders.add("INBOX", letter(1))
    take, away = services.store.inbox.take, [True]

    async def takes(*given: object, **more: object) -> bool:
        if away[0]:
            raise polling.SurehandError("The store does not answer.")
        return await take(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(services.store.inbox, "take", takes)
    await until(lambda: looked_at(services, "taken") or services.metrics.registry.get_sample_value(
        "surehand_mailbox_polls_total", {"mailbox": "support", "outcome": "failed"}))  # fmt: skip
    assert flags(world, 1) == []
    away[0] = False
    await until(lambda: "\\Seen" in flags(world, 1))
    assert await world.taken(services) == ["Printer 1"]
