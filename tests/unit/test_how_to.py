"""What a how-to page shows is what comes out: its calls are made, and their data compared."""

import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synapsor.testing import desk_for
from tests.unit.test_trial import SCHEMA, SEED, SESSION

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "write-an-aggregate.md").read_text(encoding="utf-8")
CONTRACT = re.findall(r"^```yaml contract\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
SHOWN = re.findall(r"^```sh\n(synapsor call [^\n]+)\n```\n\n```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def call_of(line: str) -> tuple[str, dict[str, str]]:
    _, _, name, *rest = shlex.split(line)
    assert rest[::2] == ["--arg"] * (len(rest) // 2)
    return name, dict(word.split("=", 1) for word in rest[1::2])


@pytest.mark.requirement("docs:true")
@pytest.mark.parametrize(("line", "data"), SHOWN, ids=[call_of(line)[0] for line, _ in SHOWN])
async def test_a_call_on_the_page_answers_what_the_page_says(line: str, data: str) -> None:
    name, arguments = call_of(line)
    async with desk_for(CONTRACT, schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        envelope: dict[str, Any] = await trial.call(name, **arguments)
        jsonschema.Draft202012Validator(trial.desk.tools[name].output_schema).validate(envelope)
    assert envelope["data"] == json.loads(data)
    assert envelope["kind"] == "aggregate"


def test_the_page_shows_every_kind_of_answer() -> None:
    assert len(SHOWN) == 4


SQLITE_PAGE = (ROOT / "docs" / "how-to" / "start-on-sqlite.md").read_text(encoding="utf-8")
ASKED = {"activate": ["--yes"], "operator": ["--no-passphrase"]}
"""What somebody at a terminal would be asked, said on the command line."""


def command_of(line: str, root: Path) -> str:
    """Run a command of the page in a project, and return what it printed."""
    arguments = shlex.split(line)[1:]
    arguments += ASKED.get(arguments[0], [])
    if arguments[0] == "approve":
        arguments += ["--digest", json.loads(command_of("synapsor --json show", root))["digest"]]
    environment = {"PATH": os.environ["PATH"], "HOME": str(root), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT / "server")}
    command = [sys.executable, "-m", "synapsor.cli.main", *arguments]
    done = subprocess.run(
        command, cwd=root, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.requirement("docs:quickstart")
def test_following_the_page_on_sqlite_ends_with_an_applied_change(tmp_path: Path) -> None:
    root = tmp_path / "shop-agent"
    (root / "policies").mkdir(parents=True)
    ran: dict[str, str] = {}
    for info, body in re.findall(r"^```([^\n]*)\n(.*?)^```$", SQLITE_PAGE, re.MULTILINE | re.DOTALL):
        if info == "sql sqlite":
            in_file(root, body)
        elif info == "yaml synapsor.yaml":
            (root / "synapsor.yaml").write_text(body, encoding="utf-8")
        elif info == "yaml contract":
            (root / "policies" / "billing.yaml").write_text(body, encoding="utf-8")
        for line in body.splitlines() if info == "sh" else ():
            command, _, file = line.partition(" > ")
            if command.startswith("synapsor "):
                ran[command] = command_of(command, root)
            if file == "receipts.sql":
                in_file(root, ran[command])
    assert (
        json.loads(ran["synapsor call billing.inspect_invoice --arg invoice_id=INV-1"])["data"]["row"]["id"] == "INV-1"
    )
    assert "reader may change the SQLite file" in ran["synapsor doctor"]
    assert "outcome=applied" in ran["synapsor worker --once"]
    assert in_file(root, "SELECT late_fee_cents, waiver_reason FROM invoices WHERE id = 'INV-1'") == [
        (0, "Card expired; paid the next day.")
    ]


def in_file(root: Path, script: str) -> list[Any]:
    """Run SQL in the shop's file, and return the rows of a query."""
    with closing(sqlite3.connect(root / "shop.db")) as connection:
        if script.startswith("SELECT"):
            return connection.execute(script).fetchall()
        connection.executescript(script)
    return []
