"""Building the MCP SDK's models when they are first used: to import it defines those of every message of every protocol version, a
client's as well as a server's, and a server that starts needs a dozen of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel, TypeAdapter

# pydantic has this setting for an adapter too, but only its maker can give it. Where it is called otherwise, a start takes longer.
_ADAPTERS = "_defer_build"


@contextmanager
def models_on_demand() -> Iterator[None]:
    """Let every pydantic model and adapter that is made meanwhile be built when it is first used."""
    kept = vars(TypeAdapter).get(_ADAPTERS)
    BaseModel.model_config["defer_build"] = True
    if isinstance(kept, property):
        setattr(TypeAdapter, _ADAPTERS, property(lambda _: True))
    try:
        yield
    finally:
        del BaseModel.model_config["defer_build"]
        if isinstance(kept, property):
            setattr(TypeAdapter, _ADAPTERS, kept)
