"""Why nobody is told of what happens, for the places where people look: the inbox on a terminal and the web console."""

from __future__ import annotations

from collections.abc import Callable

from synapsor.config import Config
from synapsor.notify.sign import sign_of
from synapsor.ports import Clock


def silence(config: Config, clock: Clock) -> Callable[[], str]:
    """Return what says so each time that it is asked; "" where notifications are not configured, or arrive."""
    notify = config.notify
    return lambda: "" if notify is None else sign_of(notify, clock.now()).warning
