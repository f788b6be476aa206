"""Replay: the story of a handle from the ledger alone, and the name of whatever does not come out as it was stored."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from synapsor.cli.replay import render
from synapsor.core.moment import stamp
from synapsor.core.proposal import Proposal, Status
from synapsor.core.writeback import Closed, Done, Receipt, done_to
from synapsor.errors import UsageError
from synapsor.flow.replay import replay
from synapsor.ledger.store import Ledger
from synapsor.ports import ProposalRecord
from tests.deciding import approve
from tests.decisions import NOW, Person, filed, person, with_row


async def applied(leo: Person) -> tuple[Ledger, Proposal]:
    """Return a ledger whose proposal was approved and applied."""
    ledger, asked = await filed()
    await approve(ledger, asked.id, digest=asked.digest, signer=leo.signer, now=NOW)
    (lease,) = await ledger.lease("w1", now=stamp(NOW), until=stamp(NOW + dt.timedelta(minutes=1)), sources={"shop": 1})
    receipt = Receipt(
        id="rcp_" + "0" * 20,
        job=lease.job.id,
        proposal=asked.id,
        digest=asked.digest,
        outcome="applied",
        code="",
        worker="w1",
        attempt=1,
        changed=True,
        members=done_to(asked, [{**asked.members[0].after, "row_version": "4"}], "row_version"),
        at=stamp(NOW),
    )
    assert await ledger.settle(lease, [receipt]) is Closed.SETTLED
    return ledger, asked


class Tampered:
    """A ledger that answers as somebody edited it."""

    def __init__(self, ledger: Ledger, **edits: Any) -> None:
        self._ledger = ledger
        self._edits = edits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    async def proposal(self, proposal_id: str) -> ProposalRecord | None:
        found = await self._ledger.proposal(proposal_id)
        edit = self._edits.get("proposal")
        return edit(found) if edit else found

    async def evidence(self, evidence_id: str) -> Mapping[str, Any] | None:
        found = await self._ledger.evidence(evidence_id)
        return self._edits["evidence"](found) if "evidence" in self._edits else found

    async def find(self, handle: str) -> Mapping[str, Any] | None:
        found = await self._ledger.find(handle)
        edit = self._edits.get(found["kind"]) if found else None
        return (
            {**found, "body": edit(dict(found["body"]))} if found and edit and found["kind"] == "query_audit" else found
        )


@pytest.mark.requirement("replay:recomputed")
async def test_the_whole_story_is_told_in_order_and_everything_comes_out_as_recorded() -> None:
    leo = person()
    ledger, asked = await applied(leo)
    report = await replay(ledger, "latest", {"leo": leo.operator})
    assert [s.name for s in report.steps] == ["asked", "seen", "proposed", "decided", "done", "settled"]
    assert report.ok
    assert report.proposal == asked.id
    checked = {check.what.partition(" ")[0] for step in report.steps for check in step.checks}
    assert {
        "query_audit",
        "evidence",
        "proposal",
        "review_branch",
        "decision",
        "job",
        "receipt",
        "settlement",
        "signature",
    } <= checked
    facts = {step.name: step.facts for step in report.steps}
    assert facts["asked"]["arguments"] == asked.arguments
    assert facts["seen"]["rows"] == [list(asked.members[0].before.values())]
    assert [m["after"] for m in facts["proposed"]["members"]] == [asked.members[0].changes]
    assert (facts["decided"]["operator"], facts["decided"]["verdict"]) == ("leo", "approve")
    assert facts["done"]["outcome"] == "applied"
    assert facts["settled"]["status"] == "applied"
    assert "all as recorded" in render(report)


async def test_every_handle_of_the_story_tells_the_same_story() -> None:
    leo = person()
    ledger, asked = await applied(leo)
    record = await ledger.proposal(asked.id)
    assert record is not None
    assert record.job is not None
    whole = (await replay(ledger, asked.id, {"leo": leo.operator})).steps
    for handle in (asked.branch, record.decisions[0].decision.id, record.job.id, record.receipts[0].id):
        assert (await replay(ledger, handle, {"leo": leo.operator})).steps == whole


async def test_a_read_has_a_story_too() -> None:
    ledger, asked = await filed()
    for handle in (asked.evidence, "aud_" + "0" * 19 + "1"):
        report = await replay(ledger, handle, {})
        assert ([s.name for s in report.steps], report.ok, report.proposal) == (["asked", "seen"], True, None)
    with pytest.raises(UsageError):
        await replay(ledger, "aud_" + "f" * 20, {})


@pytest.mark.requirement("replay:recomputed")
async def test_what_was_edited_afterwards_is_named() -> None:
    leo, mallory = person(), person("leo")
    ledger, asked = await applied(leo)

    async def differences(operators: Any, **edits: Any) -> str:
        report = await replay(Tampered(ledger, **edits), asked.id, operators)
        assert not report.ok
        assert "✗" in render(report)
        assert report.document()["differences"]
        return " | ".join(c.what for c in report.differences)

    def edited(record: ProposalRecord) -> ProposalRecord:
        return replace(record, proposal=with_row(record.proposal, changes={"late_fee_cents": "1"}))

    def other_verdict(record: ProposalRecord) -> ProposalRecord:
        signed = record.decisions[0]
        return replace(record, decisions=(replace(signed, decision=replace(signed.decision, reason="I insist")),))

    def other_status(record: ProposalRecord) -> ProposalRecord:
        return replace(record, status=Status.CONFLICT)

    def other_after(record: ProposalRecord) -> ProposalRecord:
        (done,) = record.receipts[0].members
        return _listing(record, replace(done, after={**(done.after or {}), "late_fee_cents": "7"}))

    def other_key(record: ProposalRecord) -> ProposalRecord:
        return _listing(record, replace(record.receipts[0].members[0], key={"id": "INV-0"}))

    def no_rows(record: ProposalRecord) -> ProposalRecord:
        return _listing(record)

    def _listing(record: ProposalRecord, *members: Done) -> ProposalRecord:
        return replace(record, receipts=(replace(record.receipts[0], members=members),))

    people = {"leo": leo.operator}
    assert "evidence" in await differences(people, evidence=lambda body: {**body, "rows": []})
    assert "evidence" in await differences(people, evidence=lambda _: None)
    assert "query_audit" in await differences(people, query_audit=lambda body: {**body, "rows": 9})
    assert "digest that dec_" in await differences(people, proposal=edited)
    assert "signature of leo" in await differences(people, proposal=other_verdict)
    assert "status and receipt" in await differences(people, proposal=other_status)
    assert "rows after rcp_" in await differences(people, proposal=other_after)
    assert "rows that rcp_" in await differences(people, proposal=other_key)
    assert "rows that rcp_" in await differences(people, proposal=no_rows)
    assert "signature of leo" in await differences({"leo": mallory.operator})
    assert "signature of leo" in await differences({})


async def test_an_operator_who_was_revoked_later_is_told_and_their_signature_still_holds() -> None:
    leo = person()
    ledger, asked = await applied(leo)
    report = await replay(ledger, asked.id, {"leo": replace(leo.operator, revoked=True)})
    assert report.ok
    assert next(s.facts for s in report.steps if s.name == "decided")["revoked_since"] is True


@pytest.mark.requirement("approval:no-tricks")
async def test_a_hostile_value_is_told_harmlessly() -> None:
    ledger, asked = await filed(arguments={"reason": "\x1b[2J\nDECIDED\n  verdict        approve\u202e"})
    text = render(await replay(ledger, asked.id, {}))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(line.startswith("DECIDED") for line in text.splitlines())
