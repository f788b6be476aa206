"""Lists in the order of related rows, page by page on every engine: each row once, and nothing of a row that is not there for the caller."""

import base64
import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from synapsor.testing import Trial
from tests.attack.refs import CONTRACT, name_of, referring, refs
from tests.attack.test_cursors import walked
from tests.databases import Database, execute
from tests.engines import tried

ORDERS = (
    "word",
    "-word",
    "label",
    "-label",
    "amount",
    "-amount",
    "num",
    "-num",
    "-flag",
    "day",
    "-at",
    "moment",
    "-ref",
)
_LISTS = """\
  r.{name}:
    description: What refers to things, in the order of these.
    read: refs
    order: [{order}]
    returns: [id, thing.id]
    pages: {pages}
    total: true
    limits: {{rows: {rows}}}
"""
_THINGS = """\
  t.{name}:
    description: The things themselves, in the same order.
    read: things
    order: [{order}]
    returns: [id]
"""
_MORE = """\
  r.by_word:
    description: What refers to things, in the order of their words.
    read: refs
    order: [-thing.word]
    returns: [id]
    pages: true
    limits: {rows: 7}
  r.by_mine:
    description: What refers to my own things, in the order of these.
    read: refs
    order: [-mine.num, pieces]
    returns: [id, mine.num]
    pages: true
    total: true
    limits: {rows: 4}
  r.list:
    description: A list with what it refers to, in the order of the things.
    read: lists
    arguments: {list_id: {type: string, max_length: 20}}
    where: {id: $list_id}
    returns: [id]
    with: {refs: {returns: [id, thing.num], order: [-thing.num, -pieces], rows: 40}}
"""


def _named(number: int, order: str) -> str:
    down, name = ("-", order[1:]) if order.startswith("-") else ("", order)
    path = f"{down}thing.{name}, thing.id"
    paged = _LISTS.format(name=f"page_{number}", order=path, pages="true", rows=7)
    whole = _LISTS.format(name=f"whole_{number}", order=path, pages="false", rows=100)
    return paged + whole + _THINGS.format(name=f"whole_{number}", order=order)


POLICY = CONTRACT + "".join(_named(n, order) for n, order in enumerate(ORDERS)) + _MORE


@pytest.fixture
async def trial(each_database: Database) -> AsyncIterator[Trial]:
    with referring(each_database):
        async with tried(each_database, POLICY) as found:
            yield found


def _thing(row: dict[str, Any]) -> str | None:
    return row["thing"]["id"] if row["thing"] else None


@pytest.mark.requirement("link:order", "read:pages")
async def test_a_list_is_walked_in_the_order_of_related_rows_with_each_row_once(trial: Trial) -> None:
    for number, order in enumerate(ORDERS):
        whole = (await trial.call(f"r.whole_{number}"))["data"]["rows"]
        pages = await walked(trial, f"r.page_{number}")
        found = [row for page in pages for row in page]
        by_label = "label" in order and trial.database.engine == "mariadb"  # type: ignore[attr-defined]  # see tried
        expected = [row["id"] for row in whole]
        # MariaDB orders an enum by number, and only where a list is gone on with by its letters.
        assert (order, sorted(found) if by_label else found) == (order, sorted(expected) if by_label else expected)
        assert len(set(found)) == len(found) == len(refs())
        assert [len(page) for page in pages] == [7] * 5 + [5]


@pytest.mark.requirement("link:order", "link:tenant")
async def test_related_rows_are_ordered_as_in_a_list_of_their_own_and_others_have_no_value(trial: Trial) -> None:
    for number, order in enumerate(ORDERS):
        whole = (await trial.call(f"r.whole_{number}"))["data"]["rows"]
        own = [row["id"] for row in (await trial.call(f"t.whole_{number}"))["data"]["rows"]]
        met = [key for key, _ in itertools.groupby(map(_thing, whole)) if key is not None]
        assert (order, met) == (order, [key for key in own if key in met])
        # Those of nobody and those of another tenant are one group, wherever this engine has what has no value.
        nowhere = [row["id"] for row in whole if row["thing"] is None]
        assert nowhere == sorted(row["id"] for row in refs() if (row["thing_id"] or "g").startswith("g"))
        assert len(nowhere) == 16


@pytest.mark.requirement("link:order", "link:tenant")
async def test_what_another_tenants_row_holds_moves_nothing_and_is_in_no_cursor(
    trial: Trial, each_database: Database
) -> None:
    async def pages() -> list[list[str]]:
        return await walked(trial, "r.page_0")

    before = await pages()
    execute(
        each_database,
        f"UPDATE {name_of(each_database, 'things')} SET word = 'CANARY-word', num = 99 WHERE tenant_id = 'globex';",
    )
    assert await pages() == before
    whole = [row["id"] for row in (await trial.call("r.whole_0"))["data"]["rows"]]
    more: dict[str, str] = {}
    at = 0
    while True:
        answer = await trial.call("r.by_word", **more)
        evidence = await trial.ledger.evidence(answer["evidence"]["id"])
        assert "CANARY" not in str(evidence)
        # What orders the list is evidence, and is shown again to nobody who did not see it.
        view = await trial.desk.resource(f"synapsor://evidence/{answer['evidence']['id']}", trial.session)
        assert evidence is not None
        assert view is not None
        assert "thing.word" in [name for name, _ in evidence["columns"]]
        assert view["rows"] == answer["data"]["rows"] == [{"id": row["id"]} for row in answer["data"]["rows"]]
        at += answer["data"]["count"]
        if answer["data"]["next_cursor"] is None:
            break
        more = {"cursor": answer["data"]["next_cursor"]}
        raw = base64.urlsafe_b64decode(more["cursor"] + "=" * (-len(more["cursor"]) % 4))
        assert b"CANARY" not in raw
        assert b"acme" not in raw
    assert at == len(whole)


@pytest.mark.requirement("link:order", "link:person")
async def test_a_row_that_is_not_mine_or_is_left_out_is_ordered_as_if_it_were_not_there(trial: Trial) -> None:
    pages = await walked(trial, "r.by_mine")
    mine: dict[str, int] = {}
    more: dict[str, str] = {}
    while True:
        data = (await trial.call("r.by_mine", **more))["data"]
        mine |= {row["id"]: row["mine"]["num"] for row in data["rows"] if row["mine"]}
        if data["next_cursor"] is None:
            break
        more = {"cursor": data["next_cursor"]}
    found = [row for page in pages for row in page]
    seen = [row for row in found if row in mine]
    # Things with an even number are hers, and of these the ones whose `num` is not below nought.
    hers = {f"a{n:02}": n % 4 - 1 for n in range(0, 23, 2) if n % 6 != 5 and n % 4 - 1 >= 0}
    assert mine == {row["id"]: hers[row["thing_id"]] for row in refs() if row["thing_id"] in hers}
    assert seen == sorted(seen, key=lambda key: (-mine[key], key))
    rest = [row for row in found if row not in mine]
    assert rest == sorted(rest)
    assert found in ([*seen, *rest], [*rest, *seen])


@pytest.mark.requirement("link:order")
async def test_a_list_that_comes_along_has_the_order_of_related_rows(trial: Trial) -> None:
    row = (await trial.call("r.list", list_id="L-1"))["data"]["row"]
    listed = row["refs"]["rows"]
    assert len(listed) == len(refs())
    numbers = [found["thing"]["num"] if found["thing"] else None for found in listed]
    held = [number for number in numbers if number is not None]
    assert held == sorted(held, reverse=True)
    assert set(held) == {2, 1, 0, -1}
    ends = (numbers[: len(numbers) - len(held)], numbers[len(held) :])
    assert [None] * (len(numbers) - len(held)) in ends
    for _, same in itertools.groupby(zip(numbers, listed, strict=True), key=lambda pair: pair[0]):
        keys = [found["id"] for _, found in same]
        assert keys == sorted(keys, reverse=True)


@pytest.mark.requirement("link:order", "read:cursor")
async def test_a_cursor_goes_on_when_its_related_row_is_gone(trial: Trial, each_database: Database) -> None:
    first = (await trial.call("r.page_6"))["data"]
    name = name_of(each_database, "refs")
    last = first["rows"][-1]["id"]
    execute(each_database, f"UPDATE {name} SET thing_id = NULL WHERE id = '{last}';")
    second = (await trial.call("r.page_6", cursor=first["next_cursor"]))["data"]
    told = {row["id"] for row in first["rows"]}
    again = [row["id"] for row in second["rows"] if row["id"] in told]
    assert again in ([], [last])  # it stands elsewhere by now; every other row comes once
    assert second["count"] == 7
