"""A process that serves the fake desk over stdio; its first argument is the grace in seconds."""

import sys

from synapsor.mcp_models import models_on_demand
from synapsor.serve.identity import StaticSession
from synapsor.web.loop import run
from tests.serving.desk import FakeDesk

with models_on_demand():  # as `synapsor serve` does
    from synapsor.serve.server import build_server
    from synapsor.serve.stdio import serve_stdio


async def main() -> None:
    desk = FakeDesk()
    server = build_server(desk, StaticSession({"tenant_id": "acme", "user": "alice"}), names="dotted", version="0")
    await serve_stdio(server, grace_s=float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
    sys.stderr.write("canceled\n" if desk.canceled.is_set() else "done\n")
    sys.stdout.write("")  # the descriptor is open again
    sys.stdout.flush()


if __name__ == "__main__":
    run(main())
