"""The SDK's models are built when they are first used, and then they are what they would have been."""

import json
import subprocess
import sys

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from synapsor.mcp_models import models_on_demand


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
import gc, json
from pydantic import BaseModel
from synapsor.mcp_models import models_on_demand
with models_on_demand():
    import synapsor.serve.server, synapsor.serve.stdio
models = [m for m in gc.get_objects() if isinstance(m, type) and issubclass(m, BaseModel) and m.__module__.startswith("mcp")]
print(json.dumps([len(models), sum(m.__pydantic_complete__ for m in models)]))
"""


def test_most_of_the_sdk_is_not_built_by_importing_it() -> None:
    done = subprocess.run([sys.executable, "-c", _COUNT], capture_output=True, text=True, check=True)
    models, built = json.loads(done.stdout)
    assert models > 100
    assert built < models / 4
