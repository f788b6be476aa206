"""Logs go to stderr, and a traceback in them is one line unless SYNAPSOR_DEBUG=1: error texts may quote row values or secrets."""

from __future__ import annotations

import logging
import os
import sys
from types import TracebackType
from typing import TypeAlias

from synapsor.core.plain import visible
from synapsor.errors import place

_ExcInfo: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"


class Formatter(logging.Formatter):
    """One line a record, whatever is told in it: a row of the ledger may say what it likes."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # the name is logging's
        """Return the line with nothing in it that ends it or that a terminal obeys."""
        return visible(super().formatMessage(record))

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802  # the name is logging's
        """Return the traceback in debug mode, and else only what failed and where."""
        if os.environ.get("SYNAPSOR_DEBUG") == "1":
            return super().formatException(ei)
        return f"  {place(ei[1])}" if ei[1] is not None else ""


def configure(*, verbose: bool) -> None:
    """Send our own records to stderr; other libraries' only from warnings on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.getLogger("synapsor").setLevel(logging.INFO if verbose else logging.WARNING)
