"""A job as a handler reads it: the approved changes that are made together or not at all, each with its key and its guards."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from synapsor.handler.values import value_of
from synapsor.handler.wire import NAME, VERSION, Ask, strict


class Malformed(Exception):
    """What was sent is no job of this version; answer it with 400 and do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One row of a change; every value is as Python has it.

    Attributes:
        key: the columns that name the row; of an insert, those that must not be there yet.
        guards: columns that must still hold these values when it is changed.
        changes: the columns that are set; none of a delete.
        tokens: all three as the job tells them, by their names.
    """

    key: Mapping[str, Any]
    guards: Mapping[str, Any]
    changes: Mapping[str, Any]
    tokens: Mapping[str, Mapping[str, str | None]] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One approved proposal.

    Attributes:
        key: the idempotency key: the same at every attempt, and of no other proposal.
        digest: what was approved; another digest under the same key is a mistake.
        scope: the columns that say whose rows they are, and what they must hold.
        columns: the reviewed type of each column that is named.
        expires_at: from this moment on nothing is applied.
        members: the rows; empty where it is only asked what is recorded.
        tokens: the scope as the job tells it.
    """

    key: str
    proposal: str
    digest: str
    capability: str
    operation: str
    relation: str
    tenant: str | None
    principal: str
    scope: Mapping[str, Any]
    columns: Mapping[str, str]
    expires_at: dt.datetime
    members: tuple[Member, ...]
    tokens: Mapping[str, str | None] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the worker asks for.

    Attributes:
        ask: what is to be done.
        changes: all of which are made in one transaction, or none.
    """

    id: str
    ask: Ask
    changes: tuple[Change, ...]

    def lapsed(self, now: dt.datetime) -> bool:
        """Tell whether the time of one of its changes is over."""
        return any(now >= change.expires_at for change in self.changes)


_UNTYPED: Final = "text"


def read(body: bytes) -> Job:
    """Return the job that a body holds; whose body it is, `verify` tells.

    Raises:
        Malformed: it holds none of this version.
    """
    try:
        told = strict(body)
        if told[NAME] != VERSION:
            raise Malformed
        ask = Ask(told["ask"])
        changes = tuple(_change(each) for each in told["changes"])
        made = Job(id=_text(told["job"]), ask=ask, changes=changes)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Malformed from None
    if not made.changes or len({change.key for change in made.changes}) < len(made.changes):
        raise Malformed
    return made


def _change(told: Any) -> Change:
    columns = told["columns"]
    return Change(
        key=_text(told["key"]),
        proposal=_text(told["proposal"]),
        digest=_text(told["digest"]),
        capability=_text(told["capability"]),
        operation=_text(told["operation"]),
        relation=_text(told["relation"]),
        tenant=told["tenant"],
        principal=_text(told["principal"]),
        scope=_values(told["scope"], columns),
        columns=columns,
        expires_at=dt.datetime.fromisoformat(told["expires_at"]),
        members=tuple(_member(each, columns) for each in told["members"]),
        tokens=dict(told["scope"].items()),
    )


def _member(told: Any, columns: Mapping[str, str]) -> Member:
    tokens = {part: dict(told[part].items()) for part in ("key", "guards", "changes")}
    return Member(**{part: _values(each, columns) for part, each in tokens.items()}, tokens=tokens)


def _values(told: Any, columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: value_of(token, columns.get(name, _UNTYPED)) for name, token in told.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise Malformed
    return value
