"""Keeps what only the holder of a key may read again: a store's own bytes show nothing of it."""

import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class Unreadable(Exception):
    """What was locked is damaged, or was locked with another key or for another place."""


class Locker:
    """Locks and unlocks with one key of 32 bytes (AES-256-GCM)."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def lock(self, content: bytes, place: str = "") -> bytes:
        """Return the content unreadable, good for this place alone; twice never looks alike."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, place.encode())

    def unlock(self, locked: bytes, place: str = "") -> bytes:
        """Return what was locked; raises Unreadable."""
        nonce, text = locked[:_NONCE_BYTES], locked[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, place.encode())
        except (InvalidTag, ValueError):
            raise Unreadable("what was locked cannot be read") from None
