"""Break one guard at a time in a copy of the project and see that a test notices: `make mutants`.

Each mutant of `mutant_table` names the promise it breaks and the tests that must fail for it. A survivor is a promise that
nothing holds us to; so is a text that is no longer found, because then the mutant breaks nothing.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.mutant_table import MUTANTS, Mutant  # noqa: E402  # run as a script, its own folder is all that is on the path

SECONDS = 240
_FAILED = 1


def main() -> int:
    """Try the mutants that were named, or all of them; 0 when every one was caught."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ids", nargs="*", help="ids of mutants, or beginnings of ids; all when none is given")
    given = parser.parse_args()
    chosen = [m for m in MUTANTS if not given.ids or any(m.id.startswith(i) for i in given.ids)]
    gone = [m for m in chosen if occurrences(m, ROOT) != 1]
    for mutant in gone:
        print(f"{mutant.id}: its text is not found exactly once")
    with scratch() as copy:
        red = red_files(copy, chosen)
        bad = [m for m in chosen if m not in gone and (file_of(m) in red or not caught(m, copy))]
    print(f"{len(chosen)} mutants, {len(chosen) - len(bad) - len(gone)} caught")
    return 1 if bad or gone or not chosen else 0


def file_of(mutant: Mutant) -> str:
    """Return the file of the tests that must notice a mutant."""
    return shlex.split(mutant.tests)[0]


def red_files(copy: Path, chosen: Sequence[Mutant]) -> set[str]:
    """Return the test files of which something fails on the unbroken copy, where a failure would prove nothing."""
    red: set[str] = set()
    for file in sorted({file_of(m) for m in chosen}):
        options = [shlex.split(m.tests)[1:] for m in chosen if file_of(m) == file]
        some = ["-k", " or ".join(sorted({f"({o[1]})" for o in options}))] if all(options) else []
        if run(copy, [file, *some], seconds=SECONDS * 4) != 0:
            red.add(file)
            print("\n".join(log_of(copy).read_text(encoding="utf-8", errors="replace").splitlines()[-20:]))
            print(f"{file}: fails without any mutant, so its mutants prove nothing")
    return red


def place(mutant: Mutant, root: Path) -> Path:
    """Return the file that a mutant breaks."""
    return root / "server" / "synapsor" / mutant.file


def occurrences(mutant: Mutant, root: Path) -> int:
    """Return how often the text that a mutant replaces is in its file."""
    path = place(mutant, root)
    return path.read_text(encoding="utf-8").count(mutant.old) if path.is_file() else 0


def caught(mutant: Mutant, copy: Path) -> bool:
    """Break the copy, run the mutant's tests, mend the copy; tell whether they failed, and say so."""
    path = place(mutant, copy)
    whole = path.read_text(encoding="utf-8")
    started = time.monotonic()
    write(path, whole.replace(mutant.old, mutant.new))
    try:
        code = run(copy, shlex.split(mutant.tests), seconds=SECONDS)
    finally:
        write(path, whole)
    verdict = {_FAILED: "caught", None: "caught (by the clock)", 0: "SURVIVED"}.get(
        code, f"BROKEN (pytest ended with {code})"
    )
    print(f"{mutant.id:<36} {verdict:<22} {time.monotonic() - started:5.1f} s  {mutant.promise}", flush=True)
    return code in {_FAILED, None}


_clock = iter(range(1_000_000_000, 2_000_000_000, 2))


def write(path: Path, text: str) -> None:
    """Write a file with a time of its own, so that no cached bytecode of another text is taken for it."""
    path.write_text(text, encoding="utf-8")
    moment = next(_clock)
    os.utime(path, (moment, moment))


def run(copy: Path, selection: Sequence[str], *, seconds: float) -> int | None:
    """Return how pytest ended on the copy, or None when it did not end in time."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--timeout", "30", *selection]
    environment = {**os.environ, "PYTHONPATH": str(copy / "server"), "PYTHONDONTWRITEBYTECODE": "1"}
    with (
        log_of(copy).open("wb") as log,
        subprocess.Popen(  # noqa: S603  # our own command line
            command, cwd=copy, env=environment, stdout=log, stderr=log, start_new_session=True
        ) as process,
    ):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            # First in a way that lets pytest stop the servers that it started.
            for how in (signal.SIGINT, signal.SIGKILL):
                os.killpg(process.pid, how)
                try:
                    process.wait(20)
                    break
                except subprocess.TimeoutExpired:
                    continue
            return None


def log_of(copy: Path) -> Path:
    """Return where the output of the last run is, outside of what pytest collects."""
    return copy.parent / "output.txt"


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a copy of what git tracks or would track; the checkout itself is never touched."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607  # the developer's own git
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    with tempfile.TemporaryDirectory(prefix="synapsor-mutants-") as folder:
        copy = Path(folder) / "copy"
        for name in filter(None, listing.stdout.decode().split("\0")):
            if (ROOT / name).is_file():
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, copy / name)
        if (ROOT / ".servers").is_dir():
            (copy / ".servers").symlink_to(ROOT / ".servers")
        yield copy


if __name__ == "__main__":
    sys.exit(main())
