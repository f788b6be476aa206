"""What a call costs before any database is asked, and what `check` of many capabilities costs; no server takes part.

`python -m bench.planning [ROUNDS]`. The floor of a call is to read its arguments from JSON and write them out again; that of `check`
is to read the same files as YAML, once, without a place or a rule. Processor time, for nothing here waits; the command's is by the clock.
"""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from bench.report import Figures, table, verdict
from synapsor.contract.load import load_all
from synapsor.core.cursor import seal
from synapsor.core.scope import Session, scope_of
from synapsor.flow.prepare import Served
from synapsor.flow.read import _paged
from synapsor.sql.read import compile_read
from synapsor.testing import desk_for
from tests.projects import ROOT

CALLS = 2000
FILES, EACH = 50, 10
_COLUMNS = "CREATE TABLE things_{n} (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, owner TEXT NOT NULL, state TEXT, name TEXT,"
_COLUMNS += " amount TEXT, num INTEGER, day TEXT, at TEXT, version INTEGER NOT NULL DEFAULT 1) STRICT;"
_HEAD = """\
synapsor: 1
contract: area_{n}
contexts:
  staff: {{tenant: session.tenant_id, principal: session.user}}
tables:
  things:
    source: shop
    relation: main.things_{n}
    key: id
    tenant: tenant_id
    principal: owner
    columns:
      id: text
      tenant_id: text
      owner: text
      state: {{type: text, one_of: [open, paid, closed]}}
      name: text
      amount: {{type: numeric, scale: 2}}
      num: integer
      day: date
      at: timestamptz
      version: integer
capabilities:
"""
_READ = """\
  area_{n}.one_{m}:
    description: Look at one thing by its number.
    read: things
    arguments: {{number: {{type: string, max_length: 64}}}}
    where: {{id: $number}}
"""
_LIST = """\
  area_{n}.find_{m}:
    description: Find things by what is known of them.
    read: things
    arguments:
      states: {{type: string, one_of: [open, paid, closed], many: 3, optional: true}}
      name: {{type: string, max_length: 40, optional: true}}
      least: {{type: string, max_length: 12, optional: true}}
      most: {{type: string, max_length: 12, optional: true}}
      number: {{type: integer, optional: true}}
      since: {{type: string, max_length: 40, optional: true}}
      day: {{type: string, max_length: 10, optional: true}}
    where:
      state: {{one_of: $states}}
      name: {{starts_with: $name}}
      amount: {{at_least: $least, at_most: $most}}
      num: {{not: $number}}
      at: {{at_least: $since}}
      day: $day
    order: [-amount, day]
    pages: true
    total: true
"""
ONE = {"number": "INV-3001"}
ALL = {
    "states": ["open", "paid"], "name": "Ada", "least": "10.00", "most": "99.50", "number": 7, "since": "2026-01-31T11:00:00+01:00",
    "day": "2026-01-31",
}  # fmt: skip
SOME = {"name": "Ada", "number": 7}


def main() -> None:
    """Measure in rounds and print one table of each part."""
    rounds = int(next(iter(sys.argv[1:]), "5"))
    figures = Figures()
    asyncio.run(_calls(figures, rounds))
    _check(figures, rounds)
    names = ("one row", "every filter", "two of seven filters", "the next page")
    rows = [
        [
            n,
            *(f"{figures.median(f'{n} {w}'):.1f}" for w in ("floor", "ours")),
            f"{figures.ratio(f'{n} ours', f'{n} floor'):.1f}",
        ]
        for n in names
    ]
    print(table("Arguments checked, planned and bound, µs a call", ["", "floor", "ours", "ratio"], rows))
    said = [
        f"{figures.median('check floor'):.2f}",
        f"{figures.median('check ours'):.2f}",
        f"{figures.ratio('check ours', 'check floor'):.1f}",
    ]
    print(
        table(
            f"{FILES * EACH} capabilities in {FILES} files, s",
            ["", "floor", "ours", "ratio"],
            [["loaded and checked", *said]],
        )
    )
    print(f"`synapsor check` as a command: {figures.median('command'):.2f} s")
    slowest = max(figures.median(f"{name} ours") for name in names)
    targets = [
        verdict("slowest call, µs", slowest, 150, below=True),
        verdict("loaded and checked, s", figures.median("check ours"), 1, below=True),
    ]
    print(table("Targets", ["", "", "", ""], targets))


def contract(number: int, capabilities: int) -> str:
    """Return a contract with as many lists as reads of one row."""
    each = (_READ.format(n=number, m=m) if m % 2 else _LIST.format(n=number, m=m) for m in range(capabilities))
    return _HEAD.format(n=number) + "".join(each)


async def _calls(figures: Figures, rounds: int) -> None:
    session = {"tenant_id": "acme", "user": "ann"}
    async with desk_for(contract(0, 2), schema=_COLUMNS.format(n=0), session=session) as trial:
        one, find = trial.desk._served["area_0.one_1"], trial.desk._served["area_0.find_0"]  # noqa: SLF001  # what the desk holds is measured
        _, question = _paged(find, {}, scope_of(trial.session, find.context, find.table))
        page = {"cursor": seal(find.secret, question, ["10.00", "2026-01-31", "INV-1"])}
        cases = {
            "one row": (one, ONE),
            "every filter": (find, ALL),
            "two of seven filters": (find, SOME),
            "the next page": (find, page),
        }
        for _ in range(rounds):
            for name, (served, arguments) in cases.items():
                text = json.dumps(arguments)
                figures.add(f"{name} floor", _microseconds(lambda text=text: json.dumps(json.loads(text))))  # type: ignore[misc]  # a default binds it
                figures.add(f"{name} ours", _microseconds(lambda s=served, a=arguments: _bound(s, a, trial.session)))  # type: ignore[misc]  # as above


def _bound(served: Served, arguments: dict[str, Any], session: Session) -> Any:
    scope = scope_of(session, served.context, served.table)
    plan, _ = _paged(served, served.check.check(arguments), scope)
    usual = served.question is not None and plan.shape is served.question.shape
    template = served.template if usual else compile_read(plan.shape, served.source.dialect)
    assert template is not None
    return template.bind(plan)


def _microseconds(call: Callable[[], Any]) -> float:
    for _ in range(50):
        call()
    with _collector_off():
        begun = time.process_time()
        for _ in range(CALLS):
            call()
        return (time.process_time() - begun) * 1e6 / CALLS


def _check(figures: Figures, rounds: int) -> None:
    with TemporaryDirectory() as folder:
        paths = [Path(folder, f"area_{n}.yaml") for n in range(FILES)]
        for number, path in enumerate(paths):
            path.write_text(contract(number, EACH), encoding="utf-8")
        texts = [path.read_text(encoding="utf-8") for path in paths]
        for _ in range(rounds):
            with _collector_off():
                begun = time.process_time()
                for text in texts:
                    yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
                middle = time.process_time()
                load_all(paths)
                figures.add("check floor", middle - begun)
                figures.add("check ours", time.process_time() - middle)
            begun = time.perf_counter()
            command = [sys.executable, "-m", "synapsor.cli.main", "check", *map(str, paths)]
            subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
            figures.add("command", time.perf_counter() - begun)


@contextmanager
def _collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


if __name__ == "__main__":
    main()
