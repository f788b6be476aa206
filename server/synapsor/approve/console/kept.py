"""A refused form given back as it was filled: what a person typed, chose and ticked, but never a one-time code.

That somebody has read a change is kept for the very digest that they read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from synapsor.approve.console.visit import Form

_KEPT: Final = frozenset({"reason", "preset", "question", "verdict"})
_OF_THIS_DIGEST: Final = frozenset({"seen", "typed", "stale"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was sent by one of the forms of a page.

    Attributes:
        by: which form it was, "" where none was sent.
        same: it was about what the page shows now.
    """

    by: str
    form: Form
    same: bool

    def of(self, form: str, name: str) -> str:
        """Return what a form was sent with in one field, "" where it was not this form."""
        is_kept = name in _KEPT or (self.same and name in _OF_THIS_DIGEST)
        return (self.form.get(name) or ("",))[0] if is_kept and form == self.by else ""


def kept(path: str, form: Form, *, same: bool) -> Kept:
    """Return what the form that was sent to a path holds."""
    return Kept(by=path.rpartition("/")[2] if form else "", form=form, same=same)
