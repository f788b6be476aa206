"""Handles: never twice the same, in no process."""

import os
import re

from synapsor import handles


def test_handles_are_a_prefix_and_twenty_hexadecimal_digits_and_never_come_twice() -> None:
    made = [handles.new("ev") for _ in range(2000)]
    assert len(set(made)) == 2000
    assert all(re.fullmatch(r"ev_[0-9a-f]{20}", handle) for handle in made)


def test_a_forked_process_does_not_use_its_parents_handles_again() -> None:
    handles.new("ev")  # so that some are in store
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, ",".join(handles.new("ev") for _ in range(300)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reading, 65_536).decode().split(",")
    assert len(theirs) == 300
    assert not set(theirs) & {handles.new("ev") for _ in range(300)}
    for descriptor in (reading, writing):
        os.close(descriptor)
