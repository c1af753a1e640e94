"""Every page by name, with what it needs to be seen: public ones, staff's, and wrong forms."""

from collections.abc import Awaitable, Callable
from typing import Final

from playwright.async_api import Page

PUBLIC: Final = {
    "landing": "/",
    "calendar": "/events",
    "month": "/events?view=month",
    "nothing fits": "/events?format=kurs&language=en",
    "event": "/events/{open}",
    "full event": "/events/{full}",
    "few places": "/events/{few}",
    "course": "/events/{course}",
    "event that has been": "/events/{yesterday}",
    "rooms": "/rooms",
    "free rooms": "/rooms?people=8&day=2023-10-11&from=10:00&to=14:00&need=projector",
    "room": "/rooms/{room_0}",
    "room's other week": "/rooms/{room_0}?week=2023-W42",
    "time without a sign-in": "/rooms/{room_0}/book?day=2023-10-12&from=17:00&to=19:00",
    "reports": "/reports",
    "closed year": "/reports/2022",
    "year so far": "/reports/2023",
    "figure": "/figures/2022/participants",
    "evaluation": "/e/{ballot}",
    "withdrawal of words": "/q",
    "receipt": "/r/{place}",
    "change": "/r/{place}/change",
    "letter on its way": "/events/{open}/registered",
    "my links": "/mine",
    "links sent": "/mine/sent",
    "erased": "/erased",
    "unsubscribed": "/unsubscribed",
    "accessibility": "/a11y",
    "personal data": "/privacy",
    "open data": "/data",
    "sign-in": "/sign-in",
}
MISSING: Final = {
    "no such page": "/nowhere",
    "no such event": "/events/nobody",
    "no such link": "/r/nobody",
    "no such ballot": "/e/nobody",
}
SECRET: Final = frozenset(
    {
        "evaluation",
        "withdrawal of words",
        "receipt",
        "change",
        "letter on its way",
        "links sent",
        "erased",
        "unsubscribed",
        "sign-in",
    }
)
"""Those that are one person's, or that nobody need find: no search engine, no other language."""
STAFF: Final = {
    "desk": "/desk",
    "today": "/desk/today",
    "events": "/desk/events",
    "new event": "/desk/events/new",
    "event of staff": "/desk/events/{open}",
    "draft": "/desk/events/{draft}",
    "event over": "/desk/events/{yesterday}",
    "change of event": "/desk/events/{draft}/change",
    "registrations": "/desk/events/{few}/registrations",
    "selection": "/desk/events/{course}/select",
    "bookings": "/desk/bookings",
    "organisations": "/desk/orgs",
    "quotes": "/desk/quotes",
    "door": "/door/{door}",
    "deliveries": "/ops/deliveries",
    "inbox": "/ops/mail",
    "parked": "/ops/parked",
    "booking": "/rooms/{room_4}/book?day=2023-10-12&from=17:00&to=19:00",
}


async def _sends(page: Page, **typed: str) -> None:
    for name, value in typed.items():
        await page.locator(f"main [name={name}]").first.fill(value)
    async with page.expect_navigation():
        await page.locator("main form[method=post] button:visible").first.click()


async def _nothing_typed(page: Page) -> None:
    await _sends(page)


async def _bad_address(page: Page) -> None:
    await page.locator("main form[method=post]").first.evaluate("form => form.noValidate = true")
    await _sends(page, name="Åsa <b>", email="not an address")


async def _not_sure(page: Page) -> None:
    async with page.expect_navigation():
        await page.locator("main button[value=erase]").click()


WRONG: Final[dict[str, tuple[str, Callable[[Page], Awaitable[None]]]]] = {
    "registration, nothing typed": ("/events/{open}", _nothing_typed),
    "registration, bad address": ("/events/{few}", _bad_address),
    "evaluation without a rating": ("/e/{ballot}", _nothing_typed),
    "withdrawal without a code": ("/q", _nothing_typed),
    "erasure without being sure": ("/r/{place}/change", _not_sure),
    "links without an address": ("/mine", _nothing_typed),
}
"""Forms with a fault, by how somebody gets there."""
WRONG_BY_ADDRESS: Final = {
    "search without sense": "/rooms?people=x&day=y&from=z&to=9",
    "time without sense": "/rooms/{room_0}/book?day=x&from=y&to=z",
}
