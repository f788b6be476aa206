"""A plain history checker: what the shop's own audit trigger saw against what the ledger says and who signed what.

Every effect carries the marker of the request that asked for it, so that an effect can be counted without believing Synapsor.
"""

from collections import Counter
from dataclasses import dataclass

from synapsor.core.proposal import Status
from synapsor.core.review import Operator, signature_holds
from synapsor.ports import ProposalRecord
from tests.databases import Database, execute, fetch, table

_POSTGRES = """
CREATE TABLE billing.effects (seq bigserial PRIMARY KEY, invoice text, tenant text, old_mark text, new_mark text,
  old_version bigint, new_version bigint);
CREATE FUNCTION billing.note_effect() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO billing.effects (invoice, tenant, old_mark, new_mark, old_version, new_version)
  VALUES (NEW.id, NEW.tenant_id, OLD.waiver_reason, NEW.waiver_reason, OLD.row_version, NEW.row_version);
  RETURN NULL;
END $$;
CREATE TRIGGER note_effect AFTER UPDATE ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.note_effect();
"""
_MARIADB = """
CREATE TABLE effects (seq bigint AUTO_INCREMENT PRIMARY KEY, invoice varchar(64), tenant varchar(64), old_mark varchar(500),
  new_mark varchar(500), old_version bigint, new_version bigint) ENGINE=InnoDB;
CREATE TRIGGER note_effect AFTER UPDATE ON invoices FOR EACH ROW
  INSERT INTO effects (invoice, tenant, old_mark, new_mark, old_version, new_version)
  VALUES (NEW.id, NEW.tenant_id, OLD.waiver_reason, NEW.waiver_reason, OLD.row_version, NEW.row_version);
"""
_SQLITE = """
CREATE TABLE effects (seq INTEGER PRIMARY KEY AUTOINCREMENT, invoice TEXT, tenant TEXT, old_mark TEXT, new_mark TEXT,
  old_version INTEGER, new_version INTEGER) STRICT;
CREATE TRIGGER note_effect AFTER UPDATE OF waiver_reason ON invoices FOR EACH ROW BEGIN
  INSERT INTO effects (invoice, tenant, old_mark, new_mark, old_version, new_version)
  VALUES (NEW.id, NEW.tenant_id, OLD.waiver_reason, NEW.waiver_reason, OLD.row_version, NEW.row_version);
END;
"""


@dataclass(frozen=True)
class Effect:
    """One change of a row, as the shop's own trigger wrote it down."""

    seq: int
    invoice: str
    tenant: str
    old_mark: str | None
    new_mark: str | None


def watch(database: Database) -> None:
    """Let the shop write down every change of an invoice."""
    execute(database, {"postgres": _POSTGRES, "mariadb": _MARIADB, "sqlite": _SQLITE}[database.engine])


def effects(database: Database) -> list[Effect]:
    """Return every change, in order."""
    rows = fetch(
        database, f"SELECT seq, invoice, tenant, old_mark, new_mark FROM {table(database, 'effects')} ORDER BY seq"
    )
    return [Effect(*row) for row in rows]


def violations(
    seen: list[Effect], records: list[ProposalRecord], operators: dict[str, Operator], marks: dict[str, str]
) -> list[str]:
    """Return every way in which the history is not what was promised; `marks` gives the marker of each proposal's request."""
    found: list[str] = []
    by_mark = {marks[r.proposal.id]: r for r in records}
    counts = Counter(e.new_mark for e in seen)
    for mark, count in counts.items():
        if count > 1:
            found.append(f"double effect of {mark}")
    for effect in seen:
        record = by_mark.get(effect.new_mark or "")
        if record is None:
            found.append(f"effect of nobody's request: {effect.new_mark}")
            continue
        found += _unauthorised(effect, record, operators)
    for record in records:
        found += _untrue(record, counts[marks[record.proposal.id]])
    return found + _lost_updates(seen)


def _unauthorised(effect: Effect, record: ProposalRecord, operators: dict[str, Operator]) -> list[str]:
    found = []
    proposal = record.proposal
    if effect.tenant != proposal.tenant:
        found.append(f"{proposal.id} changed a row of another tenant")
    approvals = [
        s
        for s in record.decisions
        if s.decision.verdict == "approve"
        and s.decision.digest == proposal.digest
        and s.decision.operator in operators
        and signature_holds(s.decision, s.signature, operators[s.decision.operator])
    ]
    if not approvals:
        found.append(f"{proposal.id} has an effect and no valid approval")
    return found


def _untrue(record: ProposalRecord, effects_of_it: int) -> list[str]:
    applied = record.status is Status.APPLIED
    if applied and effects_of_it != 1:
        return [f"{record.proposal.id} is reported applied with {effects_of_it} effects"]
    if not applied and effects_of_it:
        return [f"{record.proposal.id} is reported {record.status.value} and has an effect"]
    if record.status is Status.APPROVED:
        return [f"{record.proposal.id} was approved and never settled"]
    return []


def _lost_updates(seen: list[Effect]) -> list[str]:
    last: dict[str, str | None] = {}
    found = []
    for effect in seen:
        if effect.invoice in last and effect.old_mark != last[effect.invoice]:
            found.append(f"lost update on {effect.invoice} at {effect.seq}")
        last[effect.invoice] = effect.new_mark
    return found
