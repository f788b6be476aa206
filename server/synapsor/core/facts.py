"""What a live database says of itself and of a credential, as data: adapters state it, `posture` judges it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from synapsor.core.plan import Relation

RECEIPT_KEY = "receipt_key"
RECEIPT_DIGESTS = (RECEIPT_KEY, "proposal_digest", "ledger_head")
RECEIPT_COLUMNS = (RECEIPT_KEY, "proposal_digest", "proposal_id", "tenant", "outcome", "ledger_head", "worker")
"""The columns of a receipt that the worker fills in; the database adds the time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Collation:
    """How an engine compares a column of text, where that says with which others it does.

    Attributes:
        name: as the engine writes it.
        charset: its character set; "" where the engine has one for all.
        reach: of two character sets the one that reaches further takes the other in; of two that reach as far neither does.
        binary: by the letters' codes, which prevails over the other collations of its character set.
        narrow: its character set lacks characters that a call may bring.
        cased: small letters and capitals are two.
    """

    name: str
    charset: str = ""
    reach: int = 0
    binary: bool = False
    narrow: bool = False
    cased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """What the live catalogue says of a column.

    Attributes:
        native: the type's name as a cast target, schema-qualified for user types; never with a length or precision. On Postgres, an enum's
            has `ENUM` before it; on MySQL, only a list's is told, as the word for it.
        family: the contract types (`ColumnType` values) that may stand for it.
        max_length: characters, for text.
        scale: decimal places, for exact numbers; fractional-second digits, for times.
        low, high: the range of an integer column.
        exact: text compares bytewise (no case or accent folding, no padding).
        computed: a view makes it of other values, so that an error in that may tell of a row.
        moves: the database itself changes this column when a row is updated (row trigger, ON UPDATE, generated).
        stays: how an update can leave it as it is although a trigger sets it, in words; "" where it cannot, or where there is none.
        collation: of text; None where the engine compares it with every other.
    """

    name: str
    native: str
    family: frozenset[str]
    nullable: bool = True
    max_length: int | None = None
    scale: int | None = None
    low: int | None = None
    high: int | None = None
    exact: bool = True
    moves: bool = False
    stays: str = ""
    approximate: bool = False
    computed: bool = False
    collation: Collation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A row-security policy that binds a credential, or would if it became another role.

    Attributes:
        verbs: `select`, `insert`, `update`, `delete`.
        using, check: the conditions as the server prints them; "" where there is none.
        binds: it holds for the credential as it connects.
    """

    name: str
    verbs: tuple[str, ...]
    permissive: bool
    using: str
    check: str
    binds: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSecurity:
    """The row security of one table that is read, itself or behind a view.

    Attributes:
        owned: the credential is, or may become, its owner.
        invoked: it is read with the rights of who asks, and not with those of a view's owner.
    """

    relation: Relation
    enabled: bool
    forced: bool
    owned: bool
    invoked: bool
    policies: tuple[Policy, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """A reference that the database itself holds to: every row's `columns` (own, theirs) equal those of a row of `to`, or one is NULL."""

    to: Relation
    columns: frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What removing a row does beside.

    Attributes:
        name: of the trigger; or of the table that a foreign key reaches, as `schema.table`. "" where it cannot be seen.
        cascades: it is a foreign key that removes or changes the rows that refer to the removed one.
    """

    name: str
    cascades: bool = False

    @property
    def words(self) -> str:
        """What it is, in plain words."""
        if not self.name:
            return "this credential may not see whether it does"
        return f"a foreign key reaches into {self.name}" if self.cascades else f"the trigger {self.name} fires"

    @property
    def fix(self) -> str:
        """How a reviewer deals with it."""
        if not self.name:
            return "Let the worker's credential see it: on MySQL and MariaDB that takes PROCESS, and on MySQL TRIGGER as well."
        kind = "cascades" if self.cascades else "triggers"
        return f"Name it in `accepts: {{{kind}: [{self.name}]}}` once it was reviewed, or mark the row as deleted by an update."


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationFacts:
    """What the live catalogue says of a relation.

    Attributes:
        kind: `table` or `view`.
        unique: sets of columns proven unique (not nullable, not partial).
        references: the foreign keys that hold for every row; a view has none.
        transactional: a rollback undoes a change (InnoDB; always true elsewhere).
        hazards: plain sentences about what makes it unsafe to read or write, empty when nothing does.
        perils: those of the hazards with which it is not served.
        row_security: of every table that is read; nothing where the engine has none.
        traits: what else was reviewed of it: definitions, triggers and policies, each under a name for people.
        mover: what can move a column of it at every update, in the engine's own terms; for people.
    """

    relation: Relation
    kind: str
    columns: Mapping[str, ColumnFacts]
    unique: tuple[frozenset[str], ...] = ()
    references: tuple[ForeignKey, ...] = ()
    transactional: bool = True
    hazards: tuple[str, ...] = ()
    perils: tuple[str, ...] = ()
    row_security: tuple[TableSecurity, ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    mover: str = "a BEFORE UPDATE trigger that sets it"


class May(Enum):
    """What a credential may be able to do beside reading and changing the columns of single relations."""

    EVERYTHING = auto()
    EVERYTHING_IN = auto()  # every right to what is in a place
    PASS_ROW_SECURITY = auto()
    CREATE_ROLES = auto()
    REPLICATE = auto()
    BECOME = auto()
    GIVE_RIGHTS = auto()
    USE_FILES = auto()
    ADMINISTER = auto()
    OWN = auto()
    CHANGE = auto()
    CREATE = auto()
    CREATE_TEMPORARY = auto()
    CREATE_TEMPORARY_LIKE_ALL = auto()  # where the engine lets everybody, unless it is told otherwise
    RUN_DEFINER = auto()
    RUN_STABLE_DEFINER = auto()  # it says of itself that it only reads; what it calls may write
    RUN_EXTENSION = auto()
    OTHER = auto()  # also whatever an adapter does not understand


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a credential may do with one relation; nothing, where there is no such relation.

    Attributes:
        reads, inserts, updates: the columns that it may, as it connects.
        sees: those that it could read by any way known, such as a role that it may become.
        deletes: it may remove rows.
        alters: it may alter the relation itself, or empty it.
        behind: the relations that a view shows, as far as the engine tells.
        could: what it could change by any way known, such as a role that it may become; None where that is what it may as it connects.
    """

    reads: frozenset[str] = frozenset()
    sees: frozenset[str] = frozenset()
    inserts: frozenset[str] = frozenset()
    updates: frozenset[str] = frozenset()
    deletes: bool = False
    alters: bool = False
    behind: frozenset[Relation] = frozenset()
    could: Reach | None = None

    @property
    def most(self) -> Reach:
        """What it could change by any way known."""
        return self.could or self

    @property
    def spoils(self) -> bool:
        """Whether it may change or remove what is there."""
        return bool(self.updates) or self.deletes or self.alters


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptsTable:
    """What the table of receipts is like.

    Attributes:
        digests: the columns that keep any 32 bytes, no more and no fewer.
        unique: sets of columns proven unique.
        durable: a crash does not empty it.
        checks: what its rows are held to, by the names of the constraints.
        through: what else leads to its rows and may be changed, such as a view over it, as far as the catalogue shows that.
    """

    columns: frozenset[str]
    digests: frozenset[str]
    unique: tuple[frozenset[str], ...]
    transactional: bool = True
    durable: bool = True
    checks: Mapping[str, str] = field(default_factory=dict)
    through: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one credential may do in a database, itself or as anybody that it may become, as far as it may know.

    Attributes:
        powers: each with where or as whom, as a person would look for it; for `CHANGE`, a relation by its whole name.
        reach: of every relation that was asked about, and of those behind views.
        readable: every place of which it may read something.
        receipts: the table, or None where there is none (or nobody asked).
        lossy: the server's settings under which a crash may lose what was acknowledged: what they are, and what is safe.
        in_clear: the connection leaves this host unencrypted.
        anonymous: the server took it for an account without a name.
        read_only: the server refuses every write.
        read_committed: the server takes changes in READ COMMITTED transactions, as an apply makes them.
        to_see_effects: powers without which the catalogue does not tell what a delete does beside.
        update_to_hold: who may not update or delete rows may not lock them either, so one column is to be granted for it.
        grants: the engine has rights that can be given and taken; without, nothing can be lacking and nothing too much.
        fixes: how this engine mends a finding, by its rule (`reader_` and `writer_` left out), where it has words of its own.
    """

    powers: Mapping[May, tuple[str, ...]] = field(default_factory=dict)
    reach: Mapping[Relation, Reach] = field(default_factory=dict)
    readable: tuple[str, ...] = ()
    receipts: ReceiptsTable | None = None
    lossy: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    in_clear: bool = False
    anonymous: bool = False
    read_only: bool = False
    read_committed: bool = True
    to_see_effects: frozenset[str] = frozenset()
    update_to_hold: bool = False
    grants: bool = True
    fixes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What contracts ask of a write credential for one relation: the columns that they read, change and fill, and if they remove rows.

    Attributes:
        holds: rows are locked so that nobody changes them, although the contract does not either.
    """

    reads: frozenset[str] = frozenset()
    updates: frozenset[str] = frozenset()
    inserts: frozenset[str] = frozenset()
    deletes: bool = False
    holds: bool = False

    def __or__(self, other: Needs) -> Needs:
        return Needs(
            reads=self.reads | other.reads,
            updates=self.updates | other.updates,
            inserts=self.inserts | other.inserts,
            deletes=self.deletes or other.deletes,
            holds=self.holds or other.holds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of looking at a credential or schema.

    Attributes:
        rule: a stable word, such as `reader_can_write`.
        fatal: what it is about must not run, or cannot work, as it is.
    """

    rule: str
    message: str
    fix: str = ""
    fatal: bool = True
