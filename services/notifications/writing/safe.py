"""What only this service may read again: secrets kept unreadable, addresses known by a mark."""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.notifications.rules import mailbox
from shared.security.locking import Locker

_MARK_CHARACTERS = 32


def derived(key: bytes, purpose: bytes) -> bytes:
    """Return the key for one purpose that follows from the service's own: HKDF (RFC 5869)."""
    return HKDF(SHA256(), length=32, salt=None, info=b"andan.notifications." + purpose).derive(key)


class Safe:
    """Locks a ballot for as long as it is kept here: no stored byte shows it, not even deleted."""

    def __init__(self, key: bytes) -> None:
        self._locker = Locker(derived(key, b"ballots"))

    def lock(self, text: str) -> str:
        """Return the text unreadable; twice the same never looks alike."""
        return urlsafe_b64encode(self._locker.lock(text.encode())).decode("ascii")

    def unlock(self, locked: str) -> str:
        """Return what was locked; raises Unreadable."""
        return self._locker.unlock(urlsafe_b64decode(locked)).decode()


class Marks:
    """Stands for addresses where only "the same one again" may be known."""

    def __init__(self, key: bytes) -> None:
        self._key = derived(key, b"addresses")

    def mark(self, email: str) -> str:
        """Return what stands for an address, however it is written; raises AddressUnfit."""
        address = mailbox(email.strip()).casefold()
        digest = hmac.new(self._key, address.encode(), hashlib.sha256).hexdigest()
        return digest[:_MARK_CHARACTERS]
