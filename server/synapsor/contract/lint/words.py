"""Which names and words a lint takes notice of; heuristics, kept together so that they can be reviewed and extended."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from synapsor.contract.mapping import ColumnRule
from synapsor.contract.tables import NUMBERS
from synapsor.values import ColumnType

_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_SECRET: Final = frozenset(
    "password passwd pwd passphrase passcode secret token apikey pin cvv cvc otp salt credential credentials".split()  # noqa: SIM905  # words are easier to review than quotes and commas
)
_SECRET_PAIRS: Final = frozenset({"private key", "api key", "access key", "secret key"})
_PERSONAL: Final = frozenset(
    "email mail phone telephone mobile fax ssn iban bic card salary wage wages birth birthday birthdate dob passport"  # noqa: SIM905  # as above
    " diagnosis medical disability religion ethnicity".split()
)
_HARMLESS_ENDS: Final = frozenset({"id", "ids", "type", "kind", "status", "count", "at", "verified", "brand", "ref"})
_FREE_TEXT: Final = frozenset(
    "note notes comment comments message body text reason remark remarks memo content details feedback".split()  # noqa: SIM905  # as above
)
_MONEY: Final = frozenset(
    "amount fee price total balance cost credit refund discount cents payment charge salary wage bonus".split()  # noqa: SIM905  # as above
)
_CURRENCIES: Final = frozenset(
    "cent cents penny pence eur euro euros usd dollar dollars gbp pound pounds chf franc francs jpy yen".split()  # noqa: SIM905  # as above
)
_TENANTS: Final = frozenset({"tenant", "organisation", "organization", "org", "workspace", "account"})


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case, whatever separates them."""
    return [word.lower() for word in _WORD.findall(name)]


def secret(name: str, rule: ColumnRule) -> bool:
    """Tell whether a column looks as if who reads it could act as somebody else."""
    words = words_of(name)
    pairs = {f"{one} {two}" for one, two in pairwise(words)}
    return _telling(words, rule) and bool(_SECRET & set(words) or _SECRET_PAIRS & pairs)


def personal(name: str, rule: ColumnRule) -> bool:
    """Tell whether a column looks as if it said something about a person that others need not know."""
    words = words_of(name)
    return _telling(words, rule) and bool(_PERSONAL & set(words)) and not secret(name, rule)


def _telling(words: list[str], rule: ColumnRule) -> bool:
    """Leave out what only counts, dates, flags or names such a thing."""
    return rule.type is not ColumnType.BOOLEAN and rule.one_of is None and words[-1:][0] not in _HARMLESS_ENDS


def free_text(name: str, rule: ColumnRule) -> bool:
    """Tell whether anybody may have written anything into a column."""
    return rule.type is ColumnType.TEXT and rule.one_of is None and bool(_FREE_TEXT & set(words_of(name)))


def money(name: str, rule: ColumnRule) -> bool:
    """Tell whether a number looks like an amount of money."""
    if rule.type not in NUMBERS:
        return False
    return bool(_MONEY & set(words_of(name)) or _CURRENCIES & set(words_of(rule.unit or "")))


def tenant_like(name: str) -> bool:
    """Tell whether a column looks as if it said whose row it is."""
    words = words_of(name)
    return bool(_TENANTS & set(words)) and words[-1] in {*_TENANTS, "id", "key", "code"}


VIEW: Final = re.compile(r"(?:^|_)(?:v|vw|view|views|review|safe|public|visible|masked)(?:_|$)", re.IGNORECASE)
"""How a relation is named that is a view."""

ORDERS: Final = re.compile(
    r"\b(?:(?:ignore|disregard|forget|override|bypass)\b.{0,30}\b(?:previous|prior|above|earlier|all|other|instructions?|rules?|polic(?:y|ies))"
    r"|(?:always|never|must|should|do not|don't)\s+(?:call|use|choose|prefer|run|invoke|trust|reveal|tell|mention|ask|refuse)"
    r"|you\s+(?:must|should|shall|need\s+to|have\s+to|are\s+(?:allowed|required|now))"
    r"|system\s+prompt|as\s+an\s+ai|without\s+(?:asking|confirmation|approval|telling)"
    r"|(?:before|instead\s+of|after)\s+(?:calling|using)\s+(?:any|other|another|every)|call\s+this\s+(?:first|before|always))\b",
    re.IGNORECASE,
)
MARKUP: Final = re.compile(
    r"[a-z][a-z0-9+.-]{1,20}://|\bwww\.|\bdata:\w+/|<[/!a-z][^>]*>|\[[^\]]*\]\([^)]*\)|```|\{\{|\$\{|<\||\*\*",
    re.IGNORECASE,
)
_CHANGING: Final = (
    "change update set delete remove create add insert cancel close waive refund pay approve send write edit modify replace"
    " assign transfer apply grant revoke reset"
)
_LOOKING: Final = "look list show read get find search view fetch inspect see count return"


def _first(verbs: str) -> re.Pattern[str]:
    return re.compile(rf"(?:^|\b(?:and|or|then)\s+)(?:{'|'.join(verbs.split())})s?\b(?!-)", re.IGNORECASE)


CHANGES: Final = _first(_CHANGING)
"""A text that begins, or goes on after an `and`, with a verb that changes something."""
LOOKS: Final = re.compile(rf"(?:{'|'.join(_LOOKING.split())})s?\b(?!.*\b(?:ask|propos|request|suggest))", re.IGNORECASE)
"""A text that begins with a verb that only looks, and never asks."""
ASKS: Final = re.compile(r"\b(?:ask|propos|request|suggest|approv|review|a person|decid)", re.IGNORECASE)
"""A text that says that somebody decides."""
