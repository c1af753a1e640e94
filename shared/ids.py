"""Identifiers: time-ordered for rows and messages, random where order would tell a secret."""

import uuid

from uuid_utils import uuid7


def new_id() -> str:
    """Return a new UUIDv7 as text: unique, roughly ordered by creation (an id is not a time)."""
    return str(uuid7())


def random_id() -> str:
    """Return a new UUIDv4 as text: for whatever must not reveal when, or in which order."""
    return str(uuid.uuid4())
