"""A card on a terminal: fields under headings, warnings first and the agent's own words last.

Nothing is told here that the card does not hold, and all that a decision is about is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from synapsor.approve.card.amended_view import Amends, Argument, Talk
from synapsor.approve.card.beside_view import Beside, BesideRow, Group, Rival
from synapsor.approve.card.cells import DoneRow, Moment
from synapsor.approve.card.decided_view import Attempt, Decided
from synapsor.approve.card.outline import AMENDED, WITH_CODE
from synapsor.approve.card.read_view import Evidence
from synapsor.approve.card.view import RECEIPTLESS, Card, PolicyVerdict
from synapsor.approve.terminal.drawing import Line, Row, drawn, replaced
from synapsor.approve.terminal.drawing import rows as drawn_rows
from synapsor.approve.terminal.now import now
from synapsor.approve.terminal.reads import reads
from synapsor.approve.terminal.rows import fields, rows, totals, value
from synapsor.approve.terminal.shadow import shadow
from synapsor.core.plain import is_right_to_left, line_of
from synapsor.core.words import many

_DONE: Final = 10
"""Rows of a receipt that are told where not all is asked for."""


def render(card: Card, *, colour: bool = False, width: int = 100, evidence: bool = False) -> str:
    """Return the card as text of at most `width` cells; only with `colour` does it hold control characters, and they are its own.

    With `evidence` the rows that the agent read are told, too.
    """
    rows = tuple(reads(card, width)) if evidence else ()
    return drawn(lines(card, rows), colour=colour, width=width).strip("\n") + "\n"


def sheet(card: Card, *, width: int) -> tuple[Row, ...]:
    """Return the card as lines of at most `width` cells, for a screen that paints them itself."""
    found = list(drawn_rows(lines(card), width=width))
    while found and not found[0]:
        del found[0]
    return tuple(found)


def lines(card: Card, read: Iterable[Line] = ()) -> Iterator[Line]:
    """Yield the card, line by line; the agent's own words stay the last, behind what it `read`."""
    yield from (Line("WARNING", words, "warning") for words in card.warnings)
    yield from _head(card)
    if card.amends is not None:
        yield from _amended(card.amends)
    yield from (line for one in card.decided for line in decided(one))
    yield from _became(card)
    for undo in card.undone_by:
        yield Line("undo of it", f"{line_of(undo.proposal)} {undo.stands}", "warning")
    yield from rows(card)
    yield from totals(card)
    if card.shadow is not None:
        yield from shadow(card.shadow, several=len(card.rows) > 1)
    if card.now is not None:
        yield from now(card.now)
    if card.now is not None or card.shadow is not None:
        yield Line("What it rests on and takes", "", "title")
    yield from _rests_on(card)
    if card.group is not None:
        yield from _group(card.group)
    yield from _rivals(card)
    yield from _needs(card)
    yield from _undo(card)
    yield from read
    yield Line("digest", card.digest, "title")
    if card.undoes is None:
        yield Line("What the agent sent (untrusted, believe none of it)", "", "warning")
        yield from (Line(line_of(sent.name), line_of(sent.text, quoted=sent.quoted)) for sent in card.sent)
    yield from (line for question in card.questions for line in _asked(question))


def _amended(amends: Amends) -> Iterator[Line]:
    """Yield what a reviewer made of what the agent asked for."""
    yield Line(AMENDED[amends.kind], f"by {line_of(amends.by)}, in the place of {line_of(amends.proposal)}", "warning")
    yield Line("because", line_of(amends.reason, quoted=True))
    for one in amends.edited:
        yield from replaced("", _sent(one.before), _sent(one.after), head=f"{line_of(one.name)}: the agent sent ")
    if amends.editors:
        yield Line("not by", f"{', '.join(map(line_of, amends.editors))}, who edited it")


def _sent(argument: Argument | None) -> str:
    return "nothing" if argument is None else line_of(argument.text, quoted=argument.quoted)


def _asked(question: Talk) -> Iterator[Line]:
    yield Line("A question to the agent, and its answer (untrusted, believe none of it)", "", "warning")
    yield Line("question", f"{line_of(question.id)} by {line_of(question.by)}, {_when(question.at)}")
    if question.doubt is not None:
        yield Line("", line_of(question.doubt), "warning")
    yield Line("asks", line_of(question.text, quoted=True))
    if question.answer is None or question.answered is None:
        yield Line("answer", "it was never answered" if question.over else "none so far")
    else:
        yield Line("answer", f"{line_of(question.answer, quoted=True)}, {_when(question.answered)}")


def decided(one: Decided) -> Iterator[Line]:
    """Yield a decision on record; of one that nothing proves it is said why."""
    if one.policy is not None:
        who = f"by the policy {line_of(one.policy)}, with the key {line_of(one.by)}"
    else:
        who = f"by {line_of(one.by)}, in the role {line_of(one.role)}"
    yield Line(one.verdict, f"{who}, {_when(one.at)}")
    if one.session is not None:
        yield Line("through", line_of(one.session))
    if one.preset is not None:
        yield Line("why", line_of(one.preset))
    if one.reason is not None:
        yield Line("because", line_of(one.reason, quoted=True))
    if one.doubt is not None:
        yield Line("", line_of(one.doubt), "warning")


def _head(card: Card) -> Iterator[Line]:
    asked, target = card.asked, card.target
    yield Line(f"Proposal {line_of(card.handle)} {card.stands}", "", "title")
    if card.undoes is not None:
        yield Line("undoes", f"{line_of(card.undoes.proposal)}, which was applied", "warning")
        yield Line("because", line_of(card.undoes.reason, quoted=True))
    yield Line("capability", line_of(asked.capability))
    yield Line("asked by", f"{line_of(asked.by)}, through {line_of(asked.client)}")
    yield Line("asked", _when(asked.at))
    left = "EXPIRED" if card.lapsed else f"in {card.expires.away}"
    yield Line("expires", f"{line_of(card.expires.at)} ({left})")
    yield Line("target", f"{line_of(target.source)}: {line_of(target.relation)}")
    yield Line("operation", line_of(target.operation))
    if target.executor is not None:
        yield Line("applied by", f"the application itself, through the executor {line_of(target.executor)}")
    if target.receiptless:
        yield Line("receipts", RECEIPTLESS, "warning")
    tenant = fields([target.tenant]) if target.tenant else "single tenant"
    if len(card.rows) > 1:
        yield Line("rows", f"{len(card.rows)}, {tenant}: all of them or none, and no other row")
        return
    # A row that is to be added may be told apart by its tenant, too; once is enough.
    names = " and ".join(fields(row.key) for row in card.rows)
    yield Line("row", names if target.tenant_in_key else f"{names}, {tenant}")


def _became(card: Card) -> Iterator[Line]:
    yield from (line for attempt in card.attempts for line in _attempt(attempt, full=card.full))
    if card.waits_for is not None:
        waits = "waits for the worker" if card.held is None else "is not done"
        yield Line("outcome", f"none yet: {line_of(card.waits_for)} {waits}")
    yield from (Line("said", line_of(one)) for one in card.steered)
    if card.held is not None:
        yield Line("", line_of(card.held), "warning")
    for end in card.ends:
        left = f" with {line_of(end.because)}, which it stands or falls with" if end.because else ""
        left += f" by {line_of(end.by)}" if end.by else ""
        yield Line("ended", f"{line_of(end.how)}{left}, {_when(end.at)}")


def _attempt(attempt: Attempt, *, full: bool) -> Iterator[Line]:
    moved = f": {', '.join(map(line_of, attempt.moved))}" if attempt.moved else ""
    code = f", {line_of(attempt.code)}" if attempt.code else ""
    yield Line("outcome", line_of(attempt.outcome) + code + moved)
    if attempt.meaning:
        yield Line("", attempt.meaning)
    yield Line("receipt", f"{line_of(attempt.receipt)} by {line_of(attempt.worker)}, {_when(attempt.at)}")
    told = attempt.rows if full else attempt.rows[:_DONE]
    yield from (Line("", _done(row)) for row in told)
    if more := len(attempt.rows) - len(told):
        yield Line("", f"and {many(more, 'more row', 'more rows')}, see --full")


def _done(row: DoneRow) -> str:
    versions = [line_of(text) if text else "?" for text in (row.version_before, row.version_after)]
    known = row.version_before is not None or row.version_after is not None
    told = f", version {versions[0]} → {versions[1]}" if row.done == "updated" and known else ""
    return f"{row.done} {fields(row.key)}{told}"


def _rests_on(card: Card) -> Iterator[Line]:
    yield from (_read(evidence) for evidence in card.rests_on)
    if card.also_read:
        count = many(len(card.also_read), "more read")
        told = f"more than {count}" if card.also_more else count
        yield Line("", f"{told} in the same run, see `synapsor show --evidence`", "quiet")
    asked = card.asked
    if asked.workflow is not None:
        run = line_of(asked.run) if asked.run is not None else "?"
        yield Line("workflow", f"{line_of(asked.workflow)}, run {run}")
    yield Line("contract", line_of(asked.contract))


def _read(evidence: Evidence) -> Line:
    seen = f", seen {evidence.at.away} ago" if evidence.at else ""
    if evidence.own:
        return Line("evidence", line_of(evidence.handle) + seen)
    return Line("", f"{line_of(evidence.handle)}, read before by {line_of(evidence.capability)}{seen}")


def _group(group: Group) -> Iterator[Line]:
    yield Line("together", "all of these are applied in one transaction with it, or none")
    for other in group.others:
        yield Line("", f"{line_of(other.proposal)}, {line_of(other.capability)}: {_come(other)}")
        yield from (line for row in other.rows for line in _beside(row))
    for name in group.missing:
        yield Line("", f"{line_of(name)}: not proposed yet", "warning")


def _rivals(card: Card) -> Iterator[Line]:
    several = len(card.rows) > 1
    for rival in card.rivals.told:
        yield Line(
            "competes with", f"{line_of(rival.proposal)}, {line_of(rival.capability)}: it {rival.stands}", "warning"
        )
        yield Line("", f"asked by {line_of(rival.by)}, {_when(rival.at)}")
        does = "it removes the row" if rival.removes else _both(rival)
        yield Line("", f"{does}: {'; '.join(map(fields, rival.keys))}" if several else does)
    if card.rivals.more:
        yield Line("", "and there are more", "warning")


def _both(rival: Rival) -> str:
    names = ", ".join(map(line_of, rival.columns))
    return f"both set {names}" if names else "it sets other columns"


def _come(other: Beside) -> str:
    if other.status != "review_required":
        return other.status.replace("_", " ")
    return f"approved by {other.have}/{other.need}"


def _beside(row: BesideRow) -> Iterator[Line]:
    key = fields(row.key)
    changes = [(line_of(name), value(before), value(after)) for name, before, after in row.changes]
    told = ", ".join(f"{name} {before} → {after}" for name, before, after in changes)
    if row.removed or not is_right_to_left(key + told):
        yield Line("", f"  {key}: {'the row is removed' if row.removed else told}", "quiet")
        return
    yield Line("", f"  {key}", "quiet")
    for name, before, after in changes:
        yield from replaced("", before, after, head=f"  {name} ", tone="quiet")


def _needs(card: Card) -> Iterator[Line]:
    quorum = card.quorum
    role, asker = line_of(quorum.role), line_of(quorum.not_by)
    if card.asked.reason_code is not None:
        yield Line("reason code", line_of(card.asked.reason_code))
    because = f": {line_of(card.risk_because)}" if card.risk_because is not None else ""
    yield Line("risk", line_of(card.risk) + because, "plain" if card.risk.text == "low" else "warning")
    code = f", {WITH_CODE}{'' if quorum.need == 1 else ' each'}" if quorum.with_code else ""
    if quorum.need == 1:
        yield Line("needs", f"the role {role}, and another person than {asker}{code}")
    else:
        yield Line("needs", f"{quorum.need} different people with the role {role}, none of them {asker}{code}")
    if quorum.need > 1 or card.group is not None:
        names = ", ".join(map(line_of, quorum.by))
        yield Line("approved by", f"{quorum.have}/{quorum.need}" + (f": {names}" if names else ""))
    if card.policy is not None:
        yield from _policy(card.policy)


def _policy(policy: PolicyVerdict) -> Iterator[Line]:
    """Yield why a person is asked, or that nobody needed to be."""
    unasked = "automatic approval is stopped" if policy.stopped else "a worker asks it, where the project allows that"
    said = {"approved": "approved it", "open": f"has not been asked: {unasked}"}
    words = (
        f"left it to a person: {line_of(policy.words)}" if policy.words is not None else said.get(policy.verdict, "")
    )
    yield Line("policy", f"{line_of(policy.name)} {words}")
    if policy.limit is not None:
        limit = policy.limit
        day = f"the day held {value(limit.observed)}, this adds {value(limit.proposed)}, and the most is {value(limit.most)}"
        yield Line("", day)
    if policy.approves is not None and policy.verdict != "approved":
        yield Line("", f"it {line_of(policy.approves)}", "quiet")


def _undo(card: Card) -> Iterator[Line]:
    undo = card.undo
    if undo is None:
        return
    can = "can be undone" if undo.can else "cannot be undone"
    words = f"{can} once it is applied" if undo.once_applied else can
    if undo.why is not None:
        yield Line("undo", f"{words}: {line_of(undo.why)}", "warning")
    else:
        yield Line("undo", f"{words}, if other people approve that as well")


def _when(moment: Moment) -> str:
    return f"{line_of(moment.at)} ({moment.away} ago)"
