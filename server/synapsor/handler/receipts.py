"""The table in which an application keeps what has come of each key: in the database of its own rows, so that both commit together.

The first receipt of a key is its verdict; nothing is ever changed or taken out of it while the ledger may ask.
"""

from __future__ import annotations

import sys
from typing import Final, Literal, get_args

NAME: Final = "synapsor_handled"
Engine = Literal["postgres", "mariadb", "mysql", "sqlite"]

_TEXT: Final = """\
CREATE TABLE {name} (
  handled_key {text}(64) NOT NULL PRIMARY KEY,
  digest {text}(71) NOT NULL,
  proposal {text}(64) NOT NULL,
  outcome {text}(16) NOT NULL CHECK (outcome IN ('applied', 'conflict', 'failed')),
  code {text}(64) NOT NULL,
  handled_at {moment} NOT NULL
){rest};
"""
_KINDS: Final = {
    "postgres": ("varchar", "timestamptz", ""),
    "sqlite": ("varchar", "timestamp", ""),
    "mysql": ("varchar", "datetime(6)", " ENGINE=InnoDB CHARACTER SET ascii COLLATE ascii_bin"),
}
"""The types of text and moments of each engine, and what ends the statement."""


def create_table(engine: Engine, name: str = NAME) -> str:
    """Return the statement that makes the table; the application's owner runs it, once."""
    text, moment, rest = _KINDS["mysql" if engine == "mariadb" else engine]
    return _TEXT.format(name=name, text=text, moment=moment, rest=rest)


if __name__ == "__main__":
    asked = sys.argv[1:]
    if len(asked) != 1 or asked[0] not in get_args(Engine):
        sys.exit(f"usage: python -m synapsor.handler.receipts {'|'.join(get_args(Engine))}")
    sys.stdout.write(create_table(asked[0]))  # type: ignore[arg-type]  # it is one of them
