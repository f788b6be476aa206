"""`synapsor demo`: the whole product on one screen, through a real MCP client and the real commands, on a shop of its own."""

from __future__ import annotations

import argparse
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio

from synapsor.cli.demo_project import DemoProject, copy_ledger, make
from synapsor.cli.terminal import as_json, listed, width
from synapsor.core.proposal import Status
from synapsor.errors import SynapsorError
from synapsor.mcp_models import models_on_demand

INVOICE = "INV-3001"
STALE_INVOICE = "INV-3002"
OTHER_TENANT = "INV-9001"
REVIEWER, LEAD = "rita", "leo"
INDENT = 6
_NUMBER = re.compile(r" *(?:\d+\. )?")


class DemoFailed(SynapsorError):
    """A step of the demo did not come out as it must."""


class Story:
    """Tells each step, does it, and stops when it does not come out as told."""

    def __init__(self, project: DemoProject, *, quiet: bool = False) -> None:
        self.project = project
        self.steps: list[dict[str, Any]] = []
        self._quiet = quiet

    def begin(self, where: str) -> None:
        """Say what is going to happen, and how long it takes."""
        self._print(
            f"A shop with its project is made anew in {where}. An agent, two people and a worker play their parts on it, "
            "each command in a process of its own: about half a minute in all."
        )

    def tell(self, title: str) -> None:
        """Begin a step."""
        self.steps.append({"step": title, "shown": []})
        self._print(f"\n{len(self.steps):2}. {title}")

    def show(self, text: str) -> None:
        """Show what happened."""
        self.steps[-1]["shown"].append(text)
        self._print("\n".join(" " * INDENT + line for line in text.splitlines()))

    def hold(self, condition: bool, what: str) -> None:
        """Check what the step promised.

        Raises:
            DemoFailed: it is not so.
        """
        if not condition:
            raise DemoFailed(f"The demo's step {len(self.steps)} failed: {what}")
        self.show(f"✓ {what}")

    def run(self, *arguments: str, config: Path | None = None) -> str:
        """Run a synapsor command as a person would, and return what it printed."""
        other = f"--config {config.name} " if config else ""
        self.show("$ synapsor " + other + " ".join(self._short(a) for a in arguments))
        return self._run(config or self.project.config, arguments)

    def approve(self, proposal: Mapping[str, Any]) -> None:
        """Approve exactly this proposal as the lead would, with a key of their own."""
        key = str(self.project.key(LEAD))
        self.run("approve", proposal["id"], "--digest", proposal["digest"], "--operator", LEAD, "--key", key)

    def read_shop(self, column: str, key: str) -> Any:
        """Look at an invoice without telling, as it is now."""
        asked = ("--json", "call", "billing.inspect_invoice", "--arg", f"invoice_id={key}")
        return json.loads(self._run(self.project.config, asked))["data"]["row"][column]

    def _run(self, config: Path, arguments: tuple[str, ...]) -> str:
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "synapsor.cli.main", "--config", str(config), *arguments],
            env={**self.project.environment, "COLUMNS": str(width() - INDENT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.project.root,
        )
        if done.returncode != 0:
            self.show(done.stdout + done.stderr)
            raise DemoFailed(f"`synapsor {arguments[0]}` ended with {done.returncode}.")
        return done.stdout

    def _short(self, argument: str) -> str:
        return argument.replace(f"{self.project.root}/", "")

    def _print(self, text: str) -> None:
        if not self._quiet:
            sys.stdout.write("\n".join(part for line in text.split("\n") for part in _folded(line)) + "\n")
            sys.stdout.flush()


def _folded(line: str) -> list[str]:
    """Return a line as the terminal has room for it; a command, which may be copied, stays whole."""
    begun = _NUMBER.match(line)
    return [line] if line.lstrip().startswith("$ ") else listed(line, len(begun[0]) if begun else 0, sys.stdout)


async def play(story: Story, client: Any) -> None:
    """Play the agent's part through an MCP client, and the people's part through the commands."""
    await _look_around(story, client)
    await _forbidden(story, client)
    proposal = await _propose(story, client, INVOICE)
    await _decide_and_apply(story, client, proposal)
    await _conflict(story, client)
    _look_back(story, proposal)


async def _look_around(story: Story, client: Any) -> None:
    story.tell("An agent connects over stdio and sees reviewed capabilities, nothing else.")
    if story.project.engine == "sqlite":
        story.show(
            "(The server warned of what is so on SQLite alone: who may read its file may change it.\n"
            "A reader of Postgres or MariaDB may only read.)"
        )
    tools = await client.list_tools()
    for tool in tools.tools:
        story.show(f"{tool.name}: {tool.description}")
    names = [tool.name for tool in tools.tools]
    story.hold(
        not any(word in name for name in names for word in ("sql", "approve", "apply")),
        "no tool takes SQL, approves or applies",
    )
    story.tell("It reads one invoice of its own tenant, with evidence on record first.")
    answer = await _call(client, "billing.inspect_invoice", {"invoice_id": INVOICE})
    story.show(as_json(answer["data"]["row"]))
    story.hold(
        "card_token" not in answer["data"]["row"] and "tenant_id" not in answer["data"]["row"],
        f"evidence {answer['evidence']['id']}; no card token, no tenant",
    )


async def _forbidden(story: Story, client: Any) -> None:
    story.tell("It tries three forbidden things.")
    other = await _call(client, "billing.inspect_invoice", {"invoice_id": OTHER_TENANT})
    story.hold(
        other["error"]["code"] == "not_found", f"another tenant's invoice {OTHER_TENANT}: {other['error']['code']}"
    )
    choose = await _call(client, "billing.inspect_invoice", {"invoice_id": OTHER_TENANT, "tenant_id": "globex"})
    story.hold(choose["error"]["code"] == "invalid_arguments", f"choosing the tenant itself: {choose['error']['code']}")
    smuggle = await _call(client, "billing.inspect_invoice", {"invoice_id": "' OR 1=1; DROP TABLE invoices; --"})
    story.hold(
        smuggle["error"]["code"] == "not_found",
        f"SQL in an argument is only a strange invoice id: {smuggle['error']['code']}",
    )


async def _propose(story: Story, client: Any, invoice: str) -> Mapping[str, Any]:
    story.tell("It asks for a late fee to be waived. That files a proposal and changes nothing.")
    answer = await _call(
        client,
        "billing.propose_late_fee_waiver",
        {"invoice_id": invoice, "reason": "Customer called: card expired, paid next day."},
    )
    proposal: Mapping[str, Any] = answer["proposal"]
    for change in proposal["changes"]:
        before, after = ("NULL" if value is None else repr(value) for value in (change["before"], change["after"]))
        story.show(f"{change['column']}: {before} → {after}")
    story.hold(
        proposal["status"] == "review_required",
        f"{proposal['id']} {Status(proposal['status']).stands}, digest {proposal['digest'][7:15]}…",
    )
    now = story.read_shop("late_fee_cents", invoice)
    story.hold(now == proposal["changes"][0]["before"], f"the shop still says late_fee_cents = {now}")
    return proposal


async def _decide_and_apply(story: Story, client: Any, proposal: Mapping[str, Any]) -> None:
    story.tell("A person, not the model, looks at exactly this change and approves it with a key of their own.")
    story.show(story.run("show", proposal["id"]))
    story.approve(proposal)
    backup = copy_ledger(story.project, "restored")
    story.tell("A separate worker, with the write credential, applies it exactly once.")
    story.show(story.run("worker", "--drain"))
    status = await _call(client, "synapsor.proposal_status", {"proposal_id": proposal["id"]})
    story.hold(status["proposal"]["status"] == "applied", "the agent sees: applied")
    story.hold(story.read_shop("late_fee_cents", INVOICE) == 0, "the shop says late_fee_cents = 0")
    story.tell("Applying again has no second effect, not even from a ledger that was restored from before the change.")
    story.show(story.run("worker", "--drain"))
    again = story.run("worker", "--drain", config=backup)
    story.show(again)
    story.hold("already_applied" in again, "the receipt in the shop itself says: already applied")


async def _conflict(story: Story, client: Any) -> None:
    story.tell("A proposal on a row that moves on afterwards ends as a conflict and overwrites nothing.")
    slow = await _call(client, "billing.propose_late_fee_waiver", {"invoice_id": STALE_INVOICE, "reason": "Goodwill."})
    fast = await _call(
        client, "billing.propose_note", {"invoice_id": STALE_INVOICE, "note": "Customer disputes the amount."}
    )
    for answer in (fast, slow):
        story.approve(answer["proposal"])
    story.show(story.run("worker", "--drain"))
    status = await _call(client, "synapsor.proposal_status", {"proposal_id": slow["proposal"]["id"]})
    story.hold(
        status["proposal"]["status"] == "conflict", f"{slow['proposal']['id']} ended as {status['proposal']['status']}"
    )
    story.hold(story.read_shop("late_fee_cents", STALE_INVOICE) != 0, "the late fee of that invoice is untouched")


def _look_back(story: Story, proposal: Mapping[str, Any]) -> None:
    story.tell("Everything can be looked at again: asked, seen, decided, done.")
    story.show(story.run("replay", proposal["id"]))
    story.tell("The record itself is verified from its first event to its last.")
    story.show(story.run("verify"))


async def _call(client: Any, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    answer = await client.call_tool(name, arguments)
    envelope: dict[str, Any] = answer.structured_content
    return envelope


def set_up(story: Story) -> None:
    """Make two people known, and let the first activate the contract."""
    story.tell("Two people get keys of their own; one of them reviews and activates the contract.")
    for name, role in ((REVIEWER, "contract_reviewer"), (LEAD, "billing_lead")):
        story.run("operator", "add", name, "--role", role, "--no-passphrase", "--key", str(story.project.key(name)))
    story.show(story.run("check"))
    story.run("activate", "--operator", REVIEWER, "--key", str(story.project.key(REVIEWER)), "--yes")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo and return its exit code."""
    project = make(Path(arguments.dir).absolute(), engine=arguments.engine, urls=arguments.urls)
    story = Story(project, quiet=arguments.json)
    story.begin(arguments.dir)
    set_up(story)
    anyio.run(_with_client, story)
    if arguments.json:
        sys.stdout.write(as_json({"schema": "synapsor.demo/1", "ok": True, "steps": story.steps}) + "\n")
    else:
        sys.stdout.write(
            f"\nAll {len(story.steps)} steps came out as told. The demo's project is in {arguments.dir};\nserve it to a client with\n"
            f"  {_started_as()} --config {shlex.quote(arguments.dir)}/synapsor.yaml serve\n"
        )
    return 0


def _started_as() -> str:
    """Return this command as a shell finds it: its name where that is on PATH, else the way that it was started."""
    started = Path(sys.argv[0])
    if started.name != "synapsor":
        return f"{shlex.quote(sys.executable)} -m synapsor.cli.main"
    found = shutil.which(started.name)
    return started.name if found and Path(found).samefile(started) else shlex.quote(str(started))


async def _with_client(story: Story) -> None:
    with models_on_demand():  # heavy: the MCP SDK
        from mcp import Client, StdioServerParameters

    command = ["-m", "synapsor.cli.main", "--config", str(story.project.config), "serve"]
    server = StdioServerParameters(
        command=sys.executable, args=command, env=story.project.environment, cwd=story.project.root
    )
    async with Client(server) as client:
        await play(story, client)
