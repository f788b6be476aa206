"""What a trigger's text says of a column that it sets: always moved, or only sometimes."""

from dataclasses import replace

import pytest

from synapsor.core.effects import judge_change
from synapsor.sources.definitions import Trigger, fires_unless_moved, moved_by
from tests.unit.test_posture import MAPPED, a_proposal, an_invoice, brief

pytestmark = pytest.mark.requirement("posture:version-moves")


@pytest.mark.parametrize(
    ("condition", "fires"),
    [
        ("(new.v = old.v)", True),
        ("((old.v = new.v))", True),
        ("new.v <= old.v", True),
        ("old.v >= new.v", True),
        ("NEW.v IS OLD.v", True),
        ("new.[v] == old.`v`", True),
        ("(NOT (new.v IS DISTINCT FROM old.v))", True),
        ("(old.* IS DISTINCT FROM new.*)", True),
        ("(new.* IS DISTINCT FROM old.*)", True),
        ("(new.* IS NOT DISTINCT FROM old.*)", False),
        ("(NOT (old.* IS DISTINCT FROM new.*))", False),
        ("(new.v IS DISTINCT FROM old.v)", False),
        ("new.v >= old.v", False),
        ("old.v <= new.v", False),
        ("new.v < old.v", False),
        ("new.v <> old.v", False),
        ("new.v = new.v", False),
        ("new.w = old.w", False),
        ("new.v = old.w", False),
        ('new."V" = old."V"', False),
        ("new.v = old.v AND new.w = 1", False),
        ("(new.v = old.v) AND (new.w = 1)", False),
        ("(new.v = old.v) OR (1 = 1)", False),
        ("pg_trigger_depth() = 0", False),
        ("", False),
    ],
)
def test_a_condition_is_harmless_only_where_it_is_known_to_be(condition: str, fires: bool) -> None:
    assert fires_unless_moved(condition, "v") is fires


def test_one_trigger_that_always_fires_is_enough() -> None:
    always, sometimes = Trigger(name="a"), Trigger(name="b", when="new.w = 1")
    some, off = Trigger(name="c", some=True), Trigger(name="d", off="is switched off")
    assert moved_by((), "v") == (False, "")
    assert moved_by((sometimes, always), "v") == (True, "")
    assert moved_by((sometimes,), "v") == (True, "the trigger b has a WHEN clause")
    assert moved_by((some, off), "v") == (False, "the trigger c fires only for an UPDATE OF some columns")
    assert moved_by((off,), "v") == (False, "the trigger d is switched off")


def test_a_version_that_moves_only_sometimes_is_found() -> None:
    table = MAPPED.model_copy(update={"version": "id"})
    facts = an_invoice()
    still = {"id": replace(facts.columns["id"], stays="the trigger t has a WHEN clause")}
    asked = a_proposal("update", set={"note": "$words"})
    assert ("version_does_not_move", True) not in brief(judge_change(asked, table, facts))
    found = brief(judge_change(asked, table, replace(facts, columns={**facts.columns, **still})))
    assert ("version_does_not_move", True) in found
