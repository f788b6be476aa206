"""Lists in pages, through the desk on every engine: every row once, in one order; and a cursor is good for its own question alone."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema
import pytest

from synapsor.contract.arguments import MAX_CURSOR
from synapsor.contract.digest import contract_digest
from synapsor.core.scope import Session
from synapsor.flow.desk import Desk
from synapsor.flow.prepare import Wiring, prepare
from synapsor.testing import Trial
from synapsor.testing.trial import _read
from tests.attack.things import HEAD, TABLE, name_of, thing, things
from tests.databases import Database, execute
from tests.engines import SESSION, inserted, tried
from tests.sources import open_reader

ORDERS = (
    "word", "-word", "label, word", "-label", "amount, -num", "-amount", "num", "-num, word", "flag, -day", "-flag", "day", "at, word",
    "-moment", "moment", "ref", "-ref, amount", "-id", "id", "",
)  # fmt: skip
_PAGED = """\
  t.{name}:
    description: The things, page by page.
    read: things
    order: [{order}]
    returns: [id]
    pages: true
    total: true
    limits: {{rows: {rows}, bytes: {bytes}}}
"""
_WHOLE = """\
  t.whole_{name}:
    description: The things, all at once.
    read: things
    order: [{order}]
    returns: [id]
    total: true
    limits: {{rows: 1000, bytes: 1000000}}
"""
_FILTERED = """\
  t.{name}:
    description: The things of a word, page by page.
    read: things
    arguments: {{head: {{type: string, max_length: 20, optional: true}}}}
    where: {{word: {{starts_with: $head}}}}
    order: [-word]
    returns: [id]
    pages: true
    total: true
    limits: {{rows: 2}}
"""
_MINE = """\
  mine:
    source: shop
    relation: billing.things
    key: id
    tenant: tenant_id
    principal: owner
    only: {num: {at_least: 0}}
    columns: {id: text, tenant_id: text, owner: text, num: integer}
"""
_OF_MINE = """\
  t.mine:
    description: The things that are mine.
    read: mine
    order: [-num]
    pages: true
    total: true
    limits: {rows: 3}
"""
POLICY = HEAD + TABLE + _MINE + "capabilities:\n" + _OF_MINE
POLICY += "".join(
    _PAGED.format(name=f"by_{n}", order=order, rows=3, bytes=100_000) + _WHOLE.format(name=f"by_{n}", order=order)
    for n, order in enumerate(ORDERS)
)
POLICY += _PAGED.format(name="bytes", order="-num, word", rows=50, bytes=1024).replace(
    "[id]", "[id, word, at, moment, ref]"
) + _WHOLE.format(name="bytes", order="-num, word")
POLICY += _FILTERED.format(name="filtered") + _FILTERED.format(name="twin")

_WORDS = ("b", "A", "a", "a ", "\u00e4", None, "", "zz" * 98, "y" * 190, "\U0001f600", "a\\%_'")
_AMOUNTS = ("10.10", "9.90", None, "-3.00", "10.10")
_LABELS = ("open", "Alpha", None, "late fee")
_MOMENTS = ("2026-01-31 10:00:00", "2026-01-31 10:00:00.5", None, "1999-12-31 23:59:59.999999")


def _rows(tenant: str, mark: str) -> list[dict[str, Any]]:
    return [
        thing(
            f"{mark}{n:02}",
            tenant_id=tenant,
            owner=("ann", "bob")[n % 2],
            word=_WORDS[n * 7 % len(_WORDS)],
            amount=_AMOUNTS[n % len(_AMOUNTS)],
            label=_LABELS[n * 3 % len(_LABELS)],
            num=None if n % 6 == 5 else n % 4 - 1,
            flag=(True, None, False)[n % 3],
            day=(None, "2026-01-31", "2025-12-31")[n % 3],
            at=_MOMENTS[n % len(_MOMENTS)],
            moment=_MOMENTS[n * 3 % len(_MOMENTS)],
            ref=None if n % 4 == 3 else f"6f2c0d9e-0c2b-4c3e-9d6a-3f6d2f1d7a1{n % 4}",
        )
        for n in range(23)
    ]


def as_stored(database: Database) -> list[dict[str, Any]]:
    """Return the rows as this engine takes them, decimals in other spellings where they are text."""
    rows = [*_rows("acme", "a"), *_rows("globex", "g")]
    if database.engine == "postgres":
        return [{**row, "moment": row["moment"] and row["moment"] + "+00:00"} for row in rows]
    if database.engine == "sqlite":
        return [
            {**row, "amount": "10.1" if row["id"].endswith("0") and row["amount"] == "10.10" else row["amount"]}
            for row in rows
        ]
    return rows


@pytest.fixture
async def trial(each_database: Database) -> AsyncIterator[Trial]:
    with things(each_database, as_stored(each_database)):
        async with tried(each_database, POLICY) as found:
            yield found


async def walked(trial: Trial, name: str, **arguments: Any) -> list[list[str]]:
    """Return the ids of every page; each answer is as its schema says, and every one tells the same total."""
    schema = jsonschema.Draft202012Validator(trial.desk.tools[name].output_schema)
    pages: list[list[str]] = []
    totals = set()
    more: dict[str, str] = {}
    while True:
        answer = await trial.call(name, **arguments, **more)
        assert answer["ok"], answer["error"]
        assert list(schema.iter_errors(answer)) == []
        data = answer["data"]
        pages.append([row["id"] for row in data["rows"]])
        totals.add(data["total"])
        assert data["count"] == len(data["rows"])
        assert data["truncated"] == (data["cut_by"] is not None) == (data["next_cursor"] is not None)
        if data["next_cursor"] is None:
            assert totals == {sum(map(len, pages))}
            return pages
        more = {"cursor": data["next_cursor"]}


@pytest.mark.requirement("read:pages")
async def test_every_list_is_walked_in_its_own_order_with_each_row_once(trial: Trial) -> None:
    for number, order in enumerate(ORDERS):
        whole = await trial.call(f"t.whole_by_{number}")
        expected = [row["id"] for row in whole["data"]["rows"]]
        pages = await walked(trial, f"t.by_{number}")
        by_label = "label" in order and trial.database.engine == "mariadb"  # type: ignore[attr-defined]  # see tried
        found = [row for page in pages for row in page]
        # MariaDB orders an enum by number, and only where a list is gone on with by its letters.
        assert (order, sorted(found) if by_label else found) == (order, sorted(expected) if by_label else expected)
        assert len(set(found)) == len(found) == 23
        assert [len(page) for page in pages] == [3] * 7 + [2]


@pytest.mark.requirement("read:pages", "read:bounded-bytes")
async def test_a_list_that_bytes_cut_is_walked_as_well(trial: Trial) -> None:
    whole = await trial.call("t.whole_bytes")
    pages = await walked(trial, "t.bytes")
    assert [row for page in pages for row in page] == [row["id"] for row in whole["data"]["rows"]]
    assert len(pages) > 2


@pytest.mark.requirement("read:pages", "read:principal")
async def test_a_total_counts_what_the_person_may_see_and_the_filter_lets_through(trial: Trial) -> None:
    mine = [row for page in await walked(trial, "t.mine") for row in page]
    expected = [row["id"] for row in _rows("acme", "a") if row["owner"] == "ann" and row["num"] not in {None, -1}]
    assert sorted(mine) == sorted(expected)
    every = [row for page in await walked(trial, "t.filtered") for row in page]
    heads = [row for page in await walked(trial, "t.filtered", head="a") for row in page]
    assert len(every) == 23
    assert sorted(heads) == [r["id"] for r in _rows("acme", "a") if (r["word"] or "").startswith("a")]


@pytest.mark.requirement("read:pages")
async def test_rows_that_come_and_go_between_pages_leave_the_others_as_they_were(trial: Trial) -> None:
    database: Any = trial.database
    name = name_of(database)
    first = await trial.call("t.by_17")
    assert [row["id"] for row in first["data"]["rows"]] == ["a00", "a01", "a02"]
    execute(database, f"DELETE FROM {name} WHERE id IN ('a02', 'a03');")
    execute(database, inserted(database.engine, name, [thing("a005"), thing("a041"), thing("zz", tenant_id="globex")]))
    second = await trial.call("t.by_17", cursor=first["data"]["next_cursor"])
    assert [row["id"] for row in second["data"]["rows"]] == ["a04", "a041", "a05"]
    assert second["data"]["total"] == 23
    execute(database, f"DELETE FROM {name} WHERE id > 'a05';")
    last = await trial.call("t.by_17", cursor=second["data"]["next_cursor"])
    assert (last["data"]["rows"], last["data"]["truncated"], last["data"]["next_cursor"]) == ([], False, None)
    assert last["data"]["total"] is None


# ---- what a cursor is good for -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def other_version(trial: Trial, database: Database) -> AsyncIterator[Desk]:
    """Open a desk of the same ledger that serves the contract with another word in one description."""
    contract = _read(POLICY.replace("The things that are mine.", "The things that are yours."))
    reader = open_reader(database)
    wiring = {"shop": Wiring(source=reader, mode="review")}
    served, _ = await prepare(contract, contract_digest(contract), wiring, trial.ledger.secret)
    yield Desk(served, trial.ledger, trial.clock)
    await reader.aclose()


def code_of(answer: dict[str, Any]) -> str:
    assert (answer["data"], answer["evidence"]) == (None, None)
    return str(answer["error"]["code"])


@pytest.mark.requirement("read:cursor")
@pytest.mark.one_engine
async def test_a_cursor_is_refused_for_every_question_but_its_own(trial: Trial, each_database: Database) -> None:
    cursor = (await trial.call("t.filtered", head="a"))["data"]["next_cursor"]
    assert (await trial.call("t.filtered", head="a", cursor=cursor))["ok"]

    async def asked_by(session: dict[str, str], **more: Any) -> str:
        who = Session(values=session, client="test")
        return code_of(await trial.desk.call("t.filtered", {"head": "a", "cursor": cursor, **more}, who))

    assert await asked_by({**SESSION, "tenant_id": "globex"}) == "invalid_arguments"
    assert await asked_by({**SESSION, "tenant_id": "ACME"}) == "invalid_arguments"
    assert await asked_by({**SESSION, "user": "bob"}) == "invalid_arguments"
    assert await asked_by(SESSION, head="A") == "invalid_arguments"
    assert await asked_by(SESSION, head="a ") == "invalid_arguments"
    assert code_of(await trial.call("t.filtered", cursor=cursor)) == "invalid_arguments"
    assert code_of(await trial.call("t.twin", head="a", cursor=cursor)) == "invalid_arguments"
    async with other_version(trial, each_database) as desk:
        given = {"head": "a", "cursor": cursor}
        assert code_of(await desk.call("t.filtered", given, trial.session)) == "invalid_arguments"
        mine = await desk.call("t.filtered", {"head": "a"}, trial.session)
        assert (
            code_of(await trial.call("t.filtered", head="a", cursor=mine["data"]["next_cursor"])) == "invalid_arguments"
        )
    async with tried(each_database, POLICY) as elsewhere:
        assert code_of(await elsewhere.call("t.filtered", head="a", cursor=cursor)) == "invalid_arguments"


@pytest.mark.requirement("read:cursor")
@pytest.mark.one_engine
async def test_a_cursor_with_any_letter_changed_is_refused(trial: Trial) -> None:
    cursor = (await trial.call("t.by_0"))["data"]["next_cursor"]
    for at, letter in enumerate(cursor):
        for other in {chr(ord(letter) ^ 1), "B" if letter == "A" else "A"}:
            changed = cursor[:at] + other + cursor[at + 1 :]
            assert (at, code_of(await trial.call("t.by_0", cursor=changed))) == (at, "invalid_arguments")
    odd = [
        cursor[:-1],
        cursor[1:],
        cursor + "A",
        cursor + "=",
        cursor + "==",
        cursor + "\n",
        " " + cursor,
        "",
        "A",
        "=",
        "\u00e9",
        "+/" * 30,
    ]
    odd += [cursor * 30, "A" * 4097, base64.b64encode(b"[]").decode(), json.dumps(["a00"])]
    for text in odd:
        assert code_of(await trial.call("t.by_0", cursor=text)) == "invalid_arguments", text
    for value in (None, 1, True, [], {}, [cursor], {"cursor": cursor}):
        assert code_of(await trial.call("t.by_0", cursor=value)) == "invalid_arguments"


@pytest.mark.requirement("read:cursor")
async def test_a_cursor_tells_nothing_of_the_values_in_it(trial: Trial) -> None:
    cursors = set()
    for number in range(len(ORDERS)):
        for _ in range(2):
            cursor = (await trial.call(f"t.by_{number}"))["data"]["next_cursor"]
            raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
            assert not any(word in raw for word in (b"acme", b"2026", b"open", b"10.1"))
            cursors.add(cursor)
    assert len(cursors) == 2 * len(ORDERS)
    assert len({len(cursor) for cursor in cursors}) <= 2  # in blocks; the one long word of the rows fills another
    assert max(map(len, cursors)) < MAX_CURSOR


@pytest.mark.requirement("read:cursor")
@pytest.mark.one_engine
async def test_a_list_without_pages_takes_no_cursor(trial: Trial) -> None:
    cursor = (await trial.call("t.by_0"))["data"]["next_cursor"]
    assert code_of(await trial.call("t.whole_by_0", cursor=cursor)) == "invalid_arguments"
