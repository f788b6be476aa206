"""`synapsor notifier` as a process: killed between sending and recording, on a full disk, twice at once, and told to stop."""

import json
import os
import resource
import signal
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import pytest_asyncio

from tests.ledger_records import at
from tests.notifying import Receiver, Telling, receiver, telling
from tests.serving.forked import forked

FAR = at(10**9)


@pytest_asyncio.fixture
async def project(tmp_path: Path) -> AsyncIterator[Telling]:
    async with telling(tmp_path / "project") as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path, name="127.0.0.1") as running:
        yield running


ROUTES = "routes:\n  - to: [desk]\n    events: [filed]\n"


def started(project: Telling, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    """Start the command by itself, as whoever kills it or limits it has to."""
    return opened(project.command("notifier", *arguments), project, **more)


def opened(command: list[str], project: Telling, **more: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env=project.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def ran(project: Telling, *arguments: str, **more: Any) -> tuple[int, Any, str]:
    """Run the command to its end, and return its exit code, its document and what it told."""
    command = project.command("notifier", *arguments, "--json")
    with opened(command if more else forked(command), project, **more) as process:
        out, err = process.communicate()
    return process.returncode, json.loads(out), err


async def once(project: Telling, *arguments: str, **more: Any) -> tuple[int, Any, str]:
    return await anyio.to_thread.run_sync(lambda: ran(project, "--once", *arguments, **more))


async def waited(event: Any) -> None:
    await anyio.to_thread.run_sync(event.wait)


@pytest.mark.chaos
@pytest.mark.requirement("notify:at-least-once")
async def test_killed_between_sending_and_recording_it_sends_again_under_the_same_id(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, ROUTES)
    filed = [(await project.file(expires_at=FAR)).id for _ in range(3)]
    desk.holds = threading.Event()
    with started(project, "--since", "0") as process:
        await waited(desk.arrived)  # it has arrived, and the sender does not know it
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    held, desk.holds = desk.holds, None
    held.set()
    code, told, _ = await once(project)
    assert (code, told["arrived"], told["failed"], told["dead"]) == (0, 3, 0, 0)
    assert [got.data["data"]["proposal"] for got in desk.got] == [filed[0], *filed]
    assert desk.ids[0] == desk.ids[1]
    assert len(set(desk.ids)) == 3
    assert (await once(project))[1]["arrived"] == 0


@pytest.mark.chaos
@pytest.mark.requirement("notify:at-least-once")
async def test_killed_again_and_again_it_loses_nothing(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ROUTES)
    await once(project)
    filed: list[str] = []
    for _ in range(4):
        filed += [(await project.file(expires_at=FAR)).id for _ in range(3)]
        desk.arrived.clear()
        with started(project) as process:
            await waited(desk.arrived)
            process.send_signal(signal.SIGKILL)
            process.communicate()
    assert (await once(project))[0] == 0
    by_id = {got.headers["webhook-id"]: got.data["data"]["proposal"] for got in desk.got}
    assert sorted(by_id.values()) == sorted(filed)
    assert sorted({got.data["data"]["proposal"] for got in desk.got}) == sorted(filed)


@pytest.mark.requirement("notify:at-least-once")
async def test_on_a_full_disk_nothing_is_sent_and_nothing_is_lost(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ROUTES)
    await once(project)
    filed = await project.file(expires_at=FAR)

    def no_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))

    code, told, _ = await once(project, preexec_fn=no_room)
    assert (code, told["error"]["rule"], desk.got) == (4, "ledger_failed", [])
    assert (await once(project))[0] == 0
    assert [got.data["data"]["proposal"] for got in desk.got] == [filed.id]


async def test_a_dry_run_shows_what_would_be_sent_and_sends_and_records_nothing(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, ROUTES)
    filed = await project.file(expires_at=FAR)
    state = project.root / ".synapsor" / "notify.db"
    code, told, _ = await anyio.to_thread.run_sync(lambda: ran(project, "--dry-run", "--since", "0"))
    (message,) = told["messages"]
    assert (code, message["channel"], message["tells"]) == (0, "desk", 1)
    assert json.loads(message["shown"])["data"]["proposal"] == filed.id
    assert not state.exists()
    await once(project)
    kept = state.read_bytes()
    await project.file(expires_at=FAR)
    for _ in range(2):
        _, told, _ = await anyio.to_thread.run_sync(lambda: ran(project, "--dry-run"))
        assert len(told["messages"]) == 1
    assert state.read_bytes() == kept
    assert desk.got == []


async def test_a_dry_run_tells_what_waits_to_be_tried_again(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ROUTES)
    await project.file(expires_at=FAR)
    desk.answers += [(503, {})]
    assert (await once(project, "--since", "0"))[1]["failed"] == 1
    _, told, _ = await anyio.to_thread.run_sync(lambda: ran(project, "--dry-run"))
    (retry,) = told["to_retry"]
    assert (told["messages"], retry["channel"], retry["attempts"], retry["why"]) == ([], "desk", 1, "http_503")


async def test_what_was_given_up_is_listed_tried_again_or_thrown_away(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ROUTES)
    assert ran(project, "dead", "list")[1]["messages"] == []
    filed = [(await project.file(expires_at=FAR)).id for _ in range(2)]
    desk.answers += [(404, {}), (410, {})]
    code, told, err = await once(project, "--since", "0")
    assert (code, told["dead"]) == (1, 2)
    assert "given up" in err
    dead = ran(project, "dead", "list")[1]["messages"]
    assert [(d["why"], d["proposals"], d["attempts"]) for d in dead] == [
        ("http_404", [filed[0]], 1),
        ("http_410", [filed[1]], 1),
    ]
    assert ran(project, "dead", "discard", "msg_x")[:2] == (
        1,
        {"schema": "synapsor.notifier-dead/1", "ok": False, "done": [], "missing": ["msg_x"]},
    )
    assert ran(project, "dead", "discard", dead[0]["id"])[1]["done"] == [dead[0]["id"]]
    assert ran(project, "dead", "requeue", "all")[1]["done"] == [dead[1]["id"]]
    assert (await once(project))[1]["arrived"] == 1
    assert [got.data["data"]["proposal"] for got in desk.got] == [*filed, filed[1]]
    assert ran(project, "dead", "list")[1]["messages"] == []
    for wrong in (("list", "x"), ("requeue",)):
        assert ran(project, "dead", *wrong)[0] == 2


async def test_it_goes_on_until_it_is_told_to_stop_and_a_second_one_does_not_start(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk, ROUTES)
    await once(project)
    with started(project) as process:
        for _ in range(2):
            filed = await project.file(expires_at=FAR)
            await waited(desk.arrived)
            desk.arrived.clear()
            assert desk.got[-1].data["data"]["proposal"] == filed.id
        code, told, _ = await once(project)
        assert (code, told["error"]["rule"]) == (2, "UsageError")
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate()
    assert (process.returncode, out) == (0, "Stopped; 2 messages delivered.\n")


@pytest.mark.requirement("notify:private")
async def test_its_file_is_for_its_owner_alone_and_the_ledger_is_not_touched(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, ROUTES)
    await project.file(expires_at=FAR)
    ledger = project.root / ".synapsor" / "ledger.db"
    (project.root / ".synapsor" / "ledger.key").rename(project.root / "elsewhere.key")
    before = await project.ledger.head()
    old = os.umask(0)
    try:
        code, told, _ = await once(project, "--since", "0")
    finally:
        os.umask(old)
    assert (code, told["arrived"]) == (0, 1)
    files = list((project.root / ".synapsor").glob("notify.db*"))
    assert files
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert await project.ledger.head() == before
    assert (await project.ledger.verify()).ok
    assert ledger.stat().st_mode & 0o777 == 0o600
