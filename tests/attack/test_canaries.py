"""No byte of another tenant, of a hidden column or of a secret leaves: not in answers, errors, logs at their loudest, tracebacks or the ledger."""

import asyncio
import json
import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from synapsor.config import load_config
from synapsor.errors import SynapsorError
from synapsor.runtime import open_project
from tests.attack.odd import COLUMNS
from tests.attack.shop import INSPECT, LIST, NOTE, WAIVER, Shop, meanwhile, open_shop
from tests.databases import Database, execute
from tests.leaks import tells_number
from tests.projects import ACME, activate_all, leo_approves, write_project

CANARY = "CANARY"
SECRET = "p#a/s@s[w%r:d?&=+ é\"x'-Sesame0pen"
WORD = "Sesame0pen"
OF_THE_MACHINE = {"created", "msecs", "relativeCreated", "thread", "process"}
"""Numbers in a record of the log that are the clock's and the system's."""


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return everything that was logged, with tracebacks, locals and whatever else a handler might print of a record."""
    parts = [caplog.text]
    for record in caplog.records:
        parts.append(repr({name: said for name, said in vars(record).items() if name not in OF_THE_MACHINE}))
        if record.exc_info and record.exc_info[1] is not None:
            parts.append(loud(record.exc_info[1]))
    return "\n".join(parts)


def loud(error: BaseException) -> str:
    """Return a traceback with the locals of every frame but those of this file, as some crash reporters print it."""
    told: traceback.TracebackException | None = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = [str(error), repr(error)]
    while told is not None:
        shown += [repr((frame.name, frame.line, frame.locals)) for frame in told.stack if frame.filename != __file__]
        shown += list(told.format_exception_only())
        told = told.__cause__ or told.__context__
    return "\n".join(shown)


def ledger_bytes(root: Path) -> bytes:
    """Return every byte that was kept beside the ledger."""
    return b"".join(path.read_bytes() for path in sorted((root / ".synapsor").rglob("*")) if path.is_file())


# ---- other tenants and hidden columns ---------------------------------------------------------------------------------------

IDS = [
    "INV-3001",
    "INV-9001",
    "INV-9002",
    "INV-0000",
    "' OR '1'='1",
    "%",
    "INV-3001\0",
    "",
    "x" * 65,
    "\ud800",
    "${env:HOME}",
]


async def _everything(shop: Shop) -> list[Any]:
    """Return what every tool and resource answers to good, bad and foreign arguments, and what the worker reports."""
    told: list[Any] = []
    for invoice in IDS:
        for name, more in ((INSPECT, {}), (WAIVER, {"reason": "Paid next day."}), (NOTE, {"note": "Disputed."})):
            answer = await shop.call(name, {"invoice_id": invoice, **more})
            told.append(answer)
            uris = [f"synapsor://{kind}/{answer[kind]['id']}" for kind in ("proposal", "evidence") if answer[kind]]
            told += [await shop.desk.resource(uri, ACME) for uri in uris]
            if answer["proposal"]:
                told.append(await shop.call("synapsor.proposal_status", {"proposal_id": answer["proposal"]["id"]}))
    told.append(await shop.call(LIST))
    told.append(await shop.call(LIST, {"tenant_id": "globex"}))
    return told


_EXPLODES = {
    "postgres": (
        (
            "CREATE FUNCTION billing.explode() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'row %', NEW"
            " USING DETAIL = NEW.card_token, HINT = 'CANARY-hint'; END $$;"
            "CREATE TRIGGER zz_explode BEFORE UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.explode();"
        ),
        "DROP TRIGGER IF EXISTS zz_explode ON billing.invoices; DROP FUNCTION IF EXISTS billing.explode()",
    ),
    "mariadb": (
        (
            "CREATE TRIGGER zz_explode BEFORE UPDATE ON invoices FOR EACH ROW"
            " BEGIN DECLARE told varchar(120); SET told = CONCAT('row ', NEW.card_token); SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = told; END"
        ),
        "DROP TRIGGER IF EXISTS zz_explode",
    ),
    "sqlite": (
        "CREATE TRIGGER zz_explode BEFORE UPDATE ON invoices BEGIN SELECT raise(ABORT, 'CANARY-card-acme-3001 as a message'); END",
        "DROP TRIGGER IF EXISTS zz_explode",
    ),
}


@pytest.mark.requirement("canary:nowhere")
async def test_nothing_of_another_tenant_or_a_hidden_column_is_in_any_answer_log_report_or_byte_of_the_ledger(
    tmp_path: Path, database: Database, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    root = tmp_path / "project"
    async with open_shop(root, database) as shop:
        told = await _everything(shop)
        reports: list[Any] = []
        with meanwhile(shop, *_EXPLODES[database.engine]):
            handle = await shop.waiver(reason="Meets the trigger.")
            worker = await shop.worker(reports.append)
            await worker.run(drain=True)
            assert reports[-1]["outcome"] == "failed"
        await shop.waiver("INV-3002")
        await worker.run(drain=True)
        told += [await shop.call("synapsor.proposal_status", {"proposal_id": handle}), *reports]
        told.append(loud_record(await shop.record(handle)))
        assert any(r["outcome"] == "applied" for r in reports)
    asyncio.get_running_loop().set_debug(False)
    out, err = capfd.readouterr()
    for place, text in {"answers": json.dumps(told), "logs": logged(caplog), "out": out, "err": err}.items():
        assert CANARY not in text, place
        assert not tells_number(text, "90000"), place  # the amounts of the other tenant
    assert CANARY.encode() not in ledger_bytes(root)
    assert b'card_token": "' not in ledger_bytes(root)


def loud_record(record: Any) -> str:
    """Return a record as a debugger would show it."""
    return repr(record)


@pytest.mark.requirement("canary:nowhere")
async def test_what_a_database_says_of_a_broken_rule_stays_in_the_database(
    odd: Shop, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    reports: list[Any] = []
    worker = await odd.worker(reports.append)
    values = {
        "note": ["CANARY-globex odd", "forbidden"],
        "parent": ["nobody"],
        "word": ["far too long"],
        "thin": ["\U0001f9fe"],
    }
    values |= {"due": ["2024-02-30"], "amount": ["12345678901234.00"]}
    assert set(values) == set(COLUMNS)
    typed = 0
    for column, tried in values.items():
        for value in tried:
            answer = await odd.call(f"odd.propose_{column}", {"number": 1, "value": value})
            if answer["ok"]:
                await leo_approves(odd.files, odd.project, answer["proposal"]["id"], answer["proposal"]["digest"])
                typed += value.startswith(CANARY)
    await worker.run(drain=True)
    assert typed == 1  # what the agent typed itself is its own word, and stays in its own proposal
    assert ("failed", "constraint") in {(r["outcome"], r["code"]) for r in reports}
    out, err = capfd.readouterr()
    everything = logged(caplog) + json.dumps(reports) + out + err
    for word in (
        CANARY,
        "odd_note",
        "UNIQUE",
        "Duplicate",
        "violates",
        "constraint failed",
        "Failing row",
        "DETAIL",
        "secret",
    ):
        assert word not in everything, word


# ---- secrets ----------------------------------------------------------------------------------------------------------------


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.username}:{password}@{parts.hostname}:{parts.port}{parts.path}"


@contextmanager
def nasty_password(database: Database) -> Iterator[str]:
    """Give the reader a password that no careless URL parser survives."""
    old = urlsplit(database.read_url).password
    told = SECRET.replace("'", "''")
    set_it = {
        "postgres": "ALTER ROLE synapsor_reader PASSWORD '{}'",
        "mariadb": "ALTER USER synapsor_reader@'127.0.0.1' IDENTIFIED BY '{}'",
    }[database.engine]
    execute(database, set_it.format(told))
    try:
        yield _with_password(database.read_url, quote(SECRET, safe=""))
    finally:
        execute(database, set_it.format(old))


@pytest.fixture(params=["postgres", "mariadb"])
def served(request: pytest.FixtureRequest) -> Database:
    """A database that asks for a password."""
    found: Database = request.getfixturevalue(f"{request.param}_db")
    return found


@asynccontextmanager
async def _project(root: Path, database: Database, url: str) -> AsyncIterator[Any]:
    files = write_project(root, database)
    (root / "secrets" / "read").write_text(url, encoding="utf-8")
    async with open_project(load_config(files.config_path)) as project:
        yield files, project


@pytest.mark.requirement("secrets:never-shown")
async def test_a_password_of_special_characters_opens_the_source_and_is_seen_nowhere(
    tmp_path: Path, served: Database, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    shown: list[str] = []
    with nasty_password(served) as url:
        async with _project(tmp_path / "project", served, url) as (files, project):
            await activate_all(files, project)
            desk = await project.desk()
            answer = await desk.call(INSPECT, {"invoice_id": "INV-3001"}, ACME)
            assert answer["ok"]
            reader = project.reader("shop")
            await reader._pool.tidied()
            assert reader._pool._idle
            objects = [
                project,
                project.config,
                reader,
                reader._pool,
                reader._pool._dialer,
                vars(reader),
                vars(reader._pool._dialer),
            ]
            objects += list(reader._pool._idle) + [vars(s) for s in reader._pool._idle]
            shown += [repr(o) for o in objects] + [str(project.config.model_dump()), json.dumps(answer)]

            async def crash(*_: Any, **__: Any) -> Any:
                raise RuntimeError("a bug of our own")

            monkeypatch.setattr(type(reader._pool._dialer), "connect", crash)
            while reader._pool._idle:
                await reader._pool._idle.pop().close()
            shown.append(json.dumps(await desk.call(INSPECT, {"invoice_id": "INV-3001"}, ACME)))
            with pytest.raises(RuntimeError) as crashed:
                await reader.fingerprint() if served.engine == "mariadb" else await reader._pool.acquire()
            shown.append(loud(crashed.value))
            monkeypatch.undo()
    asyncio.get_running_loop().set_debug(False)
    shown.append(logged(caplog))
    for number, text in enumerate(shown):
        assert WORD not in text, number
    assert WORD.encode() not in ledger_bytes(tmp_path / "project")


def _broken_urls(database: Database) -> dict[str, str]:
    url = database.read_url
    return {
        "wrong password": _with_password(url, f"wrong-{WORD}"),
        "not encoded": _with_password(url, SECRET),
        "hash": _with_password(url, f"a#{WORD}"),
        "slash": _with_password(url, f"a/{WORD}"),
        "bracket": _with_password(url, f"a[{WORD}"),
        "at": _with_password(url, f"a@{WORD}"),
        "percent": _with_password(url, f"a%zz{WORD}"),
        "nobody there": _with_password(url, WORD).replace(str(urlsplit(url).port), "1"),
        "port": _with_password(url, WORD).replace(str(urlsplit(url).port), "99999"),
        "letters for a port": _with_password(url, WORD).replace(str(urlsplit(url).port), WORD),
        "no scheme": f"synapsor_reader:{WORD}@127.0.0.1/shop",
        "another scheme": f"https://synapsor_reader:{WORD}@127.0.0.1/shop",
        "an option": f"{_with_password(url, WORD)}?password={WORD}",
        "no host": f"{urlsplit(url).scheme}://synapsor_reader:{WORD}@/",
        "a socket": f"{urlsplit(url).scheme}://synapsor_reader:{WORD}@%2Ftmp%2Fnowhere/shop",
        "a surrogate": f"{_with_password(url, WORD)}\udcff",
        "nothing but it": WORD,
    }


@pytest.mark.requirement("secrets:never-shown")
async def test_a_url_that_does_not_work_is_refused_without_a_word_of_it_even_where_locals_are_printed(
    tmp_path: Path, served: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    files = write_project(tmp_path / "project", served)
    leaks: list[str] = []
    for what, url in _broken_urls(served).items():
        (tmp_path / "project" / "secrets" / "read").write_bytes(url.encode("utf-8", "surrogateescape"))
        async with open_project(load_config(files.config_path)) as project:
            with pytest.raises(SynapsorError) as refused:
                await project.reader("shop").fingerprint()
            for shown in (str(refused.value), repr(refused.value), refused.value.fix, loud(refused.value)):
                if WORD in shown:
                    leaks.append(what)
                    break
            assert refused.value.__context__ is None or WORD not in loud(refused.value.__context__)
    assert leaks == []
    assert WORD not in logged(caplog)
