"""Aggregates through links, on every engine: each row counts once, with what its related row holds, and others' rows are not there."""

import datetime as dt
import json
from collections.abc import AsyncIterator, Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from synapsor.flow.replay import replay
from synapsor.testing import Trial
from tests.attack.refs import CONTRACT, name_of, referring, refs
from tests.attack.test_cursors import _rows
from tests.databases import Database, execute
from tests.engines import tried
from tests.schemas import conforms
from tests.totals import told

MEASURES = "{refs: count, worth: {sum: thing.amount}, mean: {avg: thing.amount}, first: {min: thing.day}, most: {max: thing.num}, kinds: {count_distinct: thing.word}}"
POLICY = (
    CONTRACT
    + f"""\
  r.words:
    description: What refers to things, by their words.
    aggregate: refs
    measures: {MEASURES}
    group: {{word: thing.word}}
    minimum_group: 1
  r.flags:
    description: What refers to things, by flags and numbers of these.
    aggregate: refs
    measures: {MEASURES}
    group: {{flag: thing.flag, number: thing.num}}
    minimum_group: 1
  r.keys:
    description: What refers to things, by their references and days.
    aggregate: refs
    measures: {MEASURES}
    group: {{day: thing.day, ref: thing.ref}}
    minimum_group: 1
  r.times:
    description: What refers to things, by their months and by hours of one zone.
    aggregate: refs
    measures: {{refs: count, pieces: {{sum: pieces}}}}
    group: {{month: {{month: thing.day}}, hour: {{hour: thing.moment, zone: Europe/Berlin}}}}
    minimum_group: 1
  r.some:
    description: What refers to things of some numbers.
    aggregate: refs
    arguments: {{least: {{type: integer, optional: true}}, word: {{type: string, max_length: 200, optional: true}}}}
    measures: {MEASURES}
    where: {{thing.num: {{at_least: $least}}, thing.word: $word, pieces: {{at_most: 35}}}}
    minimum_group: 1
  r.periods:
    description: What refers to things of one time and of another.
    aggregate: refs
    arguments: {{from: {{type: string, max_length: 10}}}}
    measures: {{refs: count, worth: {{sum: thing.amount}}}}
    group: {{flag: thing.flag}}
    compare: {{column: thing.day, periods: {{current: {{at_least: $from}}, previous: {{below: $from}}}}}}
    minimum_group: 1
  r.mine:
    description: What refers to my own things, by the numbers of these.
    aggregate: refs
    measures: {{refs: count, numbers: {{sum: mine.num}}}}
    group: {{number: mine.num}}
    minimum_group: 1
  r.few:
    description: What refers to things, by their words, where there are enough.
    aggregate: refs
    measures: {{refs: count}}
    group: {{word: thing.word}}
    minimum_group: 4
"""
)
THINGS = {row["id"]: row for row in _rows("acme", "a")}


@pytest.fixture
async def trial(each_database: Database) -> AsyncIterator[Trial]:
    with referring(each_database):
        async with tried(each_database, POLICY) as found:
            yield found


async def data(trial: Trial, name: str, **arguments: Any) -> dict[str, Any]:
    """Return what an aggregate answers, as its schema declares it."""
    answer = await trial.call(name, **arguments)
    assert answer["ok"], answer["error"]
    conforms(answer, trial.desk.tools[name].output_schema)
    found: dict[str, Any] = answer["data"]
    return found


def measured(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return what must be computed of rows, without SQL."""
    found = list(rows)
    things = [THINGS.get(row["thing_id"] or "", {}) for row in found]

    def held(column: str) -> list[Any]:
        return [thing[column] for thing in things if thing.get(column) is not None]

    amounts, days, numbers = [Decimal(a) for a in held("amount")], held("day"), held("num")
    mean = (sum(amounts, Decimal(0)) / len(amounts)).quantize(Decimal("0.01"), ROUND_HALF_UP) if amounts else None
    return {
        "refs": len(found),
        "worth": str(sum(amounts)) if amounts else None,
        "mean": str(mean) if amounts else None,
        "first": min(days, default=None),
        "most": max(numbers, default=None),
        "kinds": len(set(held("word"))),
    }


def grouped(keys: dict[str, Callable[[dict[str, Any]], Any]]) -> list[dict[str, Any]]:
    """Return what must be told of all rows by what their things hold."""
    found: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in refs():
        thing = THINGS.get(row["thing_id"] or "", {})
        found.setdefault(tuple(key(thing) for key in keys.values()), []).append(row)
    return [dict(zip(keys, key, strict=True)) | measured(rows) for key, rows in found.items()]


def ordered(groups: Iterable[dict[str, Any]]) -> list[str]:
    return sorted(json.dumps(group, sort_keys=True) for group in groups)


@pytest.mark.requirement("link:aggregate")
async def test_rows_are_grouped_and_measured_by_what_their_related_rows_hold(trial: Trial) -> None:
    def at(column: str) -> Callable[[dict[str, Any]], Any]:
        return lambda thing: thing.get(column)

    for name, columns in (
        ("r.words", {"word": "word"}),
        ("r.flags", {"flag": "flag", "number": "num"}),
        ("r.keys", {"day": "day", "ref": "ref"}),
    ):
        expected = grouped({group: at(column) for group, column in columns.items()})
        assert (name, ordered((await data(trial, name))["groups"])) == (name, ordered(expected))
        assert sum(group["refs"] for group in expected) == len(refs())


@pytest.mark.requirement("link:aggregate")
async def test_the_time_of_a_related_row_is_cut_as_that_of_ones_own(trial: Trial) -> None:
    def month(thing: dict[str, Any]) -> str | None:
        return told(dt.date.fromisoformat(thing["day"]), "month") if thing.get("day") else None

    def hour(thing: dict[str, Any]) -> str | None:
        if not thing.get("moment"):
            return None
        moment = dt.datetime.fromisoformat(thing["moment"]).replace(tzinfo=dt.UTC)
        return told(moment.astimezone(ZoneInfo("Europe/Berlin")), "hour")

    expected = [
        {name: group[name] for name in ("month", "hour", "refs")} for group in grouped({"month": month, "hour": hour})
    ]
    found = (await data(trial, "r.times"))["groups"]
    assert ordered({n: g[n] for n in ("month", "hour", "refs")} for g in found) == ordered(expected)
    assert sum(group["pieces"] for group in found) == sum(row["pieces"] for row in refs())


@pytest.mark.requirement("link:aggregate")
async def test_a_filter_behind_a_link_leaves_out_the_rows_whose_related_row_is_not_there(trial: Trial) -> None:
    some = [row for row in refs() if row["pieces"] <= 35]
    assert (await data(trial, "r.some"))["totals"] == measured(some)

    def held(row: dict[str, Any], column: str) -> Any:
        return THINGS.get(row["thing_id"] or "", {}).get(column)

    least = [row for row in some if held(row, "num") is not None and held(row, "num") >= 0]
    assert (await data(trial, "r.some", least=0))["totals"] == measured(least)
    for word in ("a", "A", "b", "a\\%_'"):
        rows = [row for row in some if held(row, "word") == word]
        assert rows
        assert (await data(trial, "r.some", word=word))["totals"] == measured(rows)
    assert (await data(trial, "r.some", word="nobody's"))["totals"] == measured([])


@pytest.mark.requirement("link:aggregate")
async def test_periods_of_a_related_row_are_compared(trial: Trial) -> None:
    found = {group["flag"]: group for group in (await data(trial, "r.periods", **{"from": "2026-01-01"}))["groups"]}
    for flag in (True, False, None):
        for part, late in (("current", True), ("previous", False)):
            rows = [
                row
                for row in refs()
                if (thing := THINGS.get(row["thing_id"] or ""))
                and thing["flag"] is flag
                and thing["day"] is not None
                and (thing["day"] >= "2026-01-01") is late
            ]
            told_ = found[flag]["refs"][part] if flag in found else 0
            assert (flag, part, told_) == (flag, part, len(rows))
            if rows:
                assert found[flag]["worth"][part] == measured(rows)["worth"]


@pytest.mark.requirement("link:aggregate", "link:person")
async def test_a_related_row_that_is_not_mine_or_is_left_out_has_no_value_in_a_group(trial: Trial) -> None:
    hers = {f"a{n:02}": n % 4 - 1 for n in range(0, 23, 2) if n % 6 != 5 and n % 4 - 1 >= 0}
    numbers: dict[int | None, int] = {}
    for row in refs():
        number = hers.get(row["thing_id"] or "")
        numbers[number] = numbers.get(number, 0) + 1
    found = (await data(trial, "r.mine"))["groups"]
    assert {group["number"]: group["refs"] for group in found} == numbers
    assert {g["number"]: g["numbers"] for g in found} == {n: None if n is None else n * c for n, c in numbers.items()}


@pytest.mark.requirement("link:aggregate", "aggregate:small-withheld")
async def test_the_least_of_a_group_is_of_the_rows_that_are_counted(trial: Trial) -> None:
    whole = {g["word"]: g["refs"] for g in (await data(trial, "r.words"))["groups"]}
    few = await data(trial, "r.few")
    shown = {g["word"]: g["refs"] for g in few["groups"]}
    assert few["withheld"]
    assert shown
    assert all(count >= 4 and whole[word] == count for word, count in shown.items())
    assert sum(whole.values()) - sum(shown.values()) >= 4  # or what is withheld would follow


@pytest.mark.requirement("link:aggregate", "link:tenant")
async def test_what_another_tenants_row_holds_is_in_no_group_and_moves_none(
    trial: Trial, each_database: Database
) -> None:
    names = ("r.words", "r.flags", "r.keys", "r.times", "r.some", "r.mine", "r.few")
    before = [await data(trial, name) for name in names]
    things = name_of(each_database, "things")
    execute(
        each_database, f"UPDATE {things} SET word = 'CANARY-word', num = 99, amount = 77.77, flag = NULL, day = '2031-01-01'"
        " WHERE tenant_id = 'globex';",
    )  # fmt: skip
    assert [await data(trial, name) for name in names] == before
    answer = await trial.call("r.words")
    evidence = await trial.ledger.evidence(answer["evidence"]["id"])
    assert evidence is not None
    assert "CANARY" not in json.dumps([answer, evidence])
    steps = (await replay(trial.ledger, answer["evidence"]["id"], {})).steps
    assert dict(steps[0].facts)["related"] == ["billing.things"]
