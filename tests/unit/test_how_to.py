"""What a how-to page shows is what comes out: its calls are made, and their data compared."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from synapsor.testing import desk_for
from tests.unit.test_trial import SCHEMA, SEED, SESSION

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "write-an-aggregate.md").read_text(encoding="utf-8")
CONTRACT = re.findall(r"^```yaml contract\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)[0]
SHOWN = re.findall(r"^```sh\n(synapsor call [^\n]+)\n```\n\n```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def call_of(line: str) -> tuple[str, dict[str, str]]:
    _, _, name, *rest = shlex.split(line)
    assert rest[::2] == ["--arg"] * (len(rest) // 2)
    return name, dict(word.split("=", 1) for word in rest[1::2])


@pytest.mark.requirement("docs:true")
@pytest.mark.parametrize(("line", "data"), SHOWN, ids=[call_of(line)[0] for line, _ in SHOWN])
async def test_a_call_on_the_page_answers_what_the_page_says(line: str, data: str) -> None:
    name, arguments = call_of(line)
    async with desk_for(CONTRACT, schema=SCHEMA, seed=SEED, session=SESSION) as trial:
        envelope: dict[str, Any] = await trial.call(name, **arguments)
        jsonschema.Draft202012Validator(trial.desk.tools[name].output_schema).validate(envelope)
    assert envelope["data"] == json.loads(data)
    assert envelope["kind"] == "aggregate"


def test_the_page_shows_every_kind_of_answer() -> None:
    assert len(SHOWN) == 4
