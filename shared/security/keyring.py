"""Keeps an installation's keys as files that only their owner can read."""

from __future__ import annotations

import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared.security.erasure import ErasureKey
from shared.security.inner import InnerKey
from shared.security.links import Links
from shared.security.sealing import Opener, Sealer, new_sealing_key, public_part

SECRETS_VARIABLE: Final = "ANDAN_SECRETS"
ERASURE: Final = "erasure.key"
INNER: Final = "inner.key"
LINKS: Final = "links.key"
NOTIFICATIONS: Final = "notifications.key"
SEALING_PRIVATE: Final = "sealing.private.json"
SEALING_PUBLIC: Final = "sealing.public.json"
YEARS: Final = "years"
BOXES: Final = "boxes"
_SECRET_BYTES: Final = 32


class KeyMissing(Exception):
    """A key that this service needs is not among its secrets."""


class KeyExposed(Exception):
    """A key's file can be read by others than its owner."""


class YearKeyDestroyed(Exception):
    """The key of this year was destroyed, and with it the way from a person to a hash."""


class BoxKeyDestroyed(Exception):
    """The key of this ballot box was destroyed, and with it the way to read a single answer."""


class Keyring:
    """The keys of one installation, each read when a service asks for it.

    `makes` tells whether missing keys are made (embedded: one process owns the folder) or
    missed (distributed: a service's folder holds only what that service needs).
    """

    def __init__(self, folder: Path, *, makes: bool) -> None:
        self._folder = folder
        self._makes = makes

    @classmethod
    def open(cls, folder: Path) -> Keyring:
        """Use the folder of an embedded installation; it and its keys are made when missing.

        Raises KeyExposed where a key's file is readable by others.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in folder.rglob("*.key"):
            _refuse_exposed(path)
        if (private := folder / SEALING_PRIVATE).exists():
            _refuse_exposed(private)
        return cls(folder, makes=True)

    @classmethod
    def from_environment(cls, data: Path, environment: Mapping[str, str]) -> Keyring:
        """Use the folder that ANDAN_SECRETS names, else make and keep keys under `data`/keys."""
        given = environment.get(SECRETS_VARIABLE)
        return cls(Path(given), makes=False) if given else cls.open(data / "keys")

    def make_all(self) -> None:
        """Make every key that a service may ask for: once, before several processes look."""
        for make in (
            self.inner_key,
            self.links,
            self.sealer,
            self.opener,
            self.erasure_key,
            self.notifications_key,
        ):
            make()

    def inner_key(self) -> InnerKey:
        """Return the key of the gateway's inner tokens: every service needs it."""
        return InnerKey(*self._secrets(INNER))

    def links(self) -> Links:
        """Return the maker and reader of link tokens: only who writes and honours links."""
        return Links(*self._secrets(LINKS))

    def sealer(self) -> Sealer:
        """Return the sealer of contacts and ballots: booking, events and surveys."""
        self._make_sealing_keys()
        return Sealer(json.loads(self._read(SEALING_PUBLIC)))

    def opener(self) -> Opener:
        """Return the opener of contacts: notifications alone."""
        self._make_sealing_keys()
        return Opener(*json.loads(self._read(SEALING_PRIVATE))["keys"])

    def notifications_key(self) -> bytes:
        """Return the key of what notifications keeps unreadable: for it alone, never rotated."""
        return self._secrets(NOTIFICATIONS)[0]

    def erasure_key(self) -> ErasureKey:
        """Return the key that names erasures: events, booking and notifications; never rotated."""
        return ErasureKey(self._secrets(ERASURE)[0])

    def year_key(self, year: int) -> bytes:
        """Return the key by which persons of `year` are hashed, made when first asked for.

        Raises YearKeyDestroyed once it was destroyed: a second key would count people twice.
        """
        if self._tombstone(year).exists():
            raise YearKeyDestroyed(f"the key of {year} was destroyed")
        path = self._year(year)
        if not path.exists():
            path.parent.mkdir(mode=0o700, exist_ok=True)
            _create(path, _encode(secrets.token_bytes(_SECRET_BYTES)))
        return _decode(path.read_text("ascii").strip())

    def destroy_year_key(self, year: int) -> None:
        """Destroy the key of `year` for good; doing it again changes nothing.

        The bytes are overwritten first; copies that a disk or a backup keeps are the operator's.
        """
        _destroy(self._year(year), self._tombstone(year))

    def box_key(self, box: str) -> bytes:
        """Return the key of a ballot box, made when first asked for: surveys alone.

        It lives beside the stores and never in one: a store's log and its copies hold every
        earlier state, and with it, one by one, what was put into the box. Raises
        BoxKeyDestroyed once it was destroyed.
        """
        path, tombstone = self._box(box)
        if tombstone.exists():
            raise BoxKeyDestroyed("the key of this ballot box was destroyed")
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _create(path, _encode(secrets.token_bytes(_SECRET_BYTES)))
        return _decode(path.read_text("ascii").strip())

    def destroy_box_key(self, box: str) -> None:
        """Destroy the key of a ballot box for good; doing it again changes nothing."""
        _destroy(*self._box(box))

    def rotate_inner(self) -> None:
        """Sign inner tokens with a new secret; the one before still verifies."""
        self._rotate_secret(INNER)

    def rotate_links(self) -> None:
        """Sign links with a new secret; links made with the one before still work."""
        self._rotate_secret(LINKS)

    def rotate_sealing(self) -> None:
        """Seal for a new key; what was sealed for the one before can still be opened."""
        self._make_sealing_keys()
        keys = json.loads(self._read(SEALING_PRIVATE))["keys"]
        self._write_sealing_keys([new_sealing_key(), *keys[:1]])

    def _secrets(self, name: str) -> list[bytes]:
        if self._makes and not (self._folder / name).exists():
            _create(self._folder / name, _encode(secrets.token_bytes(_SECRET_BYTES)))
        return [_decode(line) for line in self._read(name).split()]

    def _rotate_secret(self, name: str) -> None:
        kept = self._secrets(name)[:1]
        fresh = [secrets.token_bytes(_SECRET_BYTES), *kept]
        _replace(self._folder / name, "\n".join(_encode(secret) for secret in fresh))

    def _make_sealing_keys(self) -> None:
        if not self._makes or (self._folder / SEALING_PUBLIC).exists():
            return
        private = self._folder / SEALING_PRIVATE
        if not private.exists():
            _create(private, json.dumps({"keys": [new_sealing_key()]}))
        self._write_sealing_keys(json.loads(private.read_text("ascii"))["keys"])

    def _write_sealing_keys(self, keys: list[dict[str, Any]]) -> None:
        _replace(self._folder / SEALING_PRIVATE, json.dumps({"keys": keys}))
        _replace(self._folder / SEALING_PUBLIC, json.dumps(public_part(keys[0])))

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text("ascii")
        except FileNotFoundError:
            raise KeyMissing(f"the secret {name} is missing in {self._folder}") from None

    def _year(self, year: int) -> Path:
        return self._folder / YEARS / f"{year:04d}.key"

    def _tombstone(self, year: int) -> Path:
        return self._folder / YEARS / f"{year:04d}.destroyed"

    def _box(self, box: str) -> tuple[Path, Path]:
        folder = self._folder / BOXES
        return folder / f"{box}.key", folder / f"{box}.destroyed"


def _destroy(path: Path, tombstone: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _create(tombstone, "destroyed")
    if path.exists():
        with path.open("r+b") as file:
            file.write(secrets.token_bytes(path.stat().st_size))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()
        _keep_names(path.parent)


def _encode(secret: bytes) -> str:
    return urlsafe_b64encode(secret).decode("ascii")


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text)


def _refuse_exposed(path: Path) -> None:
    if path.stat().st_mode & 0o077:
        raise KeyExposed(f"{path} can be read by others; run: chmod 600 {path}")


def _write(path: Path, text: str) -> Path:
    """Write a file beside `path` that only its owner can read, and make it last."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return beside


def _create(path: Path, text: str) -> None:
    """Make `path` whole or leave the one that another process made first."""
    beside = _write(path, text)
    try:
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        beside.unlink()
    _keep_names(path.parent)


def _replace(path: Path, text: str) -> None:
    _write(path, text).replace(path)
    _keep_names(path.parent)


def _keep_names(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
