"""The demo's own project directory: a shop database, its contract, two people and a configuration, made anew each time."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from synapsor.errors import UsageError

MARK = ".synapsor-demo"

CONFIG = """\
# Made by `synapsor demo`; made anew each time it runs.
synapsor: 1
profile: production
policies: [policies/billing.yaml]
ledger: .synapsor/ledger.db
operators: operators.yaml
sources:
  shop:
{source}
session: {{tenant_id: acme, user: support_agent_17}}
"""

SQLITE = """\
    engine: sqlite
    mode: writeback
    read: sqlite:///shop.db
    write: sqlite:///shop.db
    schema: billing
    receipts: billing.synapsor_receipts
"""

SERVER = """\
    engine: {engine}
    mode: writeback
    read: ${{env:SHOP_READ_URL}}
    write: ${{env:SHOP_WRITE_URL}}
    receipts: billing.synapsor_receipts
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProject:
    """Where the demo's files are, and the environment that its commands run in."""

    root: Path
    engine: str
    environment: dict[str, str]

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.root / "synapsor.yaml"

    def key(self, name: str) -> Path:
        """Return where a demo person's private key is kept."""
        return self.root / "keys" / f"{name}.pem"


def make(root: Path, *, engine: str = "sqlite", urls: dict[str, str] | None = None) -> DemoProject:
    """Make the demo project in `root`, replacing an earlier one.

    Raises:
        UsageError: the directory holds something else.
    """
    if engine != "sqlite" and set(urls or {}) != {"SHOP_READ_URL", "SHOP_WRITE_URL"}:
        fix = "In the repository: make demo ENGINE=postgres. Elsewhere: load its fixtures and set SHOP_READ_URL and SHOP_WRITE_URL."
        raise UsageError(f"The demo on {engine} needs a server with the shop in it.", fix=fix)
    _clear(root)
    (root / "keys").mkdir(mode=0o700)
    (root / "policies").mkdir()
    files = demo_files()
    text = (files / "policies" / "billing.yaml").read_text(encoding="utf-8")
    # The first line points an editor at the schema by a relative path, which is not true of the copy.
    kept = [line for line in text.splitlines() if not line.startswith("# yaml-language-server")]
    (root / "policies" / "billing.yaml").write_text("\n".join(kept) + "\n", encoding="utf-8")
    source = SQLITE if engine == "sqlite" else SERVER.format(engine=engine)
    (root / "synapsor.yaml").write_text(CONFIG.format(source=source.rstrip()), encoding="utf-8")
    if engine == "sqlite":
        load_sqlite(root / "shop.db", files / "fixtures" / "sqlite")
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(root), "LANG": "C.UTF-8", **(urls or {})}
    return DemoProject(root=root, engine=engine, environment=environment)


def copy_ledger(project: DemoProject, name: str) -> Path:
    """Copy the ledger as a backup would, and return a configuration that uses the copy."""
    kept, copy = project.root / ".synapsor", project.root / f".synapsor-{name}"
    copy.mkdir(mode=0o700)
    for beside in ("ledger.key", "ledger.checkpoints"):
        shutil.copy2(kept / beside, copy / beside)
    (copy / "ledger.db").touch(mode=0o600)
    with closing(sqlite3.connect(kept / "ledger.db")) as ledger, closing(sqlite3.connect(copy / "ledger.db")) as other:
        ledger.backup(other)
    config = project.root / f"{name}.yaml"
    text = project.config.read_text(encoding="utf-8")
    config.write_text(text.replace(".synapsor/ledger.db", f".synapsor-{name}/ledger.db"), encoding="utf-8")
    return config


def load_sqlite(path: Path, scripts: Path) -> None:
    """Make the shop as an SQLite file, readable by this user only."""
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path)) as shop:
        for name in ("schema.sql", "seed.sql"):
            shop.executescript((scripts / name).read_text(encoding="utf-8"))


def demo_files() -> Path:
    """Return the directory that holds `policies` and `fixtures`: in the installed package, or in the repository."""
    installed = Path(__file__).parent.parent / "_demo"
    return installed if installed.is_dir() else Path(__file__).parents[3]


def _clear(root: Path) -> None:
    if root.exists():
        if not (root / MARK).is_file() and any(root.iterdir()):
            raise UsageError(f"{root} is not a demo's directory.", fix="Choose an empty one with --dir.")
        shutil.rmtree(root)
    root.mkdir(parents=True, mode=0o700)
    (root / MARK).write_text("This directory is replaced by the next `synapsor demo`.\n", encoding="utf-8")
