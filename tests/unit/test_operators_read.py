"""The operators as their file says it now, however often it was read before."""

import os
from pathlib import Path

import pytest

from synapsor.approve.identity.operators import add_operator
from synapsor.errors import ConfigError
from synapsor.operators import read_operators
from tests.decisions import person


@pytest.mark.requirement("approval:trusted-key")
def test_operators_that_were_read_before_are_those_of_the_file_as_it_is_now(tmp_path: Path) -> None:
    path = tmp_path / "operators.yaml"
    leo = person("leo").operator
    add_operator(path, leo)
    before, stamped = path.read_text(encoding="utf-8"), path.stat()
    read_operators(path)["mallory"] = leo
    assert read_operators(path) == {"leo": leo}
    # Of the same length and the same time, as no clock or size could tell.
    path.write_text(before.replace("billing_lead", "billing_leaf"), encoding="utf-8")
    os.utime(path, ns=(stamped.st_atime_ns, stamped.st_mtime_ns))
    assert read_operators(path)["leo"].roles == ("billing_leaf",)
    path.write_text(before, encoding="utf-8")
    assert read_operators(path) == {"leo": leo}
    path.chmod(0o666)
    with pytest.raises(ConfigError, match="Everybody may write"):
        read_operators(path)
