"""The shop that the attacks are made on."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.attack.odd import POLICY, odd_table
from tests.attack.shop import Shop, open_shop
from tests.attack.tasks import POLICY as TASKS
from tests.attack.tasks import tasks_table
from tests.attack.undoing import open_credits
from tests.databases import Database


@pytest_asyncio.fixture
async def shop(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """The demo's project on each engine."""
    async with open_shop(tmp_path / "project", database) as found:
        yield found


@pytest_asyncio.fixture
async def odd(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the odd table."""
    with odd_table(database):
        async with open_shop(tmp_path / "project", database, policy=POLICY) as found:
            yield found


@pytest_asyncio.fixture
async def tasks(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the table of tasks."""
    with tasks_table(database):
        async with open_shop(tmp_path / "project", database, policy=TASKS) as found:
            yield found


@pytest_asyncio.fixture
async def books(tmp_path: Path, database: Database) -> AsyncIterator[Shop]:
    """A project over the table of credits, whose changes can be undone."""
    async with open_credits(tmp_path / "project", database) as found:
        yield found
