"""Rows of the ledger as what they hold: each body read by its own schema."""

from __future__ import annotations

from synapsor.core.proposal import Proposal
from synapsor.core.records import from_body
from synapsor.core.statements import SignedDecision, SignedInstruction, SignedResolution
from synapsor.core.writeback import Job, Receipt
from synapsor.ledger.connection import Row
from synapsor.ledger.kinds import loads


def signed_of(row: Row) -> SignedDecision:
    """Return the signed decision that a row holds."""
    return from_body(SignedDecision, loads(row["body"]))


def job_of(row: Row) -> Job:
    """Return the job that a row holds."""
    return from_body(Job, loads(row["body"]))


def instruction_of(row: Row) -> SignedInstruction:
    """Return what a person has said is to become of a job, as a row holds it."""
    return from_body(SignedInstruction, loads(row["body"]))


def resolution_of(row: Row) -> SignedResolution:
    """Return the signed resolution that a row holds."""
    return from_body(SignedResolution, loads(row["body"]))


def receipt_of(row: Row) -> Receipt:
    """Return the receipt that a row holds."""
    return from_body(Receipt, loads(row["body"]))


def proposal_of(row: Row) -> Proposal:
    """Return the proposal that a row holds.

    Raises:
        IntegrityError: it holds none; like all that read a row.
    """
    return from_body(Proposal, loads(row["body"]))
