"""The quickstart, followed to the letter on real servers: its SQL, its files and its commands, in the order of the page."""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.databases import connect_mariadb
from tests.servers import Server, start_mariadb, start_postgres
from tests.serving.forked import forked

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "quickstart.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```([^\n]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
REFUSED = {"synapsor call billing.inspect_invoice --arg invoice_id=INV-3": 1}
"""Commands that the page says are refused, with their exit codes; every other one succeeds."""


@dataclass(kw_only=True)
class Follower:
    """Somebody who follows the page on one engine.

    Attributes:
        ran: every command with what it printed.
    """

    root: Path
    engine: str
    address: str
    database: str
    execute: Callable[..., Any]
    environment: dict[str, str] = field(default_factory=dict)
    ran: dict[str, str] = field(default_factory=dict)

    def url(self, who: str, password: str) -> str:
        """Return the URL of a role."""
        scheme = "postgresql" if self.engine == "postgres" else "mysql"
        return f"{scheme}://{who}:{password}@{self.address}/{self.database}"

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(mode=0o700, exist_ok=True, parents=True)
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def run(self, line: str) -> None:
        """Run one command; what it would ask a person is said on the command line instead."""
        arguments = shlex.split(line)[1:]
        if arguments[0] == "activate":
            arguments.append("--yes")
        elif arguments[:2] == ["operator", "add"]:
            arguments.append("--no-passphrase")
        elif arguments[0] == "approve":
            arguments += ["--digest", json.loads(self._output(["--json", "show"], 0))["digest"]]
        self.ran[line] = self._output(arguments, REFUSED.get(line, 0))

    def _output(self, arguments: list[str], expected: int) -> str:
        command = [sys.executable, "-m", "synapsor.cli.main", *arguments]
        if self.engine != "postgres":  # with the one engine each command starts by itself
            command = forked(command)
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture(params=["postgres", "mariadb"])
def follower(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Follower]:
    """A reader of the page with a new server and an empty directory."""
    start = start_postgres if request.param == "postgres" else start_mariadb
    try:
        server = start()
    except FileNotFoundError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))
    with closing(server):
        execute = _in_postgres(server) if request.param == "postgres" else _in_mariadb(server)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT / "server"),
        }
        yield Follower(
            root=tmp_path / "shop-agent",
            engine=request.param,
            address=f"127.0.0.1:{server.port}",
            database="shop" if request.param == "postgres" else "billing",
            execute=execute,
            environment=environment,
        )


def _in_postgres(server: Server) -> Callable[..., Any]:
    async def execute(script: str, database: str = "shop") -> None:
        connection = await asyncpg.connect(
            host="127.0.0.1",
            port=server.port,
            user=server.admin_user,
            password=server.admin_password,
            database=database,
        )
        try:
            await connection.execute(script)
        finally:
            await connection.close()

    return execute


def _in_mariadb(server: Server) -> Callable[..., Any]:
    async def execute(script: str, _: str = "") -> None:
        url = f"mysql://{server.admin_user}:{server.admin_password}@127.0.0.1:{server.port}/"
        with closing(connect_mariadb(url, multi=True)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(script)
            while cursor.nextset():
                pass

    return execute


@pytest.mark.requirement("docs:quickstart")
async def test_following_the_quickstart_ends_with_an_applied_change(follower: Follower) -> None:
    if follower.engine == "postgres":
        await follower.execute("CREATE DATABASE shop", "postgres")
    follower.write("secrets/reader", follower.url("synapsor_reader", "choose-one"))
    for info, body in BLOCKS:
        if info == f"sql {follower.engine}":
            await follower.execute(body)
        elif info == "yaml synapsor.yaml":
            follower.write("synapsor.yaml", body.replace("engine: postgres", f"engine: {follower.engine}"))
        elif info == "yaml contract":
            follower.write("policies/billing.yaml", body)
        elif info == "sh":
            if "SHOP_WRITE_URL" in body:
                follower.environment["SHOP_WRITE_URL"] = follower.url("synapsor_writer", "choose-another")
            for line in body.splitlines():
                if line.startswith("synapsor "):
                    command, _, file = line.partition(" > ")
                    follower.run(command)
                    if file == "receipts.sql":
                        await follower.execute(follower.ran[command])
    read = json.loads(follower.ran["synapsor call billing.inspect_invoice --arg invoice_id=INV-1"])
    assert read["data"]["row"]["late_fee_cents"] == 5500
    follower.run("synapsor call billing.inspect_invoice --arg invoice_id=INV-1")
    now = json.loads(follower.ran["synapsor call billing.inspect_invoice --arg invoice_id=INV-1"])["data"]["row"]
    assert (now["late_fee_cents"], now["waiver_reason"]) == (0, "Card expired; paid the next day.")
    assert "outcome=applied" in follower.ran["synapsor worker --once"]
