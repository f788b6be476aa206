"""Triggers that move a row's version only sometimes: whoever changes the row on another way would be overwritten, so no worker starts."""

import pytest

from synapsor.errors import UnsafeSource
from tests.attack.shop import Shop, meanwhile

_EXECUTE = "EXECUTE FUNCTION billing.bump_row_version()"
_BODY = (
    "BEGIN UPDATE invoices SET row_version = OLD.row_version + 1, updated_at = strftime('%Y-%m-%d %H:%M:%f000', 'now')"
    " WHERE id = NEW.id; END"
)
_DROP = {
    "postgres": "DROP TRIGGER invoices_row_version ON billing.invoices",
    "sqlite": "DROP TRIGGER invoices_row_version",
}
_MAKE = {
    "postgres": "CREATE TRIGGER invoices_row_version BEFORE UPDATE {of}ON billing.invoices FOR EACH ROW {when}"
    + _EXECUTE,
    "sqlite": "CREATE TRIGGER invoices_row_version AFTER UPDATE {of}ON invoices FOR EACH ROW {when}" + _BODY,
}
_AS_IT_WAS = {"postgres": "", "sqlite": "WHEN NEW.row_version = OLD.row_version "}
_OTHER = {"postgres": "IS DISTINCT FROM", "sqlite": "IS NOT"}


def rebuilt(shop: Shop, of: str = "", when: str = "") -> tuple[str, str]:
    """Return what makes the trigger of the invoices' version anew, and what makes it as it was."""
    engine = shop.database.engine
    made, before = (_MAKE[engine].format(of=o, when=w) for o, w in ((of, when), ("", _AS_IT_WAS[engine])))
    return f"{_DROP[engine]}; {made}", f"{_DROP[engine]}; {before}"


def without_when(shop: Shop) -> None:
    if shop.database.engine == "mariadb":
        pytest.skip("its triggers have no WHEN and no UPDATE OF")


@pytest.mark.requirement("posture:version-moves")
@pytest.mark.parametrize(
    ("of", "when"),
    [
        ("", "WHEN (NEW.note {other} OLD.note) "),
        ("", "WHEN (NEW.row_version = OLD.row_version AND NEW.amount > OLD.amount) "),
        ("", "WHEN (NEW.row_version < OLD.row_version) "),
        ("", "WHEN (NEW.updated_at = OLD.updated_at) "),
        ("OF late_fee_cents, waiver_reason ", ""),
    ],
)
async def test_a_worker_does_not_start_where_an_update_can_leave_the_version_as_it_is(
    shop: Shop, of: str, when: str
) -> None:
    without_when(shop)
    how = rebuilt(shop, of, when.format(other=_OTHER[shop.database.engine]))
    with meanwhile(shop, *how), pytest.raises(UnsafeSource) as refused:
        await shop.worker()
    assert "version_does_not_move: shop: Not every update of a row moves" in str(refused.value)
    assert "the trigger invoices_row_version" in str(refused.value)


@pytest.mark.requirement("posture:version-moves")
@pytest.mark.parametrize(
    "when",
    [
        "NEW.row_version = OLD.row_version",
        "(OLD.row_version >= NEW.row_version)",
        'NEW."row_version" IS NOT DISTINCT FROM OLD.row_version',
        "OLD.* IS DISTINCT FROM NEW.*",
    ],
)
async def test_a_trigger_that_skips_only_what_changes_nothing_or_moved_the_version_itself_is_enough(
    shop: Shop, when: str
) -> None:
    without_when(shop)
    if shop.database.engine == "sqlite" and "DISTINCT" in when:
        pytest.skip("it has no whole rows, and IS NOT DISTINCT FROM only since 3.39")
    with meanwhile(shop, *rebuilt(shop, when=f"WHEN ({when}) ")):
        await shop.waiver()
        assert await shop.work() == [("applied", "")]
        assert shop.invoice() == (0, "Paid next day.", 2)


@pytest.mark.requirement("posture:version-moves")
@pytest.mark.parametrize("how", ["DISABLE", "ENABLE REPLICA"])
async def test_a_trigger_that_fires_for_no_update_here_is_named(shop: Shop, how: str) -> None:
    if shop.database.engine != "postgres":
        pytest.skip("no trigger of it can be switched off")
    change, back = (f"ALTER TABLE billing.invoices {word} TRIGGER invoices_row_version" for word in (how, "ENABLE"))
    with (
        meanwhile(shop, change, back),
        pytest.raises(UnsafeSource, match=r"invoices_row_version (is switched|fires only)"),
    ):
        await shop.worker()
