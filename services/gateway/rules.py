"""Where a path belongs, which network an address is in, and which scopes a key may hand on."""

import ipaddress
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Final

from shared.problem import Problem

BEHIND: Final[dict[str, str]] = {
    "organisations": "directory",
    "venues": "booking",
    "rooms": "booking",
    "availability": "booking",
    "free-rooms": "booking",
    "bookings": "booking",
    "themes": "events",
    "events": "events",
    "registrations": "events",
    "registration-links": "events",
    "surveys": "surveys",
    "quotes": "surveys",
    "quote-withdrawals": "surveys",
    "deliveries": "notifications",
    "rehearsal-mails": "notifications",
    "bounces": "notifications",
    "unsubscriptions": "notifications",
    "ballot-sheets": "notifications",
    "years": "reporting",
}
"""Which service answers for the first segment after /v1; all else is the gateway's own."""

KEPT_IN: Final = "internal"
_PAGES: Final = frozenset(("", "sv", "en", "ar", "assets", "favicon.ico"))
_ODD: Final = frozenset(("", ".", ".."))


class KeyExpired(Problem):
    """A key cannot expire before it is made.

    `expires_at` must be later than now.
    """


class LastAdminKey(Problem):
    """This is the last key that can make others.

    Make another one with `gateway:admin` first; without any, nobody could.
    """


def is_plain(path: str) -> bool:
    r"""Tell whether `path` (decoded) has one reading: no empty or dotted segment, no backslash."""
    if path == "/":
        return True
    return "\\" not in path and _ODD.isdisjoint(path[1:].split("/"))


def service_of(path: str) -> str | None:
    """Return the service behind the gateway that answers `path`, or None for the gateway."""
    if not path.startswith("/v1/"):
        return None
    return BEHIND.get(path[4:].partition("/")[0])


def is_page(path: str) -> bool:
    """Tell whether `path` is one of the pages for people, or of what they load."""
    return path[1:].partition("/")[0] in _PAGES and not path.startswith("//")


def is_inner(path: str) -> bool:
    """Tell whether `path` is one that only the house itself may ask for."""
    return path[1:].partition("/")[0].lower() == KEPT_IN


@lru_cache(maxsize=4_096)
def network_of(address: str | None) -> str:
    """Return the network that shares a limit: /24 of IPv4, /64 of IPv6 (also where mapped)."""
    try:
        ip = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is None:
            return str(ipaddress.ip_network((int(ip), 64), strict=False))
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((int(ip), 24), strict=False))


def lacking(held: frozenset[str], wanted: Iterable[str]) -> list[str]:
    """Return which of the `wanted` scopes somebody with `held` cannot hand on."""
    return sorted(set(wanted) - held)


def check_expiry(now: datetime, expires_at: datetime | None) -> None:
    """Refuse an end that has passed already; raises KeyExpired."""
    if expires_at is not None and expires_at <= now:
        raise KeyExpired("The time of expires_at has passed already.")


def is_alive(now: datetime, *, revoked: bool, expires_at: datetime | None) -> bool:
    """Tell whether a key counts at `now` (domain time)."""
    return not revoked and (expires_at is None or now < expires_at)
