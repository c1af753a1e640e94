"""One journey: book, check in, register, cancel, move up, attend, and find it in the figures."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.journeys.house import Caller, House

BEGIN = datetime(2023, 2, 1, 8, tzinfo=UTC)
STARTS = datetime(2023, 3, 8, 16, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=2)
WHEN = {"starts_at": STARTS.isoformat(), "ends_at": ENDS.isoformat()}


async def book(house: House) -> tuple[str, Caller]:
    """Book a room for an organisation and be refused where it is taken; return who checks in."""
    organisation = await house.admin.post(
        "/v1/organisations",
        {"name": "Cykelföreningen", "kind": "association", "sector": "association"},
    )
    venue = await house.admin.post("/v1/venues", {"name": "Huset", "time_zone": "Europe/Stockholm"})
    room = await house.admin.post(
        "/v1/rooms",
        {"venue_id": venue["id"], "name": "Salen", "capacity": 40}
        | {"equipment": [], "opens_at": "07:00", "closes_at": "22:00"}
        | {"buffer_minutes": 0, "needs_approval": False},
    )
    await house.rest()
    member = await house.holder("booking:write", organisation_id=organisation["id"])
    wish = {
        "room_id": room["id"],
        "organisation_id": organisation["id"],
        "purpose": "årsmöte",
        "expected_people": 30,
        "contact": {"name": "Åsa Ek", "email": "asa@example.org", "language": "sv"},
        **WHEN,
    }
    booking = await member.post("/v1/bookings", wish)
    assert booking["status"] == "confirmed"
    refusal = await member.post("/v1/bookings", wish, expect=409)
    assert refusal["type"] == "/problems/room-taken"
    assert len(refusal["conflicts"]) == 1
    await (await house.caller()).post("/v1/bookings", wish, expect=401)
    stranger = await house.holder("registrations:read")
    assert (await stranger.post("/v1/bookings", wish, expect=403))["scope"] == "booking:write"
    return booking["id"], member


async def publish(house: House) -> str:
    """Publish an event with two places and a line; return its id."""
    event = await house.admin.post(
        "/v1/events",
        {
            "format": "dialogforum",
            "titles": {"sv": "Forum om cykling", "en": "A forum on cycling"},
            "capacity": 2,
            "time_zone": "Europe/Stockholm",
            "place": "Huset, Salen",
            "admission": "first-come",
            "waiting_list": True,
            **WHEN,
        },
    )
    await house.admin.post(f"/v1/events/{event['id']}/publication", expect=200)
    await house.rest()
    return str(event["id"])


async def register(house: House, desk: Caller, event_id: str) -> dict[str, dict[str, Any]]:
    """Register one person by the public form and its link, three at the desk; return all four."""
    path = f"/v1/events/{event_id}/registrations"

    def somebody(name: str) -> dict[str, Any]:
        contact = {"email": f"{name}@example.org"}
        return {"name": name.title(), "contact": contact, "sector": "academia", "language": "en"}

    public = await house.caller()
    asked = await public.post(path, somebody("amina"))
    assert asked["status"] == "pending"
    await house.rest()
    link = await house.caller(house.link_for("amina@example.org"))
    taken = await link.post(f"/v1/registrations/{asked['id']}/confirmation", expect=200)
    people = {"amina": asked | taken}
    for name in ("berit", "cem", "dag"):
        people[name] = await desk.post(path, somebody(name), key=name)
    again = await desk.post(path, somebody("dag"), key="dag")
    assert again == people["dag"]
    assert [people[name]["status"] for name in people] == [
        "confirmed", "confirmed", "waitlisted", "waitlisted",
    ]  # fmt: skip
    assert [people[name]["position"] for name in ("cem", "dag")] == [1, 2]
    return people


async def travel(house: House) -> None:
    """Live the whole journey; every step asserts what a person would see."""
    booking, member = await book(house)
    event_id = await publish(house)
    desk = await house.holder("registrations:write", "registrations:read", "attendance:write")
    people = await register(house, desk, event_id)
    await desk.post(f"/v1/registrations/{people['berit']['id']}/cancellation", expect=200)
    await house.rest()
    status = {n: await desk.get(f"/v1/registrations/{each['id']}") for n, each in people.items()}
    assert {name: each["status"] for name, each in status.items()} == {
        "amina": "confirmed",
        "berit": "cancelled",
        "cem": "confirmed",
        "dag": "waitlisted",
    }
    assert status["dag"]["position"] == 1
    await house.until(STARTS + timedelta(minutes=30))
    await member.post(f"/v1/bookings/{booking}/check-in", {"people": 25}, expect=200)
    for name in ("amina", "cem"):
        came = {"attended": True}
        await desk.post(f"/v1/registrations/{people[name]['id']}/attendance", came, expect=200)
    await house.until(ENDS + timedelta(days=4))
    await look_at_figures(house, event_id)
    await evaluate(house, event_id)
    assert await house.letters() == LETTERS
    assert await house.admin.every("/v1/dead-letters") == []


async def evaluate(house: House, event_id: str) -> None:
    """Answer with the ballots of those who came; two answers are too few to say anything of."""
    public = await house.caller()
    (survey,) = await public.every("/v1/surveys", event_id=event_id)
    path = f"/v1/surveys/{survey['id']}"
    for name, rating in (("amina", 5), ("cem", 3)):
        ballot = {"ballot": house.ballot_for(f"{name}@example.org")}
        await public.post(f"{path}/answers", {**ballot, "rating": rating}, expect=204)
        await public.post(f"{path}/answers", {**ballot, "rating": 1}, expect=409)
        words = {**ballot, "text": "Tack", "may_quote": False}
        await public.post(f"{path}/words", words, expect=204)
    await (await house.holder("surveys:admin")).post(f"{path}/closing", expect=200)
    await house.rest()
    assert (await public.client.get(f"{path}/result")).status_code == 409
    report = await public.get("/v1/years/2023/report")
    assert [each["rule"] for each in report["evaluations"]] == ["too-few"]


async def look_at_figures(house: House, event_id: str) -> None:
    """Find the gathering and the two who came in the year's figures, and what they rest on."""
    items = await (await house.caller()).every("/v1/years/2023/figures")
    figures = {(each["key"], each["event_id"]): each["value"] for each in items}
    assert figures["gatherings", None] == "1"
    assert figures["rooms", None] == "1"
    assert figures["attendances", None] == "2"
    assert figures["participants", None] == "2"
    assert figures["attendance", event_id] == "2"
    behind = await house.admin.every("/v1/years/2023/figures/gatherings/messages")
    assert [each["type"] for each in behind] == ["se.andan.booking.booking.checked-in.v1"]
    path = "/v1/years/2023/figures/attendance/messages"
    behind = await house.admin.every(path, event_id=event_id)
    kinds = Counter(each["type"] for each in behind)
    assert kinds["se.andan.events.registration.attended.v1"] == 2


LETTERS = Counter(
    {
        ("asa@example.org", "booking-confirmed"): 1,
        ("amina@example.org", "registration-pending"): 1,
        ("amina@example.org", "registration-confirmed"): 1,
        ("berit@example.org", "registration-confirmed"): 1,
        ("berit@example.org", "registration-cancelled"): 1,
        ("cem@example.org", "registration-waitlisted"): 1,
        ("cem@example.org", "registration-promoted"): 1,
        ("dag@example.org", "registration-waitlisted"): 1,
        ("amina@example.org", "survey-invitation"): 1,
        ("cem@example.org", "survey-invitation"): 1,
    }
)
"""Every letter of the journey, each once."""
