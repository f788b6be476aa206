"""What a shadow apply measured of a proposal, for its card: which tables it touches, and what it would leave that the change does not say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from synapsor.approve.card.shadow_view import Leaves, Shadow, Touches
from synapsor.approve.card.teller import Teller
from synapsor.core.measured import Measurement, beside
from synapsor.core.outcome import meaning_of
from synapsor.core.proposal import Proposal
from synapsor.core.words import many
from synapsor.ports import ProposalRecord


def shadow_of(record: ProposalRecord, teller: Teller) -> Shadow | None:
    """Return what is told of the measuring; None where neither its contract asks for that nor anybody has done it."""
    measured = record.measured
    wanted = (one.request.operator for each in record.together for one in each.shadow_requests)
    wanted_by = tuple(teller.text(name) for name in dict.fromkeys(wanted))
    if measured is None or record.unmeasured:
        return Shadow(state="waits", wanted_by=wanted_by) if record.is_shadowed else None
    return Shadow(
        wanted_by=wanted_by,
        state=measured.outcome,
        code=teller.perhaps(measured.code),
        meaning=meaning_of(measured.code),
        handle=teller.text(measured.id),
        worker=teller.text(measured.worker),
        at=teller.moment(measured.at),
        touches=tuple(_touches(measured.tables, teller)),
        leaves=tuple(_leaves(record.proposal, measured, teller)),
        varies=tuple(teller.text(name) for name in measured.varies),
        together=bool(measured.others),
    )


def _touches(tables: Mapping[str, Mapping[str, int]], teller: Teller) -> Iterator[Touches]:
    for table, counts in sorted(tables.items()):
        words = ", ".join(f"{many(count, 'row')} {what}" for what, count in sorted(counts.items()))
        yield Touches(table=None if table == "*" else teller.text(table), rows=words)


def _leaves(proposal: Proposal, measured: Measurement, teller: Teller) -> Iterator[Leaves]:
    for at, name, token in beside(proposal, measured.rows):
        if name not in measured.varies:
            yield Leaves(row=at + 1, field=teller.field(name, teller.value(name, token)))
