"""A read as a statement: the shape becomes a text once, a call only binds its tokens.

Every text names its columns, is limited in rows, filters by tenant first, and lets no cell out that is over the byte limit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sqlglot import exp

from synapsor.core.evidence import Rows
from synapsor.core.plan import Column, ReadPlan, ReadShape
from synapsor.sql import filters, joins, tokens, trees
from synapsor.sql.settings import tell
from synapsor.sql.statement import Dialect, RawRow, Statement
from synapsor.values import Token

_PAGE = "t"
_SUMMED = "u"
_DOUBLED = "doubled"
_SHARED: Final[dict[Dialect, str]] = {"postgres": " FOR SHARE", "mysql": " LOCK IN SHARE MODE", "sqlite": ""}
"""The form that MySQL and MariaDB both know; the builder has only the newer one. SQLite locks the whole file as it is."""

_WITHIN = (0, "0")
"""How the drivers give an `oversize` flag that is not set; False is 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadTemplate:
    """A read shape as SQL of one dialect.

    Attributes:
        text: the statement; the columns of the shape come first, then `oversize`, then `doubled` where a link is not
            proven to lead to one row, then the total where it is asked for, then on Postgres the position.
        binders: per parameter, how its token is bound; the scope first, then the compared columns, then those of a row to go on
            after, then those of each join. None: as it is.
        readers: per column of the shape, how its raw cell becomes a token.
        as_is: every cell is a token already.
    """

    text: str
    shape: ReadShape
    dialect: Dialect
    binders: tuple[tokens.Binder, ...] | None
    readers: tuple[tokens.Reader, ...]
    as_is: bool
    placed: bool
    unproven: bool = False

    def bind(self, plan: ReadPlan) -> Statement:
        """Return the statement of one call; nothing but parameters is made here."""
        given = plan.bound
        params: tuple[Any, ...] = given
        if self.binders is not None:
            params = tuple([bind(token) for bind, token in zip(self.binders, given, strict=True)])
        return Statement(text=self.text, params=params, told=tell(plan.settings))

    def seen(self, plan: ReadPlan, raw: Sequence[RawRow]) -> Rows:
        """Return what was seen: canonical tokens, the position, and which limit cut the rows, if one did.

        A single read over the byte limit has no row at all; a list ends before the first row that does not fit.

        Raises:
            ValueUnfit: a cell is not stored as its reviewed type, so the database no longer has the reviewed shape.
        """
        shape = plan.shape
        width = len(shape.columns)
        fit = [row for row in raw if row[width] in _WITHIN]
        # A single read keeps its second row: the caller has to see that the key is not unique.
        wanted = len(raw) if shape.single else min(len(raw), shape.rows)
        cut_by = "bytes" if len(fit) < wanted else "rows" if wanted < len(raw) else None
        fit = fit[:wanted]
        return Rows(
            columns=tuple(shape.positions),
            rows=self._decode(fit, width),
            position=raw[0][-1] if self.placed and raw else None,
            cut_by=cut_by,
            total=self._total(plan, raw),
            doubled=self.unproven and any(row[width + 1] not in _WITHIN for row in fit),
        )

    def _total(self, plan: ReadPlan, raw: Sequence[RawRow]) -> int | None:
        """Return how many rows there are in all; a page after the last row has none that could tell."""
        if not self.shape.total:
            return None
        if raw:
            return int(raw[0][len(self.shape.columns) + 1 + self.unproven])
        return None if plan.shape.after else 0

    def _decode(self, raw: Sequence[RawRow], width: int) -> list[tuple[Token, ...]]:
        if self.as_is:
            return [tuple(row[:width]) for row in raw]
        return [tuple([read(cell) for read, cell in zip(self.readers, row, strict=False)]) for row in raw]


@lru_cache(maxsize=4096)
def compile_read(shape: ReadShape, dialect: Dialect) -> ReadTemplate:
    """Return the statement of a shape; made once, so a caller on the hot path keeps it.

    Raises:
        ValueUnfit: a name is not plain, or the engine has no such type.
    """
    bound = _bound(shape)
    binders = tuple(tokens.binder(column, dialect) for column in bound)
    readers = tuple(tokens.reader(column, dialect) for column in shape.columns)
    return ReadTemplate(
        text=trees.text_of(_tree(shape, dialect), dialect) + (_SHARED[dialect] if shape.shared else ""),
        shape=shape,
        dialect=dialect,
        binders=None if all(bind is tokens.as_is for bind in binders) else binders,
        readers=readers,
        as_is=all(read is tokens.as_is for read in readers),
        placed=dialect == "postgres" and not shape.is_bare,
        unproven=not all(join.proven for join in shape.joins),
    )


def _bound(shape: ReadShape) -> list[Column]:
    """Return the column of each parameter, in order."""
    compared = [c.column for c in shape.where for _ in range(c.takes)]
    followed = [column for (column, _), held in zip(shape.order, shape.after, strict=False) if held]
    return [*shape.scope, *compared, *followed, *(column for join in shape.joins for column in join.bound)]


def _tree(shape: ReadShape, dialect: Dialect) -> exp.Select:
    where, taken = filters.of_rows(shape.scope, shape.where, dialect)
    before = taken + sum(shape.after)
    own = exp.Select().from_(trees.table(shape.relation))
    source = joins.joined(own.copy(), shape.joins, before, dialect)
    page = source.copy().where(*where, copy=False)
    if shape.after:
        page = page.where(filters.comes_after(taken + 1, shape.order, shape.after, dialect), copy=False)
    page = page.limit(shape.rows + 1)
    if shape.is_bare:
        # SQLite has no row locks: its write transaction holds the whole file from BEGIN IMMEDIATE on.
        bare = page.select(*_bounded(shape, dialect), copy=False)
        return bare.lock(copy=False) if shape.lock and dialect != "sqlite" else bare
    twice = joins.doubled(shape.joins, before, dialect)
    if shape.single:
        also = [exp.alias_(twice, _DOUBLED)] if twice else []
        return page.select(*_bounded(shape, dialect), *also, *_position(dialect), copy=False)
    filtered = {".".join(c.column.via[: n + 1]) for c in shape.where for n in range(len(c.column.via))}
    counted = joins.joined(own, shape.joins, before, dialect, filtered)
    counted = counted.select(exp.Count(this=exp.Star())).where(*(w.copy() for w in where), copy=False)
    return _list(shape, page, twice, [exp.alias_(counted.subquery(), "every")] if shape.total else [], dialect)


def _bounded(shape: ReadShape, dialect: Dialect) -> list[exp.Expr]:
    """Return a row's cells, of which none over the limit leaves the server, and a flag that tells when all of them together are.

    Not nulled as a whole: that takes a derived table, which costs MariaDB more than the read itself.
    """
    limit = exp.Literal.number(shape.bytes)
    cells: list[exp.Expr] = []
    for column in shape.columns:
        ref = trees.ref(column)
        shown = tokens.cell(ref, column, dialect)
        if tokens.width(column, dialect) is None:
            shown = trees.when(exp.LTE(this=tokens.size(ref.copy(), column, dialect), expression=limit.copy()), shown)
        cells.append(shown)
    flag = exp.GT(this=_row_size(shape, dialect), expression=limit.copy())
    return [*cells, exp.alias_(flag, "oversize")]


def _list(
    shape: ReadShape, source: exp.Select, twice: exp.Expression | None, total: list[exp.Expr], dialect: Dialect
) -> exp.Select:
    """Return the read of a page: limited in rows first, then cut where the running sum of bytes passes the limit."""
    wanted = list(dict.fromkeys([*shape.columns, *(column for column, _ in shape.order)]))
    names = {column: f"c{index}" for index, column in enumerate(wanted)}
    raw: list[exp.Expr] = [exp.alias_(trees.ref(c), names[c], quoted=True) for c in wanted]
    raw += [exp.alias_(twice, _DOUBLED, quoted=True)] if twice else []
    also = [_DOUBLED] if twice else []
    by = tokens.comparable if shape.pages else tokens.sortable
    page = source.select(*raw, exp.alias_(_row_size(shape, dialect), "size", quoted=True), copy=False)
    page = page.order_by(*_keys(shape, lambda c: by(trees.ref(c), c, dialect), dialect), copy=False)

    def order(of: str) -> list[exp.Expression]:
        return _keys(shape, lambda c: by(trees.column(names[c], of), c, dialect), dialect)

    running = exp.Window(
        this=exp.Sum(this=trees.column("size", _PAGE)),
        order=exp.Order(expressions=order(_PAGE)) if shape.order else None,
        spec=exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"),
    )
    carried = [trees.column(name, _PAGE) for name in (*names.values(), *also)]
    summed = exp.Select().select(*carried, exp.alias_(running, "total", quoted=True))
    summed = summed.from_(page.subquery(_PAGE, copy=False))
    so_far = trees.column("total", _SUMMED)
    limit = exp.Literal.number(shape.bytes)
    cells = []
    for column in shape.columns:
        shown = tokens.cell(trees.column(names[column], _SUMMED), column, dialect)
        if tokens.width(column, dialect) is None:
            shown = trees.when(exp.LTE(this=so_far.copy(), expression=limit.copy()), shown)
        cells.append(shown)
    flag = exp.alias_(exp.GT(this=so_far.copy(), expression=limit.copy()), "oversize")
    flags = [flag, *(trees.column(name, _SUMMED) for name in also)]
    outer = exp.Select().select(*cells, *flags, *total, *_position(dialect)).from_(summed.subquery(_SUMMED, copy=False))
    return outer.order_by(*order(_SUMMED), copy=False)


def _keys(shape: ReadShape, by: Callable[[Column], exp.Expression], dialect: Dialect) -> list[exp.Expression]:
    return [trees.ordered(by(column), down, dialect) for column, down in shape.order]


def _row_size(shape: ReadShape, dialect: Dialect) -> exp.Expression:
    """Return the bytes of a row's tokens; a type that cannot be long counts with its widest token."""
    widths = [tokens.width(column, dialect) for column in shape.columns]
    total: exp.Expression = exp.Literal.number(sum(width for width in widths if width is not None))
    for column, width in zip(shape.columns, widths, strict=True):
        if width is None:
            measured = tokens.size(trees.ref(column), column, dialect)
            total = exp.Add(this=total, expression=exp.Coalesce(this=measured, expressions=[exp.Literal.number(0)]))
    return total


def _position(dialect: Dialect) -> list[exp.Expr]:
    """Return the snapshot that a read saw, where the engine can name one."""
    if dialect != "postgres":
        return []
    return [exp.alias_(trees.cast_to(trees.call("PG_CURRENT_SNAPSHOT"), "text"), "position")]
