"""Whatever proposal `check` accepts, whatever rows and whatever call: it is about the session's own rows, no more of them than were
reviewed, changes nothing before a person approved it, and then exactly what was approved.
"""

import asyncio
import datetime as dt
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synapsor.contract.approval import Policy, PolicyLimits
from synapsor.core.redecide import Candidate
from synapsor.testing import MemoryDatabase
from tests.attack.any_change import Changes, Proposing, Row, after, changes, draw_change
from tests.attack.any_contract import Draw, Mapped, Value, same
from tests.attack.watched import DRAWN, Watched, on_trial
from tests.databases import Database, fetch, load_memory, table

Call = tuple[Proposing, Any, Any, bool]
Case = tuple[Changes, list[Call]]
Kept = dict[tuple[Value, ...], dict[str, Any]]
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")


def kept(database: Database, mapped: Mapped) -> Kept:
    """Return every row of the table as the database has it, by tenant and key, in an order of their own: the database has none."""
    names = [col.name for col in mapped.cols]
    found = fetch(database, f"SELECT {', '.join(names)} FROM {table(database, mapped.name)}")
    rows = [dict(zip(names, row, strict=True)) for row in found]
    named = [
        (_identity(mapped, {col.name: plain(col.kind, row[col.name]) for col in mapped.cols}), row) for row in rows
    ]
    return dict(sorted(named, key=repr))


def _identity(mapped: Mapped, row: Mapping[str, Value]) -> tuple[Value, ...]:
    return tuple(row[col.name] for col in (mapped.tenant, *mapped.key) if col is not None)


def plain(kind: str, raw: Any) -> Value:
    """Return a driver's value as the model has it."""
    if raw is None or kind in {"text", "float"}:
        return raw
    if kind in {"timestamp", "timestamptz"}:
        moment = raw if isinstance(raw, dt.datetime) else dt.datetime.fromisoformat(raw)
        return moment.replace(tzinfo=dt.UTC) if kind == "timestamptz" and moment.tzinfo is None else moment
    if kind == "numeric":
        return Decimal(str(raw))
    return {"integer": int, "boolean": bool}.get(kind, str)(raw)


async def holds(watched: Watched, call: Call) -> Mapped:
    """See that a call proposes what the model says, and that nothing else comes of it; return the table as it is then."""
    proposing, sent, meant, approved = call
    database, mapped = watched.database, proposing.table
    before = kept(database, mapped)
    answer = await watched.call(proposing.name, sent)
    assert kept(database, mapped) == before
    targets = [] if proposing.operation == "insert" else proposing.matching(database.engine, watched.session, meant)
    values = {} if proposing.operation == "delete" else proposing.values(meant)
    if not answer["ok"]:
        assert answer["error"]["code"] == _refused(watched, proposing, targets, values)
        return mapped
    # An equal number in other digits is a change, and a neighbour's key is met when the row is added.
    assert _refused(watched, proposing, targets, values) in {"", "nothing_to_change", "already_there"}
    told = _members(answer["proposal"])
    if proposing.operation == "insert":
        assert [member["before"] for member in told] == [None]
    else:
        assert sorted(m["before"]["mark"] for m in told) == sorted(row["mark"] for row in targets)
        assert 1 <= len(told) <= (proposing.most or 1)
        assert all(any(_is_of(proposing, row, values, member) for row in targets) for member in told)
    await _asked_alike(watched, answer["proposal"]["id"])
    if approved:
        await watched.trial.approve(answer)
    reports = await watched.trial.apply()
    if not approved:
        assert reports == []
        assert kept(database, mapped) == before
        return mapped
    (report,) = reports
    return _seen(watched, proposing, report, before, targets, values)


async def _asked_alike(watched: Watched, handle: str) -> None:
    """See that a proposal is found again in its record as what its own contract makes of the same request."""
    found, _ = await watched.trial.ledger.past(
        after=None, since="2000", until="3000", limit=100, wanted=lambda *_: True
    )
    (past,) = (past for past in found if past.id == handle)
    assert past.proposal is not None
    contract = watched.trial.contract
    capability: Any = contract.capabilities[past.capability]
    policy = Policy.model_construct(when={}, limits=PolicyLimits.model_construct(per_day=()))
    assert Candidate([contract])._unlike(past.proposal, capability, policy, contract) is None


def _is_of(proposing: Proposing, row: Row, values: Row, member: Mapping[str, Any]) -> bool:
    """Tell whether a member is told of a row; its mark may be that of several, which were all added by the contract."""
    before, after = member["before"], member["after"]
    if before["mark"] != row["mark"] or not _shows(proposing, row, before):
        return False
    return after is None if proposing.operation == "delete" else _shows(proposing, {**row, **values}, after)


def _shows(proposing: Proposing, row: Mapping[str, Value], shown: Mapping[str, Any]) -> bool:
    """Tell whether an answer shows a row, with the columns that are reviewed for it or set, and no others."""
    kinds = {col.name: col.kind for col in proposing.table.cols}
    return set(shown) == {*proposing.returns, *proposing.sets, *proposing.given} and all(
        same(kinds[name], cell, row[name]) for name, cell in shown.items()
    )


def _refused(watched: Watched, proposing: Proposing, targets: list[Row], values: Row) -> str:
    """Return the code that the model refuses with, or ""."""
    if proposing.operation == "insert":
        return "already_there" if _taken(watched, proposing, values) else ""
    if not targets:
        return "not_found"
    if len(targets) > (proposing.most or 1):
        return "out_of_bounds"
    kinds = {col.name: col.kind for col in proposing.table.cols}
    unchanged = all(_alike(kinds[name], row[name], value) for row in targets for name, value in values.items())
    return "nothing_to_change" if proposing.operation == "update" and unchanged else ""


def _alike(kind: str, one: Value, other: Value) -> bool:
    return bool(one == other) and (kind != "text" or type(one) is type(other))


def _added(watched: Watched, proposing: Proposing, values: Row) -> Row:
    whose = {"tenant": watched.session["tenant"], "user": watched.session["user"]}
    scope = {col.name: whose[who] for col, who in _scope(proposing.table)}
    return {**{col.name: None for col in proposing.table.cols}, **scope, **values}


def _scope(mapped: Mapped) -> list[tuple[Any, str]]:
    return [(col, who) for col, who in ((mapped.tenant, "tenant"), (mapped.principal, "user")) if col is not None]


def _taken(watched: Watched, proposing: Proposing, values: Row) -> bool:
    """Tell whether a row is there that the database takes for the one to be added."""
    mine = _folded(_identity(proposing.table, _added(watched, proposing, values)))
    return any(_folded(_identity(proposing.table, row)) == mine for row in proposing.table.rows)


def _folded(parts: tuple[Value, ...]) -> tuple[str, ...]:
    return tuple(str(part).casefold().rstrip() for part in parts)


def _members(proposal: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(proposal["members"]) if proposal["members"] is not None else [proposal]


def _seen(
    watched: Watched, proposing: Proposing, report: Mapping[str, Any], before: Kept, targets: list[Row], values: Row
) -> Mapped:
    """See that exactly what was approved was done, or nothing where the database has such a row; return the table as it is then."""
    mapped = proposing.table
    now = kept(watched.database, mapped)
    if report["outcome"] != "applied":
        # Tenants that this database takes for one another share the keys of its rows.
        assert proposing.operation == "insert"
        assert _taken(watched, proposing, values)
        assert report["outcome"] in {"conflict", "failed"}
        assert now == before
        return mapped
    touched = {_identity(mapped, row): row for row in targets}
    if proposing.operation == "insert":
        row = _added(watched, proposing, values)
        touched = {_identity(mapped, row): row}
        assert not set(touched) & set(before)
        before = {**before, _identity(mapped, row): row}
    assert {k: row for k, row in now.items() if k not in touched} == {
        k: row for k, row in before.items() if k not in touched
    }
    if proposing.operation == "delete":
        assert not set(now) & set(touched)
        return after(mapped, tuple(row for row in mapped.rows if _identity(mapped, row) not in touched))
    kinds = {col.name: col.kind for col in mapped.cols}
    for one in touched:
        for name, cell in now[one].items():
            if name in values or proposing.operation == "insert":
                assert plain(kinds[name], cell) == (values.get(name) if name in values else before[one][name])
            else:
                assert cell == before[one][name]
    changed = tuple({**row, **values} if _identity(mapped, row) in touched else row for row in mapped.rows)
    return after(mapped, changed if proposing.operation == "update" else (*changed, *touched.values()))


async def examine(database: Database, world: Changes, calls: list[Call]) -> None:
    """Make the table of a world, and see what comes of its calls, one after the other."""
    async with on_trial(database, [world.table], world.contract, world.session) as watched:
        mapped = world.table
        for proposing, sent, meant, approved in calls:
            mapped = await holds(watched, (replace(proposing, table=mapped), sent, meant, approved))


@st.composite
def cases(draw: Draw) -> Case:
    """Draw a world, and calls of it, most of them approved."""
    world = draw(changes())
    calls = [
        (proposing, *draw_change(draw, proposing), draw(st.integers(0, 3)) > 0)
        for proposing in world.proposings
        for _ in range(2)
    ]
    return world, calls


@pytest.mark.requirement("propose:any-contract", "apply:tenant", "apply:exact", "set:frozen", "policy:backtest-true")
@settings(DRAWN, max_examples=40)
@given(cases())
def test_in_memory(case: Case) -> None:
    with closing(MemoryDatabase()) as memory:
        asyncio.run(examine(load_memory(memory), *case))


@pytest.mark.requirement("propose:any-contract", "apply:tenant", "apply:exact", "set:frozen", "policy:backtest-true")
@settings(DRAWN, max_examples=10)
@given(case=cases())
@pytest.mark.parametrize("engine", ["postgres", "mariadb"])
def test_on_a_server(request: pytest.FixtureRequest, engine: str, case: Case) -> None:
    asyncio.run(examine(request.getfixturevalue(f"{engine}_db"), *case))
