"""What a handler answers: what has come of a job, about which keys and digests, and of what was applied each row."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from synapsor.handler.job import Job, Member
from synapsor.handler.wire import CODES, MOST_AGAIN_SECONDS, MOST_DETAIL, NAME, VERSION, Came, strict

Row = Mapping[str, Mapping[str, str | None]]
"""A row after the change: `key` and `changes`, in tokens."""


class Refused(Exception):
    """A change is not applied; raised by the application's own code, which is then rolled back."""

    came: Came

    def __init__(self, code: str, detail: str = "") -> None:
        """Take a code of the protocol, and a text that only operators see; put no value of a row into it."""
        if code not in CODES[self.came]:
            raise ValueError(f"a handler says {self.came} with one of {', '.join(sorted(CODES[self.came]))}")
        super().__init__(code)
        self.code = code
        self.detail = detail[:MOST_DETAIL]


class Conflict(Refused):
    """The rows are not as they were when the change was approved."""

    came = Came.CONFLICT


class Failed(Refused):
    """The change cannot be made, or the application does not allow it."""

    came = Came.FAILED


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One change that an answer is about; `rows` are those of what was applied."""

    key: str
    digest: str
    rows: tuple[Row, ...] = ()


_BY: Final = re.compile(r"[!-~]([ -~]{0,62}[!-~])?", re.ASCII)
_AT: Final = re.compile(r"20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z", re.ASCII)
_EVIDENCE: Final = re.compile(r"(sha256:[0-9a-f]{64})?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """Who confirmed what came of something that was accepted, when, and the digest of what they have to show for it ("" for nothing).

    Raises:
        ValueError: one of these is not of its form.
    """

    by: str
    at: str
    evidence: str = ""

    def __post_init__(self) -> None:
        for form, told in ((_BY, self.by), (_AT, self.at), (_EVIDENCE, self.evidence)):
            if form.fullmatch(told) is None:
                raise ValueError("not a confirmation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to a job.

    Attributes:
        again: of what was accepted: in how many seconds it is worth asking again.
        confirmed: who confirmed what came of it, where it was accepted first.
    """

    came: Came
    about: tuple[About, ...]
    code: str = ""
    detail: str = ""
    again: int = 0
    confirmed: Confirmation | None = None

    @classmethod
    def of(
        cls,
        job: Job,
        came: Came,
        code: str = "",
        detail: str = "",
        *,
        again: int = 0,
        confirmed: Confirmation | None = None,
    ) -> Answer:
        """Return the answer to a whole job; of what was applied it repeats each row as it was approved."""
        there = came in {Came.APPLIED, Came.ALREADY_APPLIED}
        about = tuple(
            About(key=c.key, digest=c.digest, rows=tuple(_approved(m) for m in c.members) if there else ())
            for c in job.changes
        )
        return cls(came=came, about=about, code=code, detail=detail, again=again, confirmed=confirmed)

    def body(self) -> bytes:
        """Return the answer as it is sent."""
        changes = [{"key": a.key, "digest": a.digest, "rows": list(a.rows)} for a in self.about]
        said: dict[str, Any] = {NAME: VERSION, "outcome": self.came.value, "changes": changes}
        if self.code:
            said |= {"code": self.code}
        if self.detail:
            said |= {"detail": self.detail}
        if self.came is Came.ACCEPTED:
            said |= {"ask_again_in": self.again}
        if self.confirmed is not None:
            said |= {"confirmed": asdict(self.confirmed)}
        return json.dumps(said).encode()


def read_answer(body: bytes) -> Answer | None:
    """Return the answer that a body holds, or None where it holds none that is whole and of this version."""
    try:
        told = strict(body)
        if type(told[NAME]) is not int or told[NAME] != VERSION:
            return None
        came, code, detail = Came(told["outcome"]), told.get("code", ""), told.get("detail", "")
        about = tuple(_about(each) for each in told["changes"])
        again, confirmed = _again(told, came, about), _confirmed(told, came)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not (isinstance(code, str) and isinstance(detail, str)):
        return None
    if code not in CODES[came] if came in CODES else code != "":
        return None
    return Answer(came=came, about=about, code=code, detail=detail[:MOST_DETAIL], again=again, confirmed=confirmed)


def _again(told: Any, came: Came, about: Sequence[About]) -> int:
    """Return when it is to be asked again, which is told of what was accepted and of nothing else; no row of it is there yet."""
    if came is not Came.ACCEPTED:
        if "ask_again_in" in told:
            raise ValueError("nothing is to come")
        return 0
    again = told["ask_again_in"]
    if type(again) is not int or not 0 <= again <= MOST_AGAIN_SECONDS or any(each.rows for each in about):
        raise ValueError("not accepted")
    return again


def _confirmed(told: Any, came: Came) -> Confirmation | None:
    if "confirmed" not in told:
        return None
    if came in {Came.ACCEPTED, Came.NOTHING}:
        raise ValueError("nothing is confirmed yet")
    return Confirmation(**told["confirmed"])


def _approved(member: Member) -> Row:
    return {part: member.tokens[part] for part in ("key", "changes")}


def _about(told: Any) -> About:
    return About(key=_text(told["key"]), digest=_text(told["digest"]), rows=tuple(_row(r) for r in _list(told["rows"])))


def _row(told: Any) -> Row:
    row = {part: dict(told[part].items()) for part in ("key", "changes")}
    if told.keys() != row.keys():
        raise ValueError("a row is a key and its changes")
    return row


def _list(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise TypeError("not a list")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
