"""The table of what an application has accepted and still has to do, in the database of its own rows: its outbox.

An entry is also the receipt of its key: it is never taken out while the ledger may ask. Moments are milliseconds since 1970 by the database's own clock.
"""

from __future__ import annotations

import sys
from typing import Final, get_args

from synapsor.handler.receipts import Engine

NAME: Final = "synapsor_outbox"

_TEXT: Final = """\
CREATE TABLE {name} (
  seq {number},
  handled_key varchar(64) NOT NULL UNIQUE,
  entry varchar(64) NOT NULL,
  job varchar(64) NOT NULL,
  digest varchar(71) NOT NULL,
  proposal varchar(64) NOT NULL,
  place varchar(64) NOT NULL,
  row_of varchar(64) NOT NULL,
  body {long} NOT NULL,
  state varchar(16) NOT NULL CHECK (state IN ('accepted', 'confirmed', 'dead')),
  accepted_at bigint NOT NULL,
  due_at bigint NOT NULL,
  attempts integer NOT NULL,
  claim varchar(64) NOT NULL,
  claimed_by varchar(64) NOT NULL,
  claimed_until bigint NOT NULL,
  said varchar(96) NOT NULL,
  outcome varchar(16) NOT NULL CHECK (outcome IN ('', 'applied', 'conflict', 'failed')),
  code varchar(64) NOT NULL,
  evidence varchar(71) NOT NULL,
  confirmed_at bigint NOT NULL,
  CHECK ((state = 'confirmed') = (outcome <> ''))
){rest};
CREATE INDEX {index} ON {name} (state, seq);
CREATE INDEX {index}_of ON {name} (entry);
"""
_KINDS: Final = {
    "postgres": ("bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "text", ""),
    "sqlite": ("integer PRIMARY KEY AUTOINCREMENT", "text", ""),
    "mysql": (
        "bigint NOT NULL AUTO_INCREMENT PRIMARY KEY",
        "longtext",
        " ENGINE=InnoDB CHARACTER SET ascii COLLATE ascii_bin",
    ),
}
"""The number of an entry and its text in each engine, and what ends the statement."""


def create_table(engine: Engine, name: str = NAME) -> str:
    """Return the statements that make the table; the application's owner runs them, once."""
    number, long, rest = _KINDS["mysql" if engine == "mariadb" else engine]
    index = f"{name.rpartition('.')[2]}_open"
    return _TEXT.format(name=name, number=number, long=long, rest=rest, index=index)


if __name__ == "__main__":
    asked = sys.argv[1:]
    if len(asked) != 1 or asked[0] not in get_args(Engine):
        sys.exit(f"usage: python -m synapsor.handler.entries {'|'.join(get_args(Engine))}")
    sys.stdout.write(create_table(asked[0]))  # type: ignore[arg-type]  # it is one of them
