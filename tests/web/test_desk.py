"""The desk: what waits, events from draft to closed attendance, bookings, selection, quotes."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.web.browsing import START, Browser, City, city, event_body

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

NEW_EVENT = {
    "title_sv": "Språk och grannskap",
    "capacity": "40",
    "day": "2023-03-02",
    "from": "17:00",
    "to": "19:00",
    "place": "Nobel 21",
}


async def published(it: City, **changes: Any) -> str:
    """Return the id of a published event."""
    event = await it.ok("/v1/events", event_body(**changes))
    await it.ok(f"/v1/events/{event['id']}/publication")
    return str(event["id"])


async def test_from_draft_to_the_last_word(tmp_path: Path) -> None:
    """Drafted, published, registered for, checked in at the door, closed: all by pages."""
    async with city(tmp_path) as it:
        me = await it.staff()
        page = await me.press(await me.open("/en/desk/events/new"), "Save the draft", NEW_EVENT)
        assert "The draft is saved" in page.text
        home = page.url.partition("?")[0]
        assert "Språk och grannskap" in (await me.open("/en/desk")).text
        page = await me.press(page, "Publish")
        assert "The event is public" in page.text
        page = await me.open(f"{home}/registrations")
        assert "Nobody is on this list yet" in page.text
        who = {"name": "Amina Ali", "sector": "association", "need": ["interpreter", "step-free"]}
        page = await me.press(page, "Register", who)
        assert "Amina Ali is registered" in page.text
        assert "Interpreter, Step-free access" in page.text
        assert "1 of 40 places are taken" in page.text
        await it.move(START + timedelta(days=1, hours=7, minutes=5))
        me = await it.staff()  # a session lasts twelve hours
        door = home.replace("/desk/events/", "/door/")
        page = await me.press(await me.open(door), "Search", {"who": "ali"})
        page = await me.press(page, "Check in")
        assert "Amina Ali is in. 1 in." in page.text
        page = await me.press(await me.open(home), "Close attendance")
        assert "Attendance is closed" in page.text
        assert "1 person is in" in page.text
        assert not page.has("Close attendance")
        assert "Done" in page.text


async def test_what_is_wrong_is_told_and_what_was_typed_stays(it: City) -> None:
    """An event without title and day: 422, each fault at its field, all that was typed kept."""
    me = await it.staff()
    typed = {**NEW_EVENT, "title_sv": "", "day": "", "capacity": "many", "to": "16:00"}
    page = await me.press(await me.open("/en/desk/events/new"), "Save the draft", typed)
    assert page.status == 422
    for control in ("title_sv", "day", "capacity"):
        assert f'id="{control}-err"' in page.html
    fields = dict(page.sheet("Save the draft").fields)
    assert {name: fields[name] for name in typed} == typed
    page = await me.press(page, "Save the draft", {**NEW_EVENT, "to": "16:00"})
    assert page.status == 422
    assert "The end must come after the begin" in page.text
    page = await me.press(page, "Save the draft", {**NEW_EVENT, "closes_day": "2023-03-09"})
    assert page.status == 422
    assert "Registration closes: This contradicts the rest" in page.text
    assert "There is no event here" in (await me.open("/en/desk/events?state=drafts")).text


async def test_all_fields_of_an_event(it: City) -> None:
    """What is typed is what the API has, and stands in the form again when it is opened."""
    organisation = await it.ok("/v1/organisations", {"name": "Folkhälsan", "kind": "foundation"})
    theme = {"year": 2023, "key": "halsa", "titles": {"sv": "Hälsa"}}
    theme_id = (await it.ok("/v1/themes", theme))["id"]
    await it.rest()
    me = await it.staff()
    typed = {
        **NEW_EVENT,
        "format": "kurs",
        "title_en": "Language",
        "summary_sv": "Om språk.\nOch grannar.",
        "theme_id": theme_id,
        "last_day": "2023-03-09",
        "online_url": "https://meet.example/a",
        "accessibility": "Utan trösklar",
        "admission": "application",
        "waiting_list": None,
        "languages": ["sv", "ar"],
        "interpreted_to": ["so"],
        "quota_association": "20",
        "opens_day": "2023-03-01",
        "opens_time": "12:00",
        "closes_day": "2023-03-02",
        "closes_time": "12:00",
        "partner_0": organisation["id"],
        "role_0": "organiser",
        "part_0_day": "2023-03-02",
        "part_0_mode": "hybrid",
        "part_0_from": "17:00",
        "part_0_to": "19:00",
    }
    page = await me.press(await me.open("/en/desk/events/new"), "Save the draft", typed)
    assert "The draft is saved" in page.text
    home = page.url.partition("?")[0]
    event = (await it.admin.get(f"/v1/events/{home.rpartition('/')[2]}")).json()
    assert event["titles"] == {"sv": "Språk och grannskap", "en": "Language"}
    assert event["starts_at"] == "2023-03-02T16:00:00Z"
    assert event["ends_at"] == "2023-03-09T18:00:00Z"
    assert event["registration_closes_at"] == "2023-03-02T11:00:00Z"
    assert (event["admission"], event["waiting_list"]) == ("application", False)
    assert event["sector_quotas"] == {"association": 20}
    assert [each["mode"] for each in event["sessions"]] == ["hybrid"]
    assert event["partners"][0]["role"] == "organiser"
    assert (event["languages"], event["interpreted_to"]) == (["sv", "ar"], ["so"])
    form = await me.open(f"{home}/change")
    fields = form.sheet("Save the changes").fields
    kept = {name: value for name, value in typed.items() if name not in ("format", "admission")}
    for name, value in kept.items():
        found = [each for key, each in fields if key == name]
        wanted = [] if value is None else value if isinstance(value, list) else [value]
        assert found == wanted, name
    page = await me.press(form, "Save the changes", {"title_sv": "Nytt"})
    assert "The event is changed" in page.text
    twice = await me.press(form, "Save the changes", {"title_sv": "Nytt"})
    assert "The event is changed" in twice.text
    changed = (await it.admin.get(f"/v1/events/{event['id']}")).json()
    assert changed == {**event, "titles": {"sv": "Nytt", "en": "Language"}}
    late = await me.press(form, "Save the changes", {"title_sv": "Annat"})
    assert late.status == 422
    assert "Somebody else changed this" in late.text
    assert dict(late.sheet("Save the changes").fields)["title_sv"] == "Annat"


async def test_publishing_needs_what_the_public_must_know(it: City) -> None:
    """A draft without a place lists that; who presses an old Publish button is told the same."""
    event = await it.ok("/v1/events", event_body())
    path = f"/v1/events/{event['id']}"
    me = await it.staff()
    old = await me.open(f"/en/desk/events/{event['id']}")
    assert old.has("Publish")
    assert (await it.admin.patch(path, json={"place": None})).status_code == 200
    page = await me.open(f"/en/desk/events/{event['id']}")
    assert not page.has("Publish")
    assert "A place or a room" in page.text
    page = await me.press(old, "Publish")
    assert page.status == 422
    assert "A place or a room" in page.text
    assert (await it.admin.get(path)).json()["status"] == "draft"


async def test_cancelling_asks_why(it: City) -> None:
    """Without a reason nothing happens; with one the event is off, and a second press too."""
    event_id = await published(it)
    me = await it.staff()
    home = f"/en/desk/events/{event_id}"
    page = await me.open(home)
    refused = await me.press(page, "Cancel the event")
    assert refused.status == 422
    assert "Choose why" in refused.text
    done = await me.press(page, "Cancel the event", {"reason": "weather"})
    assert "The event is cancelled" in done.text
    again = await me.press(page, "Cancel the event", {"reason": "weather"})
    assert again.status == 200
    assert (await it.admin.get(f"/v1/events/{event_id}")).json()["status"] == "cancelled"
    assert "Equal health" in (await me.open("/en/desk/events?state=cancelled")).text


async def test_four_of_six(it: City) -> None:
    """Applications show no name before it is asked for; the fifth is refused, and stays."""
    event_id = await published(it, capacity=4, admission="application", format="kurs")
    for number in range(6):
        body = {"name": f"Sökande {number}", "sector": "association", "language": "sv"}
        await it.ok(f"/v1/events/{event_id}/registrations", body)
    me = await it.staff()
    assert "6 unread" in (await me.open("/en/desk")).text
    page = await me.open(f"/en/desk/events/{event_id}/select")
    assert "0 of 4 selected" in page.text
    assert "Sökande" not in page.html
    for number in range(4):
        page = await me.press(page, "Select")
        assert f"{number + 1} of 4 selected" in page.text
    page = await me.press(page, "Select")
    assert (page.status, "All places are given" in page.text) == (422, True)
    assert "4 of 4 selected" in page.text
    page = await me.press(page, "Decline")
    assert "The applicant is declined" in page.text
    named = await me.open(f"/en/desk/events/{event_id}/select?names=yes")
    assert "Sökande 5" in named.text
    found = (await it.admin.get(f"/v1/events/{event_id}/registrations")).json()["items"]
    states = sorted(each["status"] for each in found)
    assert states == ["applied", "confirmed", "confirmed", "confirmed", "confirmed", "declined"]


async def test_a_place_is_given_back(it: City) -> None:
    """A registration cancelled by hand frees its place for the next in line."""
    event_id = await published(it, capacity=1)
    for name in ("Första", "Andra"):
        await it.ok(f"/v1/events/{event_id}/registrations", {"name": name})
    me = await it.staff()
    page = await me.open(f"/en/desk/events/{event_id}/registrations")
    assert "number 1" in page.text
    page = await me.press(page, "Give the place back")
    assert "Första has no place any more" in page.text
    assert "number 1" not in page.text


async def room_asked_for(it: City) -> tuple[str, str, str]:
    """Open a room that needs approval; return it, who asks, and a booking."""
    venue = await it.ok("/v1/venues", {"name": "Nobel 21", "time_zone": "Europe/Stockholm"})
    room = {"venue_id": venue["id"], "name": "Stora salen", "capacity": 80, "needs_approval": True}
    room_id = (await it.ok("/v1/rooms", room))["id"]
    body = {"name": "Ungdomslyftet", "kind": "association"}
    organisation_id = (await it.ok("/v1/organisations", body))["id"]
    await it.rest()
    return room_id, organisation_id, await booking(it, room_id, organisation_id, "Språkkafé")


async def booking(it: City, room_id: str, organisation_id: str, purpose: str) -> str:
    """Ask for the room on 3 March."""
    body = {
        "room_id": room_id,
        "organisation_id": organisation_id,
        "purpose": purpose,
        "starts_at": "2023-03-03T16:00:00Z",
        "ends_at": "2023-03-03T18:00:00Z",
        "expected_people": 12,
    }
    return str((await it.ok("/v1/bookings", body))["id"])


async def test_a_request_is_decided(tmp_path: Path) -> None:
    """Two ask for one time: each sees the other; one is approved, which refuses the other."""
    async with city(tmp_path) as it:
        room_id, who, first = await room_asked_for(it)
        second = await booking(it, room_id, who, "Dans")
        me, colleague = await it.staff(), await it.staff()
        assert "Requests for rooms (2)" in (await me.open("/en/desk")).text
        page = await me.open("/en/desk/bookings")
        assert "Something else is in the room then" in page.text
        other = await colleague.open("/en/desk/bookings")
        page = await me.press(page, "Approve: Språkkafé")
        assert "The request is approved" in page.text
        assert "There is nothing to decide" in page.text
        late = await colleague.press(other, "Approve: Dans")
        assert late.status == 422
        assert "decided or changed in the meantime" in late.text
        assert "It is now: Refused, since Wednesday 1 March 2023" in late.text
        for each, state in ((first, "confirmed"), (second, "rejected")):
            assert (await it.admin.get(f"/v1/bookings/{each}")).json()["status"] == state


async def test_a_refusal_needs_a_reason(it: City) -> None:
    """Without one the field says so; with one the request is refused, and it is kept."""
    _, _, asked = await room_asked_for(it)
    me = await it.staff()
    page = await me.open("/en/desk/bookings")
    wrong = await me.press(page, "Refuse the request")
    assert wrong.status == 422
    assert f'id="reason-{asked}-err"' in wrong.html
    done = await me.press(wrong, "Refuse the request", {"reason": "Golvet ska slipas."})
    assert "The request is refused" in done.text
    shown = (await it.admin.get(f"/v1/bookings/{asked}")).json()
    assert (shown["status"], shown["reason"]) == ("rejected", "Golvet ska slipas.")


async def test_the_house_today(tmp_path: Path) -> None:
    """The day's bookings by time with who; a gathering is checked in with its people."""
    async with city(tmp_path) as it:
        _, _, asked = await room_asked_for(it)
        await it.ok(f"/v1/bookings/{asked}/approval")
        me = await it.staff()
        assert "It is quiet today" in (await me.open("/en/desk/today")).text
        assert "Ungdomslyftet" in (await me.open("/en/desk/today?day=2023-03-03")).text
        await it.move(START + timedelta(days=2, hours=7, minutes=30))
        me = await it.staff()  # a session lasts twelve hours
        page = await me.open("/en/desk/today")
        wrong = await me.press(page, "Check in", {"people": "ett tjog"})
        assert wrong.status == 422
        assert 'value="ett tjog"' in wrong.html
        page = await me.press(wrong, "Check in", {"people": "15"})
        assert "The gathering is checked in" in page.text
        assert "15 people" in page.text


async def test_an_organisation_is_added(tmp_path: Path) -> None:
    """It stands in the list, unlisted where so said; a second press adds no second one."""
    async with city(tmp_path) as it:
        me = await it.staff()
        page = await me.open("/en/desk/orgs")
        assert "No organisation is registered yet" in page.text
        assert (await me.press(page, "Add")).status == 422
        typed = {"name": "Stilla hjälpen", "kind": "association", "unlisted": "yes"}
        await me.press(page, "Add", typed)
        page = await me.press(page, "Add", typed)
        assert "Stilla hjälpen is registered" in page.text
        assert len((await it.admin.get("/v1/organisations")).json()["items"]) == 1
        assert "Not listed" in page.text


async def test_a_neighbour_away(tmp_path: Path) -> None:
    """Where booking does not answer, the desk says what it does not know and shows the rest."""
    async with city(tmp_path) as it:
        await it.ok("/v1/events", event_body())
        me = await it.staff()
        vars(it.house.front)["upstreams"]["booking"] = Gone()
        page = await me.open("/en/desk")
        assert page.status == 200
        assert "Requests for rooms: not known just now" in page.text
        assert "Equal health" in page.text
        form = await me.open("/en/desk/events/new")
        assert "The rooms cannot be shown just now" in form.text
        assert (await me.open("/en/desk/bookings")).status == 503


class Gone:
    """A service that does not answer."""

    async def forward(self, scope: Any, receive: Any, send: Any, headers: Any) -> None:
        """Answer as the gateway does for a service that is away."""
        start = {"type": "http.response.start", "status": 503, "headers": []}
        await send({**start, "headers": [(b"content-type", b"application/problem+json")]})
        body = (
            b'{"type": "/problems/unavailable", "title": "", "status": 503, "reasons": ["booking"]}'
        )
        await send({"type": "http.response.body", "body": body})

    async def close(self) -> None:
        """Nothing is held."""


async def test_nothing_here(tmp_path: Path) -> None:
    """An event that is not there is a 404 page, for reading and for writing."""
    async with city(tmp_path) as it:
        me: Browser = await it.staff()
        for path in ("", "/change", "/registrations", "/select"):
            assert (await me.open(f"/en/desk/events/nowhere{path}")).status == 404, path
        assert (await me.open("/en/door/nowhere")).status == 404
