"""The lints: stable ids, a severity and one sentence each, and what became of one in a contract.

`docs/reference/lint.md` is rendered from here, and a test sees to it that every lint can be found and can be absent.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding weighs: an error is refused, a warning with `--strict`, a note never."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Lint:
    """One thing that is looked for."""

    severity: Severity
    sentence: str


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """One finding: where, what, how to mend it; and the reason why it is let pass, if it is."""

    file: str
    line: int
    column: int
    rule: str
    severity: Severity
    message: str
    fix: str = ""
    allowed: str = ""

    def __str__(self) -> str:
        fix = f" ({self.fix})" if self.fix else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity.value} {self.rule} {self.message}{fix}"


_E, _W, _N = Severity.ERROR, Severity.WARNING, Severity.NOTE
LINTS: Final[dict[str, Lint]] = {
    # Comments that let a finding pass
    "LNT001": Lint(_E, "A comment that lets a finding pass names one lint and gives the reason."),
    "LNT002": Lint(_W, "A comment that lets a finding pass has such a finding at its place."),
    # Breadth
    "LNT101": Lint(_W, "A list is filtered by more than its scope."),
    "LNT102": Lint(_W, "A capability lists what it returns, so that a new column of the table is not returned unseen."),
    "LNT103": Lint(_W, "A capability does not return every column of a table that has many."),
    "LNT104": Lint(_W, "A list returns at most 200 rows."),
    "LNT105": Lint(_W, "One call returns at most a megabyte."),
    "LNT106": Lint(_N, "One call takes at most 10 seconds."),
    "LNT107": Lint(_W, "Two capabilities do not do nearly the same."),
    # Columns
    "LNT201": Lint(_W, "A column that looks personal is not returned."),
    "LNT202": Lint(_W, "A column that looks personal and is not used is denied."),
    "LNT203": Lint(_E, "A column that looks like a password, key or token is denied."),
    "LNT204": Lint(_W, "A list returns no free text, in which anybody may have written instructions to the model."),
    "LNT205": Lint(_W, "A list returns no whole JSON documents, which hold what nobody reviewed."),
    # Tables
    "LNT301": Lint(_W, "A table that is read itself, and not through a view, names the columns that are denied."),
    "LNT302": Lint(_N, "A single-tenant statement is looked at again: every session sees every row."),
    "LNT303": Lint(_W, "A single-tenant table has no column that looks like a tenant's."),
    # Texts that the model reads
    "LNT401": Lint(_E, "A text describes, and gives the model no orders."),
    "LNT402": Lint(_W, "A text holds no address and no markup."),
    "LNT403": Lint(_W, "A description does not name other tools."),
    "LNT404": Lint(_W, "A description says in at least four words what it is for."),
    "LNT405": Lint(_W, "Two descriptions differ in more than a word."),
    "LNT406": Lint(_W, "A description promises what the capability does: a read changes nothing, a proposal does not only look."),
    "LNT407": Lint(_W, "A proposal's description says that it asks, and that nothing changes yet."),
    # Arguments
    "LNT501": Lint(_W, "An argument is described."),
    "LNT502": Lint(_W, "A string argument is at most 2000 characters long."),
    "LNT503": Lint(_W, "An argument takes at most 50 values at once."),
    # Proposals
    "LNT601": Lint(_W, "A proposal that changes a money column has a bound on it."),
    "LNT602": Lint(_N, "A proposal waits at most 14 days, after which what was asked for is hardly what is wanted."),
    "LNT603": Lint(_W, "An approval with `fresh` names no policy: before a policy approves, nobody looks at the rows."),
    "LNT604": Lint(_W, "A notification tells no column that looks personal, and no free text: what it tells lies in mailboxes and chats."),
}  # fmt: skip
