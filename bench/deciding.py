"""`python -m bench.deciding`: how long after a person's decision, recorded by another process, an agent that waits has it in hand.

Over stdio, with a real client; the decision is made through a ledger of its own, as a console or a terminal has one. Counted from the
moment at which the decision is durable to that at which the client has the answer of its call.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import tempfile
import time
from pathlib import Path

from mcp import Client, StdioServerParameters

from synapsor.flow.decide import Deciding, Listed, decide
from synapsor.flow.signing import Signer
from tests.databases import load_sqlite
from tests.projects import ProjectFiles, opened, write_project

_WAIT = "synapsor.wait_for_decision"
_WAIVER = "billing.propose_note"


def main() -> None:
    """Measure and print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=50)
    count = parser.parse_args().decisions
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        took = asyncio.run(_measure(write_project(root / "project", load_sqlite(root / "shop.db")), count))
    most, middle, late = max(took), statistics.median(took), statistics.quantiles(took, n=20)[-1]
    print(f"{count} decisions: median {middle:.0f} ms, 95th percentile {late:.0f} ms, longest {most:.0f} ms")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


async def _measure(files: ProjectFiles, count: int) -> list[float]:
    command = files.command("serve")
    took: list[float] = []
    async with opened(files) as project:
        ledger = await project.ledger()
        deciding = Deciding(
            verdict="approve",
            signer=Signer(operator=files.operators["leo"], key=files.keys["leo"]),
            clock=project.clock,
            modes=project.config.modes,
            operators=project.deciders,
        )
        process = StdioServerParameters(command=command[0], args=command[1:], env=files.environment, cwd=files.root)
        async with Client(process) as client:
            for number in range(count):
                asked = await client.call_tool(_WAIVER, {"invoice_id": "INV-3001", "note": f"number {number}"})
                assert asked.structured_content is not None  # the tool declares an output schema
                proposal = asked.structured_content["proposal"]
                waiting = asyncio.create_task(_answered(client, proposal["id"]))
                await asyncio.sleep(random.uniform(0.3, 1.3))  # a person takes their time
                await decide(ledger, deciding, Listed(proposal=proposal["id"], digest=proposal["digest"]))
                decided = time.perf_counter()
                took.append((await waiting - decided) * 1000)
    return took


async def _answered(client: Client, proposal: str) -> float:
    answer = await client.call_tool(_WAIT, {"proposal_id": proposal, "seconds": 20})
    at = time.perf_counter()
    assert answer.structured_content is not None  # as above
    assert answer.structured_content["proposal"]["status"] == "approved", (
        answer.structured_content
    )  # else it measured another thing
    return at


if __name__ == "__main__":
    main()
