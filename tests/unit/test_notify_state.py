"""The notifier's own file: taken over whole or not at all, counted before it is sent, and nobody else's."""

import inspect
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from synapsor.core.history import Mark
from synapsor.errors import LedgerFailure, UsageError
from synapsor.named import queries
from synapsor.notify import state as state_module
from synapsor.notify.notifier import Notifier
from synapsor.notify.state import Reminder, empty_state, open_state
from tests.ledger_records import at
from tests.notifying import Receiver, Telling, receiver, telling
from tests.unit.test_notify_words import message, notice


@pytest_asyncio.fixture
async def project(tmp_path: Path) -> AsyncIterator[Telling]:
    async with telling(tmp_path / "project") as made:
        yield made


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Receiver]:
    with receiver(tmp_path) as running:
        yield running


def failing(notifier: Notifier, name: str) -> None:
    """Let a method of the notifier's state fail once, as on a full disk."""
    real = getattr(notifier.state, name)

    def fail(*_: Any, **__: Any) -> Any:
        setattr(notifier.state, name, real)
        raise LedgerFailure("The notifier's state failed: the disk is full.")

    setattr(notifier.state, name, fail)


@pytest.mark.parametrize("step", ["begin", "move", "post", "hold"])
@pytest.mark.requirement("notify:at-least-once")
async def test_what_cannot_be_recorded_is_not_sent_and_is_sent_later(
    project: Telling, desk: Receiver, step: str
) -> None:
    project.webhook(desk)
    async with project.notifier() as notifier:
        await notifier.start()
        filed = await project.file()
        failing(notifier, step)
        with pytest.raises((LedgerFailure, BaseExceptionGroup)):
            await notifier.once()
        assert desk.got == []
        await notifier.once()
    assert [got.data["data"]["proposal"] for got in desk.got] == [filed.id]


@pytest.mark.requirement("notify:at-least-once")
async def test_what_arrived_and_could_not_be_recorded_comes_again_under_the_same_id(
    project: Telling, desk: Receiver
) -> None:
    project.webhook(desk)
    async with project.notifier() as notifier:
        await notifier.start()
        await project.file()
        failing(notifier, "sent")
        with pytest.raises((LedgerFailure, BaseExceptionGroup)):
            await notifier.once()
    await project.tell()
    assert len(desk.got) == 2
    assert len(set(desk.ids)) == 1


def test_what_is_read_is_taken_over_whole_or_not_at_all() -> None:
    state = empty_state()

    def stop_midway() -> None:
        with state.together():
            state.hold("desk", "1", "{}", since=at())
            state.move(Mark(ledger="led_1", seq=7, hash="h"))
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        stop_midway()
    assert (state.cursor(), state.held("desk")) == (None, ())
    state.close()


def test_a_notice_is_held_once_and_a_message_is_made_once() -> None:
    state = empty_state()
    for _ in range(2):
        state.hold("desk", "1", "{}", since=at())
        state.post(message(notice()), [])
    assert len(state.held("desk")) == 1
    taken = []
    while (queued := state.next("team", now=at(999))) is not None:
        state.begin(queued.message.id, now=at())
        taken.append(queued.message.id)
    assert taken == [message(notice()).id]
    state.close()


def test_what_arrived_long_ago_is_forgotten_and_what_it_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "notify.db"
    state = open_state(path, alone=True)
    told = message(notice(principal="somebody-in-particular"))
    state.post(told, [])
    state.begin(told.id, now=at())
    state.sent(told, now=at())
    rows = sqlite3.connect(path)
    assert rows.execute("SELECT state, body FROM message").fetchall() == [("sent", "{}")]
    state.forget(before=at())
    assert len(rows.execute("SELECT id FROM message").fetchall()) == 1
    state.forget(before=at(1))
    assert rows.execute("SELECT id FROM message").fetchall() == []
    rows.close()
    state.close()


def test_one_process_sends_and_others_may_look(tmp_path: Path) -> None:
    path = tmp_path / "notify.db"
    state = open_state(path, alone=True)
    with pytest.raises(UsageError):
        open_state(path, alone=True)
    open_state(path, alone=False).close()
    with pytest.raises(UsageError):
        open_state(path, alone=True)
    state.close()
    open_state(path, alone=True).close()


@pytest.mark.requirement("notify:private")
def test_a_file_that_was_open_to_others_is_narrowed(tmp_path: Path) -> None:
    path = tmp_path / "notify.db"
    path.touch()
    path.chmod(0o666)
    open_state(path, alone=True).close()
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("kind", ["ledger", "text", "folder", "link", "newer"])
def test_a_file_that_is_not_the_notifiers_is_refused_and_left_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "notify.db"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        (tmp_path / "other").touch()
        path.symlink_to(tmp_path / "other")
    elif kind == "text":
        path.write_text("not a database, but long enough to be looked at as one" * 40, encoding="utf-8")
    else:
        rows = sqlite3.connect(path)
        rows.execute("CREATE TABLE proposal (id TEXT)")
        rows.execute(f"PRAGMA user_version = {2 if kind == 'newer' else 0}")
        rows.close()
    before = path.read_bytes() if path.is_file() else b""
    with pytest.raises(LedgerFailure):
        open_state(path, alone=True)
    assert (path.read_bytes() if path.is_file() else b"") == before
    if kind not in {"folder", "link"}:
        path.unlink()
        open_state(path, alone=True).close()


def test_reminders_are_kept_until_nobody_waits(tmp_path: Path) -> None:
    state = open_state(tmp_path / "notify.db", alone=True)
    state.remind("wrp_1", Reminder(times=1, last_at=at()))
    state.remind("wrp_1", Reminder(times=2, last_at=at(5), expired=True))
    assert state.reminders() == {"wrp_1": Reminder(times=2, last_at=at(5), expired=True)}
    state.no_reminder("wrp_1")
    assert (state.reminders(), state.reminder("wrp_1")) == ({}, Reminder())
    state.close()


async def test_what_waits_for_a_channel_that_is_gone_is_told_in_the_log(
    project: Telling, desk: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    project.webhook(desk)
    desk.answers.append((503, {}))
    await project.file()
    await project.tell(since=0)
    project.config.write_text(project.config.read_text(encoding="utf-8").replace("desk:", "other:"), encoding="utf-8")
    await project.tell()
    assert "something waits for desk" in caplog.text


def test_every_query_is_asked() -> None:
    text = inspect.getsource(state_module)
    assert [name for name in queries("synapsor.notify") if f'"{name}"' not in text] == []
