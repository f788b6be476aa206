"""The processes in which people decide: each the real command, which may be told to die at a point of a decision."""

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.attack.desk import Hall
from tests.attack.shop import NOTE, Shop
from tests.projects import ROOT, ProjectFiles
from tests.serving.forked import forked

KILLED = -signal.SIGKILL


def environment(files: ProjectFiles) -> dict[str, str]:
    """Return what such a process runs in."""
    return {**files.environment, "PYTHONPATH": f"{ROOT / 'server'}{os.pathsep}{ROOT}"}


def command(files: ProjectFiles, point: str | None, *arguments: str, started: bool = False) -> list[str]:
    """Return the command line of a command that dies at a point, or lives: in a fork, unless it is to be `started` by itself."""
    line = files.command(*arguments)
    if point:
        line = [line[0], "-m", "tests.chaos.dying", point, *line[3:]]
    return line if started else forked(line)


@contextmanager
def serving(files: ProjectFiles, line: Sequence[str], said: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run a server of people, and return its port, which follows what it says; it may say of no failure of its own."""
    process = subprocess.Popen(
        line, env=environment(files), cwd=files.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert process.stderr is not None
    words = ""
    try:
        while (found := re.search(rf"{said}127\.0\.0\.1:(\d+)", words)) is None:
            more = process.stderr.readline().decode()
            assert more, words
            words += more
        yield int(found[1]), process
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=60)
        assert re.findall(r"Traceback|request failed.*", rest.decode()) == []


@contextmanager
def console(
    shop: Shop, point: str | None = None, *, port: int = 0, started: bool = False
) -> Iterator[tuple[Hall, subprocess.Popen[bytes]]]:
    """Run `synapsor console`, and a way to it."""
    line = command(shop.files, point, "console", "--listen", f"127.0.0.1:{port}", started=started)
    with serving(shop.files, line, "open http://") as (found, process):
        yield Hall(shop=shop, given=None, port=found), process  # type: ignore[arg-type]  # it is in another process


async def ended(process: subprocess.Popen[Any]) -> int:
    """Return how a process has ended."""
    return await asyncio.to_thread(process.wait, 60)


async def decides(
    shop: Shop, arguments: Sequence[str], who: str, point: str | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Let somebody decide at a terminal by a command, whose digest is named."""
    key = str(shop.files.root / "keys" / f"{who}.pem")
    line = command(shop.files, point, "--json", *arguments, "--operator", who, "--key", key, started=bool(more))
    settings: dict[str, Any] = {"env": environment(shop.files), "cwd": shop.files.root, **more}
    return await asyncio.to_thread(
        lambda: subprocess.run(line, capture_output=True, text=True, check=False, **settings)
    )


async def approves(
    shop: Shop, proposal: dict[str, Any], who: str, point: str | None = None, **more: Any
) -> subprocess.CompletedProcess[str]:
    """Let somebody approve one proposal at a terminal."""
    return await decides(shop, ["approve", proposal["id"], "--digest", proposal["digest"]], who, point, **more)


async def noted(shop: Shop, number: int, mark: str) -> dict[str, Any]:
    """Return a proposal about one of the invoices."""
    return await shop.proposed(NOTE, {"invoice_id": f"INV-3{number + 1:03}", "note": mark})


async def answered(client: httpx2.AsyncClient, path: str, form: Any) -> httpx2.Response | None:
    """Return what the console answered to a form, None where it died over it."""
    try:
        return await client.post(path, data=form)
    except httpx2.TransportError:
        return None
