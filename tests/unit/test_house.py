"""The house rules that a machine can check: sizes, docstrings, imports, and nothing of one machine in a tracked file."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES = 400
FUNCTION_LINES = 80
SOURCES = sorted((ROOT / "server").rglob("*.py"))
# Written in pieces, so that this file does not find itself.
MACHINE_PATH = re.compile(
    r"(?<![\w.$~/-])/(?:" + "|".join(("work", "ro" + "ot", "ho" + "me", "farm", "Users")) + r")/\w"
)
REGISTRY = re.compile(
    "|".join(
        re.escape(f"{host}.{top}")
        for host, top in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("debian", "org"))
    )
)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_texts() -> list[tuple[str, str]]:
    """Return every file git tracks or would track, with its text; without git, the folders that are ours."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listing.returncode == 0:
        paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    else:
        folders = ("server", "tests", "fixtures", "policies", "scripts", "requirements", "docs")
        paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files = [path for path in paths if path.is_file() and "__pycache__" not in path.parts]
    return [(name_of(path), path.read_bytes().decode("utf-8", errors="replace")) for path in files]


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_source_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    assert len(text.splitlines()) <= FILE_LINES
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES
    ]
    assert long == []


def test_no_file_names_a_machine_path_or_a_package_registry() -> None:
    found = [
        f"{name}:{number}"
        for name, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if MACHINE_PATH.search(line) or REGISTRY.search(line)
    ]
    assert found == []


def test_no_file_holds_a_private_key() -> None:
    begin = "-----BEGIN " + r"[A-Z ]*PRIVATE KEY-----"
    assert [name for name, text in tracked_texts() if re.search(begin, text)] == []


def test_imports_run_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
