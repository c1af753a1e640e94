"""Says who is calling, and the list of scopes a caller can hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["public", "key", "user", "link"]

SERVICES: Final = (
    "directory",
    "booking",
    "events",
    "surveys",
    "notifications",
    "reporting",
    "gateway",
)

SCOPES: Final[dict[str, str]] = {
    "directory:admin": "Register organisations, change and dissolve them.",
    "booking:admin": "Open and change venues and rooms; approve and reject bookings.",
    "booking:write": "Make, move, cancel and check in bookings.",
    "booking:read": "Read bookings with their organisation and purpose.",
    "visits:write": "Record and correct the door counters of a venue.",
    "events:admin": "Draft, publish, change and cancel events; select applicants.",
    "registrations:write": "Register people directly and act on registrations.",
    "registrations:read": "Read registrations and exact numbers of places.",
    "attendance:write": "Record attendance, head counts and walk-ins; close attendance.",
    "notifications:read": "Read deliveries, never an address.",
    "notifications:admin": "Tell which letters came back.",
    "reports:read": "Read which messages a figure rests on.",
    "reports:admin": "Close a year.",
    "gateway:admin": "Make and withdraw API keys; move the replay clock.",
    "surveys:admin": "Close surveys and approve quotes.",
    "webhooks:write": "Subscribe an address to public messages.",
    "operations:admin": "List, show, replay and drop dead letters.",
} | {f"messages:read:{name}": f"Read the public messages of {name}." for name in SERVICES}
"""Every scope and what it allows; an API key can hold no other."""

OF_THE_WHOLE_HOUSE: Final = frozenset(
    {
        "directory:admin",
        "booking:admin",
        "visits:write",
        "events:admin",
        "attendance:write",
        "notifications:read",
        "notifications:admin",
        "surveys:admin",
        "reports:admin",
        "operations:admin",
    }
)
"""Scopes whose things belong to no single organisation: a key bound to one cannot use them."""


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller as the gateway knew him; rights are asked of it, never of raw headers."""

    kind: Kind
    id: str
    scopes: frozenset[str] = frozenset()
    organisation_id: str | None = None
    """The organisation an API key is bound to, or None where it is not bound."""
    link_token: str | None = None
    """The participant's link token, unread: the service that made it reads it."""

    def may(self, scope: str) -> bool:
        """Tell whether the caller holds `scope`, and a key that is bound may use it."""
        return scope in self.scopes and (
            self.organisation_id is None or scope not in OF_THE_WHOLE_HOUSE
        )


PUBLIC: Final = Principal(kind="public", id="public")
