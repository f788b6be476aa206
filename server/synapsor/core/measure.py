"""Conditions over the rows of a proposal, told from its canonical tokens alone: true, false, or not to be told.

What reads the result decides what "not to be told" means: a risk counts it as met, a policy as not met, so that neither fails open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import TypeAlias

from synapsor.contract.approval import Case, Span
from synapsor.values import Token

Images: TypeAlias = Mapping[str, tuple[Token, Token]]
"""One row of a proposal: each column before the change and after it."""


def images(before: Mapping[str, Token], changes: Mapping[str, Token], *, gone: bool = False) -> Images:
    """Return a row of a proposal, each column with what it holds before and after; nothing before an insert, or after a delete."""
    after = {} if gone else {**before, **changes}
    return {name: (before.get(name), after.get(name)) for name in {**before, **changes}}


def holds(case: Case, column: str, row: Images) -> bool | None:
    """Tell whether the conditions on one column hold for a row; None when it cannot be told."""
    if column not in row:
        return None
    before, after = row[column]
    told = [
        within(span, token)
        for span, token in ((case.before, before), (case.after, after), (case.change, difference(before, after)))
        if span is not None
    ]
    return together(told)


def together(told: Iterable[bool | None]) -> bool | None:
    """Return whether all of these hold: false when one does not, and else None when one cannot be told."""
    found = list(told)
    return False if False in found else None if None in found else True


def within(span: Span, token: Token) -> bool | None:
    """Tell whether a value is what a span asks for."""
    if token is None:
        return None
    if span.one_of is not None and token not in span.one_of:
        return False
    if span.at_least is None and span.at_most is None:
        return True
    number = number_of(token)
    if number is None:
        return None
    return (span.at_least is None or number >= span.at_least) and (span.at_most is None or number <= span.at_most)


def difference(before: Token, after: Token) -> Token:
    """Return the exact difference; None when there is none to be told, since a rounded one could be inside what the true one breaks."""
    one, other = number_of(before), number_of(after)
    if one is None or other is None:
        return None
    try:
        with localcontext(Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])):
            return str(other - one)
    except ArithmeticError:
        return None


def number_of(token: Token) -> Decimal | None:
    """Return the finite number of a token, or None."""
    if token is None:
        return None
    try:
        number = Decimal(token)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def moved(column: str, rows: Iterable[Images]) -> Decimal | None:
    """Return by how much a column changes over all rows, whatever the sign; nothing counts as nought, and None is what cannot be told."""
    total = Decimal(0)
    try:
        with localcontext(Context(prec=400, traps=[Inexact, InvalidOperation, Overflow])):
            for row in rows:
                before, after = row.get(column, ("?", "?"))
                gap = difference("0" if before is None else before, "0" if after is None else after)
                if gap is None:
                    return None
                total += abs(Decimal(gap))
    except ArithmeticError:
        return None
    return total
