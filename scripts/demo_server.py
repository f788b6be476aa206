"""Play the demo on a real server: start a throwaway Postgres or MariaDB, load the shop, run `synapsor demo`, and end the server."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from tests.databases import load_mariadb, load_postgres  # noqa: E402  # the repository's root is on the path from here on
from tests.servers import start_mariadb, start_postgres  # noqa: E402  # see above


def main() -> int:
    """Return the demo's exit code."""
    engine = sys.argv[1] if len(sys.argv) > 1 else "postgres"
    if engine not in {"postgres", "mariadb"}:
        sys.stderr.write("usage: demo_server.py postgres|mariadb\n")
        return 2
    start, load = (start_postgres, load_postgres) if engine == "postgres" else (start_mariadb, load_mariadb)
    print(f"Starting a throwaway {engine} and loading the shop into it (some seconds).", flush=True)
    server = start()
    try:
        shop = load(server, tests=False)
        environment = {**os.environ, "SHOP_READ_URL": shop.read_url, "SHOP_WRITE_URL": shop.write_url}
        print(f"It is {engine} {server.version}, on a loopback port of its own.", flush=True)
        command = [sys.executable, "-m", "synapsor.cli.main", "demo", "--engine", engine, *sys.argv[2:]]
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603  # our own command
    finally:
        server.close()


if __name__ == "__main__":
    sys.exit(main())
