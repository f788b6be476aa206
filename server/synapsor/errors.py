"""Every error that Synapsor raises on purpose, and the closed table of codes that a model may see.

    SynapsorError
    ├── Refusal              a call is refused; the only error whose text may reach a model
    ├── UsageError           the command line or a handle is wrong                     (exit 2)
    ├── ConfigError          configuration, secret reference or operator file is wrong  (exit 2)
    ├── ContractError        a contract has problems                                    (exit 2)
    ├── SourceFailure        the application database failed, by kind, without its text (exit 4)
    ├── UnsafeSource         a credential or schema is not safe to use                  (exit 5)
    ├── LedgerFailure        the ledger cannot be read or written                       (exit 4)
    ├── DecisionRefused      an operator's decision is not allowed                      (exit 1, 3 or 5)
    ├── LoginRefused         somebody's login or token is not accepted                  (exit 4 or 5)
    └── IntegrityError       a signature, digest or chain does not hold                 (exit 5)

No error of this module ever carries driver text, SQL, a host name, a row value or a secret.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar

from synapsor.refusals import Rule


class Code(StrEnum):
    """What a refused call is called; stable, and the whole list a model can ever see."""

    INVALID_ARGUMENTS = "invalid_arguments"
    NOT_FOUND = "not_found"
    NOT_UNIQUE = "not_unique"
    RESULT_TOO_LARGE = "result_too_large"
    OUT_OF_BOUNDS = "out_of_bounds"
    NOT_AS_REQUIRED = "not_as_required"
    NOTHING_TO_CHANGE = "nothing_to_change"
    QUESTION_CLOSED = "question_closed"
    EVIDENCE_REQUIRED = "evidence_required"
    RUN_REQUIRED = "run_required"
    ALREADY_THERE = "already_there"
    PROPOSALS_OFF = "proposals_off"
    SCOPE_UNAVAILABLE = "scope_unavailable"
    SCHEMA_DRIFT = "schema_drift"
    NOT_ACTIVATED = "not_activated"
    RATE_LIMITED = "rate_limited"
    BUSY = "busy"
    TIMEOUT = "timeout"
    CANCELED = "canceled"
    SOURCE_UNAVAILABLE = "source_unavailable"
    EVIDENCE_UNAVAILABLE = "evidence_unavailable"
    INTERNAL = "internal"

    @property
    def words(self) -> str:
        """What it means."""
        return MEANINGS[self].message

    @property
    def fix(self) -> str:
        """What to do about it."""
        return MEANINGS[self].fix

    @property
    def exit_code(self) -> int:
        """What a command ends with that was refused so."""
        return _EXIT_CODES.get(self, 1)


@dataclass(frozen=True, slots=True)
class Meaning:
    """The fixed words that go with a code."""

    message: str
    fix: str
    retryable: bool = False
    retry_after_ms: int | None = None


MEANINGS: dict[Code, Meaning] = {
    Code.INVALID_ARGUMENTS: Meaning(
        "The arguments do not fit this capability.", "Send exactly the arguments of its input schema."
    ),
    Code.NOT_FOUND: Meaning("There is no such record in your scope.", "Check the identifier."),
    Code.NOT_UNIQUE: Meaning(
        "More than one row answers to this identifier.", "Tell an operator: the reviewed key is not unique."
    ),
    Code.RESULT_TOO_LARGE: Meaning(
        "The result is larger than this capability may return.", "Ask for less, or for a narrower capability."
    ),
    Code.OUT_OF_BOUNDS: Meaning("The change is outside the reviewed bounds.", "Propose a value inside the bounds."),
    Code.NOT_AS_REQUIRED: Meaning(
        "The record, or a related one, is not as it must be for this change.",
        "Propose it for another record, or once this has changed.",
    ),
    Code.NOTHING_TO_CHANGE: Meaning("The record already has these values.", "Nothing needs to be proposed."),
    Code.QUESTION_CLOSED: Meaning("The question takes no answer any more.", "Look the proposal up again."),
    Code.EVIDENCE_REQUIRED: Meaning(
        "The workflow asks for evidence that this run has not read.",
        "Call the named capability first, then propose again.",
    ),
    Code.RUN_REQUIRED: Meaning(
        "This change stands or falls with others of the same run, and this connection has no runs.",
        "Connect over stdio, or with a session.",
    ),
    Code.ALREADY_THERE: Meaning("Such a record is there already.", "Nothing needs to be added."),
    Code.PROPOSALS_OFF: Meaning(
        "This source is served for reading only.",
        "An operator must allow proposals for this source, with `mode: review` or `mode: writeback`.",
    ),
    Code.SCOPE_UNAVAILABLE: Meaning(
        "The trusted session does not carry the scope that this capability needs.",
        "An operator must configure the session.",
    ),
    Code.SCHEMA_DRIFT: Meaning(
        "The database no longer has the reviewed shape.", "An operator must review the contract again."
    ),
    Code.NOT_ACTIVATED: Meaning(
        "This capability's contract is not activated.", "An operator must review and activate it."
    ),
    Code.RATE_LIMITED: Meaning(
        "This capability was called as often as it may be for now.",
        "Try again when the time is over.",
        retryable=True,
        retry_after_ms=60_000,
    ),
    Code.BUSY: Meaning(
        "All connections to the source are in use.", "Try again shortly.", retryable=True, retry_after_ms=500
    ),
    Code.TIMEOUT: Meaning(
        "The source did not answer within the time limit.", "Try again later.", retryable=True, retry_after_ms=2000
    ),
    Code.CANCELED: Meaning("The call was canceled.", "Call again if the answer is still wanted.", retryable=True),
    Code.SOURCE_UNAVAILABLE: Meaning(
        "The source cannot be reached.", "Try again later.", retryable=True, retry_after_ms=5000
    ),
    Code.EVIDENCE_UNAVAILABLE: Meaning(
        "The evidence could not be recorded, so nothing is returned.",
        "An operator must look at the ledger.",
        retryable=True,
        retry_after_ms=5000,
    ),
    Code.INTERNAL: Meaning("The call failed inside the server.", "An operator finds the reason in the server's log."),
}

_EXIT_CODES = {
    Code.INVALID_ARGUMENTS: 2,
    Code.SCHEMA_DRIFT: 3,
    Code.NOT_ACTIVATED: 5,
    Code.SOURCE_UNAVAILABLE: 4,
    Code.EVIDENCE_UNAVAILABLE: 4,
    Code.TIMEOUT: 4,
    Code.BUSY: 4,
}


class SynapsorError(Exception):
    """Something Synapsor refuses or cannot do."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Refusal(SynapsorError):
    """A call is refused with a code of the closed table; `detail` names contract words only, never values.

    `fix` stands in for the table's where that would not help; it is a sentence of this code's and holds no word from anywhere else.
    """

    def __init__(self, code: Code, detail: str = "", *, fix: str = "", retry_after_ms: int | None = None) -> None:
        meaning = MEANINGS[code]
        if fix:
            meaning = replace(meaning, fix=fix)
        if retry_after_ms is not None:
            meaning = replace(meaning, retry_after_ms=retry_after_ms)
        super().__init__(f"{meaning.message} {detail}".rstrip(), fix=meaning.fix)
        self.code = code
        self.detail = detail
        self.meaning = meaning


class UsageError(SynapsorError):
    """The command or handle is wrong."""

    exit_code = 2


class ConfigError(SynapsorError):
    """The project configuration is wrong."""

    exit_code = 2


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One finding of a check: where, which rule, what, and how to mend it."""

    file: str
    line: int
    column: int
    rule: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.rule} {self.message}" + (
            f" ({self.fix})" if self.fix else ""
        )


class ContractError(SynapsorError):
    """A contract has problems; all of them are listed."""

    exit_code = 2

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(p) for p in problems), fix="Mend the listed problems and run `synapsor check`.")
        self.problems = problems


class Failure(StrEnum):
    """How an application database failed; adapters map SQLSTATE and errno to these and to nothing finer."""

    UNAVAILABLE = "unavailable"  # no connection, or lost before COMMIT was sent
    BUSY = "busy"  # the pool or the server has no room
    TIMEOUT = "timeout"  # statement or lock wait over its limit
    TRANSIENT = "transient"  # deadlock or serialization: nothing happened, try again
    DRIFT = "drift"  # relation, column or type is not what was reviewed
    DENIED = "denied"  # the credential may not do this
    CONSTRAINT = "constraint"  # the database's own rule refused the change
    VALUE = "value"  # a value does not fit its column
    UNKNOWN_COMMIT = "unknown_commit"  # COMMIT was sent and its answer was lost
    OTHER = "other"


class SourceFailure(SynapsorError):
    """The application database failed.

    Attributes:
        look: what an operator should look at, where the adapter knows better than to see whether a server runs; it names no place.
    """

    exit_code = 4

    def __init__(self, kind: Failure, *, state: str = "", source: str = "", look: str = "") -> None:
        self.look = look
        self.kind = kind
        self.state = state
        self.source = source
        self.said = kind.value + (f" [{state}]" if state else "")
        which = f"Source {source}" if source else "A source"
        super().__init__(f"{which} failed: {self.said}.", fix=look or "`synapsor doctor` says what to look at.")


class UnsafeSource(SynapsorError):
    """A credential or schema is not safe to use; the message lists every finding."""

    exit_code = 5


class LedgerFailure(SynapsorError):
    """The ledger cannot be read or written; `rule` names how, where that is known."""

    exit_code = 4

    def __init__(self, message: str, *, fix: str = "", rule: str = "ledger_failed") -> None:
        super().__init__(message, fix=fix)
        self.rule = rule

    @property
    def of_one_record(self) -> bool:
        """Whether it failed at this one record; else whatever is tried next would fail as well, perhaps after as long a wait."""
        return self.rule in {"ledger_refused", "ledger_damaged"}


class DecisionRefused(SynapsorError):
    """The decision is not allowed.

    Attributes:
        rule: why: a rule of deciding, or the code by which the capability itself refuses. Its words are the message, and its fix the
            fix, where none are given; `detail` follows the message.
    """

    def __init__(self, rule: Rule | Code, message: str = "", *, detail: str = "", fix: str = "") -> None:
        super().__init__(f"{message or rule.words} {detail}".rstrip(), fix=fix or rule.fix)
        self.rule = rule
        self.exit_code = rule.exit_code  # type: ignore[misc]  # per rule

    @classmethod
    def by(cls, refusal: Refusal) -> DecisionRefused:
        """Return what a capability refuses, to a person whose decision it would have been."""
        return cls(refusal.code, refusal.message, fix=refusal.fix)

    @classmethod
    def altered(cls, broken: IntegrityError) -> DecisionRefused:
        """Return that nothing is decided by a ledger whose chain does not hold."""
        return cls(Rule.LEDGER_ALTERED, f"{broken.message} Nothing is decided by it.", fix=broken.fix)


class LoginRefused(SynapsorError):
    """A login or a token is not accepted; `rule` names why.

    Attributes:
        subject: whom the provider vouched for, where its signature held and the person is not let in all the same; else "".
    """

    def __init__(self, rule: str, message: str, *, fix: str = "", subject: str = "", exit_code: int = 5) -> None:
        super().__init__(message, fix=fix)
        self.rule = rule
        self.subject = subject
        self.exit_code = exit_code  # type: ignore[misc]  # per instance: 4 the provider fails, 5 authority


class IntegrityError(SynapsorError):
    """A signature, digest or chain does not hold."""

    exit_code = 5


def rule_named(name: str) -> Rule | Code | None:
    """Return what a decision was refused by, from its name on record; None for one that this version does not know."""
    return next((rule for rule in (*Rule, *Code) if rule.value == name), None)


def rule_of(error: SynapsorError) -> str:
    """Return the one word under which an error is documented: its rule, or else its kind."""
    if isinstance(error, DecisionRefused | LedgerFailure | LoginRefused):
        return str(error.rule)
    return type(error).__name__


@contextmanager
def naming(source: str) -> Iterator[None]:
    """Let a failure of a source say by its configured name which one it is."""
    try:
        yield
    except SourceFailure as failed:
        raise SourceFailure(failed.kind, state=failed.state, source=source, look=failed.look) from failed


def place(error: BaseException) -> str:
    """Return the type and place of an error for a log line, without its text, which may quote values or secrets."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    where = f"{last.tb_frame.f_code.co_name}:{last.tb_lineno}" if last else "?"
    return f"{type(error).__name__} at {where}"
