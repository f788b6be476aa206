"""Putting a proposal in the place of another one in the browser: with other arguments, or with more time.

The form is made from the arguments that the capability declares. What it sends goes through `flow.amend` like a command's, names the
digest that the page showed, and is signed by the session; whoever edits does not decide on what comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from synapsor.approve.console.acting import acting_of, signer_of
from synapsor.approve.console.fields import Field, changed_in, fields_of, sent_in
from synapsor.approve.console.room import Room
from synapsor.approve.console.visit import Visit, page
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.changes import Computed
from synapsor.contract.plainly import bounds_of
from synapsor.contract.typed import typed
from synapsor.core.plain import visible
from synapsor.core.proposal import AmendKind
from synapsor.errors import Code, DecisionRefused, Refusal, SynapsorError, UsageError
from synapsor.flow.amend import AMENDING, edit, extend
from synapsor.flow.filing import Filing, served_for
from synapsor.flow.named import proposal_of
from synapsor.flow.prepare import Served
from synapsor.flow.reason import check_reason
from synapsor.ports import ProposalRecord
from synapsor.refusals import Rule
from synapsor.values import canonical

MOST_BYTES: Final = 60_000
"""How large the arguments may be that a form takes: encoded for its way back they are up to three times that."""
_MEND: Final = frozenset({Rule.NOTHING_EDITED, Rule.OTHER_ROWS})
"""What the same form can be sent again for, besides what the contract refuses."""
_NAMED: Final = re.compile(r"([a-z][a-z0-9_]*)(?=[:. (])", re.ASCII)
"""With which name the detail of a refusal begins."""


def routes(room: Room) -> Iterable[Route]:
    """Return the forms, and where they are sent to."""
    for kind in ("edit", "extend"):
        yield page(room, f"/proposals/{{handle}}/{kind}", partial(_form, kind))
        yield page(room, f"/proposals/{{handle}}/{kind}", partial(_sent, kind), posts=True)


async def _form(kind: AmendKind, visit: Visit) -> Response:
    record = await _named(visit)
    acting_of(visit, visit.room.operators()).check(record, AMENDING[kind], ledger=visit.room.ledger.id)
    return await _shown(visit, record, kind)


async def _sent(kind: AmendKind, visit: Visit) -> Response:
    room, record = visit.room, await _named(visit)
    operators = room.operators()
    acting, signer = acting_of(visit, operators), signer_of(visit, operators)
    reason = visit.sent("reason").strip()
    try:
        check_reason(kind, reason)
        served = await served_for(room.ledger, record, acting, AMENDING[kind], activated=room.given.activated)
        amending = Filing(
            record=record,
            served=served,
            operator=signer.operator,
            operators=room.operators,
            unlock=lambda: signer,
            reason=reason,
            now=room.now(),
            client="console",
            shown=visit.sent("digest"),
        )
        if kind == "edit":
            filed = await edit(room.ledger, amending, _values(visit, record, served))
        else:
            filed = await extend(room.ledger, amending)
    except (DecisionRefused, Refusal, UsageError) as error:
        if isinstance(error, DecisionRefused) and error.rule not in _MEND:
            raise
        return await _shown(visit, record, kind, error)
    visit.session.flash = (filed.proposal.id, _told(kind, record))
    return visit.lead(f"/proposals/{filed.proposal.id}")


async def _named(visit: Visit) -> ProposalRecord:
    return await proposal_of(visit.room.ledger, str(visit.request.path_params["handle"]))


async def _shown(visit: Visit, record: ProposalRecord, kind: AmendKind, error: SynapsorError | None = None) -> Response:
    """Return the form, with what was sent before and what is to be mended in it."""
    proposal = record.proposal
    head, _ = await visit.room.ledger.head()  # what was refused just now is on record, and is no news to this page
    fields: tuple[Field, ...] = ()
    wrong: dict[str, str] = {}
    if kind == "edit":
        _check_size(proposal.arguments, proposal.id)
        served = await visit.room.given.activated(proposal.capability)
        wrong = _wrong(visit, record, served, error)
        fields = fields_of(served.capability.arguments, proposal.arguments, sent_in(visit.form), wrong)
    return await visit.page(
        "amend.html",
        status=HTTPStatus.OK if error is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        kind=kind,
        proposal=proposal,
        head=head,
        fields=fields,
        trouble=_trouble(error, wrong),
        rule=_rule(error),
        wrong=wrong,
        reason=visit.sent("reason"),
    )


def _values(visit: Visit, record: ProposalRecord, served: Served) -> dict[str, Any]:
    """Return the arguments that a person changed, of the types that they are declared with."""
    declared, held = served.capability.arguments, record.proposal.arguments
    return typed(changed_in(declared, held, sent_in(visit.form)), served.tool.input_schema)


def _wrong(visit: Visit, record: ProposalRecord, served: Served, error: SynapsorError | None) -> dict[str, str]:
    """Return what is wrong, by the argument that it is about."""
    if not isinstance(error, Refusal):
        return {}
    if error.code is Code.INVALID_ARGUMENTS:
        found = dict(served.check.broken({**record.proposal.arguments, **_values(visit, record, served)}))
        if found:
            return found
    named = _NAMED.match(error.detail)
    about = _arguments_of(named[1], served) if named else ()
    words = error.detail.rstrip(".")
    if named and error.code is Code.OUT_OF_BOUNDS:
        words = f"{words}: {held}" if (held := _bounds(named[1], served)) else words
    return dict.fromkeys(about, words)


def _bounds(column: str, served: Served) -> str:
    """Return the reviewed bounds of a column in plain words, as the page of a proposal tells them; "" where there are none."""
    capability = served.capability
    if not isinstance(capability, ProposeCapability) or column not in served.table.columns:
        return ""
    return bounds_of(capability, served.table, (column,)).get(column, "")


def _trouble(error: SynapsorError | None, wrong: Mapping[str, str]) -> str:
    """Return what is wrong as a person is told it: the fix of a refusal speaks to an agent."""
    if error is None:
        return ""
    if isinstance(error, Refusal):
        return f"{error.meaning.message} Mend what is marked below." if wrong else error.message
    return f"{error.message} {error.fix}".strip()


def _arguments_of(name: str, served: Served) -> tuple[str, ...]:
    """Return the arguments that a word of a refusal is about: one of that name, or those of which a column of that name is made."""
    capability = served.capability
    if name in capability.arguments:
        return (name,)
    if not isinstance(capability, ProposeCapability) or name not in capability.set:
        return ()
    made = capability.set[name]
    source = str(made.amount if isinstance(made, Computed) else made)
    return tuple(a for a in capability.arguments if source == f"${a}" or source.startswith(f"${a}."))


def _rule(error: SynapsorError | None) -> str:
    if isinstance(error, Refusal):
        return error.code.value
    return error.rule if isinstance(error, DecisionRefused) else ""


def _check_size(arguments: Mapping[str, Any], proposal: str) -> None:
    if len(canonical(dict(arguments))) > MOST_BYTES:
        raise DecisionRefused(
            Rule.NOT_SHOWN_HERE,
            "Its arguments are too large for a form.",
            fix=f"Edit it in your terminal: synapsor edit {proposal} --arg NAME=VALUE --reason WHY",
        )


def _told(kind: AmendKind, record: ProposalRecord) -> str:
    place = f"has taken the place of {visible(record.proposal.id)}"
    if kind == "edit":
        return f"{place}. Somebody else decides on it, for you have edited it."
    return f"{place}, with all the time that a proposal has."
