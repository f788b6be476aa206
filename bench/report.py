"""Figures side by side: medians over the rounds, and the ratio of neighbours within a round, which is what holds on a busy machine."""

from __future__ import annotations

import datetime as dt
import json
import os
import platform
import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass
class Figures:
    """Every figure of a run: per name, one value a round."""

    rounds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: float) -> None:
        """Note a round's value."""
        self.rounds[name].append(value)

    def has(self, *names: str) -> bool:
        """Whether all of these were measured."""
        return all(name in self.rounds for name in names)

    def median(self, name: str) -> float:
        """Return the median over the rounds."""
        return statistics.median(self.rounds[name])

    def ratio(self, name: str, *to: str) -> float:
        """Return the median of the ratio within each round to the sum of the named figures."""
        others = [sum(values) for values in zip(*(self.rounds[n] for n in to), strict=True)]
        ratios: list[float] = [mine / other for mine, other in zip(self.rounds[name], others, strict=True)]
        return statistics.median(ratios)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def machine(postgres: str) -> str:
    """Say what this was measured on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    packages = ", ".join(f"{name} {version(name)}" for name in ("mcp", "asyncpg", "uvloop"))
    return f"{model}, {os.cpu_count()} cores, load {load}, Python {platform.python_version()}, Postgres {postgres}, {packages}"


def table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    """Return an aligned table."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    lines = [
        "  ".join(cell.ljust(widths[0]) if i == 0 else cell.rjust(widths[i]) for i, cell in enumerate(row))
        for row in [heads, *rows]
    ]
    return "\n".join(["", title, *lines])


def verdict(name: str, value: float, limit: float, *, below: bool) -> list[str]:
    """Return the line of one target."""
    met = value <= limit if below else value > limit
    return [name, f"{value:.2f}", f"{'≤' if below else '>'} {limit:.2f}", "met" if met else "MISSED"]


def save(figures: Figures, about: dict[str, Any]) -> Path:
    """Write the run beside the earlier ones."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{dt.datetime.now(dt.UTC):%Y-%m-%d}.json"
    path.write_text(json.dumps({**about, "figures": figures.rounds}, indent=1) + "\n", encoding="utf-8")
    return path
