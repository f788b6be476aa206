"""What a model may see of proposals of every operation: closed, as declared, and nothing of scope."""

import re
from typing import Any

import pytest

from synapsor.contract.capability import ProposeCapability
from synapsor.contract.digest import contract_digest
from synapsor.core.depends import held_hops
from synapsor.core.envelope_schema import STATUS_OUTPUT
from synapsor.core.writeback import look_plan, write_plan
from synapsor.flow.prepare import tool_of
from synapsor.flow.statements import statements
from synapsor.sql.read import compile_read
from synapsor.sql.write import compile_write
from synapsor.testing import desk_for
from tests.acceptance.test_write_a_proposal import PAGE, SCHEMA, SEED
from tests.schemas import holds

CALLS: dict[str, dict[str, Any]] = {
    "stock.take": {"item": 1, "pieces": 1},
    "stock.set_state": {"item": 1, "state": "hold"},
    "stock.order": {"sku": "A-1", "pieces": 1},
    "stock.add_items": {"lines": [{"sku": "B-1", "price": "1"}, {"sku": "B-2", "price": "2"}]},
    "stock.hide": {"item": 1},
    "stock.remove": {"item": 3},
    "stock.retire_shelf": {"shelf": "north"},
}

_CONTRACT = re.compile(r"^```yaml contract\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.requirement("set:frozen")
async def test_the_answer_to_every_kind_of_proposal_is_what_its_tool_declares() -> None:
    (contract,) = _CONTRACT.findall(TEXT)
    session: dict[str, str | int] = {"tenant_id": "acme", "user": "ann"}
    async with desk_for(contract, schema=SCHEMA, seed=SEED, session=session) as trial:
        proposals = {n: c for n, c in trial.contract.capabilities.items() if isinstance(c, ProposeCapability)}
        assert set(proposals) == set(CALLS)
        for name, capability in proposals.items():
            tool = tool_of(name, capability, trial.contract, contract_digest(trial.contract))
            assert holds(tool.input_schema, CALLS[name])
            assert tool.destructive is (name == "stock.remove")
            answer = await trial.call(name, **CALLS[name])
            assert answer["ok"], answer["error"]
            assert holds(tool.output_schema, answer)
            view = answer["proposal"]
            rows = view["members"] if view["members"] is not None else [view]
            assert all("tenant_id" not in (row[which] or {}) for row in rows for which in ("before", "after"))
            assert not holds(tool.output_schema, {**answer, "proposal": {**view, "tenant": "acme"}})
            status = await trial.call("synapsor.proposal_status", proposal_id=view["id"])
            assert status["proposal"] == view
            assert holds(STATUS_OUTPUT, status)


@pytest.mark.requirement("explain:true")
async def test_the_statements_of_every_operation_are_those_that_are_sent() -> None:
    (contract,) = _CONTRACT.findall(TEXT)
    session: dict[str, str | int] = {"tenant_id": "acme", "user": "ann"}
    async with desk_for(contract, schema=SCHEMA, seed=SEED, session=session) as trial:
        for name, arguments in CALLS.items():
            answer = await trial.call(name, **arguments)
            record = await trial.ledger.proposal(answer["proposal"]["id"])
            assert record is not None
            capability = trial.contract.capabilities[name]
            assert isinstance(capability, ProposeCapability)
            table = trial.contract.table_of(capability)
            member = record.proposal.members[0]
            look = look_plan(record.proposal, member, table, {}, time_ms=1)
            write = write_plan(record.proposal, member, table, {})
            sent = statements(trial.contract, name, "sqlite")
            (seen,) = [s for s in sent if s.purpose.startswith("the row") and "when" not in s.purpose]
            held = [s.text for s in sent if "held" in s.purpose]
            assert held == [compile_read(h.shape, "sqlite").text for h in held_hops(capability, trial.contract)]
            changed = sent[-1]
            assert seen.text == compile_read(look.shape, "sqlite").text
            assert changed.text == compile_write(write.shape, "sqlite").text
            assert "locked" in seen.purpose or record.proposal.operation != "update"
