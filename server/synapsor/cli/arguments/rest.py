"""The arguments of what belongs to no other part."""

from __future__ import annotations

import os
from typing import Any

from synapsor.cli.arguments.base import command


def add(commands: Any) -> None:
    """Add the demonstration and what is small."""
    demo = command(commands, "demo", "The whole story on an embedded shop, through a real MCP client.")
    demo.add_argument("--dir", default=".synapsor-demo", metavar="DIR", help="where its project goes")
    demo.add_argument(
        "--engine",
        choices=["sqlite", "postgres", "mariadb", "mysql"],
        default="sqlite",
        help="a server's URLs come from SHOP_READ_URL and SHOP_WRITE_URL",
    )
    demo.set_defaults(urls={n: os.environ[n] for n in ("SHOP_READ_URL", "SHOP_WRITE_URL") if n in os.environ})
    token = command(commands, "token", "Make a bearer token for an HTTP client.")
    token.add_argument("action", choices=["new"], help="print a token once, and the hash that goes into synapsor.yaml")
    command(commands, "version", "Print the version.")
