"""The door of an event: no name before one is typed, in, undone, counted."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from shared import dates
from tests.web.browsing import Browser, City, Seen, event_body

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

IN_AN_HOUR = timedelta(hours=1)


async def event_of(it: City, *names: str, **changes: Any) -> tuple[str, list[Any]]:
    """Return the id of an event that begins in an hour, and the registrations of these."""
    begin = it.clock.now() + IN_AN_HOUR
    times = {"starts_at": begin.isoformat(), "ends_at": (begin + 2 * IN_AN_HOUR).isoformat()}
    event = await it.ok("/v1/events", event_body(**times, **changes))
    await it.ok(f"/v1/events/{event['id']}/publication")
    path = f"/v1/events/{event['id']}/registrations"
    bodies = [{"name": name, "sector": "association", "language": "sv"} for name in names]
    return str(event["id"]), [await it.ok(path, body) for body in bodies]


async def opened(it: City, *names: str, **changes: Any) -> tuple[str, Browser]:
    """Return the door of an event that has begun, for which these registered, and its host."""
    event_id, _ = await event_of(it, *names, **changes)
    await it.move(it.clock.now() + IN_AN_HOUR + timedelta(minutes=4))
    return f"/en/door/{event_id}", await it.staff()


def now(it: City) -> str:
    """Return the time of day of the house as its pages say it."""
    return dates.clock(it.clock.now(), "Europe/Stockholm", "en")


def field(page: Seen) -> str:
    """Return the tag of the search field."""
    return page.html[page.html.index('<input id="who"') :].partition(">")[0]


async def test_no_list_of_names(it: City) -> None:
    """The page holds no name before somebody types, and then only who is meant."""
    door, host = await opened(it, "Åsa Ek", "Bo Dahl")
    page = await host.open(door)
    assert "Åsa" not in page.html
    assert "Bo" not in page.text
    assert page.answer.headers["cache-control"] == "no-store"
    assert "autofocus" in field(page)
    nothing = await host.press(page, "Search", {"who": "  "})
    assert "Åsa" not in nothing.html
    found = await host.press(page, "Search", {"who": "asa"})
    assert "Åsa Ek" in found.text
    assert "Bo Dahl" not in found.text
    assert 'value=""' in field(found)
    nobody = await host.press(page, "Search", {"who": "Zeb"})
    assert "Nobody of the name “Zeb” is registered" in nobody.text
    assert nobody.has("Register")


async def test_in_and_out_again(it: City) -> None:
    """Checked in with the number inside; in already since when; undone; double posts count once."""
    door, host = await opened(it, "Åsa Ek", "Bo Dahl")
    found = await host.press(await host.open(door), "Search", {"who": "ek"})
    page = await host.press(found, "Check in: Åsa Ek")
    assert "Åsa Ek is in. 1 in." in page.text
    assert "1 still to come" in page.text
    assert "autofocus" in field(page)
    again = await host.press(found, "Check in: Åsa Ek")
    assert "1 in." in again.text
    found = await host.press(page, "Search", {"who": "ek"})
    assert f"in since {now(it)}" in found.text
    page = await host.press(page, "Undo: Åsa Ek")
    assert "Åsa Ek is out again. 0 in." in page.text
    found = await host.press(page, "Search", {"who": "ek"})
    assert "1 in." in (await host.press(found, "Check in")).text


async def test_a_code_checks_in_at_once(it: City) -> None:
    """The address in a ticket's code is read; a code of another event says so and does nothing."""
    event_id, [mine] = await event_of(it, "Bo")
    _, [theirs] = await event_of(it, "Cia")
    await it.move(it.clock.now() + IN_AN_HOUR + timedelta(minutes=4))
    door, host = f"/en/door/{event_id}", await it.staff()
    page = await host.press(await host.open(door), "Search", {"who": mine["manage_url"]})
    assert "Bo is in. 1 in." in page.text
    assert "link_" not in page.url
    page = await host.press(page, "Search", {"who": mine["manage_url"]})
    assert "The code is for" in page.text
    assert f"in since {now(it)}" in page.text
    page = await host.press(page, "Search", {"who": theirs["manage_url"]})
    assert "The code is not one of this event" in page.text
    assert "link_" not in page.html
    assert "Cia" not in page.html


async def test_heads_are_counted(it: City) -> None:
    """One more, one fewer, a group at the door with its sector; never below nothing."""
    door, host = await opened(it)
    page = await host.open(door)
    assert not page.has("One fewer")
    page = await host.press(page, "One more")
    page = await host.press(page, "One more")
    assert "2 people counted" in page.text
    wrong = await host.press(page, "Register", {"people": "fem"})
    assert wrong.status == 422
    assert 'value="fem"' in wrong.html
    page = await host.press(wrong, "Register", {"people": "5", "sector": "business"})
    assert "5 more without a registration. 7 in." in page.text
    page = await host.press(page, "One fewer")
    assert "6 in" in page.text
    seen = (await it.admin.get(f"{door[3:].replace('door', 'v1/events')}/attendance")).json()
    assert sorted(each["people"] for each in seen["heads"]) == [1, 1, 4]
    assert seen["heads"][-1]["sector"] == "business"
    for _ in range(9):
        page = await host.open(door)
        if page.has("One fewer"):
            page = await host.press(page, "One fewer")
    assert "0 in" in page.text


async def test_who_waits_has_no_place(it: City) -> None:
    """Somebody on the waiting list cannot be checked in, and the page says why."""
    door, host = await opened(it, "Åsa Ek", "Bo Dahl", capacity=1)
    page = await host.press(await host.open(door), "Search", {"who": "bo"})
    assert "On the waiting list: has no place" in page.text
    assert not page.has("Check in")


async def test_after_the_last_word(it: City) -> None:
    """A closed attendance says since when, and that what is marked now corrects it."""
    door, host = await opened(it, "Åsa Ek")
    await it.ok(f"{door[3:].replace('door', 'v1/events')}/attendance-closing")
    page = await host.open(door)
    assert "Attendance was closed Wednesday 1 March 2023" in page.text
    found = await host.press(page, "Search", {"who": "ek"})
    assert "1 in." in (await host.press(found, "Check in")).text


async def test_odd_values_at_the_door(it: City) -> None:
    """Whatever stands in the address or is typed, the door stays open and marks nobody."""
    door, host = await opened(it, "Åsa Ek")
    page = await host.open(door)
    for odd in ("x", "../..", "a" * 500, "🙂", "link_x.y", "<script>", "%", "\u202e"):
        query = urlencode({"last": odd, "out": odd, "heads": odd})
        shown = await host.open(f"{door}?{query}")
        assert (shown.status, "0 in" in shown.text) == (200, True), odd
        found = await host.press(page, "Search", {"who": odd})
        assert found.status in (200, 422), odd
        assert "<script>" not in found.html
        assert "0 in" in found.text


async def test_a_host_needs_little(it: City) -> None:
    """Who may only mark attendance and read registrations finds the door and does all of it."""
    door, _ = await opened(it, "Åsa Ek")
    host = await it.staff("attendance:write", "registrations:read")
    desk = await host.open("/en/desk")
    assert f'href="{door}"' in desk.html
    assert "/en/desk/events" not in desk.html
    found = await host.press(await host.open(door), "Search", {"who": "ek"})
    page = await host.press(found, "Check in")
    assert "The person is in. 1 in." in page.text
    page = await host.press(page, "Undo")
    assert "0 in." in page.text
