"""What a browser carries for this process: text that only this process can make or read, so that waiting for somebody costs no memory."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE: Final = 12
_MAX_SEALED: Final = 4096


class Seal:
    """Seals under a key of this process; what was sealed before a restart, or for another purpose, is unknown."""

    def __init__(self, purpose: str) -> None:
        self._box = AESGCM(AESGCM.generate_key(256))
        self._purpose = purpose.encode()

    def close(self, content: Mapping[str, Any]) -> str:
        """Return a content as sealed text."""
        nonce = os.urandom(_NONCE)
        sealed = self._box.encrypt(nonce, json.dumps(dict(content)).encode(), self._purpose)
        return base64.urlsafe_b64encode(nonce + sealed).decode()

    def open(self, sealed: str | None) -> dict[str, Any] | None:
        """Return what was sealed here, None where nothing was."""
        if not sealed or len(sealed) > _MAX_SEALED or not sealed.isascii():
            return None
        try:
            data = base64.urlsafe_b64decode(sealed)
            opened = self._box.decrypt(data[:_NONCE], data[_NONCE:], self._purpose)
        except (ValueError, InvalidTag):
            return None
        content: dict[str, Any] = json.loads(opened)
        return content
