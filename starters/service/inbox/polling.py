"""Fetches e-mails from mailboxes and hands them in by the same door as `/webhooks/email`.

Where a mailbox was read to stands in the store, with a lease: any replica goes on where another stopped, and one reads
at a time. The store, not a workflow: a mail is safe once it is in the inbox beside its position, also while Temporal is
down, and no mail or password passes through a history.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry, Counter

from domain.errors import InvalidInput, SurehandError, VendorError
from integrations.imap import Folder, ImapAccount, Mailbox
from integrations.store.deliveries.mailboxes import ClaimedMailbox, Position
from starters.mailboxes import MailboxSource, mailboxes_of
from starters.service.hooks import mail
from starters.service.hooks.taking import MAIL, take
from starters.service.http import correlation
from starters.service.http.errors import Problem
from starters.service.services import Services

_AT_ONCE = 50
"""Mails of one turn. A mailbox with more waiting is due again at once."""
_LEASE = timedelta(minutes=3)
"""Longer than one mail may take; it is renewed with each."""
_TRIES = 5
"""Of one mail. What ends the process that reads it, or the connection, so often is put aside unread."""
_READ_WITHIN_SECONDS = 30.0
_LONGEST_WAIT = timedelta(minutes=5)
"""Between tries of a mailbox that cannot be read."""
_LOOKS_EVERY_SECONDS = 5.0
"""For a mailbox that another replica leaves, or that is due."""
_OVERLAP = timedelta(days=1)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

logger = logging.getLogger("surehand.service")


class _Counts:
    """What is counted of mailboxes, by their names in `mailboxes.yaml`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("mailbox", "outcome")
        self.polls = Counter("surehand_mailbox_polls", "Looks at a mailbox.", labels, registry=registry)
        self.mails = Counter("surehand_mailbox_mails", "Mails that were seen to.", labels, registry=registry)


@dataclass(frozen=True)
class _Source:
    """A mailbox that can be read."""

    name: str
    source: MailboxSource
    account: ImapAccount
    counts: _Counts

    def polled(self, outcome: str) -> None:
        """It was looked at: `read` or `failed`."""
        self.counts.polls.labels(self.name, outcome).inc()

    def seen_to(self, outcome: str) -> None:
        """A mail was: `taken`, `known`, `aside` or `gone`."""
        self.counts.mails.labels(self.name, outcome).inc()


@dataclass(frozen=True)
class _Waiting:
    """A mail that waits."""

    uid: int
    size_bytes: int | None
    """None where the server does not say."""
    tries: int


class _Unusable(Exception):
    """A mail that no repeat makes usable; the text says why, in our words."""


@contextlib.asynccontextmanager
async def polling(services: Services) -> AsyncIterator[None]:
    """Fetch while the block runs."""
    tasks, counts = [], _Counts(services.metrics.registry)
    for name, source in mailboxes_of(services.configuration).items():
        account = source.account(services.settings)
        if account is None:
            logger.error("a mailbox has no way in: set the secret it names", extra={"mailbox": name})
            continue
        tasks.append(asyncio.create_task(_watch(services, _Source(name, source, account, counts))))
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _watch(services: Services, box: _Source) -> None:
    pause = min(box.source.every.total_seconds(), _LOOKS_EVERY_SECONDS)
    while True:
        more = False
        try:
            claimed = await services.store.mailboxes.claim(box.source.tenant, box.source.place, _LEASE)
            if claimed is not None:
                more = await _turn(services, box, claimed)
        except SurehandError as error:
            logger.warning("a mailbox waits for the store", extra=_about(box) | {"error": type(error).__name__})
        except Exception as error:  # whatever it is, the mailbox is looked at again
            logger.error("a mailbox could not be looked at", extra=_about(box) | {"error": type(error).__name__})
        await asyncio.sleep(0 if more else pause)


async def _turn(services: Services, box: _Source, claimed: ClaimedMailbox) -> bool:
    """Read what waits; says whether there is more."""
    kept, began = services.store.mailboxes, datetime.now(UTC)
    try:
        async with Mailbox(box.account) as opened:
            more = await _read(services, box, opened, claimed)
    except asyncio.CancelledError:
        with contextlib.suppress(SurehandError):
            await kept.release(claimed)
        raise
    except VendorError as error:
        await kept.failed(claimed, datetime.now(UTC) + _patience(box, claimed.failures + 1))
        box.polled("failed")
        level = logging.WARNING if claimed.failures == 0 else logging.DEBUG
        logger.log(level, "a mailbox cannot be read: %s", error, extra=_about(box) | {"error": error.code})
        return False
    except Exception:
        # Ours or the store's: the position stays, and so does the mail that was begun.
        with contextlib.suppress(SurehandError):
            await kept.failed(claimed, datetime.now(UTC) + _patience(box, claimed.failures + 1))
        box.polled("failed")
        raise
    due = began if more else began + box.source.every
    await kept.done(claimed, due, polled_at=None if more else began)
    box.polled("read")
    if claimed.failures:
        logger.info("a mailbox can be read again", extra=_about(box))
    return more


async def _read(services: Services, box: _Source, opened: Mailbox, claimed: ClaimedMailbox) -> bool:
    position = _in(opened.folder, claimed, box.source)
    if not await services.store.mailboxes.keep(claimed, position, _LEASE):
        return False
    waiting = await _waiting(opened, position)
    sizes = await opened.sizes(waiting[:_AT_ONCE])
    for uid in waiting[:_AT_ONCE]:
        position = position.begun(uid)
        if not await services.store.mailboxes.keep(claimed, position, _LEASE):
            return False  # somebody else goes on with it
        outcome = await _one(services, box, opened, _Waiting(uid, sizes.get(uid), position.tries))
        position = position.past(uid)
        if not await services.store.mailboxes.keep(claimed, position, _LEASE):
            return False
        box.seen_to(outcome)
    return len(waiting) > _AT_ONCE


def _in(folder: Folder, claimed: ClaimedMailbox, source: MailboxSource) -> Position:
    """Where to go on in a folder, whose numbers may be others than before."""
    position = claimed.position
    if position.uid_validity == folder.uid_validity:
        return position
    there = folder.next_uid - 1
    if position.uid_validity is None:
        begun = Position(folder.uid_validity, old_until=there, old_only="UNSEEN")
        return begun if source.start == "unseen" else replace(begun, last_uid=there)
    # The last whole poll saw everything before it; what it took is known by its Message-ID.
    since = (claimed.polled_at or datetime.now(UTC)) - _OVERLAP
    day = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
    return Position(folder.uid_validity, old_until=there, old_only=f"SINCE {day}")


async def _waiting(opened: Mailbox, position: Position) -> list[int]:
    first, found = position.last_uid + 1, []
    if first <= position.old_until:
        found = await opened.search(first, position.old_until, position.old_only)
    return found + await opened.search(max(first, position.old_until + 1))


async def _one(services: Services, box: _Source, opened: Mailbox, waiting: _Waiting) -> str:
    correlation.current.set(correlation.take(None))
    try:
        if waiting.tries > _TRIES:
            raise _Unusable(f"{_TRIES} tries to read it came to no end")
        if waiting.size_bytes is not None and waiting.size_bytes > mail.LIMIT_BYTES:
            raise _Unusable("it is too large")
        raw = await opened.load(waiting.uid, mail.LIMIT_BYTES)
        if raw is None:
            return "gone"
        is_new = await _hand_in(services, box, raw)
    except _Unusable as why:
        await _put_aside(box, opened, waiting.uid, str(why))
        return "aside"
    outcome = "taken" if is_new else "known"
    await _file(box, opened, waiting.uid)
    logger.info("a mail was fetched", extra=_about(box) | {"outcome": outcome})
    return outcome


async def _hand_in(services: Services, box: _Source, raw: bytes) -> bool:
    own = services.settings.smtp.sender if services.settings.smtp is not None else None
    if len(raw) > mail.LIMIT_BYTES:
        raise _Unusable("it is too large")
    try:
        async with asyncio.timeout(_READ_WITHIN_SECONDS):
            read = await asyncio.to_thread(mail.of_mime, raw, own)
    except Problem:
        raise _Unusable("it names no sender, or cannot be read") from None
    except Exception as error:  # what hostile mails bring about has no one name
        raise _Unusable(f"reading it failed ({type(error).__name__})") from None
    try:
        return await take(services, box.source.tenant, MAIL, read)
    except InvalidInput:
        raise _Unusable("it makes no ticket") from None


async def _file(box: _Source, opened: Mailbox, uid: int) -> None:
    """Show in the mailbox that it was taken. It is safe in the inbox, so this is no reason to fail."""
    with contextlib.suppress(VendorError):
        if box.source.taken == "move" and opened.folder.can_move:
            await opened.move(uid, box.source.taken_folder)
        elif box.source.taken != "leave":
            await opened.mark(uid, "\\Seen")


async def _put_aside(box: _Source, opened: Mailbox, uid: int, why: str) -> None:
    logger.error("a mail was put aside: %s; look at it in the mailbox", why, extra=_about(box) | {"mail_uid": uid})
    with contextlib.suppress(VendorError):
        if box.source.aside_folder is not None and opened.folder.can_move:
            await opened.move(uid, box.source.aside_folder)
        else:
            await opened.mark(uid, "\\Flagged")


def _patience(box: _Source, failures: int) -> timedelta:
    doubled: timedelta = box.source.every * 2 ** min(failures, 8)
    return max(min(doubled, _LONGEST_WAIT), box.source.every)


def _about(box: _Source) -> dict[str, object]:
    return {"mailbox": box.name, "tenant": box.source.tenant}
