"""How many rows a Postgres session has touched, by table: what the statistics system has counted of it and not yet handed on."""

from __future__ import annotations

from synapsor.core.measured import Tally
from synapsor.errors import Failure, SourceFailure
from synapsor.sources.postgres_views import Look

_TOUCHED = """
SELECT schemaname::text, relname::text, n_tup_ins, n_tup_upd, n_tup_del FROM pg_catalog.pg_stat_xact_all_tables
WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND schemaname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
"""


async def touched(look: Look) -> Tally:
    """Return the counts; of what triggers and cascades do as of the statement itself.

    Raises:
        SourceFailure: `other`, where the server does not count.
    """
    ((counts,),) = await look("SELECT pg_catalog.current_setting('track_counts')")
    if counts != "on":
        raise SourceFailure(Failure.OTHER, state="track_counts")
    return {
        f"{schema}.{name}": {"inserted": inserted, "updated": updated, "deleted": deleted}
        for schema, name, inserted, updated, deleted in await look(_TOUCHED)
    }
