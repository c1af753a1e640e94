"""Tells whether two registrations are the same person, by a hash whose key belongs to the year."""

import hmac
import time
import unicodedata

from shared.security.keyring import Keyring

LOOK_AGAIN_SECONDS = 5
"""How long a key is kept at hand; a destroyed one is gone from here too after that."""


class Persons:
    """Hashes persons with the year's key; once that key is destroyed, nobody can any more."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._at_hand: dict[int, tuple[float, bytes]] = {}

    def hash(self, year: int, name: str, email: str) -> str:
        """Return the person of this name and address within `year`.

        Raises YearKeyDestroyed once the year is closed.
        """
        plain = f"{same_name(name)}\n{same_address(email)}".encode()
        return hmac.digest(self._key(year), plain, "sha256").hex()

    def _key(self, year: int) -> bytes:
        until, key = self._at_hand.get(year, (0.0, b""))
        if time.monotonic() >= until:
            self._at_hand.pop(year, None)
            key = self._keyring.year_key(year)
            self._at_hand[year] = (time.monotonic() + LOOK_AGAIN_SECONDS, key)
        return key


def same_name(name: str) -> str:
    """Return a name in the form in which two spellings of it compare equal."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def same_address(email: str) -> str:
    """Return an address in the form in which two spellings of it compare equal."""
    return unicodedata.normalize("NFKC", email).casefold()
