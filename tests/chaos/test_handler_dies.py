"""An application that is killed between its effect and its answer: the next attempt finds its receipt, and nothing is done twice."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.databases import Database
from tests.handlers.invoices import url_of
from tests.handlers.serving import handled_shop, prepare
from tests.projects import ROOT


async def started(database: Database, listening: socket.socket, how: str) -> asyncio.subprocess.Process:
    """Start the application on a socket that is open already, so that nobody waits for it to listen."""
    schema = database.schema if database.engine == "postgres" else ""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.handlers.invoices", url_of(database), schema, str(listening.fileno()), how),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{ROOT}:{ROOT / 'server'}"},
        pass_fds=[listening.fileno()],
    )


@pytest.mark.chaos
@pytest.mark.one_engine
@pytest.mark.requirement("executor:once")
async def test_an_application_that_is_killed_before_it_answers_has_applied_once(
    tmp_path: Path, database: Database
) -> None:
    prepare(database)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/synapsor"
        async with handled_shop(tmp_path / "project", database, url, timeout_ms="60000") as shop:
            proposal = await shop.waiver()
            first = await started(database, listening, "dies")
            assert await shop.attempt() == [("retry", "handler_unknown")]
            assert await first.wait() == -9
            assert shop.invoice() == (0, "Paid next day.", 2)
            second = await started(database, listening, "lives")
            try:
                assert await shop.attempt() == [("already_applied", "")]
            finally:
                second.terminate()
                await second.wait()
            assert shop.invoice() == (0, "Paid next day.", 2)
            assert await shop.status(proposal) == "applied"
