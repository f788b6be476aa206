"""A plain history checker: what the shop's own audit triggers saw against what the ledger says and who signed what.

Every effect can be counted without believing Synapsor: a changed or added row carries the marker of the request that asked for it,
and a row is asked to be removed only once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synapsor.core.proposal import Status
from synapsor.core.statements import Operator, signature_holds
from synapsor.ports import ProposalRecord
from tests.databases import Database, execute, fetch, table

_DID = ("update", "insert", "delete")
_NOTED = "what, invoice, tenant, old_mark, new_mark"
_OLD, _NEW = "OLD.waiver_reason", "NEW.waiver_reason"
_SEEN = {
    "update": f"'update', NEW.id, NEW.tenant_id, {_OLD}, {_NEW}",
    "insert": f"'insert', NEW.id, NEW.tenant_id, NULL, {_NEW}",
    "delete": f"'delete', OLD.id, OLD.tenant_id, {_OLD}, NULL",
}
TRIGGER = "note_delete"
"""The trigger on the removal of a row, which a contract must accept."""


def _postgres() -> str:
    branches = "".join(
        f"IF TG_OP = '{did.upper()}' THEN INSERT INTO billing.effects ({_NOTED}) VALUES ({_SEEN[did]}); END IF;\n"
        for did in _DID
    )
    return f"""
CREATE TABLE billing.effects (seq bigserial PRIMARY KEY, what text, invoice text, tenant text, old_mark text, new_mark text);
CREATE FUNCTION billing.note_effect() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
{branches}  RETURN NULL;
END $$;
""" + "".join(
        f"CREATE TRIGGER note_{did} AFTER {did} ON billing.invoices FOR EACH ROW EXECUTE FUNCTION billing.note_effect();\n"
        for did in _DID
    )


def _others(made: str, updated: str, end: str, begin: str = "") -> str:
    when = {"update": updated, "insert": "INSERT", "delete": "DELETE"}
    return made + "".join(
        f"CREATE TRIGGER note_{did} AFTER {when[did]} ON invoices FOR EACH ROW {begin}"
        f"INSERT INTO effects ({_NOTED}) SELECT {_SEEN[did]};{end}\n"
        for did in _DID
    )


_WATCH = {
    "postgres": _postgres(),
    "mariadb": _others(
        "CREATE TABLE effects (seq bigint AUTO_INCREMENT PRIMARY KEY, what varchar(10), invoice varchar(64), tenant varchar(64),"
        " old_mark varchar(500), new_mark varchar(500)) ENGINE=InnoDB;\n",
        "UPDATE",
        "",
    ),
    # The shop's own trigger counts the version in an update of its own, which is no second effect.
    "sqlite": _others(
        "CREATE TABLE effects (seq INTEGER PRIMARY KEY AUTOINCREMENT, what TEXT, invoice TEXT, tenant TEXT, old_mark TEXT,"
        " new_mark TEXT) STRICT;\n",
        "UPDATE OF waiver_reason",
        " END;",
        "BEGIN ",
    ),
}
_UNWATCH = {
    "postgres": "DROP TABLE IF EXISTS billing.effects; DROP FUNCTION IF EXISTS billing.note_effect CASCADE",
    "mariadb": "".join(f"DROP TRIGGER IF EXISTS note_{did}; " for did in _DID) + "DROP TABLE IF EXISTS effects",
}


@dataclass(frozen=True)
class Effect:
    """One change of a row, as the shop's own trigger wrote it down."""

    seq: int
    what: str
    invoice: str
    tenant: str
    old_mark: str | None
    new_mark: str | None


@dataclass(frozen=True)
class Asked:
    """One request as the test made it: its marker, what it is to do, and to which rows."""

    mark: str
    what: str
    rows: frozenset[str]


def watch(database: Database) -> None:
    """Let the shop write down every change of an invoice from now on."""
    execute(database, _WATCH[database.engine])


def unwatch(database: Database) -> None:
    """Let it forget what it wrote, and write no more."""
    if database.engine in _UNWATCH:
        execute(database, _UNWATCH[database.engine])


def effects(database: Database) -> list[Effect]:
    """Return every change, in order."""
    rows = fetch(database, f"SELECT seq, {_NOTED} FROM {table(database, 'effects')} ORDER BY seq")
    return [Effect(*row) for row in rows]


def violations(
    seen: Sequence[Effect],
    records: Sequence[ProposalRecord],
    operators: Mapping[str, Operator],
    asked: Mapping[str, Asked],
) -> list[str]:
    """Return every way in which the history is not what was promised; `asked` gives the request of each proposal."""
    found: list[str] = []
    requests = {r.proposal.id: asked[r.proposal.id] for r in records}
    by_mark = {request.mark: proposal for proposal, request in requests.items() if request.what != "delete"}
    by_gone = {
        row: proposal for proposal, request in requests.items() if request.what == "delete" for row in request.rows
    }
    of: dict[str, list[Effect]] = {r.proposal.id: [] for r in records}
    for effect in seen:
        proposal = by_gone.get(effect.invoice) if effect.what == "delete" else by_mark.get(effect.new_mark or "")
        if proposal is None:
            found.append(f"effect of nobody's request: {effect}")
        else:
            of[proposal].append(effect)
    for record in records:
        found += _unauthorised(of[record.proposal.id], record, operators)
        found += _untrue(of[record.proposal.id], record, requests[record.proposal.id])
        found += _parted(record)
    return found + _lost_updates(seen)


def _parted(record: ProposalRecord) -> list[str]:
    """Return that a proposal came to another end than what stands or falls with it; each of them is as `_untrue` says."""
    ends = {other.status for other in record.group} - {record.status}
    return [f"{record.proposal.id} is {record.status.value} and others of its group are {ends}"] if ends else []


def _unauthorised(done: list[Effect], record: ProposalRecord, operators: Mapping[str, Operator]) -> list[str]:
    proposal = record.proposal
    found = [f"{proposal.id} changed a row of another tenant" for e in done if e.tenant != proposal.tenant]
    approvals = [
        s
        for s in record.decisions
        if s.decision.verdict == "approve"
        and s.decision.digest == proposal.digest
        and s.decision.operator in operators
        and signature_holds(s.decision, s.signature, operators[s.decision.operator])
    ]
    if done and not approvals:
        found.append(f"{proposal.id} has an effect and no valid approval")
    return found


def _untrue(done: list[Effect], record: ProposalRecord, asked: Asked) -> list[str]:
    """Return in what way the effects are not the whole of what was asked, once, or none of it, as the ledger says."""
    proposal, counts = record.proposal.id, Counter(e.invoice for e in done)
    found = [f"double effect of {asked.mark} on {row}" for row, count in counts.items() if count > 1]
    found += [f"{proposal} did {e.what} where it was to {asked.what}" for e in done if e.what != asked.what]
    if record.status is Status.APPLIED and set(counts) != asked.rows:
        found.append(f"{proposal} is reported applied to {sorted(asked.rows)} with effects on {sorted(counts)}")
    if record.status is not Status.APPLIED and done:
        found.append(f"{proposal} is reported {record.status.value} and has effects on {sorted(counts)}")
    if record.status is Status.APPROVED:
        found.append(f"{proposal} was approved and never settled")
    return found


def _lost_updates(seen: Sequence[Effect]) -> list[str]:
    last: dict[str, str | None] = {}
    gone: set[str] = set()
    found = []
    for effect in seen:
        known = effect.invoice in last
        if effect.invoice in gone or (effect.what == "insert" and known):
            was = "gone" if effect.invoice in gone else "there"
            found.append(f"{effect.what} of {effect.invoice} at {effect.seq}, which was {was}")
        if known and effect.what != "insert" and effect.old_mark != last[effect.invoice]:
            found.append(f"lost update on {effect.invoice} at {effect.seq}")
        last[effect.invoice] = effect.new_mark
        if effect.what == "delete":
            gone.add(effect.invoice)
    return found
