"""Print what a read of every specimen is in the evidence: run by a test in several time zones, locales and hash seeds."""

import asyncio
import json
import sys
from pathlib import Path

from synapsor.core.evidence import Call, Kept, evidence_body
from synapsor.core.plan import ReadPlan
from synapsor.values import ColumnType, digest
from tests.conformance.specimens import TYPES
from tests.databases import Database
from tests.sources import columns_of, one_row, open_reader, relation, see


async def main(engine: str, url: str) -> None:
    """Read each specimen and print the parts of its evidence that are no handle and no time."""
    database = Database(engine=engine, read_url=url, write_url=url, admin_url=url)  # type: ignore[arg-type]  # one of the three
    source = open_reader(database)
    where = relation(database, "specimens")
    facts = await source.describe(where)
    assert facts is not None
    types = {n: ColumnType(t) for n, t in TYPES.items() if n in facts.columns and t in facts.columns[n].family}
    columns = {n: c for n, c in (await columns_of(source, where, **types)).items() if n != "c_any"}
    told = {}
    for key in ("SP-1", "SP-2", "SP-3", "SP-4", "SP-5"):
        shape = one_row(where, columns, *sorted(columns))
        plan = ReadPlan(shape=shape, scope=("acme",), values=(key,), time_ms=5000)
        seen = await see(source, shape, "acme", key)
        call = Call(id="aud", at="now", capability="x.y", contract="c", tenant="acme", principal="p", client="t")
        kept = Kept(columns=shape.described, rows=[list(row) for row in seen.rows])
        body = {**evidence_body("ev", call, plan, seen, source="shop", kept=kept), "position": None}
        told[key] = {**body, "digest": digest("evidence", body)}
    await source.aclose()
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text(encoding="utf-8")))
