"""What a credential may do is judged once, from plain facts, for readers and writers of every engine."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synapsor.config.sources import Allowed
from synapsor.contract.capability import ProposeCapability
from synapsor.contract.mapping import Table
from synapsor.core import posture
from synapsor.core.effects import judge_change, unreviewed
from synapsor.core.facts import (
    RECEIPT_COLUMNS,
    RECEIPT_DIGESTS,
    RECEIPT_KEY,
    ColumnFacts,
    Effect,
    Finding,
    May,
    Needs,
    Reach,
    ReceiptsTable,
    RelationFacts,
    Rights,
)
from synapsor.core.plan import Relation
from synapsor.core.posture import judge_read, judge_reader, judge_writer, refuse_fatal
from synapsor.core.production import REFUSED, judge_for_production
from synapsor.core.receipts_table import LISTED
from synapsor.errors import UnsafeSource
from synapsor.runtime import told
from synapsor.sources import mysql_posture, postgres_posture, sqlite_posture
from tests.unit.contracts import contract

VIEW, TABLE, RECEIPTS = (Relation(schema="shop", name=name) for name in ("invoice_view", "invoices", "receipts"))
ALL = frozenset({"id", "note", "card"})
READS = {VIEW: frozenset({"id", "note"})}
DENIED = {VIEW: frozenset({"card"}), TABLE: frozenset({"card"})}
WRITES = {TABLE: Needs(updates=frozenset({"note"}))}
READER = Rights(
    reach={VIEW: Reach(reads=READS[VIEW], sees=READS[VIEW], behind=frozenset({TABLE})), TABLE: Reach()},
    readable=(str(VIEW),),
)
TABLE_OF_RECEIPTS = ReceiptsTable(
    columns=frozenset({*RECEIPT_COLUMNS, "created_at"}),
    digests=frozenset(RECEIPT_DIGESTS),
    unique=(frozenset({RECEIPT_KEY}),),
)
REACH = Reach(reads=ALL, sees=ALL, updates=WRITES[TABLE].updates)
KEPT = Reach(reads=frozenset(RECEIPT_COLUMNS), inserts=frozenset(RECEIPT_COLUMNS))
WRITER = Rights(reach={TABLE: REACH, RECEIPTS: KEPT}, readable=(str(TABLE),), receipts=TABLE_OF_RECEIPTS)


def of_reader(rights: Rights) -> list[tuple[str, bool]]:
    return brief(judge_reader(rights, READS, DENIED))


def of_writer(rights: Rights) -> list[tuple[str, bool]]:
    return brief(judge_writer(rights, WRITES, RECEIPTS))


def brief(findings: Iterable[Finding]) -> list[tuple[str, bool]]:
    return [(finding.rule, finding.fatal) for finding in findings]


def reader_with(relation: Relation, reach: Reach) -> Rights:
    return replace(READER, reach={**READER.reach, relation: reach})


def writer_with(relation: Relation, reach: Reach) -> Rights:
    return replace(WRITER, reach={**WRITER.reach, relation: reach})


def test_a_credential_that_may_do_what_it_is_for_and_nothing_else_is_safe() -> None:
    assert of_reader(READER) == []
    assert of_writer(WRITER) == []


@pytest.mark.requirement("posture:safe-credential")
@pytest.mark.parametrize(
    ("may", "reader", "writer"),
    [
        (May.EVERYTHING, ("reader_superuser", True), ("writer_superuser", True)),
        (May.EVERYTHING_IN, ("reader_can_write", True), ("writer_superuser", True)),
        (May.PASS_ROW_SECURITY, ("reader_bypasses_row_security", True), ("writer_bypasses_row_security", True)),
        (May.CREATE_ROLES, ("reader_creates_roles", True), ("writer_creates_roles", True)),
        (May.REPLICATE, ("reader_replicates", True), ("writer_replicates", True)),
        (May.BECOME, ("reader_becomes_stronger", True), ("writer_becomes_stronger", True)),
        (May.GIVE_RIGHTS, ("reader_can_grant", True), ("writer_superuser", True)),
        (May.USE_FILES, ("reader_can_use_files", True), ("writer_superuser", True)),
        (May.ADMINISTER, ("reader_is_privileged", True), ("writer_superuser", True)),
        (May.OWN, ("reader_owns", True), ("writer_owns", False)),
        (May.CHANGE, ("reader_can_write", True), ("writer_writes_more", False)),
        (May.CREATE, ("reader_can_create", True), ("writer_can_create", False)),
        (May.CREATE_TEMPORARY, ("reader_can_create_temporary", True), ("writer_can_do_more", False)),
        (May.RUN_DEFINER, ("reader_can_run_definer", True), ("writer_can_do_more", False)),
        (May.RUN_STABLE_DEFINER, ("reader_can_run_stable_definer", False), ("writer_can_do_more", False)),
        (May.RUN_EXTENSION, ("reader_can_run_extension", False), ("writer_can_do_more", False)),
        (May.OTHER, ("reader_is_privileged", True), ("writer_can_do_more", False)),
    ],
    ids=lambda value: value.name if isinstance(value, May) else "",
)
def test_every_power_is_judged_once_for_each_credential(
    may: May, reader: tuple[str, bool], writer: tuple[str, bool]
) -> None:
    powers = {may: () if may is May.CREATE_TEMPORARY else ("somewhere",)}
    assert of_reader(replace(READER, powers=powers)) == [reader]
    assert of_writer(replace(WRITER, powers=powers)) == [writer]


@pytest.mark.requirement("posture:production")
def test_in_production_a_writer_that_can_do_more_is_refused_and_allowed_only_by_name() -> None:
    writer = replace(
        writer_with(TABLE, replace(REACH, alters=True, updates=ALL)),
        powers={May.OWN: ("shop.t",), May.CHANGE: ("shop.u",), May.CREATE: ("shop",), May.OTHER: ("X",)},
    )
    writer = replace(writer, reach={**writer.reach, RECEIPTS: replace(KEPT, deletes=True)})
    told = list(judge_writer(writer, WRITES, RECEIPTS))
    rules = {*posture.ALLOWABLE, "receipts_can_change", "writer_can_do_more"}
    assert ({f.rule for f in told}, any(f.fatal for f in told)) == (rules, False)

    def fatal(*allow: str) -> set[str]:
        return {f.rule for f in judge_for_production(told, allow) if f.fatal}

    assert fatal() == REFUSED == rules - {"writer_can_do_more"}
    for rule in posture.ALLOWABLE:
        assert fatal(rule) == REFUSED - {rule}
        assert [f.rule for f in judge_for_production(told, [rule]) if "It is allowed" in f.message] == [rule]
    assert fatal("receipts_can_change") == REFUSED
    assert brief(judge_for_production([], ["writer_owns"])) == [("allow_needless", False)]
    assert set(get_args(Allowed)) == set(posture.ALLOWABLE)


def test_no_power_is_forgotten_and_no_adapter_mends_a_rule_that_there_is_not() -> None:
    assert set(posture._POWERS) == set(May)
    for adapter in (postgres_posture, mysql_posture, sqlite_posture):
        assert set(adapter._FIXES) <= set(posture._FIXES)


def test_what_the_engine_lets_everybody_is_told_to_a_reader_and_stops_nothing() -> None:
    powers: dict[May, tuple[str, ...]] = {May.CREATE_TEMPORARY_LIKE_ALL: ()}
    assert of_reader(replace(READER, powers=powers)) == [("reader_can_create_temporary", False)]
    assert of_writer(replace(WRITER, powers=powers)) == []


@pytest.mark.parametrize(
    ("hazard", "fix"),
    [
        ("a view without security_barrier: …", "ALTER VIEW shop.invoices SET (security_barrier = true);"),
        ("a view without security_invoker over …", "ALTER VIEW shop.invoices SET (security_invoker = true);"),
        ("a foreign table: …", "Map a relation of which this is not true, or leave it knowingly; it stops nothing."),
    ],
)
def test_each_hazard_of_a_relation_has_a_fix(hazard: str, fix: str) -> None:
    table = contract().tables["invoices"]
    mapped = table.model_copy(update={"relation": "shop.invoices", "columns": {}})
    facts = RelationFacts(relation=TABLE, kind="view", columns={}, hazards=(hazard,))
    assert [(f.rule, f.fix, f.fatal) for f in judge_read(mapped, facts)] == [("unsafe_relation", fix, False)]


@pytest.mark.requirement("posture:safe-credential")
def test_of_a_superuser_only_that_is_told() -> None:
    powers = dict.fromkeys(May, ("somewhere",))
    everything = Reach(reads=ALL, sees=ALL, inserts=ALL, updates=ALL, deletes=True, alters=True)
    reader = replace(reader_with(TABLE, everything), powers=powers, readable=("a.b",))
    assert of_reader(reader) == [("reader_superuser", True)]
    writer = replace(writer_with(TABLE, everything), powers=powers)
    assert of_writer(writer) == [("writer_superuser", True)]


@pytest.mark.requirement("posture:safe-credential")
@pytest.mark.parametrize(
    ("rights", "told"),
    [
        (reader_with(VIEW, Reach()), [("reader_cannot_read", True)]),
        (reader_with(VIEW, replace(READER.reach[VIEW], sees=ALL)), [("reader_sees_denied_column", True)]),
        (replace(READER, readable=(str(VIEW), "shop.*")), [("reader_sees_more", False)]),
        (replace(READER, in_clear=True), [("reader_in_clear", True)]),
        (replace(READER, anonymous=True), [("anonymous_user", True)]),
    ],
)
def test_what_a_reader_lacks_or_sees_is_told(rights: Rights, told: list[tuple[str, bool]]) -> None:
    assert of_reader(rights) == told


@pytest.mark.requirement("posture:safe-credential")
def test_a_denied_column_is_looked_for_behind_a_view_and_told_once_for_each_place() -> None:
    rights = reader_with(TABLE, Reach(sees=ALL))
    once = [("reader_sees_denied_column", True)]
    assert of_reader(rights) == once
    assert brief(judge_reader(rights, READS, {VIEW: DENIED[VIEW]})) == once
    (found,) = judge_reader(rights, READS, {VIEW: DENIED[VIEW]})
    assert found.message == "The reader may read card of shop.invoices, which the contract denies."


def test_a_relation_that_no_adapter_looked_at_is_no_safe_one() -> None:
    with pytest.raises(KeyError):
        of_reader(Rights())
    with pytest.raises(KeyError):
        of_writer(Rights())


@pytest.mark.requirement("posture:worker-sufficient")
@pytest.mark.parametrize(
    ("rights", "told"),
    [
        (writer_with(TABLE, replace(REACH, updates=frozenset())), [("writer_cannot_update", True)]),
        (writer_with(TABLE, replace(REACH, reads=frozenset({"id"}))), [("writer_cannot_read", True)]),
        (writer_with(TABLE, replace(REACH, updates=ALL)), [("writer_can_do_more", False)]),
        (writer_with(TABLE, replace(REACH, inserts=ALL)), [("writer_can_do_more", False)]),
        (writer_with(TABLE, replace(REACH, alters=True)), [("writer_can_alter", False)]),
        (writer_with(TABLE, replace(REACH, deletes=True)), [("writer_can_do_more", False)]),
        (writer_with(RECEIPTS, replace(KEPT, inserts=frozenset({RECEIPT_KEY}))), [("receipts_privilege", True)]),
        (writer_with(RECEIPTS, replace(KEPT, reads=frozenset({RECEIPT_KEY}))), [("receipts_privilege", True)]),
        (writer_with(RECEIPTS, replace(KEPT, updates=frozenset({"worker"}))), [("receipts_can_change", False)]),
        (writer_with(RECEIPTS, replace(KEPT, alters=True)), [("receipts_can_change", False)]),
        (writer_with(RECEIPTS, replace(KEPT, deletes=True)), [("receipts_can_change", False)]),
        (writer_with(RECEIPTS, replace(KEPT, could=Reach(deletes=True))), [("receipts_can_change", False)]),
        (replace(WRITER, in_clear=True), [("writer_in_clear", True)]),
        (replace(WRITER, anonymous=True), [("anonymous_user", True)]),
        (replace(WRITER, read_committed=False), [("read_committed_refused", True)]),
        (replace(WRITER, read_only=True), [("source_is_read_only", False)]),
        (replace(WRITER, lossy={"fsync": ("off", "on")}), [("not_durable", False)]),
    ],
)
def test_what_a_writer_lacks_or_can_do_beyond_its_work_is_told(rights: Rights, told: list[tuple[str, bool]]) -> None:
    assert of_writer(rights) == told


MAPPED = contract().tables["invoices"]


def a_proposal(verb: str, **said: Any) -> ProposeCapability:
    asked = {"description": "Asks for it.", "propose": f"{verb} invoices", "approval": {"role": "lead"}, **said}
    return ProposeCapability.model_validate(asked)


def an_invoice(kind: str = "table", *unique: str) -> RelationFacts:
    columns = {name: ColumnFacts(name=name, native="", family=frozenset(), moves=True) for name in MAPPED.allowed}
    proven = frozenset(unique or ("id",))
    return RelationFacts(relation=TABLE, kind=kind, columns=columns, unique=(proven,))


@pytest.mark.requirement("posture:worker-sufficient")
def test_a_row_that_is_added_is_found_again_by_columns_that_are_unique() -> None:
    asked = a_proposal("insert", set={"note": "$words"}, dedup=["tenant_id", "note"])
    assert brief(judge_change(asked, MAPPED, an_invoice("table", "tenant_id", "note"))) == []
    assert brief(judge_change(asked, MAPPED, an_invoice("table", "id"))) == [("key_not_unique", True)]
    assert brief(judge_change(asked, MAPPED, None)) == [("relation_missing", True)]


@pytest.mark.requirement("undo:exact", "posture:worker-sufficient")
def test_a_row_that_an_undo_would_remove_is_named_by_a_key_that_is_unique_and_removed_without_effects() -> None:
    said = {"set": {"id": "$words", "note": "$words"}, "dedup": ["tenant_id", "note"]}
    plain, undoable = a_proposal("insert", **said), a_proposal("insert", **said, undo="reviewed")
    by_dedup = an_invoice("table", "tenant_id", "note")
    both = replace(by_dedup, unique=(frozenset({"tenant_id", "note"}), frozenset({"id"})))
    effects = (Effect(name="log"),)
    assert brief(judge_change(plain, MAPPED, by_dedup, effects)) == []
    assert brief(judge_change(undoable, MAPPED, by_dedup)) == [("key_not_unique", True)]
    assert brief(judge_change(undoable, MAPPED, both)) == []
    assert brief(judge_change(undoable, MAPPED, both, effects)) == [("delete_has_effects", True)]


@pytest.mark.requirement("delete:no-more")
def test_what_removing_a_row_does_through_a_view_or_beside_is_named_or_refused() -> None:
    asked, known = a_proposal("delete"), a_proposal("delete", accepts={"triggers": ["log"], "cascades": ["shop.lines"]})
    effects = (Effect(name="log"), Effect(name="shop.lines", cascades=True))
    assert brief(judge_change(asked, MAPPED, an_invoice())) == []
    assert brief(judge_change(asked, MAPPED, an_invoice("view"))) == [("not_a_table", True)]
    assert brief(judge_change(asked, MAPPED, an_invoice(), effects)) == [("delete_has_effects", True)] * 2
    assert brief(judge_change(known, MAPPED, an_invoice(), effects)) == []
    swapped = (Effect(name="log", cascades=True), Effect(name="shop.lines"), Effect(name=""))
    assert len(unreviewed(swapped, known.accepts)) == 3


@pytest.mark.requirement("doctor:told-once")
def test_a_column_that_is_gone_is_told_once_where_what_is_read_is_what_is_written() -> None:
    facts = an_invoice()
    facts = replace(facts, columns={name: column for name, column in facts.columns.items() if name != "note"})
    asked = a_proposal("update", set={"note": "$words"})

    def found(mapped: Table) -> list[Finding]:
        both = (*judge_read(mapped, facts), *judge_change(asked, mapped, facts))
        return told("shop", (f for f in both if f.rule == "column_missing"))

    (one,) = found(MAPPED.model_copy(update={"write_to": None}))
    assert "activate" in one.fix
    assert "write_to" not in one.fix
    assert "`write_to`" in found(MAPPED)[1].fix


@pytest.mark.requirement("posture:worker-sufficient")
def test_a_writer_is_judged_by_what_contracts_add_and_remove() -> None:
    needs = {TABLE: Needs(inserts=frozenset({"note"}), deletes=True)}
    enough = Reach(reads=ALL, sees=ALL, inserts=frozenset({"note"}), deletes=True)

    def found(reach: Reach) -> list[tuple[str, bool]]:
        return brief(judge_writer(writer_with(TABLE, reach), needs, RECEIPTS))

    assert found(enough) == []
    assert found(replace(enough, inserts=frozenset({"id"}))) == [
        ("writer_cannot_insert", True),
        ("writer_can_do_more", False),
    ]
    assert found(replace(enough, deletes=False)) == [("writer_cannot_delete", True)]
    assert found(replace(enough, reads=frozenset())) == [("writer_cannot_read", True)]
    needs = {TABLE: replace(needs[TABLE], reads=ALL)}
    assert found(replace(enough, reads=frozenset({"note"}))) == [("writer_cannot_read", True)]


@pytest.mark.requirement("depends:credential")
def test_a_writer_that_holds_rows_needs_what_its_engine_asks_for_it_and_no_more() -> None:
    needs = {TABLE: Needs(reads=frozenset({"id"}), holds=True)}

    def found(reach: Reach, *, update_to_hold: bool) -> list[tuple[str, bool]]:
        rights = replace(writer_with(TABLE, reach), update_to_hold=update_to_hold)
        return brief(judge_writer(rights, needs, RECEIPTS))

    looks = Reach(reads=ALL, sees=ALL)
    assert found(looks, update_to_hold=False) == []
    assert found(looks, update_to_hold=True) == [("writer_cannot_hold", True)]
    one = replace(looks, updates=frozenset({"id"}))
    assert found(one, update_to_hold=True) == []
    assert found(one, update_to_hold=False) == [("writer_can_do_more", False)]
    assert found(replace(looks, updates=frozenset({"id", "note"})), update_to_hold=True) == [
        ("writer_can_do_more", False)
    ]


@pytest.mark.requirement("delete:no-more", "posture:worker-sufficient")
def test_a_right_that_a_delete_needs_to_be_seen_through_is_too_much_only_without_one() -> None:
    seeing = replace(WRITER, powers={May.OTHER: ("PROCESS on *.*",)}, to_see_effects=frozenset({"PROCESS on *.*"}))
    assert of_writer(seeing) == [("writer_can_do_more", False)]
    removing = replace(seeing, reach={**WRITER.reach, TABLE: replace(REACH, deletes=True)})
    needs = {TABLE: replace(WRITES[TABLE], deletes=True)}
    assert brief(judge_writer(removing, needs, RECEIPTS)) == []


@pytest.mark.requirement("posture:worker-sufficient")
@pytest.mark.parametrize(
    ("table", "told"),
    [
        (None, ["receipts_missing"]),
        (replace(TABLE_OF_RECEIPTS, columns=frozenset(RECEIPT_COLUMNS) - {"worker"}), ["receipts_shape"]),
        (replace(TABLE_OF_RECEIPTS, columns=frozenset(RECEIPT_COLUMNS) - {RECEIPT_KEY}), ["receipts_shape"]),
        (replace(TABLE_OF_RECEIPTS, digests=frozenset({RECEIPT_KEY, "ledger_head"})), ["receipts_shape"]),
        (replace(TABLE_OF_RECEIPTS, unique=()), ["receipts_key"]),
        (replace(TABLE_OF_RECEIPTS, unique=(frozenset({RECEIPT_KEY, "tenant"}),)), ["receipts_key"]),
        (replace(TABLE_OF_RECEIPTS, transactional=False), ["receipts_not_transactional"]),
        (replace(TABLE_OF_RECEIPTS, durable=False), ["receipts_not_durable"]),
        (replace(TABLE_OF_RECEIPTS, checks={"c": "outcome IN ('applied','conflict','failed')"}), ["receipts_refuse"]),
        (replace(TABLE_OF_RECEIPTS, checks={"c": LISTED, "d": "length(worker) > 'x'"}), []),
    ],
)
def test_receipts_that_could_not_be_believed_are_refused(table: ReceiptsTable | None, told: list[str]) -> None:
    assert of_writer(replace(WRITER, receipts=table)) == [(rule, True) for rule in told]


def test_a_right_to_the_written_relation_itself_is_judged_by_its_columns() -> None:
    assert of_writer(replace(WRITER, powers={May.CHANGE: (str(TABLE), str(RECEIPTS))})) == []
    (found,) = judge_writer(replace(WRITER, powers={May.CHANGE: (str(TABLE), "shop.*")}), WRITES, RECEIPTS)
    assert found.message == "The writer can do more than contracts need: it may change shop.*."


@pytest.mark.requirement("posture:worker-sufficient")
def test_without_grants_only_what_stops_the_work_is_refused() -> None:
    file = Rights(powers={May.CHANGE: ("the file",)}, grants=False, fixes={"can_write": "Mind it."})
    assert list(judge_reader(file, READS, DENIED)) == [
        Finding(rule="reader_can_write", message="The reader may change the file.", fix="Mind it.", fatal=False)
    ]
    everything = Reach(reads=ALL, inserts=ALL, updates=ALL, deletes=True, alters=True)
    assert of_writer(replace(writer_with(TABLE, everything), grants=False)) == []
    nothing = replace(
        WRITER, grants=False, reach={TABLE: Reach(reads=ALL), RECEIPTS: replace(KEPT, inserts=frozenset())}
    )
    assert of_writer(nothing) == [("writer_cannot_update", True), ("receipts_privilege", True)]


def test_a_long_list_is_cut_and_counted() -> None:
    powers = {May.OWN: tuple(f"s.t{n}" for n in range(9))}
    (found,) = judge_reader(replace(READER, powers=powers), READS, DENIED)
    assert found.message == "The reader owns s.t0, s.t1, s.t2, s.t3, s.t4 and 4 more."


names = st.frozensets(st.sampled_from(sorted(ALL)))
odd = st.builds(
    Reach, reads=names, sees=names, inserts=names, updates=names, deletes=st.booleans(), alters=st.booleans(),
    behind=st.sampled_from([frozenset(), frozenset({TABLE})]),
)  # fmt: skip
powers = st.dictionaries(st.sampled_from(May), st.just(("somewhere",)), max_size=3)


def around(good: Rights) -> st.SearchStrategy[Rights]:
    """Return rights that are near enough to good ones that some of them pass."""
    return st.builds(
        replace,
        st.just(good),
        powers=st.just({}) | powers,
        reach=st.fixed_dictionaries({relation: st.just(reach) | odd for relation, reach in good.reach.items()}),
        readable=st.lists(st.sampled_from([str(VIEW), str(TABLE), "other.*"]), unique=True).map(tuple),
        receipts=st.just(good.receipts) | st.none(),
        in_clear=st.sampled_from([False, False, True]),
        anonymous=st.sampled_from([False, False, True]),
    )


@pytest.mark.requirement("posture:safe-credential")
@given(around(READER))
def test_a_reader_passes_only_if_it_reads_what_was_reviewed_and_can_do_nothing_else(rights: Rights) -> None:
    found = list(judge_reader(rights, READS, DENIED))
    assert len(found) == len(set(found))
    assert all(finding.fix for finding in found)
    if not any(finding.fatal for finding in found):
        assert not rights.in_clear
        assert not rights.anonymous
        assert set(rights.powers) <= {May.CREATE_TEMPORARY_LIKE_ALL, May.RUN_EXTENSION}
        assert READS[VIEW] <= rights.reach[VIEW].reads
        assert "card" not in rights.reach[VIEW].sees | rights.reach[TABLE].sees


@pytest.mark.requirement("posture:worker-sufficient")
@given(around(WRITER))
def test_a_writer_passes_only_if_it_can_do_its_work(rights: Rights) -> None:
    found = list(judge_writer(rights, WRITES, RECEIPTS))
    assert len(found) == len(set(found))
    assert all(finding.fix for finding in found)
    if not any(finding.fatal for finding in found):
        assert not rights.in_clear
        assert rights.receipts is not None
        assert WRITES[TABLE].updates <= rights.reach[TABLE].updates & rights.reach[TABLE].reads
        assert not set(rights.powers) & {
            May.EVERYTHING, May.EVERYTHING_IN, May.PASS_ROW_SECURITY, May.CREATE_ROLES, May.REPLICATE, May.BECOME,
            May.GIVE_RIGHTS, May.USE_FILES, May.ADMINISTER,
        }  # fmt: skip


@pytest.mark.requirement("doctor:told-once")
def test_a_finding_is_told_once_with_the_source_that_it_is_about() -> None:
    finding = Finding(rule="reader_owns", message="The reader owns shop.t.", fix="Let another.")
    other = replace(finding, message="The reader owns shop.u.")
    assert [f.message for f in told("shop", [finding, other, finding])] == [
        "shop: The reader owns shop.t.",
        "shop: The reader owns shop.u.",
    ]


def test_a_fatal_finding_stops_the_start_with_every_rule_and_each_fix_once() -> None:
    fatal = Finding(rule="reader_owns", message="One.", fix="Mend it.")
    refuse_fatal([replace(fatal, fatal=False)])
    with pytest.raises(UnsafeSource) as refused:
        refuse_fatal([fatal, replace(fatal, message="Two."), replace(fatal, rule="told", fatal=False)])
    assert refused.value.message == "reader_owns: One.\nreader_owns: Two."
    assert refused.value.fix == "Mend it."


@pytest.mark.parametrize(("local", "cipher", "in_clear"), [(True, "", False), (False, "", True), (False, "AES", False)])
async def test_mysql_says_of_a_connection_behind_a_proxy_whether_it_is_in_clear(
    local: bool, cipher: str, in_clear: bool
) -> None:
    async def ask(text: str, *_: object) -> list[tuple[object, ...]]:
        answers: dict[str, list[tuple[object, ...]]] = {
            "SHOW SESSION": [("Ssl_cipher", cipher)],
            "SHOW GRANTS": [(b"GRANT USAGE ON *.* TO `r`@`%`",)],
            "SELECT CURR": [("r@%",)],
            "SELECT @@gl": [(b"2", "1", "0", "0", "STATEMENT")],
        }
        return answers.get(text[:11], []) or answers.get(text[:12], [])

    rights = await mysql_posture.rights(ask, "r", [TABLE], local=local)
    assert rights.in_clear is in_clear
    assert (rights.powers, rights.anonymous, rights.read_only, rights.read_committed) == ({}, False, False, False)
    assert rights.lossy == {"innodb_flush_log_at_trx_commit": ("2", "1"), "sync_binlog": ("0", "1")}
