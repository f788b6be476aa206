"""Who acts, as far as that is known: nobody yet, somebody who was named, or a `Signer`, who has proven it.

More is asked of who has proven more, and nothing less: whoever is only named is refused what they would be refused with their key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from synapsor.core.proposal import Proposal
from synapsor.core.review import as_trusted
from synapsor.core.statements import Operator, SignedLogin
from synapsor.flow.refused import NOBODY
from synapsor.flow.signing import check_carried


class Decider(Protocol):
    """Who would decide, or do anything else that a person does. `Unknown`, `Named` and `flow.signing.Signer` are such."""

    @property
    def name(self) -> str:
        """By which name a refusal is recorded."""
        ...

    @property
    def by_prompt(self) -> bool:
        """Whether the decision comes through a prompt, from a client program that is not trusted."""
        ...

    @property
    def login(self) -> SignedLogin | None:
        """What makes the key of a session speak for the person; None where there is none, or none yet."""
        ...

    def check(self, operators: Mapping[str, Operator], *, ledger: str, now: dt.datetime) -> Operator | None:
        """Return the person as the project trusts them now, None where nobody knows who it is.

        Raises:
            DecisionRefused: they are not trusted, or what they sign with does not speak for them.
        """
        ...

    def check_for(self, proposal: Proposal) -> None:
        """Refuse what the way by which they decide does not carry, though the person may have it.

        Raises:
            DecisionRefused: by rule `not_by_prompt` or `role_missing`.
        """
        ...

    def check_role(self, role: str) -> None:
        """Refuse a role that the way by which they act does not carry, though the person may have it.

        Raises:
            DecisionRefused: by rule `role_missing`.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A person who is named and has signed nothing; `by_prompt` says that they would decide through a prompt."""

    operator: Operator
    by_prompt: bool = False
    login: None = None

    @property
    def name(self) -> str:
        """The operator's name."""
        return self.operator.name

    def check(self, operators: Mapping[str, Operator], *, ledger: str, now: dt.datetime) -> Operator:  # noqa: ARG002  # no key is shown that could speak for somebody else
        """Return the operator as the project trusts them now.

        Raises:
            DecisionRefused: by rule `operator_revoked`.
        """
        return as_trusted(self.operator, operators)

    def check_for(self, proposal: Proposal) -> None:
        """Refuse what is not decided through a prompt, where it would come through one.

        Raises:
            DecisionRefused: by rule `not_by_prompt`.
        """
        check_carried(proposal, by_prompt=self.by_prompt)

    def check_role(self, role: str) -> None:
        """Refuse nothing: no login narrows what they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Somebody, and only their key will tell who."""

    name: str = NOBODY
    by_prompt: bool = False
    login: None = None

    def check(self, operators: Mapping[str, Operator], *, ledger: str, now: dt.datetime) -> None:
        """Return None: nothing is known against them."""

    def check_for(self, proposal: Proposal) -> None:
        """Refuse nothing."""

    def check_role(self, role: str) -> None:
        """Refuse nothing."""
