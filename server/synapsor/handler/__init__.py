"""What an application needs to apply approved changes by itself: prove who asks, read the job, apply it once, answer.

It imports nothing of the server. `synapsor.handler.once` needs SQLAlchemy, `synapsor.handler.endpoint` needs Starlette.
"""

from synapsor.handler.answer import Answer, Conflict, Failed, Refused
from synapsor.handler.guards import check
from synapsor.handler.job import Change, Job, Malformed, Member, read
from synapsor.handler.signature import NotSigned, sign, verify
from synapsor.handler.wire import IDEMPOTENCY_KEY, MOST_BYTES, SIGNATURE, VERSION

__all__ = [
    "IDEMPOTENCY_KEY",
    "MOST_BYTES",
    "SIGNATURE",
    "VERSION",
    "Answer",
    "Change",
    "Conflict",
    "Failed",
    "Job",
    "Malformed",
    "Member",
    "NotSigned",
    "Refused",
    "check",
    "read",
    "sign",
    "verify",
]
