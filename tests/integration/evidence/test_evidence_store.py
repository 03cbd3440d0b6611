"""Evidence is kept by its content, per tenant, within limits, and found by reference alone."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from domain.errors import InvalidInput, VendorUnavailable
from integrations.evidence.store import EvidenceFolder


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.fixture
def folder(tmp_path: Path) -> EvidenceFolder:
    return EvidenceFolder(tmp_path / "evidence", file_limit_bytes=1000, tenant_limit_bytes=1500)


def kept_in(root: Path) -> list[Path]:
    return sorted(path for path in root.rglob("*") if path.is_file())


async def test_a_file_is_kept_under_the_hash_of_its_content_and_read_back(folder: EvidenceFolder) -> None:
    reference, size = await folder.put("acme", "api.log", pieces(b"one ", b"two"))
    path = await folder.path("acme", reference)

    assert (reference, size) == ("sha256:" + hashlib.sha256(b"one two").hexdigest(), 7)
    assert path.read_bytes() == b"one two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_a_file_larger_than_the_buffer_is_written_whole(tmp_path: Path) -> None:
    folder = EvidenceFolder(tmp_path)
    block = bytes(range(256)) * 2_000
    reference, size = await folder.put("acme", "big", pieces(*[block] * 7))

    assert size == len(block) * 7
    assert (await folder.path("acme", reference)).read_bytes() == block * 7


async def test_the_same_content_twice_is_kept_once(folder: EvidenceFolder, tmp_path: Path) -> None:
    first = await folder.put("acme", "a.log", pieces(b"x" * 900))
    second = await folder.put("acme", "b.log", pieces(b"x" * 900))

    assert first == second
    assert len(kept_in(tmp_path)) == 1


async def test_another_tenants_file_looks_like_none(folder: EvidenceFolder) -> None:
    reference, _ = await folder.put("acme", "a.log", pieces(b"secret"))
    with pytest.raises(InvalidInput) as anothers:
        await folder.path("globex", reference)
    with pytest.raises(InvalidInput) as nobodys:
        await folder.path("globex", "sha256:" + "0" * 64)

    assert str(anothers.value) == str(nobodys.value)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "../acme/x",
        "sha256:../../etc/passwd",
        "/etc/passwd",
        "sha256:" + "0" * 63 + "/",
        "sha256:" + "A" * 64,
        "sha256:" + "0" * 64 + "\n",
        "sha512:" + "0" * 64,
    ],
)
async def test_a_reference_that_is_none_is_refused(folder: EvidenceFolder, reference: str) -> None:
    with pytest.raises(InvalidInput):
        await folder.path("acme", reference)


@pytest.mark.parametrize("tenant", [".", "..", ".incoming", "...", "-rf"])
async def test_a_tenant_with_an_odd_name_stays_below_the_folder(tmp_path: Path, tenant: str) -> None:
    folder = EvidenceFolder(tmp_path / "evidence")
    reference, _ = await folder.put(tenant, "a", pieces(b"abc"))
    path = await folder.path(tenant, reference)

    assert path.resolve().parent.parent == (tmp_path / "evidence").resolve()
    assert path.parent.name != ".incoming"
    assert [one.parent for one in kept_in(tmp_path)] == [path.parent]


@pytest.mark.parametrize("tenant", ["a/b", "", "a\\b", "a b"])
async def test_a_tenant_that_cannot_be_is_refused(folder: EvidenceFolder, tenant: str) -> None:
    with pytest.raises(InvalidInput):
        await folder.put(tenant, "a", pieces(b"abc"))


async def test_a_symbolic_link_is_not_followed(folder: EvidenceFolder, tmp_path: Path) -> None:
    reference, _ = await folder.put("acme", "a", pieces(b"abc"))
    path = await folder.path("acme", reference)
    path.unlink()
    path.symlink_to("/etc/passwd")

    with pytest.raises(InvalidInput):
        await folder.path("acme", reference)


async def test_a_file_over_the_limit_is_refused_before_it_is_read_whole(folder: EvidenceFolder, tmp_path: Path) -> None:
    taken = []

    async def endless() -> AsyncIterator[bytes]:
        while True:
            taken.append(400)
            yield b"x" * 400

    with pytest.raises(InvalidInput, match="larger than"):
        await folder.put("acme", "huge\n\x1b[2J.log", endless())
    assert sum(taken) == 1200
    assert kept_in(tmp_path) == []


async def test_an_empty_file_is_refused(folder: EvidenceFolder, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="empty"):
        await folder.put("acme", "a.log", pieces(b"", b""))
    assert kept_in(tmp_path) == []


async def test_a_tenant_keeps_no_more_than_its_limit_and_others_are_not_affected(folder: EvidenceFolder) -> None:
    await folder.put("acme", "a", pieces(b"a" * 900))
    with pytest.raises(InvalidInput, match="exceed"):
        await folder.put("acme", "b", pieces(b"b" * 900))
    await folder.put("globex", "b", pieces(b"b" * 900))


async def test_an_upload_that_breaks_off_leaves_nothing(folder: EvidenceFolder, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"half"
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError):
        await folder.put("acme", "a", broken())
    assert kept_in(tmp_path) == []


async def test_old_evidence_is_removed_and_what_was_uploaded_again_stays(folder: EvidenceFolder) -> None:
    old, _ = await folder.put("acme", "a", pieces(b"old"))
    again, _ = await folder.put("globex", "b", pieces(b"again"))
    for tenant, reference in (("acme", old), ("globex", again)):
        os.utime(await folder.path(tenant, reference), (1_000, 1_000))
    await folder.put("globex", "b", pieces(b"again"))

    assert await folder.remove_older_than(datetime.fromtimestamp(2_000, UTC)) == 1
    assert (await folder.path("globex", again)).read_bytes() == b"again"
    with pytest.raises(InvalidInput):
        await folder.path("acme", old)


async def test_removing_where_nothing_was_ever_kept_removes_nothing(tmp_path: Path) -> None:
    assert await EvidenceFolder(tmp_path / "none").remove_older_than(datetime.now(UTC)) == 0


async def test_a_folder_that_cannot_be_made_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VendorUnavailable, match="check its disk"):
        await EvidenceFolder(tmp_path / "file" / "evidence").put("acme", "a", pieces(b"abc"))


async def test_a_worker_removes_old_evidence_and_goes_on_when_it_cannot(tmp_path: Path) -> None:
    from datetime import timedelta

    from workers.evidence_keeping import removing_old_evidence

    looked: list[datetime] = []
    enough = asyncio.Event()

    class Watched(EvidenceFolder):
        async def remove_older_than(self, moment: datetime) -> int:
            looked.append(moment)
            if len(looked) == 1:
                raise VendorUnavailable("evidence", "EIO", "The folder cannot be used now: try again.")
            removed = await super().remove_older_than(moment)
            if len(looked) == 3:
                enough.set()
            return removed

    folder = Watched(tmp_path)
    old, _ = await folder.put("acme", "a", pieces(b"old"))
    os.utime(await folder.path("acme", old), (1_000, 1_000))
    new, _ = await folder.put("acme", "b", pieces(b"new"))
    async with removing_old_evidence(folder, timedelta(days=30), every=timedelta(milliseconds=1)):
        await enough.wait()

    assert (await folder.path("acme", new)).read_bytes() == b"new"
    with pytest.raises(InvalidInput):
        await folder.path("acme", old)
