"""`synapsor version`."""

from __future__ import annotations

from argparse import Namespace

from synapsor import __version__
from synapsor.cli.terminal import answer


def run(arguments: Namespace) -> int:
    """Print it and return 0."""
    answer(arguments, "version", {"version": __version__}, f"synapsor {__version__}")
    return 0
