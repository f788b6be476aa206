"""Cases beside a contract, as strict models: in whose name what is called, what is done with it, and what must come of it.

Every key has its sentence here; the reference and the editor's schema are rendered from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from synapsor.config import Mode, read_yaml, refuse, validated
from synapsor.contract.base import CapabilityName, Column, Name
from synapsor.contract.document import Positions
from synapsor.core.proposal import Status
from synapsor.errors import Code

SUFFIX = ".test.yaml"


class Model(BaseModel):
    """What every part of a file of cases is: immutable, strict and closed."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True, validate_by_alias=True
    )


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[
    tuple[str, ...], BeforeValidator(_listed, json_schema_input_type=str | list[str]), Field(strict=False)
]
Columns = Annotated[tuple[Column, ...], Field(strict=False)]
Row = dict[str, Any]
Rows = Annotated[tuple[Row, ...], Field(strict=False)]
Session = dict[Name, str | int]
CaseName = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class Fixture(Model):
    """What a database in memory is made of, anew for each case; SQL as SQLite has it."""

    schema_: Paths = Field(
        default=(), alias="schema", description="Scripts that make the tables; paths are seen from this file."
    )
    seed: Paths = Field(default=(), description="Scripts that fill them, run after the schema.")
    sql: str = Field(default="", description="A script written here, run last.")


class Behind(Model):
    """A change of the database behind the contract's back."""

    sql: str = Field(description="The script that is run, outside of every guard.")


class Wait(Model):
    """Time that passes."""

    hours: int = Field(ge=1, le=24 * 400, description="How many hours pass.")


class Approve(Model):
    """An approval by somebody who is named; the step `approve` is one by somebody else."""

    approve: Name = Field(description="Who approves; each name is another person, who has every role of the contract.")


Step = Literal["approve", "reject", "apply", "policy", "undo"] | Approve | Behind | Wait


class Earlier(Model):
    """A call that is made before the one of the case, in the same run; it must be answered."""

    call: CapabilityName = Field(description="The capability.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="What the model sends.")


class Change(Model):
    """What a proposal does to one column."""

    from_: Any = Field(alias="from", description="The value as it is.")
    to: Any = Field(description="The value as it would be.")


class Expect(Model):
    """What must come of a call; what is not said is not looked at, but that it succeeds."""

    ok: bool | None = Field(default=None, description="Whether it is answered; true, unless `error` is given.")
    error: Annotated[Code | None, Field(strict=False)] = Field(default=None, description="The code of its refusal.")
    count: int | None = Field(default=None, ge=0, description="How many rows there are.")
    rows: Rows | None = Field(default=None, description="The rows, exactly and in order; of a read by key, the one.")
    includes: Rows | None = Field(
        default=None, description="Rows that are among them, each with these values and any others."
    )
    columns: Columns | None = Field(default=None, description="The columns that each row has, and no others.")
    absent: Columns | None = Field(default=None, description="Columns that no row has.")
    truncated: bool | None = Field(default=None, description="Whether a list was cut.")
    data: Row | None = Field(default=None, description="Parts of the answer's `data`, such as `total`.")
    changes: dict[Column, Change] | None = Field(
        default=None, description="What a proposal of one row changes, exactly."
    )
    members: Annotated[tuple[dict[Column, Change], ...], Field(strict=False)] | None = Field(
        default=None,
        description="What a proposal of a set changes of each row, exactly and in the order of their keys.",
    )
    status: Annotated[Status | None, Field(strict=False)] = Field(
        default=None, description="Where the proposal stands after the steps."
    )
    refused: str | None = Field(default=None, description="By which rule the decision of a step is refused.")
    outcome: str | None = Field(
        default=None,
        description="What came of the proposal at the last `apply`: `applied`, the code of the reason (`group_failed` where another one of its group was to blame), or `nothing`.",
    )
    row: Row | None = Field(default=None, description="Columns of the proposal's row in the database after the steps.")


class Case(Model):
    """One call and what must come of it."""

    as_: Session | None = Field(default=None, alias="as", description="The session; without it, the file's.")
    call: CapabilityName = Field(description="The capability, or `synapsor.proposal_status`.")
    arguments: dict[str, Any] = Field(default_factory=dict, description="What the model sends.")
    before: Annotated[tuple[Earlier, ...], Field(strict=False)] = Field(
        default=(),
        description="What is called before it in the same run, such as the evidence that a workflow asks for; what that proposes is approved with it.",
    )
    steps: Annotated[tuple[Step, ...], Field(strict=False)] = Field(
        default=(),
        description="What is done afterwards: `approve` (`{approve: ann}` where it takes two), `reject`, `apply`, `policy` (the worker approves what policies allow, and applies), `undo` (asked for by an operator; the steps after it, `status`, `outcome` and `row` are of the undo), `{sql: …}` behind the contract's back, `{hours: …}` later.",
    )
    expect: Expect = Field(default_factory=Expect, description="What must come of it.")


class CaseFile(Model):
    """The cases of one contract."""

    synapsor: Literal[1] = Field(description="The version of this language.")
    contract: str | None = Field(
        default=None, description="The contract's file; without it, `x.yaml` for cases in `x.test.yaml`."
    )
    source: Literal["memory", "live"] = Field(
        default="memory",
        description="`memory`: a database made by `fixture`. `live`: the project's own sources, for reads alone.",
    )
    fixture: Fixture | None = Field(default=None, description="The database in memory.")
    mode: Mode = Field(default="writeback", description="The rung of the ladder on which the cases run.")
    as_: Session | None = Field(default=None, alias="as", description="The session of the cases that give none.")
    cases: dict[CaseName, Case] = Field(min_length=1, description="The cases, by what each of them shows.")

    @model_validator(mode="after")
    def _whole(self) -> CaseFile:
        """Refuse a file whose parts contradict each other."""
        if (self.source == "memory") is not (self.fixture is not None):
            raise PydanticCustomError("fixture", "`source: memory` needs a `fixture`, and `source: live` has none")
        for name, case in self.cases.items():
            if self.as_ is None and case.as_ is None:
                raise PydanticCustomError("session", "a case has no session: {name}", {"name": name})
            if self.source == "live" and (case.steps or case.expect.row is not None):
                raise PydanticCustomError("live", "a live source is only read: {name}", {"name": name})
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """A file of cases that is in order, and where its parts stand."""

    file: Path
    held: CaseFile
    positions: Positions

    @property
    def contract(self) -> Path:
        """The contract's file."""
        name = self.held.contract or self.file.name.removesuffix(SUFFIX) + ".yaml"
        return self.file.parent / name

    def session(self, case: Case) -> Session:
        """Return the session of a case."""
        return case.as_ or self.held.as_ or {}


def load_cases(file: Path) -> Cases:
    """Return the cases of a file.

    Raises:
        ConfigError: with every problem of it.
    """
    document = read_yaml(file)
    held, problems = validated(CaseFile, document)
    if held is None or problems:
        refuse(file, problems)
    return Cases(file=file, held=held, positions=document.positions)


def cases_beside(policy: Path) -> Path:
    """Return where the cases of a contract are."""
    return policy.with_name(policy.name.removesuffix(".yaml").removesuffix(".yml") + SUFFIX)


def cases_json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a file of cases, for editors."""
    schema = CaseFile.model_json_schema(by_alias=True)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Synapsor cases"}
    return {**head, **{key: value for key, value in schema.items() if key != "title"}}
