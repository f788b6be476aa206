"""What became of a proposal, for its card: who decided, when, in which role and why, and what came of it in the source.

Everything is told from the record, and of a signature whether it holds; a status by itself proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synapsor.approve.card.cells import DoneRow
from synapsor.approve.card.decided_view import Attempt, Decided, Ended
from synapsor.approve.card.teller import Teller
from synapsor.core.login import spoken_by, verify_login
from synapsor.core.outcome import Outcome, meaning_of
from synapsor.core.plain import Text, told, visible
from synapsor.core.proposal import Status
from synapsor.core.review import may_resolve, verify_approval, verify_policy_approval
from synapsor.core.statements import Operator, Resolution, SignedDecision, SignedResolution
from synapsor.core.steering import said_of, state_words
from synapsor.core.words import many
from synapsor.core.writeback import Confirmed, Done, Receipt
from synapsor.errors import DecisionRefused, IntegrityError
from synapsor.ports import ProposalRecord

VERBS = {"approve": "approved", "reject": "rejected"}
RESOLVED = {"applied": "resolved as applied", "not_applied": "resolved as not applied"}
AGAINST = ", against what was seen"
UNASKED = ", without the application being asked to give it up"
WAITING = ", which waits until the application gives it up"
_PROOFS = {"key": "their own key", "oidc": "their identity provider", "code": "their one-time code"}
_ENDS = {Status.EXPIRED, Status.CANCELED, Status.SUPERSEDED}


def decisions(record: ProposalRecord, operators: Mapping[str, Operator], teller: Teller) -> Iterator[Decided]:
    """Yield each decision on record; of one that cannot be trusted now it is said why."""
    for signed in record.decisions:
        decision = signed.decision
        yield Decided(
            verdict=VERBS.get(decision.verdict, "decided"),
            by=Text(visible(decision.operator)),
            role=Text(visible(decision.role)),
            policy=None if decision.policy is None else Text(visible(record.proposal.policy or "?")),
            session=_session(signed),
            at=teller.moment(decision.at),
            preset=Text(visible(decision.code)) if decision.code else None,
            reason=told(decision.reason, most=None) if decision.reason else None,
            doubt=_doubt(signed, record, operators),
        )
    for resolution in _resolutions(record):
        yield _resolved(resolution, record, operators, teller)


def _resolved(
    signed: SignedResolution, record: ProposalRecord, operators: Mapping[str, Operator], teller: Teller
) -> Decided:
    resolution = signed.resolution
    return Decided(
        verdict=_verdict(resolution, waits=record.said.waits is signed),
        by=Text(visible(resolution.operator)),
        role=Text(visible(resolution.role)),
        policy=None,
        session=_session(signed),
        at=teller.moment(resolution.at),
        preset=Text(visible(resolution.found)),
        reason=told(resolution.reason, most=None),
        doubt=_doubt(signed, record, operators),
    )


def _resolutions(record: ProposalRecord) -> list[SignedResolution]:
    """Return what counts of what people have said became of it, and what is still to."""
    return [one for one in (record.said.counts, record.said.waits) if one is not None]


def _verdict(said: Resolution, *, waits: bool) -> str:
    more = (AGAINST if said.contrary else "", UNASKED if said.unasked else "", WAITING if waits else "")
    return "".join((RESOLVED[said.verdict], *more))


def _session(signed: SignedDecision | SignedResolution) -> Text | None:
    if signed.login is None:
        return None
    login = signed.login.login
    proof = _PROOFS.get(login.method, login.method)
    vouched = f", as {login.voucher} vouches" if login.voucher else ""
    return Text(visible(f"a session of {login.client}, by {proof}{vouched}"))


def attempts(record: ProposalRecord, teller: Teller) -> Iterator[Attempt]:
    """Yield what each attempt to apply it came to."""
    for receipt in record.receipts:
        yield Attempt(
            outcome=Text(visible(receipt.outcome)),
            code=Text(visible(receipt.code)) if receipt.code else None,
            moved=tuple(Text(visible(name)) for name in receipt.moved),
            meaning=_meaning(receipt),
            receipt=Text(visible(receipt.id)),
            worker=Text(visible(receipt.worker)),
            at=teller.moment(receipt.at),
            rows=tuple(_row(done, teller) for done in receipt.members),
        )


def _row(done: Done, teller: Teller) -> DoneRow:
    return DoneRow(
        key=tuple(teller.field(name, teller.value(name, token)) for name, token in done.key.items()),
        done=done.done,
        version_before=teller.perhaps(done.version_before),
        version_after=teller.perhaps(done.version_after),
    )


def waits_for(record: ProposalRecord) -> Text | None:
    """Return the job of it that no worker has come back from."""
    return Text(visible(record.job.id)) if record.job is not None and not record.receipts else None


def steered(record: ProposalRecord) -> tuple[Text, ...]:
    """Return what people have said is to become of its job."""
    return tuple(Text(visible(line)) for line in said_of(record.together))


def held(record: ProposalRecord) -> Text | None:
    """Return what keeps its job from being done, or what came too late."""
    words = state_words(record.together)
    return Text(visible(words)) if words else None


def ends(record: ProposalRecord, teller: Teller) -> Iterator[Ended]:
    """Yield what ended it before anybody could approve it."""
    for event in record.events:
        if event["kind"] in {f"proposal_{status.value}" for status in _ENDS}:
            because, by = (event["facts"].get(name) for name in ("because", "by"))
            yield Ended(
                how=Text(visible(str(event["facts"].get("target", "?")))),
                because=Text(visible(str(because))) if because else None,
                by=Text(visible(str(by))) if by else None,
                at=teller.moment(str(event["at"])),
            )


def _meaning(receipt: Receipt) -> str:
    left = (
        f"{many(receipt.newcomers, 'more row matches', 'more rows match')} now, and nothing was done to them."
        if receipt.newcomers
        else ""
    )
    known = {Outcome.APPLIED.value: "", Outcome.ALREADY_APPLIED.value: "An earlier attempt had applied it."}
    by = f"In the application {_confirmation(receipt.confirmed)}." if receipt.confirmed else ""
    return " ".join(filter(None, (known.get(receipt.outcome, meaning_of(receipt.code)), left, by)))


def _confirmation(confirmed: Confirmed) -> str:
    evidence = f", with evidence {visible(confirmed.evidence)}" if confirmed.evidence else ""
    return f"{visible(confirmed.by)} confirmed it at {visible(confirmed.at)}{evidence}"


def doubted(record: ProposalRecord, operators: Mapping[str, Operator]) -> bool:
    """Tell whether there is a decision on record that nothing proves, or that would not count any more."""
    said: list[SignedDecision | SignedResolution] = [*record.decisions, *_resolutions(record)]
    return any(_doubt(signed, record, operators) is not None for signed in said)


def _doubt(
    signed: SignedDecision | SignedResolution, record: ProposalRecord, operators: Mapping[str, Operator]
) -> Text | None:
    said = signed.resolution if isinstance(signed, SignedResolution) else signed.decision
    name = visible(said.operator)
    operator = operators.get(said.operator)
    if operator is None:
        return Text(f"nobody of the name {name} is trusted here, so nothing proves it")
    if not spoken_by(said, signed.signature, signed.login, operators):
        return Text(f"the signature is not by the key of {name}")
    if (said.proposal, said.digest) != (record.proposal.id, record.proposal.digest):
        return Text("it is about another proposal")
    if operator.revoked:
        return Text(f"the key of {name} is revoked since")
    try:
        if isinstance(signed, SignedResolution):
            may_resolve(record.proposal, operator, now=said.at)
        else:
            _prove(signed, record, operators)
    except (IntegrityError, DecisionRefused) as wrong:
        return Text(f"by what is trusted now it would not count: {visible(wrong.message)}")
    return None


def _prove(signed: SignedDecision, record: ProposalRecord, operators: Mapping[str, Operator]) -> None:
    """Prove a decision as the worker would have when it was taken: its login, its moment, its code."""
    decision, proposal = signed.decision, record.proposal
    if signed.login is not None:
        verify_login(signed.login, operators, ledger=proposal.ledger)
    if decision.verdict != "approve":
        return
    # Some commands have nothing to prove codes by; what they cannot see is no reason to doubt.
    if decision.step_up is not None and operators[decision.operator].code_secret is None:
        return
    verify = verify_approval if decision.policy is None else verify_policy_approval
    verify(signed, proposal, operators, ledger=proposal.ledger, now=decision.at)
