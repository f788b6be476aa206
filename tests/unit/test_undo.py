"""The inverse of a change, computed from its proposal alone: which rows, which values, how risky, and why there is none."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Operation
from synapsor.contract.mapping import Table
from synapsor.contract.model import Contract
from synapsor.core.deciding import need_of_undo
from synapsor.core.needs import needs_of
from synapsor.core.outcome import Why
from synapsor.core.proposal import Proposal, Undone
from synapsor.core.records import from_body, to_body
from synapsor.core.row_security import verbs_of
from synapsor.core.undo import MOST_DEPTH, Inverse, depth_of, inverse_of, why_final
from synapsor.errors import DecisionRefused
from synapsor.testing import Trial, desk_for

CONTRACT = """\
synapsor: 1
contract: sheets
contexts:
  desk: {tenant: session.tenant_id, principal: session.user}
tables:
  sheets:
    source: shop
    relation: main.sheets
    key: id
    tenant: tenant_id
    version: whole_row
    moves: [touched]
    columns: {id: text, tenant_id: text, cents: {type: integer, maximum: 100}, note: text, touched: integer}
capabilities:
  sheets.lower:
    description: Ask for a sheet to be made cheaper.
    propose: update sheets
    arguments: {sheet: {type: string, max_length: 9}, by: {type: integer, minimum: 0}, why: {type: string, one_of: [a, b]}}
    where: {id: $sheet}
    set: {cents: {subtract: $by}, note: lowered}
    risk: {high: {cents: {change: {at_least: 10}}}, medium: {reason_code: [b]}}
    reason_code: $why
    approval: {role: lead, high: {role: boss, quorum: 2}}
    undo: reviewed
  sheets.count:
    description: Ask for a sheet to be counted once more.
    propose: update sheets
    arguments: {sheet: {type: string, max_length: 9}}
    where: {id: $sheet}
    set: {cents: {add: 1}}
    approval: {role: lead}
    undo: reviewed
    advances: cents
  sheets.add:
    description: Ask for a sheet to be added.
    propose: insert sheets
    arguments: {sheet: {type: string, max_length: 9}}
    set: {id: $sheet, cents: 5}
    dedup: [tenant_id, id]
    approval: {role: lead}
    undo: reviewed
"""
SCHEMA = """
CREATE TABLE sheets (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, cents INTEGER, note TEXT, touched INTEGER NOT NULL DEFAULT 0,
  UNIQUE (tenant_id, id)) STRICT;
CREATE TRIGGER touching AFTER UPDATE ON sheets WHEN NEW.touched = OLD.touched BEGIN UPDATE sheets SET touched = touched + 1 WHERE id = NEW.id; END;
INSERT INTO sheets VALUES ('s1', 'acme', 50, NULL, 0), ('s2', 'acme', 99, 'Two', 0);
"""
SESSION = {"tenant_id": "acme", "user": "agent"}


@asynccontextmanager
async def sheets(contract: str = CONTRACT) -> AsyncIterator[Trial]:
    """Open the contract over its table."""
    async with desk_for(contract, schema=SCHEMA, session=SESSION) as trial:
        yield trial


async def applied(trial: Trial, name: str, **arguments: Any) -> dict[str, Any]:
    """Return the envelope of a change that was applied."""
    answer = await trial.call(f"sheets.{name}", **arguments)
    people = answer["proposal"]["needs"]["people"]
    for person in ("person", "another", "third")[:people]:
        await trial.approve(answer, by=person)
    assert [report["outcome"] for report in await trial.apply()] == ["applied"]
    return answer


async def of(trial: Trial, envelope: dict[str, Any]) -> Proposal:
    """Return the proposal of an envelope."""
    record = await trial.ledger.proposal(envelope["proposal"]["id"])
    assert record is not None
    return record.proposal


def parts(trial: Trial, proposal: Proposal) -> tuple[ProposeCapability, Table]:
    """Return the capability and the table of a proposal."""
    capability = trial.contract.capabilities[proposal.capability]
    assert isinstance(capability, ProposeCapability)
    return capability, trial.contract.table_of(capability)


@pytest.mark.requirement("undo:exact")
async def test_an_update_goes_back_column_by_column_and_holds_what_the_change_left() -> None:
    async with sheets() as trial:
        original = await of(trial, await applied(trial, "lower", sheet="s1", by=5, why="a"))
        inverse = inverse_of(original, *parts(trial, original))
        assert isinstance(inverse, Inverse)
        (member,) = inverse.members
        assert (inverse.operation, inverse.advances) == (Operation.UPDATE, None)
        assert member.changes == {"cents": "50", "note": None}
        assert member.before == {"id": "s1", "tenant_id": "acme", "cents": "45", "note": "lowered"}
        assert set(inverse.guards) == {"cents", "note", "touched"}


@pytest.mark.requirement("undo:exact", "delete:no-more")
async def test_an_insert_goes_back_by_a_removal_that_every_column_guards() -> None:
    async with sheets() as trial:
        original = await of(trial, await applied(trial, "add", sheet="new"))
        inverse = inverse_of(original, *parts(trial, original))
        assert isinstance(inverse, Inverse)
        (member,) = inverse.members
        assert (inverse.operation, inverse.advances, member.changes) == (Operation.DELETE, None, {})
        assert (member.key, member.before) == ((("id", "new"),), {"id": "new", "tenant_id": "acme", "cents": "5"})
        assert set(inverse.guards) == {"cents", "note", "touched"}


@pytest.mark.requirement("undo:refused")
async def test_what_has_no_exact_inverse_under_the_activated_contract_has_none() -> None:
    async with sheets() as trial:
        original = await of(trial, await applied(trial, "lower", sheet="s1", by=5, why="a"))
        capability, table = parts(trial, original)
        final = capability.model_copy(update={"undo": None})
        assert inverse_of(original, final, table) is Why.NOT_REVERSIBLE
        for change in (
            {"source": "other"},
            {"relation": "main.others"},
            {"write_to": "main.others"},
            {"tenant": "note"},
            {"principal": "note"},
            {"moves": ()},
            {"key": ("id", "note")},
            {"columns": {n: rule for n, rule in table.columns.items() if n != "touched"}},
            {"columns": {**table.columns, "cents": table.columns["note"]}},
        ):
            assert inverse_of(original, capability, table.model_copy(update=change)) is Why.MAPPING_CHANGED, change
        other = capability.model_copy(update={"set": {"cents": 1}})
        assert inverse_of(original, other, table) is Why.MAPPING_CHANGED
        added, _ = parts(trial, dataclasses.replace(original, capability="sheets.add"))
        assert inverse_of(original, added, table) is Why.MAPPING_CHANGED


@pytest.mark.requirement("undo:refused", "undo:shown")
async def test_a_change_that_only_counts_has_nothing_to_set_back_and_says_so_before() -> None:
    async with sheets() as trial:
        envelope = await applied(trial, "count", sheet="s1")
        original = await of(trial, envelope)
        assert why_final(original, parts(trial, original)[0]) == "it changes nothing that could be set back"
        assert inverse_of(original, *parts(trial, original)) is Why.NOT_REVERSIBLE
        with pytest.raises(DecisionRefused) as refused:
            await trial.undo(envelope, reason="Once too often.")
        assert refused.value.rule == "not_reversible"


def _undone(depth: int) -> Undone:
    return Undone(proposal="wrp_1", digest="sha256:1", principal="agent", depth=depth, reason="Why.", signature="AA")


@pytest.mark.requirement("undo:refused")
async def test_undos_of_undos_end_after_sixteen() -> None:
    async with sheets() as trial:
        original = await of(trial, await applied(trial, "lower", sheet="s1", by=5, why="a"))
        capability, table = parts(trial, original)
        assert (MOST_DEPTH, depth_of(original)) == (16, 1)
        for depth, ends in ((15, False), (16, True)):
            deep = dataclasses.replace(original, undoes=_undone(depth))
            inverse = inverse_of(deep, capability, table)
            assert (inverse is Why.TOO_DEEP) is ends
            assert bool(why_final(deep, capability)) is ends
        assert why_final(original, capability) == ""


def test_the_change_that_is_undone_is_part_of_what_is_signed_and_kept() -> None:
    from tests.decisions import proposal  # noqa: PLC0415  # the one plain proposal

    plain = proposal()
    undo = dataclasses.replace(plain, undoes=_undone(1))
    assert len({plain.digest, undo.digest, dataclasses.replace(plain, undoes=_undone(2)).digest}) == 3
    assert from_body(Proposal, to_body(undo)) == undo
    older = {name: value for name, value in to_body(plain).items() if name != "undoes"}
    assert from_body(Proposal, older) == plain


@pytest.mark.requirement("undo:people-decide", "approval:risk")
async def test_an_undo_is_as_risky_as_the_riskier_of_the_two_and_takes_as_many_people() -> None:
    """Lowered by 20 the price is no risk; to raise it by 20 again is a high one, and so is to undo such a raise."""
    async with sheets() as trial:
        envelope = await applied(trial, "lower", sheet="s1", by=20, why="a")
        filed = await of(trial, await trial.undo(envelope, reason="Too cheap."))
        assert (filed.risk, filed.role, filed.quorum, filed.reason_code) == ("high", "boss", 2, "a")
        capability, _ = parts(trial, filed)
        original = await of(trial, envelope)
        there, back = original.rows, filed.rows
        assert need_of_undo(capability, there, back, "a") == need_of_undo(capability, back, there, "a")
        coded = await of(
            trial, await trial.undo(await applied(trial, "lower", sheet="s2", by=5, why="b"), reason="Too cheap.")
        )
        assert (coded.risk, coded.reason_code) == ("medium", "b")


@pytest.mark.requirement("posture:worker-sufficient")
def test_a_worker_of_an_insert_that_can_be_undone_may_remove_and_is_judged_by_that() -> None:
    import yaml  # noqa: PLC0415  # as a contract is read

    contract = Contract.model_validate(yaml.safe_load(CONTRACT))
    needs = [need for _, need in needs_of(contract, "shop")]
    assert [(bool(n.updates), bool(n.inserts), n.deletes) for n in needs] == [
        (False, True, True),
        (True, False, False),
        (True, False, False),
    ]
    adding, counting = (contract.capabilities[f"sheets.{name}"] for name in ("add", "count"))
    assert isinstance(adding, ProposeCapability)
    assert isinstance(counting, ProposeCapability)
    assert verbs_of(adding) == ("select", "insert", "delete")
    assert verbs_of(counting) == ("select", "update")
    assert verbs_of(adding.model_copy(update={"undo": None})) == ("select", "insert")
