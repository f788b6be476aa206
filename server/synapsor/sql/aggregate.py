"""An aggregate as a statement: the shape becomes a text once, a call only binds its tokens.

Rows are filtered as those of a read, by the same functions, and grouped by the bytes of their keys. No row leaves; every group comes
with how many rows stand behind each of its numbers, and nothing is cut here, because what may be told is decided over all groups.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from sqlglot import exp

from synapsor.contract.measures import Function
from synapsor.core.aggregate import AggregatePlan, AggregateShape, MeasureColumn, Tally
from synapsor.core.plan import Column
from synapsor.errors import Code, Refusal
from synapsor.sql import buckets, filters, joins, tokens, trees
from synapsor.sql.predicates import bytewise, is_spelled
from synapsor.sql.settings import tell
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import ColumnType, Token, ValueUnfit

EXACT_SUM = "synapsor_sum"
"""An aggregate of SQLite sessions that adds up integers and decimals exactly, however they are stored."""

LONGEST_KEY = 1000
"""Bytes of the longest text that makes a group; engines may sort, and so group, by no more than a little over this."""

_BASE = "b"
_SHIFTED = "s"
_KEYED = "k"
_GROUPS = "g"
_SUMMED = "u"
_WIDE = 20
"""Bytes that a key or a value counts with against the byte limit, beside its text where that may be long."""

_INTEGER = Column("", ColumnType.INTEGER)


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateTemplate:
    """An aggregate shape as SQL of one dialect.

    Attributes:
        text: the statement; the keys come first, then of each period the supports and the values, then the witnesses, each with its
            least and greatest value, then `oversize`, then on Postgres the position.
        binders: per parameter, how its token is bound.
        readers: per column of the result but the last ones, how its raw cell becomes a token.
    """

    text: str
    shape: AggregateShape
    binders: tuple[tokens.Binder, ...]
    readers: tuple[tokens.Reader, ...]
    placed: bool

    def bind(self, plan: AggregatePlan) -> Statement:
        """Return the statement of one call; nothing but parameters is made here."""
        params = tuple([bind(token) for bind, token in zip(self.binders, plan.bound, strict=True)])
        return Statement(text=self.text, params=params, told=tell(plan.settings))

    def counted(self, raw: Sequence[RawRow]) -> tuple[list[Tally], str | None]:
        """Return every group, and the position.

        Raises:
            Refusal: all groups together are over the byte limit, or a key is too long (`result_too_large`).
            ValueUnfit: a cell is not of its reviewed type.
        """
        width = len(self.readers)
        if any(row[width] not in (0, "0") for row in raw):
            raise Refusal(Code.RESULT_TOO_LARGE)
        cells = ([read(cell) for read, cell in zip(self.readers, row, strict=False)] for row in raw)
        return [self._tally(row) for row in cells], raw[0][-1] if self.placed and raw else None

    def _tally(self, row: list[Token]) -> Tally:
        shape = self.shape
        taken = iter(row)
        key = tuple(
            _whole(token) if group.unit is not None and token is not None else token
            for group, token in zip(shape.groups, taken, strict=False)
        )
        supports, values = [], []
        for _ in shape.parts:
            supports.append(tuple(_whole(next(taken)) for _ in range(1 + len(shape.measured))))
            values.append(tuple(next(taken) for _ in shape.measures))
        witnesses = tuple((next(taken), next(taken)) for _ in shape.witnessed)
        return Tally(key=key, supports=tuple(supports), values=tuple(values), witnesses=witnesses)


@lru_cache(maxsize=1024)
def compile_aggregate(shape: AggregateShape, dialect: Dialect) -> AggregateTemplate:
    """Return the statement of a shape; made once, so a caller on the hot path keeps it.

    Raises:
        ValueUnfit: a name is not plain, or the engine has no such type.
    """
    compared = [c.column for part in (shape.where, *shape.periods) for c in part for _ in range(c.takes)]
    bound = [*shape.scope, *compared, *(column for join in shape.joins for column in join.bound)]
    made = _Making(shape, dialect)
    return AggregateTemplate(
        text=trees.text_of(made.tree(), dialect),
        shape=shape,
        binders=tuple(tokens.binder(column, dialect) for column in bound),
        readers=tuple(made.readers()),
        placed=dialect == "postgres",
    )


@dataclass(frozen=True, slots=True)
class _Making:
    """The parts of one statement: rows under short names (b), offsets (s), keys (k), groups (g), and their size in all (u)."""

    shape: AggregateShape
    dialect: Dialect

    def tree(self) -> exp.Select:
        """Return the whole statement; a cell leaves only if all cells together are within the limit."""
        limit = exp.Literal.number(self.shape.bytes)
        over = exp.GT(this=trees.column("total", _SUMMED), expression=limit)
        keeps = exp.LTE(this=trees.column("total", _SUMMED), expression=limit.copy())
        cells: list[exp.Expr] = [trees.when(keeps.copy(), trees.column(name, _SUMMED)) for name in self._names()]
        flag = exp.alias_(exp.Case(ifs=[exp.If(this=over, true=_one())], default=_zero()), "oversize")
        outer = exp.Select().select(*cells, flag, *_position(self.dialect))
        return outer.from_(self._summed().subquery(_SUMMED, copy=False))

    def readers(self) -> list[tokens.Reader]:
        """Return how each cell becomes a token, in the order of `_names`."""
        found = [
            tokens.reader(_INTEGER, self.dialect) if g.unit is not None else _key_reader(g.column, self.dialect)
            for g in self.shape.groups
        ]
        count = tokens.reader(_INTEGER, self.dialect)
        for _ in self.shape.parts:
            found += [count] * (1 + len(self.shape.measured))
            found += [_value_reader(measure, self.dialect) for measure in self.shape.measures]
        for column in self.shape.witnessed:
            found += [_key_reader(column, self.dialect)] * 2
        return found

    def _names(self) -> list[str]:
        return [name for name, _ in self._group_cells()]

    def _summed(self) -> exp.Select:
        cells = [trees.column(name, _GROUPS) for name in self._names()]
        total = exp.alias_(exp.Window(this=exp.Sum(this=trees.column("size", _GROUPS))), "total", quoted=True)
        return exp.Select().select(*cells, total).from_(self._groups().subquery(_GROUPS, copy=False))

    def _groups(self) -> exp.Select:
        cells = self._group_cells()
        named = [exp.alias_(cell, name, quoted=True) for name, cell in cells]
        tree = exp.Select().select(*named, exp.alias_(self._size(dict(cells)), "size", quoted=True))
        tree = tree.from_(self._keyed().subquery(_KEYED, copy=False))
        if not self.shape.groups:
            return tree
        keys = [self._key(at) for at in range(len(self.shape.groups))]
        return tree.group_by(*keys, copy=False).limit(self.shape.most + 1, copy=False)

    def _key(self, at: int) -> exp.Expression:
        return _spelled(trees.column(f"k{at}", _KEYED), self.dialect)

    def _group_cells(self) -> list[tuple[str, exp.Expression]]:
        """Return name and expression of every cell of a group."""
        # Any row's key will do, because all of them have the same bytes.
        found = [(f"k{at}", cast("exp.Expression", trees.column(f"k{at}", _KEYED))) for at in _range(self.shape.groups)]
        for at in _range(self.shape.parts):
            found.append((f"n{at}", _counted(self._within(at, None))))
            found += [(f"n{at}_{i}", _counted(self._within(at, i))) for i in _range(self.shape.measured)]
            found += [(f"v{at}_{i}", self._value(measure, at)) for i, measure in enumerate(self.shape.measures)]
        for index in _range(self.shape.witnessed):
            ref = _spelled(trees.column(f"w{index}", _KEYED), self.dialect)
            found += [(f"l{index}", exp.Min(this=ref)), (f"h{index}", exp.Max(this=ref.copy()))]
        return found

    def _within(self, at: int, index: int | None) -> exp.Expression | None:
        """Return a measured column, or a one for each row, where the row is of a period; None for all rows."""
        value = None if index is None else trees.column(f"m{index}", _KEYED)
        if not self.shape.periods:
            return value
        within = exp.EQ(this=trees.column(f"p{at}", _KEYED), expression=_one())
        return trees.when(within, value or _one())

    def _value(self, measure: MeasureColumn, at: int) -> exp.Expression:
        if measure.column is None:
            return _counted(self._within(at, None))
        column, dialect = measure.column, self.dialect
        ref = self._within(at, self.shape.measured.index(column))
        assert ref is not None  # noqa: S101  # a column is measured
        if measure.function is Function.COUNT_DISTINCT:
            return exp.Count(this=exp.Distinct(expressions=[_distinct(ref, column, dialect)]))
        if measure.function in {Function.SUM, Function.AVG}:
            if dialect == "sqlite":
                return trees.call(EXACT_SUM, ref)
            return trees.cast_to(exp.Sum(this=ref), "text" if dialect == "postgres" else "CHAR")
        ordered = tokens.comparable(ref, column, dialect)
        end = exp.Min(this=ordered) if measure.function is Function.MIN else exp.Max(this=ordered)
        return tokens.cell(end, column, dialect)

    def _size(self, cells: dict[str, exp.Expression]) -> exp.Expression:
        """Return the bytes of a group's text; a key that is too long counts as too much by itself."""
        texts = [f"k{at}" for at, g in enumerate(self.shape.groups) if g.unit is None and _is_long(g.column)]
        numbers = [
            f"v{at}_{index}"
            for at in range(len(self.shape.parts))
            for index, measure in enumerate(self.shape.measures)
            if measure.type is ColumnType.NUMERIC
        ]
        total: exp.Expression = exp.Literal.number(
            _WIDE * (len(self.shape.groups) + len(self.shape.parts) * len(self.shape.measures))
        )
        for name in texts:
            # The longest of all the keys that the engine took for one.
            longest = exp.Max(this=self._bytes(cells[name]))
            beyond = exp.GT(this=longest, expression=exp.Literal.number(LONGEST_KEY))
            much = exp.If(this=beyond, true=exp.Literal.number(self.shape.bytes + 1))
            total = exp.Add(this=total, expression=exp.Case(ifs=[much], default=longest.copy()))
        for name in numbers:
            total = exp.Add(this=total, expression=self._bytes(cells[name]))
        return total

    def _bytes(self, cell: exp.Expression) -> exp.Expression:
        return exp.Coalesce(this=_length(cell.copy(), self.dialect), expressions=[_zero()])

    def _keyed(self) -> exp.Select:
        """Return the rows with the keys of their groups."""
        shifted = any(g.zone for g in self.shape.groups)
        of = _SHIFTED if shifted else _BASE
        cells: list[exp.Expr] = []
        for at, group in enumerate(self.shape.groups):
            if group.unit is None:
                cells.append(trees.column(f"k{at}", of))
                continue
            shift = trees.column(f"o{at}", of) if group.zone else _zero()
            number = buckets.bucket(trees.column(f"t{at}", of), shift, group, self.dialect)
            cells.append(exp.alias_(number, f"k{at}", quoted=True, copy=False))
        cells += [trees.column(name, of) for name in self._carried()]
        source = self._shifted() if shifted else self._base()
        return exp.Select().select(*cells).from_(self._computed_once(source).subquery(of, copy=False))

    def _shifted(self) -> exp.Select:
        """Return the rows with the offsets of their instants, so that each is looked up once."""
        groups = list(enumerate(self.shape.groups))
        names = [f"k{at}" if g.unit is None else f"t{at}" for at, g in groups]
        cells: list[exp.Expr] = [trees.column(name, _BASE) for name in (*names, *self._carried())]
        for at, group in groups:
            if group.zone:
                found = buckets.offset(trees.column(f"t{at}", _BASE), group)
                cells.append(exp.alias_(found, f"o{at}", quoted=True, copy=False))
        return exp.Select().select(*cells).from_(self._computed_once(self._base()).subquery(_BASE, copy=False))

    def _computed_once(self, rows: exp.Select) -> exp.Select:
        """Keep an engine from writing a subquery's expressions out wherever their names stand: seconds are looked at ten times a row."""
        if self.dialect == "mysql" or all(g.unit is None for g in self.shape.groups):
            return rows
        # An OFFSET, if only of nought, is what neither flattens; SQLite has none without a LIMIT.
        return (rows.limit(-1, copy=False) if self.dialect == "sqlite" else rows).offset(0, copy=False)

    def _carried(self) -> list[str]:
        return [
            *(f"m{at}" for at in range(len(self.shape.measured))),
            *(f"p{at}" for at in range(len(self.shape.periods))),
            *(f"w{at}" for at in range(len(self.shape.witnessed))),
            "one",
        ]

    def _base(self) -> exp.Select:
        """Return the rows that are meant, under short names."""
        shape, dialect = self.shape, self.dialect
        where, taken = filters.of_rows(shape.scope, shape.where, dialect)
        periods: list[exp.Expression] = []
        for period in shape.periods:
            found, taken = filters.of_conditions(taken, period, dialect)
            periods.append(exp.paren(exp.and_(*found, copy=False), copy=False))
        cells: list[exp.Expr] = []
        for at, group in enumerate(shape.groups):
            ref = trees.ref(group.column)
            if group.unit is None:
                cells.append(exp.alias_(_key_cell(ref, group.column, dialect), f"k{at}", quoted=True))
            else:
                cells.append(exp.alias_(buckets.seconds(ref, group.column, dialect), f"t{at}", quoted=True))
        for at, column in enumerate(shape.measured):
            cells.append(exp.alias_(trees.ref(column), f"m{at}", quoted=True))
        for at, within in enumerate(periods):
            cells.append(exp.alias_(trees.when(within.copy(), _one()), f"p{at}", quoted=True))
        for at, column in enumerate(shape.witnessed):
            witness = _key_cell(trees.ref(column), column, dialect)
            cells.append(exp.alias_(witness, f"w{at}", quoted=True))
        cells.append(exp.alias_(_one(), "one", quoted=True))
        if periods:
            where.append(exp.paren(exp.or_(*periods, copy=False), copy=False))
        rows = exp.Select().select(*cells).from_(trees.table(shape.relation))
        return joins.joined(rows, shape.joins, taken, dialect).where(*where, copy=False)


def _range(parts: Sequence[object]) -> range:
    return range(len(parts))


def _is_long(column: Column) -> bool:
    return column.type in {ColumnType.TEXT, ColumnType.UUID}


def _key_cell(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return what rows are grouped by: the token's own bytes, which no collation makes one with others."""
    if dialect == "postgres" or (dialect == "mysql" and is_spelled(column, dialect)):
        return bytewise(ref, column, dialect)
    return tokens.cell(tokens.uncased(ref, column, dialect), column, dialect)


def _spelled(ref: exp.Expression, dialect: Dialect) -> exp.Expression:
    if dialect == "sqlite":
        return exp.Collate(this=ref, expression=exp.to_identifier("BINARY", quoted=True))
    return ref


def _key_reader(column: Column, dialect: Dialect) -> Callable[[Any], Token]:
    if dialect == "mysql" and is_spelled(column, dialect):
        return _utf8
    return tokens.reader(column, dialect)


def _value_reader(measure: MeasureColumn, dialect: Dialect) -> Callable[[Any], Token]:
    if measure.function in {Function.SUM, Function.AVG}:
        return tokens.as_is if dialect == "postgres" else _plain
    return tokens.reader(measure.column or _INTEGER if measure.type is not ColumnType.INTEGER else _INTEGER, dialect)


def _utf8(value: Any) -> Token:
    try:
        return value.decode() if isinstance(value, bytes) else value
    except UnicodeDecodeError:
        raise ValueUnfit("not text") from None


def _plain(value: Any) -> Token:
    if value is None or type(value) is str:
        return value
    raise ValueUnfit("not a sum")


def _distinct(ref: exp.Expression, column: Column, dialect: Dialect) -> exp.Expression:
    """Return what makes two values different: their bytes, or of numbers and moments their value."""
    if column.type in {ColumnType.NUMERIC, ColumnType.TIMESTAMP, ColumnType.TIMESTAMPTZ}:
        return tokens.comparable(ref, column, dialect)
    if is_spelled(column, dialect) or dialect == "sqlite":
        return (
            bytewise(ref, column, dialect)
            if dialect != "sqlite"
            else _spelled(tokens.uncased(ref, column, dialect), dialect)
        )
    return ref


def _length(value: exp.Expression, dialect: Dialect) -> exp.Expression:
    if dialect == "sqlite":
        return trees.call("LENGTH", trees.cast_to(value, "blob"))
    return trees.call("OCTET_LENGTH", value)


def _counted(value: exp.Expression | None) -> exp.Expression:
    return exp.Count(this=trees.column("one", _KEYED) if value is None else value)


def _whole(token: Token) -> int:
    if token is None:
        raise ValueUnfit("not counted")
    try:
        return int(token)
    except ValueError:
        raise ValueUnfit("not a number") from None


def _one() -> exp.Expression:
    return exp.Literal.number(1)


def _zero() -> exp.Expression:
    return exp.Literal.number(0)


def _position(dialect: Dialect) -> list[exp.Expr]:
    if dialect != "postgres":
        return []
    return [exp.alias_(trees.cast_to(trees.call("PG_CURRENT_SNAPSHOT"), "text"), "position")]
