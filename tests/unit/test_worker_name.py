"""What a worker calls itself where nobody has named it."""

import pytest

from synapsor.core.plain import visible
from synapsor.work.name import own_name


@pytest.mark.requirement("worker:one-name")
def test_workers_of_one_host_and_one_process_number_have_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "worker" * 20)
    monkeypatch.setattr("os.getpid", lambda: 1)
    names = [own_name(), own_name()]
    assert names[0] != names[1]
    assert all(one.startswith("workerworker") and len(one) <= 64 and visible(one) == one for one in names)
