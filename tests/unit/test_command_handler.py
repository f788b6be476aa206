"""A handler that is a program: it is given the signed document and nothing of the worker's, and is gone when its time is over."""

import datetime as dt
import os
import sys
from pathlib import Path

import pytest

from synapsor.executors import command
from synapsor.executors.command import CommandHandler
from synapsor.handler import sign
from synapsor.handler_ports import Heard, Reply
from synapsor.secrets import Secret
from synapsor.testing.clock import TestClock

SECRET = "a-secret-of-at-least-24-characters"
NOW = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
BODY = b'{"synapsor-handler": 1}'


def program(*run: str, seconds: float = 20, **environment: str) -> CommandHandler:
    secrets = {name: Secret(value) for name, value in environment.items()}
    return CommandHandler(
        name="app", run=run, secret=Secret(SECRET), seconds=seconds, clock=TestClock(NOW), environment=secrets
    )


def shell(text: str, **options: object) -> CommandHandler:
    return program("/bin/sh", "-c", text, **options)  # type: ignore[arg-type]


@pytest.mark.requirement("executor:command")
async def test_a_program_reads_the_document_and_its_output_is_the_answer() -> None:
    assert await shell("cat").ask(BODY, key="k") == Reply(heard=Heard.ANSWERED, body=BODY)
    large = BODY * 40_000
    assert (await shell("cat").ask(large, key="k")).body == large
    assert (await shell("echo early").ask(large, key="k")).body == b"early\n"


@pytest.mark.requirement("executor:command")
async def test_a_program_has_the_signature_and_what_the_project_writes_out_and_nothing_of_the_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SHOP_WRITE_URL", "postgresql://canary")
    reply = await program("/usr/bin/env", APP_KEY="mine").ask(BODY, key="k")
    told = dict(line.partition("=")[::2] for line in reply.body.decode().splitlines())
    assert told == {
        "APP_KEY": "mine",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "SYNAPSOR_SIGNATURE": sign(SECRET, BODY, executor="app", at=int(NOW.timestamp())),
    }
    assert (await shell("pwd; ls /proc/self/fd | wc -l").ask(BODY, key="k")).body.split()[0] == b"/"


@pytest.mark.requirement("executor:command")
@pytest.mark.parametrize("text", ["cat; exit 1", "cat; kill -9 $$", "exec sleep 1000", "head -c 20000 /dev/zero"])
async def test_a_program_that_fails_or_never_ends_has_said_nothing(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MOST_ANSWER_BYTES", 10_000)
    seconds = 0.3 if "sleep" in text else 20.0
    assert await shell(text, seconds=seconds).ask(BODY, key="k") == Reply(heard=Heard.UNKNOWN)


@pytest.mark.requirement("executor:command")
async def test_a_program_that_is_not_there_was_handed_nothing() -> None:
    assert await program("/nowhere/app").ask(BODY, key="k") == Reply(heard=Heard.UNREACHED)


@pytest.mark.requirement("executor:command")
@pytest.mark.parametrize("ends", [True, False])
async def test_what_a_program_started_is_gone_with_it(tmp_path: Path, ends: bool) -> None:
    pipe = tmp_path / "alive"
    os.mkfifo(pipe)
    # The child holds the pipe open for as long as it lives, and the answer's, too.
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    text = f"sleep 1000 3> {pipe} & {'cat' if ends else 'wait'}"
    reply = await shell(text, seconds=20 if ends else 0.5).ask(BODY, key="k")
    assert reply == (Reply(heard=Heard.ANSWERED, body=BODY) if ends else Reply(heard=Heard.UNKNOWN))
    os.set_blocking(reader, True)
    assert os.read(reader, 1) == b""  # nobody is left who could write
    os.close(reader)


@pytest.mark.requirement("executor:command")
async def test_the_helper_for_programs_answers_one_signed_job_and_no_other() -> None:
    text = (
        "from synapsor.handler import Answer; from synapsor.handler.command import main; from synapsor.handler.wire import Came;"
        f"main({SECRET!r}, lambda job: Answer.of(job, Came.NOTHING), executor='app')"
    )
    import_path = str(Path(command.__file__).parents[2])
    now = CommandHandler(
        name="app",
        run=(sys.executable, "-c", text),
        secret=Secret(SECRET),
        seconds=60,
        clock=TestClock(dt.datetime.now(dt.UTC)),
        environment={"PYTHONPATH": Secret(import_path)},
    )
    change = (
        '{"key":"k","proposal":"p","digest":"d","capability":"a.b","operation":"update","relation":"x.y","tenant":null,'
        '"principal":"u","scope":{},"columns":{},"expires_at":"2026-11-29T12:00:00.000000Z","members":[]}'
    )
    job = f'{{"synapsor-handler":1,"ask":"look","job":"j","changes":[{change}]}}'.encode()
    reply = await now.ask(job, key="k")
    assert b'"outcome": "nothing"' in reply.body
    old = program(sys.executable, "-c", text, seconds=60, PYTHONPATH=import_path)
    assert await old.ask(job, key="k") == Reply(heard=Heard.UNKNOWN)
