"""Cells to tokens and back, per engine: the readers and binders, without a database."""

from decimal import Decimal

import pytest

from synapsor.core.plan import Column
from synapsor.sql.statement import Dialect
from synapsor.sql.tokens import binder, reader
from synapsor.values import ColumnType, ValueUnfit

T = ColumnType
READ: list[tuple[Dialect, ColumnType, object, str | None]] = [
    ("postgres", T.TIMESTAMPTZ, "2026-01-31 13:14:15.5+00", "2026-01-31 13:14:15.5+00"),
    ("mysql", T.INTEGER, "-5", "-5"),
    ("mysql", T.INTEGER, 5, "5"),
    ("mysql", T.NUMERIC, "0.0000000000", "0.0000000000"),
    ("mysql", T.NUMERIC, "-12.30", "-12.30"),
    ("mysql", T.BOOLEAN, "1", "true"),
    ("mysql", T.BOOLEAN, "0", "false"),
    ("mysql", T.BOOLEAN, "2", "2"),
    ("mysql", T.TIMESTAMP, "2026-01-31 13:14:15.120000", "2026-01-31 13:14:15.12"),
    ("mysql", T.TIMESTAMP, "2026-01-31 13:14:15.000000", "2026-01-31 13:14:15"),
    ("mysql", T.TIMESTAMP, "2026-01-31 13:14:10", "2026-01-31 13:14:10"),
    ("mysql", T.TIMESTAMPTZ, "2026-01-31 13:14:15.120000", "2026-01-31 13:14:15.12+00"),
    ("mysql", T.TIME, "-838:59:59.000000", "-838:59:59"),
    ("mysql", T.UUID, "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"),
    ("sqlite", T.UUID, "00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"),
    ("sqlite", T.UUID, "00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff"),
    ("mysql", T.BYTES, "DEAD", "\\xdead"),
    ("mysql", T.BITS, "165", "10100101"),
    ("mysql", T.TEXT, "trail  ", "trail  "),
    ("sqlite", T.INTEGER, -(2**63), "-9223372036854775808"),
    ("sqlite", T.FLOAT, 0.1, "0.1"),
    ("sqlite", T.FLOAT, float("inf"), "inf"),
    ("sqlite", T.BOOLEAN, 1, "true"),
    ("sqlite", T.BYTES, b"\x00\xff", "\\x00ff"),
    ("sqlite", T.NUMERIC, "10.10", "10.10"),
    ("sqlite", T.TIMESTAMP, "2026-01-31 13:14:15.120000", "2026-01-31 13:14:15.120000"),
]


@pytest.mark.parametrize(("dialect", "kind", "cell", "token"), READ)
def test_a_cell_is_read_as_the_canonical_token(
    dialect: Dialect, kind: ColumnType, cell: object, token: str | None
) -> None:
    assert reader(Column("c", kind), dialect)(cell) == token


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "sqlite"])
@pytest.mark.parametrize("kind", list(T))
def test_null_is_read_and_bound_as_null(dialect: Dialect, kind: ColumnType) -> None:
    assert reader(Column("c", kind), dialect)(None) is None
    assert binder(Column("c", kind), dialect)(None) is None


BOUND: list[tuple[Dialect, ColumnType, str, object]] = [
    ("postgres", T.INTEGER, "5", "5"),
    ("postgres", T.BOOLEAN, "true", "true"),
    ("mysql", T.INTEGER, "5", 5),
    ("mysql", T.NUMERIC, "10.10", Decimal("10.10")),
    ("mysql", T.BOOLEAN, "false", 0),
    ("mysql", T.TIMESTAMPTZ, "2026-01-31 13:14:15.12+00", "2026-01-31 13:14:15.12"),
    ("mysql", T.BYTES, "\\xdead", b"\xde\xad"),
    ("mysql", T.BITS, "10100101", 165),
    ("mysql", T.TEXT, "0", "0"),
    ("sqlite", T.INTEGER, "5", 5),
    ("sqlite", T.FLOAT, "0.1", 0.1),
    ("sqlite", T.BOOLEAN, "true", 1),
    ("sqlite", T.BYTES, "\\x00ff", b"\x00\xff"),
    ("sqlite", T.TEXT, "0", "0"),
]


@pytest.mark.parametrize(("dialect", "kind", "token", "value"), BOUND)
def test_a_token_is_bound_as_a_value_that_cannot_be_coerced_wrongly(
    dialect: Dialect, kind: ColumnType, token: str, value: object
) -> None:
    bound = binder(Column("c", kind), dialect)(token)
    assert (type(bound), bound) == (type(value), value)


@pytest.mark.parametrize(
    ("kind", "cell"),
    [
        (T.TEXT, 1),
        (T.TEXT, b"x"),
        (T.INTEGER, "1"),
        (T.INTEGER, 1.0),
        (T.BYTES, "x"),
        (T.FLOAT, "x"),
        (T.BOOLEAN, "x"),
        (T.UUID, "00112233-4455-6677-8899-aabbccDDEEFF"),
        (T.UUID, b"00112233-4455-6677-8899-aabbccddeeff"),
    ],
)
def test_sqlite_s_own_storage_must_be_that_of_the_reviewed_type(kind: ColumnType, cell: object) -> None:
    with pytest.raises(ValueUnfit):
        reader(Column("c", kind), "sqlite")(cell)
