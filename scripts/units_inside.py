# ruff: noqa: S603, S607, S608
"""What `scripts/units.sh` runs inside of the system that it boots: deploy as the how-to says, and play the main job through the units.

Each line that is printed is something that was so; the first that is not ends it with 1.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SRC = Path("/src")
ETC = Path("/etc/synapsor")
SYNAPSOR = ["/opt/synapsor/bin/synapsor", "--config", str(ETC / "synapsor.yaml")]
UNITS = ("serve", "worker", "console")
SECONDS = 60.0
MOST_EXPOSED = 2.0
USED: list[str] = []


def main() -> int:
    """Return 0 if all was as it must be."""
    try:
        deploy()
        for engine in (Postgres(), Mariadb()):
            with_engine(engine)
    except subprocess.CalledProcessError as failed:
        print(f"not ok: {failed.cmd}\n{failed.stdout}\n{failed.stderr}")
        print(run("journalctl", "--no-pager", "-n", "60", "-u", "synapsor-*"))
        return 1
    except NotSo as wrong:
        print(f"not ok: {wrong}")
        print(run("journalctl", "--no-pager", "-n", "60", "-u", "synapsor-*"))
        return 1
    return 0


class Postgres:
    """The shop on Postgres."""

    name = "postgres"
    schema = "billing"
    reader = "postgresql://synapsor_reader:readpw@127.0.0.1/shop"
    writer = "postgresql://synapsor_writer:writepw@127.0.0.1/shop"
    hold = "BEGIN; SELECT 1 FROM billing.invoices WHERE id = '{row}' FOR UPDATE; SELECT pg_sleep(600);"

    def make(self) -> None:
        """Make the database, without what `synapsor grants` makes."""
        run("su", "postgres", "-c", "createdb shop")
        for name in ("schema", "seed"):
            self.sql((SRC / f"fixtures/postgres/{name}.sql").read_text())
        self.sql("DROP TABLE billing.synapsor_receipts")  # as where none was ever made

    def sql(self, script: str) -> str:
        """Run a script as the owner."""
        return run("su", "postgres", "-c", "psql -v ON_ERROR_STOP=1 -qtA -d shop", stdin=script).strip()

    def passwords(self) -> None:
        """Let both roles in."""
        self.sql("ALTER ROLE synapsor_reader PASSWORD 'readpw'; ALTER ROLE synapsor_writer PASSWORD 'writepw'")

    def holding(self, row: str) -> subprocess.Popen[bytes]:
        """Hold a row's lock."""
        return begin("su", "postgres", "-c", "psql -q -d shop", stdin=self.hold.format(row=row))

    def let_go(self) -> None:
        """End what holds rows."""
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()"
        )


class Mariadb:
    """The shop on MariaDB."""

    name = "mariadb"
    schema = "billing"
    reader = "mysql://synapsor_reader:readpw@127.0.0.1/billing"
    writer = "mysql://synapsor_writer:writepw@127.0.0.1/billing"
    hold = "START TRANSACTION; SELECT 1 FROM invoices WHERE id = '{row}' FOR UPDATE; SELECT SLEEP(600);"

    def make(self) -> None:
        """Make the database, without what `synapsor grants` makes."""
        run("mariadb", stdin="CREATE DATABASE billing CHARACTER SET utf8mb4;")
        for name in ("schema", "seed"):
            self.sql((SRC / f"fixtures/mariadb/{name}.sql").read_text())
        self.sql("DROP TABLE synapsor_receipts")

    def sql(self, script: str) -> str:
        """Run a script as the owner."""
        return run("mariadb", "-N", "billing", stdin=script).strip().replace("\t", "|")

    def passwords(self) -> None:
        """Let both accounts in."""
        for role, word in (("reader", "readpw"), ("writer", "writepw")):
            self.sql(f"ALTER USER synapsor_{role}@'127.0.0.1' IDENTIFIED BY '{word}' ACCOUNT UNLOCK")

    def holding(self, row: str) -> subprocess.Popen[bytes]:
        """Hold a row's lock."""
        return begin("mariadb", "billing", stdin=self.hold.format(row=row))

    def let_go(self) -> None:
        """End what holds rows."""
        for number in self.sql(
            "SELECT id FROM information_schema.processlist WHERE info LIKE '%SLEEP(600)%' AND id <> CONNECTION_ID()"
        ).split():
            self.sql(f"KILL {number}")


Engine = Postgres | Mariadb


def run(*command: str, stdin: str = "", check: bool = True) -> str:
    """Return what a command prints."""
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=check, cwd="/").stdout


def begin(*command: str, stdin: str) -> subprocess.Popen[bytes]:
    """Start a command and hand it its input."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    if process.stdin is not None:
        process.stdin.write(stdin.encode())
        process.stdin.close()
    return process


class NotSo(Exception):
    """Something is not as it must be."""


def must(holds: bool, said: object) -> None:
    """End here unless something is so."""
    if not holds:
        raise NotSo(said)


def told(what: str) -> None:
    """Say what was so."""
    print(f"ok  {what}", flush=True)


def until(what: str, holds: Callable[[], Any]) -> Any:
    """Wait until something is so, and return it."""
    end = time.monotonic() + SECONDS
    while not (found := holds()):
        must(time.monotonic() < end, f"waited in vain until {what}")
        time.sleep(0.1)
    return found


def said_since(unit: str, cursor: str) -> str:
    """Return what a unit has logged since a moment."""
    return run("journalctl", "--no-pager", "-o", "cat", "-u", f"synapsor-{unit}", f"--after-cursor={cursor}")


def cursor() -> str:
    """Return this moment of the journal."""
    return run("journalctl", "-n", "0", "--show-cursor").rpartition("-- cursor: ")[2].strip()


def as_person(name: str, *arguments: str, check: bool = True) -> str:
    """Run synapsor as one of the people."""
    return run("runuser", "-u", name, "--", *SYNAPSOR, *arguments, check=check)


def deploy() -> None:
    """Do what docs/how-to/deploy.md says, to where the services start."""
    text = (SRC / "docs/how-to/deploy.md").read_text()
    (script,) = [block for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) if "systemd-sysusers" in block]
    lines = [line for line in script.splitlines() if "pip install" not in line]
    run("sh", "-ec", f"cd {SRC}\n" + "\n".join(lines))
    told("the how-to's commands run as they stand there")
    for name in ("rita", "leo"):
        run("useradd", "-m", "-G", "synapsor,synapsor-codes", name)
    run("useradd", "-m", "agent")
    for name, role in (("rita", "contract_reviewer"), ("leo", "billing_lead")):
        run("runuser", "-u", name, "--", *SYNAPSOR[:1], "operator", "key", name, "--no-passphrase")
        public = Path(f"~{name}/.config/synapsor/keys/{name}.pub").expanduser().read_text().strip()
        run(*SYNAPSOR, "operator", "add", name, "--role", role, "--public-key", public)


def with_engine(engine: Engine) -> None:
    """Play the job on one engine, from an empty ledger."""
    run("systemctl", "stop", *(f"synapsor-{unit}" for unit in UNITS))
    for old in Path("/var/lib/synapsor").iterdir():
        old.unlink()
    engine.make()
    token = configure(engine)
    grants = run(*SYNAPSOR, "grants", "--source", "shop", "--host", "127.0.0.1")
    engine.sql(grants)
    engine.passwords()
    for name, url in (("reader", engine.reader), ("writer", engine.writer)):
        run("install", "-m", "600", "/dev/stdin", str(ETC / "secrets" / name), stdin=f"{url}\n")
    told(f"{engine.name}: what `synapsor grants` prints runs, and makes the receipts")
    activate()
    since = cursor()
    run("systemctl", "start", *(f"synapsor-{unit}" for unit in UNITS))
    until("the worker waits", lambda: "waits for approved changes" in said_since("worker", since))
    until("the server serves", lambda: "serving on" in said_since("serve", since))
    until("the console is open", lambda: "open http" in said_since("console", since))
    warned = [line for line in said_since("worker", since).splitlines() if "writer" in line or "receipts" in line]
    must(not warned, warned)
    told(f"{engine.name}: server, worker and console run, and the worker has nothing to say against its credential")
    if isinstance(engine, Postgres):
        apart()
    applied(engine, token)
    stopped_in_a_job(engine, token)
    killed(engine)
    refused_for_good(engine)
    report = json.loads(run("runuser", "-u", "rita", "--", *SYNAPSOR, "--json", "verify"))
    must(bool(report["ok"]), report)
    told(f"{engine.name}: the ledger is whole")


def configure(engine: Engine) -> str:
    """Write the configuration of this engine, with codes and a token, and return the token."""
    text = (SRC / "deploy/synapsor.yaml").read_text().replace("engine: postgres", f"engine: {engine.name}")
    made = run("/opt/synapsor/bin/synapsor", "token", "new")
    token, sha = (re.search(rf"^{word} +(\S+)", made, re.MULTILINE) for word in ("token", "sha256"))
    if token is None or sha is None:
        raise NotSo(made)
    text = text.replace("f" * 64, sha[1])
    text += "one_time_codes: /etc/synapsor/codes.yaml\ncodes_group: synapsor-codes\n"
    run("install", "-m", "640", "--group=synapsor", "/dev/stdin", str(ETC / "synapsor.yaml"), stdin=text)
    policy = (
        (SRC / "policies/billing.yaml").read_text().replace("role: billing_lead,", "role: billing_lead, step_up: low,")
    )
    run("install", "-m", "640", "--group=synapsor", "/dev/stdin", str(ETC / "policies/billing.yaml"), stdin=policy)
    run("rm", "-f", "/etc/synapsor/secrets/leo.code")
    run(*SYNAPSOR, "operator", "codes", "leo", "--file", "/etc/synapsor/secrets/leo.code", "--no-passphrase")
    return token[1]


def activate() -> None:
    """Activate the contract as the how-to says."""
    command = ["systemd-run", "--pipe", "--wait", "-q", "--uid=rita", "--gid=synapsor"]
    run(*command, "-p", "LoadCredential=reader:/etc/synapsor/secrets/reader", *SYNAPSOR, "activate", "--yes")


def apart() -> None:
    """Prove that none of the three can reach what is another's, and that systemd calls them little exposed."""
    for unit in UNITS:
        exposed = run("systemd-analyze", "security", "--no-pager", f"synapsor-{unit}").splitlines()[-1]
        rating = re.search(r": ([0-9.]+)", exposed)
        must(rating is not None and float(rating[1]) <= MOST_EXPOSED, exposed)
        told(exposed.removeprefix("→ "))
    own = {unit: run("systemctl", "show", "-P", "MainPID", f"synapsor-{unit}").strip() for unit in UNITS}
    for unit, other in (("serve", "worker"), ("worker", "serve"), ("console", "worker")):
        for path in (
            f"/proc/{own[other]}/environ",
            f"/run/credentials/synapsor-{other}.service",
            "/etc/synapsor/secrets/writer",
        ):
            looked = subprocess.run(
                ["runuser", "-u", f"synapsor-{unit}", "--", "ls", path], capture_output=True, check=False
            )
            read = subprocess.run(
                ["runuser", "-u", f"synapsor-{unit}", "--", "cat", path], capture_output=True, check=False
            )
            must(read.returncode != 0, f"{unit} reads {path}: {looked.stdout!r}")
    told("no process reads another's environment, credential or secret")
    for user, may in (
        ("synapsor-serve", False),
        ("synapsor-worker", True),
        ("synapsor-console", True),
        ("agent", False),
    ):
        read = subprocess.run(
            ["runuser", "-u", user, "--", "cat", "/etc/synapsor/codes.yaml"], capture_output=True, check=False
        )
        must((read.returncode == 0) is may, f"{user} and the one-time codes")
    told("the worker and the console read the one-time codes; the server and the agent cannot")


def proposed(token: str, invoice: str) -> dict[str, Any]:
    """Return a proposal that was filed over MCP as another user."""
    call = Path("~agent/call.py").expanduser()
    call.write_text(_CALL)
    call.chmod(0o644)
    arguments = json.dumps({"invoice_id": invoice, "reason": "Paid next day."})
    command = ["runuser", "-u", "agent", "--", "/opt/synapsor/bin/python", str(call), token, arguments]
    found = json.loads(run(*command))
    must(bool(found["ok"]), found)
    proposal: dict[str, Any] = found["proposal"]
    return proposal


def approve(proposal: dict[str, Any]) -> None:
    """Approve as leo, with a code of his authenticator, of which each is used once."""
    code = until("there is a code that was not used", _unused_code)
    USED.append(code)
    as_person("leo", "approve", proposal["id"], "--digest", proposal["digest"], "--code", code)


def _unused_code() -> str:
    code = run("/opt/synapsor/bin/python", "-c", _CODE).strip()
    return "" if code in USED else code


def invoice(engine: Engine, row: str) -> str:
    """Return the late fee and the version of a row."""
    place = f"{engine.schema}.invoices" if isinstance(engine, Postgres) else "invoices"
    return engine.sql(f"SELECT late_fee_cents, row_version FROM {place} WHERE id = '{row}'")


def applied(engine: Engine, token: str) -> None:
    """Have one change asked for, approved and applied."""
    proposal = proposed(token, "INV-3001")
    must(invoice(engine, "INV-3001") == "5500|1", "the row is as it was made")
    approve(proposal)
    until("it is applied", lambda: invoice(engine, "INV-3001") == "0|2")
    told(
        f"{engine.name}: asked over MCP, approved with a key and a one-time code by another user, applied by the worker"
    )


def stopped_in_a_job(engine: Engine, token: str) -> None:
    """Stop the worker while its job waits for a row, and see that it ends in order and the job is applied by the next one."""
    engine.sql(
        f"UPDATE {'billing.' if isinstance(engine, Postgres) else ''}invoices SET late_fee_cents = 5500 WHERE id = 'INV-3001'"
    )
    proposal = proposed(token, "INV-3001")
    before = invoice(engine, "INV-3001")
    holder = engine.holding("INV-3001")
    time.sleep(1)
    since = cursor()
    approve(proposal)
    time.sleep(2)  # it waits for the lock by now, or is about to: either way the stop must be in order
    run("systemctl", "stop", "synapsor-worker")
    result = run("systemctl", "show", "-P", "Result", "synapsor-worker").strip()
    must(result == "success", result)
    must(invoice(engine, "INV-3001") == before, "nothing was written")
    engine.let_go()
    holder.wait(SECONDS)
    run("systemctl", "start", "synapsor-worker")
    until("it is applied", lambda: invoice(engine, "INV-3001").startswith("0|"))
    outcomes = re.findall(r"outcome=(\w+)", said_since("worker", since))
    must(outcomes.count("applied") == 1, outcomes)
    told(
        f"{engine.name}: stopped in the middle of a job it ends in order, and the job is applied once after a start ({', '.join(outcomes)})"
    )


def killed(engine: Engine) -> None:
    """Kill the worker and see that it is started again."""
    pid = run("systemctl", "show", "-P", "MainPID", "synapsor-worker").strip()
    since = cursor()
    run("kill", "-9", pid)
    until("it is started again", lambda: "waits for approved changes" in said_since("worker", since))
    told(f"{engine.name}: killed, it is started again")


def refused_for_good(engine: Engine) -> None:
    """Give the worker's credential too much, and see that systemd does not start it again and again."""
    table = "billing.synapsor_receipts" if isinstance(engine, Postgres) else "synapsor_receipts"
    who = "synapsor_writer" if isinstance(engine, Postgres) else "synapsor_writer@'127.0.0.1'"
    engine.sql(f"GRANT DELETE ON {table} TO {who}")
    since = cursor()
    run("systemctl", "restart", "synapsor-worker")
    until("it has ended", lambda: run("systemctl", "show", "-P", "ActiveState", "synapsor-worker").strip() == "failed")
    code, again = (
        run("systemctl", "show", "-P", what, "synapsor-worker").strip() for what in ("ExecMainStatus", "NRestarts")
    )
    said = "receipts_can_change" in said_since("worker", since)
    must((code, again, said) == ("5", "0", True), (code, again, said))
    engine.sql(f"REVOKE DELETE ON {table} FROM {who}")
    told(f"{engine.name}: with a credential that may change receipts it ends with 5, says so, and is not started again")
    run("systemctl", "reset-failed", "synapsor-worker")


_CALL = """
import asyncio, json, sys
import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

async def main(token, arguments):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers) as http:
        async with Client(streamable_http_client("http://127.0.0.1:8765/mcp", http_client=http)) as client:
            found = await client.call_tool("billing.propose_late_fee_waiver", arguments)
            print(json.dumps(found.structured_content))

asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))
"""

_CODE = """
import datetime, sys
from pathlib import Path
from synapsor.core.onetime import code_of, step_at
from synapsor.operators import read_codes
secret = read_codes(Path("/etc/synapsor/codes.yaml"), "synapsor-codes")["leo"]
now = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
print(code_of("totp", secret, "", step_at("totp", now)))
"""

if __name__ == "__main__":
    sys.exit(main())
