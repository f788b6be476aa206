"""The ledger's own Ed25519 key, in a file that only who may use the ledger can read; it signs checkpoints and nothing else."""

from __future__ import annotations

import logging
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from synapsor.errors import LedgerFailure
from synapsor.ledger.private import OWNER, Access, create_private, narrow

log = logging.getLogger("synapsor.ledger")


def create_key(path: Path, access: Access = OWNER) -> Ed25519PrivateKey:
    """Make a key and write it to a new file.

    Raises:
        LedgerFailure: there is a file already, or it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    create_private(path, pem, access)
    return key


def load_key(path: Path, access: Access = OWNER) -> Ed25519PrivateKey:
    """Read the key.

    Raises:
        LedgerFailure: it is missing, unreadable or no Ed25519 key.
    """
    if not path.is_file():
        raise LedgerFailure(f"The ledger's key {path.name} is missing.", fix="Restore it from a backup.")
    narrow(path, access)
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise LedgerFailure(f"The ledger's key {path.name} cannot be read.", fix="Restore it from a backup.") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerFailure(f"The ledger's key {path.name} is not an Ed25519 key.", fix="Restore it from a backup.")
    return key
