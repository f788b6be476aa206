"""The SDK's models are built when they are first used, and then they are what they would have been."""

import json
import sys
from pathlib import Path

import anyio
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from synapsor.mcp_models import models_on_demand
from tests.companion import write_companion
from tests.databases import Database
from tests.projects import opened


def test_what_is_made_meanwhile_is_built_at_its_first_use_and_refuses_the_same() -> None:
    with models_on_demand():

        class Late(BaseModel):
            number: int

        adapter = TypeAdapter(int | list[Late])
    assert (Late.__pydantic_complete__, adapter.pydantic_complete) == (False, False)
    assert adapter.validate_python([{"number": "1"}]) == [Late(number=1)]
    assert (Late.__pydantic_complete__, adapter.pydantic_complete) == (True, True)
    wrongs: list[object] = ["x", [{"number": "x"}], [{}]]
    for wrong in wrongs:
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_afterwards_models_are_built_at_once_again_whatever_happened() -> None:
    with pytest.raises(RuntimeError), models_on_demand():
        raise RuntimeError

    class Soon(BaseModel):
        number: int

    assert (Soon.__pydantic_complete__, TypeAdapter(int | str).pydantic_complete) == (True, True)


_COUNT = """
import gc, json, sys
from pydantic import BaseModel
from synapsor.cli.main import main
assert not main(sys.argv[1:])
models = [m for m in gc.get_objects() if isinstance(m, type) and issubclass(m, BaseModel) and m.__module__.startswith("mcp")]
print(json.dumps([len(models), sum(m.__pydantic_complete__ for m in models)]), file=sys.stderr)
"""


@pytest.mark.parametrize("command", ["approvals", "serve"])
async def test_a_server_that_starts_does_not_build_most_of_the_sdk(
    tmp_path: Path, sqlite_db: Database, command: str
) -> None:
    companion = write_companion(tmp_path / "project", sqlite_db)
    async with opened(companion.files):  # which activates its contract
        pass
    config = companion.path if command == "approvals" else companion.files.config_path
    # What is frozen at the start is not looked for, and so not found.
    script = f"import gc\ngc.freeze = lambda: None\n{_COUNT}"
    done = await anyio.run_process(
        [sys.executable, "-c", script, "--config", str(config), command],
        env=companion.files.environment,
        cwd=companion.files.root,
    )
    models, built = json.loads(done.stderr.splitlines()[-1])
    assert models > 100
    assert built < models / 4
