"""The shop that the attacks are made on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.attack.shop import Shop, open_shop
from tests.databases import Database


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """The demo's project on each engine."""
    async with open_shop(tmp_path / "project", database) as found:
        yield found
