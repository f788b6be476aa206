"""Who relies on being told is told when no notifier runs: its own file says when it looked last."""

import datetime as dt
import json
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.cli.main import main
from synapsor.cli.silence import silence
from synapsor.config import load_config
from synapsor.core.moment import stamp
from synapsor.notify.sign import Life, Sign, sign_of
from synapsor.ports import SystemClock
from synapsor.testing.clock import TestClock
from tests.notifying import Receiver, Telling, receiver, telling


@pytest_asyncio.fixture
async def project(tmp_path: Path) -> AsyncIterator[Telling]:
    async with telling(tmp_path / "project") as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as running:
        yield running


def sign(project: Telling, *, minutes: float = 0) -> Sign:
    notify = load_config(project.config).notify
    assert notify is not None
    return sign_of(notify, project.clock.now() + dt.timedelta(minutes=minutes))


@pytest.mark.requirement("notify:silence-told")
async def test_a_notifier_that_has_not_looked_for_long_is_told(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    assert (sign(project).life, project.config.parent.joinpath(".synapsor/notify.db").exists()) == (Life.NEVER, False)
    assert "No notifier has run yet" in sign(project).warning
    await project.tell()
    begun = sign(project, minutes=5)
    assert (begun.life, begun.at, begun.warning) == (Life.ALIVE, stamp(project.clock.now()), "")
    late = sign(project, minutes=200)
    assert (late.life, late.warning) == (
        Life.LATE,
        "No notifier has run for 3 h 20 min, so nobody is told: start `synapsor notifier`.",
    )
    project.clock.move(minutes=200)
    await project.tell()
    assert sign(project).life is Life.ALIVE


async def test_how_late_is_late_is_configured(project: Telling, desk: Receiver) -> None:
    project.webhook(desk, "late_minutes: 120\n")
    await project.tell()
    assert [sign(project, minutes=m).life for m in (119, 121)] == [Life.ALIVE, Life.LATE]


async def test_a_sign_of_life_is_written_now_and_then_and_not_at_each_look(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    async with project.notifier() as notifier:
        await notifier.start()
        for seconds, since in ((0, 0), (14, 14), (1, 0)):
            project.clock.move(seconds=seconds)
            await notifier.look()
            seen = sign(project)
            assert seen.ago == dt.timedelta(seconds=since)


@pytest.mark.requirement("notify:silence-told")
async def test_what_waits_and_what_was_given_up_is_counted(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    desk.answers += [(400, {}), (503, {})]
    await project.file()
    await project.file()
    await project.tell(since=0)
    seen = sign(project)
    assert (seen.life, seen.waiting, seen.dead, seen.since) == (Life.ALIVE, 1, 1, stamp(project.clock.now()))
    assert seen.warning == "1 message was given up: see `synapsor notifier dead list`."


@pytest.mark.parametrize("kind", ["text", "folder", "other"])
async def test_a_state_that_cannot_be_read_is_told_and_left_as_it_is(
    project: Telling, desk: Receiver, kind: str
) -> None:
    project.webhook(desk)
    path = project.root / ".synapsor" / "notify.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("not a database" * 100, encoding="utf-8")
    else:
        rows = sqlite3.connect(path)
        rows.execute("CREATE TABLE proposal (id TEXT)")
        rows.close()
    before = path.read_bytes() if path.is_file() else b""
    assert sign(project).life is Life.UNKNOWN
    assert "cannot be read" in sign(project).warning
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.requirement("notify:silence-told")
async def test_the_status_is_told_with_an_exit_code(
    project: Telling, desk: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    def status() -> tuple[int, Any]:
        code = main(["--config", str(project.config), "--json", "notifier", "status"])
        document = json.loads(capsys.readouterr().out)
        assert (document.pop("schema"), document.pop("ok")) == ("synapsor.notifier-status/1", code == 0)
        return code, document

    project.webhook(desk)
    nothing = {"life": "never", "looked_at": None, "read_up_to": None, "waiting": 0, "waiting_since": None}
    assert status() == (1, {**nothing, "given_up": 0})
    project.clock = TestClock(SystemClock().now())
    await project.tell(since=0)
    code, told = status()
    assert (code, told["life"], told["given_up"]) == (0, "alive", 0)
    assert main(["--config", str(project.config), "notifier", "status"]) == 0
    assert "A notifier is at work: it looked at the ledger" in capsys.readouterr().out


async def test_a_project_without_notifications_is_not_silent(project: Telling, desk: Receiver) -> None:
    project.webhook(desk)
    assert "No notifier has run yet" in silence(load_config(project.config), project.clock)()
    text = project.config.read_text(encoding="utf-8")
    project.config.write_text(text[: text.index("notify:")], encoding="utf-8")
    assert silence(load_config(project.config), project.clock)() == ""
