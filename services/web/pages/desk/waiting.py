"""What waits for somebody of the house, asked of each service and put in one order."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from services.web.neighbours import Away, written
from services.web.page import Page
from services.web.pages.desk.event_form import lacking

MOST: Final = 100
SHOWN: Final = 8
CLOSES_BY_ITSELF: Final = timedelta(hours=72)
"""So long after its end an event's attendance is closed by itself (events)."""


@dataclass
class Waiting:
    """What waits of one kind; `is_away` where its service does not answer."""

    kind: str
    items: list[Mapping[str, Any]] = field(default_factory=list)
    is_away: bool = False

    @property
    def count(self) -> int:
        """How many things wait."""
        return len(self.items)


Ask = Callable[[Page], Awaitable[list[Mapping[str, Any]]]]


async def all_waiting(page: Page) -> list[Waiting]:
    """Return what waits, of every kind that the session may see."""
    scopes = page.signed_in or frozenset()
    kinds = [(kind, ask) for kind, needed, ask in KINDS if needed <= scopes]
    return list(await asyncio.gather(*(_waiting(page, kind, ask) for kind, ask in kinds)))


async def _waiting(page: Page, kind: str, ask: Ask) -> Waiting:
    try:
        return Waiting(kind, await ask(page))
    except Away:
        return Waiting(kind, is_away=True)


async def _today(page: Page) -> list[Mapping[str, Any]]:
    """Events whose door is open or soon will be."""
    window = {"from": _text(page, hours=-1), "to": _text(page, hours=12)}
    found = await page.api.get("/v1/events", window, status="published", limit=MOST)
    return [each for each in found["items"] if each["attendance_closed_at"] is None]


async def _requests(page: Page) -> list[Mapping[str, Any]]:
    """Bookings that ask for a decision and have not begun."""
    found = await page.api.get(
        "/v1/bookings", {"from": _text(page)}, status="requested", limit=MOST
    )
    return list(found["items"])


async def _drafts(page: Page) -> list[Mapping[str, Any]]:
    """Events to come that are not public yet, with what they lack."""
    drafts, waiting = await asyncio.gather(
        *(
            page.api.get("/v1/events", {"from": _text(page)}, status=status, limit=MOST)
            for status in ("draft", "awaiting-room")
        )
    )
    found = [*drafts["items"], *waiting["items"]]
    found.sort(key=lambda each: str(each["starts_at"]))
    return [{**each, "lacks": lacking(each, page.now)} for each in found]


async def _applications(page: Page) -> list[Mapping[str, Any]]:
    """Events with applications that nobody has decided on."""
    found = await page.api.get("/v1/events", {"from": _text(page)}, status="published", limit=MOST)
    chosen = [each for each in found["items"] if each["admission"] == "application"]
    lists = await asyncio.gather(
        *(
            page.api.get(f"/v1/events/{each['id']}/registrations", status="applied", limit=MOST)
            for each in chosen
        )
    )
    return [
        {**event, "applications": len(found["items"])}
        for event, found in zip(chosen, lists, strict=True)
        if found["items"]
    ]


async def _to_close(page: Page) -> list[Mapping[str, Any]]:
    """Events that are over and whose attendance is open."""
    window = {"from": _text(page, hours=-CLOSES_BY_ITSELF.total_seconds() / 3_600)}
    window["to"] = _text(page)
    found = await page.api.get("/v1/events", window, status="published", limit=MOST)
    now = _text(page)
    return [
        each
        for each in found["items"]
        if each["ends_at"] <= now and each["attendance_closed_at"] is None
    ]


async def _quotes(page: Page) -> list[Mapping[str, Any]]:
    return list((await page.api.get("/v1/quotes", status="proposed", limit=MOST))["items"])


async def _letters(page: Page) -> list[Mapping[str, Any]]:
    """Letters that did not arrive."""
    lists = await asyncio.gather(
        *(
            page.api.get("/v1/deliveries", status=status, limit=MOST)
            for status in ("bounced", "failed")
        )
    )
    return [each for found in lists for each in found["items"]]


async def _parked(page: Page) -> list[Mapping[str, Any]]:
    return list((await page.api.get("/v1/dead-letters", limit=MOST))["items"])


def _text(page: Page, *, hours: float = 0) -> str:
    return written(page.now + timedelta(hours=hours))


KINDS: Final[tuple[tuple[str, frozenset[str], Ask], ...]] = (
    ("today", frozenset({"attendance:write"}), _today),
    ("requests", frozenset({"booking:read", "booking:admin"}), _requests),
    ("applications", frozenset({"events:admin", "registrations:read"}), _applications),
    ("drafts", frozenset({"events:admin"}), _drafts),
    ("closing", frozenset({"events:admin", "attendance:write"}), _to_close),
    ("quotes", frozenset({"surveys:admin"}), _quotes),
    ("letters", frozenset({"notifications:read"}), _letters),
    ("parked", frozenset({"operations:admin"}), _parked),
)
"""The kinds of things that wait: who sees them, and how they are asked for."""
