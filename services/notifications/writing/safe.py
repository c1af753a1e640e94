"""What only this service may read again: secrets kept unreadable, addresses known by a mark."""

import hashlib
import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.notifications.rules import mailbox

_NONCE_BYTES = 12
_MARK_CHARACTERS = 32


class Unreadable(Exception):
    """What was kept is damaged, or was kept by another key"""


class Safe:
    """Locks a ballot for as long as it is kept here: no stored byte shows it, not even deleted."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(_derived(key, b"ballots"))

    def lock(self, text: str) -> str:
        """Return the text unreadable; twice the same never looks alike."""
        nonce = os.urandom(_NONCE_BYTES)
        locked = self._cipher.encrypt(nonce, text.encode(), None)
        return urlsafe_b64encode(nonce + locked).decode("ascii")

    def unlock(self, locked: str) -> str:
        """Return what was locked; raises Unreadable."""
        content = urlsafe_b64decode(locked)
        try:
            text = self._cipher.decrypt(content[:_NONCE_BYTES], content[_NONCE_BYTES:], None)
        except InvalidTag:
            raise Unreadable("what was kept cannot be read") from None
        return text.decode()


class Marks:
    """Stands for addresses where only "the same one again" may be known."""

    def __init__(self, key: bytes) -> None:
        self._key = _derived(key, b"addresses")

    def mark(self, email: str) -> str:
        """Return what stands for an address, however it is written; raises AddressUnfit."""
        address = mailbox(email.strip()).casefold()
        digest = hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()
        return digest[:_MARK_CHARACTERS]


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=b"andan.notifications." + purpose).derive(key)
