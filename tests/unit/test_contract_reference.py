"""The reference pages are what the models say, and every key of the language has its sentence."""

from pathlib import Path

import pytest

from synapsor.contract.base import Model
from synapsor.contract.capability import VERBS, AggregateLimits
from synapsor.contract.fields import FIELDS, meaning_of
from synapsor.contract.reference import main, rendered
from synapsor.contract.shape import PARTS

REFERENCE = Path(__file__).parents[2] / "docs/reference"
MODELS: list[type[Model]] = list(dict.fromkeys((*PARTS.values(), *VERBS.values(), AggregateLimits)))


@pytest.mark.requirement("contract:rules:documented")
@pytest.mark.parametrize("name", sorted(rendered()))
def test_a_reference_page_is_equal_to_what_is_rendered(name: str, tmp_path: Path) -> None:
    main(str(tmp_path))
    fix = "run: python -m synapsor.contract.reference docs/reference"
    assert (REFERENCE / name).read_text(encoding="utf-8") == (tmp_path / name).read_text(encoding="utf-8"), fix


def test_every_key_has_a_sentence_and_every_sentence_a_key() -> None:
    bases = {base for part in MODELS for base in part.__mro__ if issubclass(base, Model)}
    keys = {
        f"{base.__name__}.{field.rstrip('_')}"
        for base in bases
        for field in base.__annotations__
        if field in base.model_fields
    }
    assert set(FIELDS) == keys
    assert all(meaning_of(part, field).endswith(".") for part in MODELS for field in part.model_fields)
