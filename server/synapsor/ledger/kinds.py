"""What kinds of record the ledger keeps: prefix of the handle, and the columns that repeat a part of the body to be searched.

The same description writes a row and, in `verify`, proves that the row still says what its body says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from synapsor.core.onetime import meant
from synapsor.core.plain import visible
from synapsor.errors import IntegrityError, LedgerFailure
from synapsor.ledger.connection import Row, T
from synapsor.values import ValueUnfit, canonical, digest_bytes

log = logging.getLogger("synapsor.ledger")

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record; `name` is its table and the domain of its digest.

    Attributes:
        columns: the searchable columns, from the body.
    """

    name: str
    prefix: str
    columns: Callable[[Body], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Record:
    """A record made ready to be written: its canonical text and digest are computed once, from the same bytes."""

    kind: Kind
    id: str
    text: str
    digest: str
    columns: dict[str, Any]


def _pick(*names: str) -> Callable[[Body], dict[str, Any]]:
    return lambda body: {name: body[name] for name in names}


def _within(part: str, *names: str) -> Callable[[Body], dict[str, Any]]:
    return lambda body: {name: body[part][name] for name in names}


def _decision(body: Body) -> dict[str, Any]:
    """Return a decision's columns; its one-time code is one, by its interval, for no code of a person is used twice."""
    told = body["decision"]
    searched = {name: told[name] for name in ("at", "proposal", "operator", "verdict", "policy")}
    return {**searched, "step_up": _code(told) if told["step_up"] else None}


def _code(told: Body) -> str:
    """Return which code of a person it was: of an authenticator there is one in an interval, and one that is bound is another for all else."""
    method, step = told["step_up"]["method"], told["step_up"]["step"]
    return f"{method}:{step}:{meant(told['verdict'], told['digest'])}" if method == "bound" else f"{method}:{step}"


def _job(body: Body) -> dict[str, Any]:
    """Return a job's columns; it is kept with the proposal whose approval made it, the first of its parts."""
    lead = body["parts"][0]
    return {"at": body["at"], "proposal": lead["proposal"], "decision": lead["decision"], "source": body["source"]}


def _instruction(body: Body) -> dict[str, Any]:
    """Return an instruction's columns; it is kept with the proposal that its job is kept with, the first of its parts."""
    told = body["instruction"]
    return {"proposal": told["parts"][0][0], **{name: told[name] for name in ("at", "job", "operator", "verb")}}


AUDIT = Kind("query_audit", "aud", _pick("at", "tenant", "principal", "capability", "outcome", "evidence", "run"))
EVIDENCE = Kind("evidence", "ev", _pick("at", "tenant", "principal", "capability"))
CONTRACT = Kind("contract_version", "ctr", _pick("at", "name", "digest"))
ACTIVATION = Kind("activation", "act", _within("activation", "at", "contract", "digest", "operator"))
PROPOSAL = Kind(
    "proposal",
    "wrp",
    _pick(
        "at",
        "tenant",
        "principal",
        "capability",
        "contract",
        "source",
        "request",
        "quorum",
        "policy",
        "workflow",
        "run",
        "group_id",
        "expires_at",
    ),
)
BRANCH = Kind("review_branch", "rb", _pick("at", "proposal"))
DECISION = Kind("decision", "dec", _decision)
QUESTION = Kind("question", "que", _within("question", "at", "proposal", "operator"))
ANSWER = Kind("answer", "ans", _pick("at", "proposal", "question"))
REFUSED = Kind("refused_decision", "ref", _pick("at", "proposal", "operator", "rule"))
REFUSED_LOGIN = Kind("refused_login", "lgr", _pick("at", "door", "rule"))
USE = Kind("policy_use", "use", _pick("at", "proposal", "policy", "day", "tenant", "principal", "object"))
SWITCH = Kind("policy_switch", "swi", _within("switch", "at", "operator", "state"))
PAUSE = Kind("worker_pause", "pau", _within("pause", "at", "operator", "source", "state"))
INSTRUCTION = Kind("instruction", "ins", _instruction)
JOB = Kind("job", "job", _job)
RECEIPT = Kind("receipt", "rcp", _pick("at", "job", "proposal", "outcome"))
RESOLUTION = Kind("resolution", "res", _within("resolution", "at", "proposal", "operator", "verdict"))
REVEAL = Kind("reveal", "rev", _pick("at", "subject", "operator", "outcome"))
SETTLEMENT = Kind("settlement", "set", _pick("at", "proposal", "job", "receipt", "status"))

KINDS: dict[str, Kind] = {
    k.name: k
    for k in (
        AUDIT,
        EVIDENCE,
        CONTRACT,
        ACTIVATION,
        PROPOSAL,
        BRANCH,
        DECISION,
        QUESTION,
        ANSWER,
        REFUSED,
        REFUSED_LOGIN,
        USE,
        SWITCH,
        PAUSE,
        INSTRUCTION,
        JOB,
        RECEIPT,
        SETTLEMENT,
        RESOLUTION,
        REVEAL,
    )
}
BY_PREFIX: dict[str, Kind] = {k.prefix: k for k in KINDS.values()}


def record(kind: Kind, handle: str, body: Body) -> Record:
    """Make a record ready to be written.

    Raises:
        LedgerFailure: the body has no canonical form or lacks what its kind needs.
    """
    try:
        data = canonical(body if type(body) is dict else dict(body))
        return Record(kind, handle, data.decode(), digest_bytes(kind.name, data), kind.columns(body))
    except (ValueUnfit, KeyError) as unfit:
        raise LedgerFailure(f"This {kind.name} cannot be recorded: {type(unfit).__name__}.") from None


def loads(text: str) -> dict[str, Any]:
    """Return the body that canonical text holds; everything that the ledger keeps is written so.

    Raises:
        IntegrityError: it is anything else.
    """
    try:
        body = orjson.loads(text)
        if type(body) is dict and canonical(body) == text.encode():
            return body
    except (orjson.JSONDecodeError, ValueUnfit):
        pass
    raise IntegrityError("A record of the ledger is not of the form that it was written in.")


def read_each(kind: str, rows: Iterable[Row], read: Callable[[Row], T]) -> tuple[tuple[T, ...], tuple[str, ...]]:
    """Return what rows hold, and the names of those that hold nothing of ours: they count as if they were not there, and keep no others
    from being read.
    """
    found: list[T] = []
    unreadable: list[str] = []
    for row in rows:
        try:
            found.append(read(row))
        except IntegrityError:
            unreadable.append(f"{kind} {row['id']}")
    if unreadable:
        told = (len(unreadable), visible(unreadable[0]))
        log.warning("%d that cannot be read counted as nothing, the first is %s", *told, extra={"action": "unreadable"})
    return tuple(found), tuple(unreadable)
