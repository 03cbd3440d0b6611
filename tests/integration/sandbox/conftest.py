from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.vendor_world import Outside, outside


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Outside]:
    async with outside(tmp_path / "sandbox") as running:
        yield running
