"""Themes and events: drafted, published, changed, cancelled, listed."""

from pathlib import Path

import pytest

from shared.contracts.directory import OrganisationRegistered
from shared.contracts.events import (
    EventCancelled,
    EventChanged,
    EventPublished,
    EventRescheduled,
    PartnerJoined,
    RegistrationCancelled,
    RegistrationConfirmed,
    ThemeDecided,
)
from shared.contracts.words import OrganisationKind
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import key_with
from tests.events.scene import BEGINS, START, event_body, scene

pytestmark = pytest.mark.anyio


async def test_a_theme_is_decided_once(make_url: MakeUrl, tmp_path: Path) -> None:
    """It is told, shown with its Location, listed by year; its key is free once only."""
    async with scene(make_url, tmp_path) as s:
        body = {"year": 2023, "key": "equal-health", "titles": {"sv": "Jämlik hälsa"}}
        made = await s.admin.post("/v1/themes", json=body)
        assert made.status_code == 201
        assert (await s.public.get(made.headers["location"])).json() == made.json()
        again = await s.admin.post("/v1/themes", json=body)
        assert (again.status_code, again.json()["type"]) == (409, "/problems/theme-taken")
        assert len((await s.public.get("/v1/themes?year=2023")).json()["items"]) == 1
        assert (await s.public.get("/v1/themes?year=2024")).json() == {"items": [], "next": None}
        (told,) = await s.it.published(ThemeDecided)
        assert (told.theme_key, told.key()) == ("equal-health", "2023")


async def test_only_what_is_published_is_public(make_url: MakeUrl, tmp_path: Path) -> None:
    """A draft is 404 to the public and told to nobody; a cancelled one leaves the list."""
    async with scene(make_url, tmp_path) as s:
        made = await s.ok(s.admin, "/v1/events", event_body(online_url="https://example.org/x"))
        path = f"/v1/events/{made['id']}"
        assert made["status"] == "draft"
        assert (await s.public.get(path)).status_code == 404
        assert await s.it.published() == []
        await s.ok(s.admin, f"{path}/publication")
        shown = (await s.public.get(path)).json()
        assert shown["availability"] == "many"
        assert not {"places", "online_url", "sector_quotas", "room_refusal"} & shown.keys()
        reader = s.it.client(key_with("registrations:read"))
        assert (await reader.get(path)).json()["places"]["free"] == 80
        assert len((await s.public.get("/v1/events")).json()["items"]) == 1
        again = await s.admin.post(f"{path}/publication")
        assert (again.status_code, again.json()["type"]) == (409, "/problems/wrong-state")
        await s.ok(s.admin, f"{path}/cancellation", {"reason": "weather"})
        assert (await s.public.get("/v1/events")).json()["items"] == []
        assert (await s.public.get(path)).json()["status"] == "cancelled"
        assert [type(m) for m in await s.it.published()] == [EventPublished, EventCancelled]


async def test_publication_says_what_is_missing(make_url: MakeUrl, tmp_path: Path) -> None:
    """All of it at once, by name; nothing is published."""
    async with scene(make_url, tmp_path) as s:
        session = {"starts_at": "2023-02-19T11:00:00Z", "ends_at": "2023-02-19T12:00:00Z"}
        body = event_body(
            titles={"en": "Only English"},
            place=None,
            starts_at="2023-02-19T11:00:00Z",
            ends_at="2023-02-19T12:00:00Z",
            sessions=[{**session, "mode": "hybrid"}],
        )
        made = await s.ok(s.admin, "/v1/events", body)
        answer = await s.admin.post(f"/v1/events/{made['id']}/publication")
        assert answer.status_code == 409
        assert answer.json()["type"] == "/problems/not-ready"
        assert answer.json()["missing"] == ["titles.sv", "starts_at", "place", "online_url"]
        assert await s.it.published() == []


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_capacity_is_raised_and_lowered(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Raised: those next in line get the places at once. Lowered: those confirmed stay."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published(capacity=2)
        ids = [(await s.register(event_id, n))["id"] for n in range(6)]
        path = f"/v1/events/{event_id}"
        assert (await s.admin.patch(path, json={"capacity": 4})).status_code == 200
        promoted = [m for m in await s.it.published(RegistrationConfirmed) if m.promoted]
        assert [m.registration_id for m in promoted] == ids[2:4]
        assert (await s.admin.patch(path, json={"capacity": 1})).status_code == 200
        assert await s.places(event_id) == {"capacity": 1, "taken": 4, "free": 0, "waiting": 2}
        for each in ids[:3]:
            await s.act(each, "cancellation")
        assert await s.places(event_id) == {"capacity": 1, "taken": 1, "free": 0, "waiting": 2}
        await s.act(ids[3], "cancellation")
        assert await s.status(ids[4]) == ("confirmed", None)
        assert await s.status(ids[5]) == ("waitlisted", 1)
        assert len(await s.it.published(EventChanged)) == 2


async def test_a_change_holds_to_the_revision_it_was_read_at(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """An If-Match of another revision is 412 and changes nothing."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        path = f"/v1/events/{event_id}"
        tag = (await s.admin.get(path)).headers["etag"]
        first = await s.admin.patch(path, json={"place": "Here"}, headers={"if-match": tag})
        assert first.status_code == 200
        assert first.headers["etag"] != tag
        second = await s.admin.patch(path, json={"place": "There"}, headers={"if-match": tag})
        assert second.status_code == 412
        assert (await s.admin.get(path)).json()["place"] == "Here"


async def test_a_new_time_moves_all_that_hangs_on_it(make_url: MakeUrl, tmp_path: Path) -> None:
    """The move is told with the time before; a new partner is told; the year counts anew."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        registered = await s.register(event_id, 1)
        changes = {
            "starts_at": "2023-12-31T23:30:00Z",
            "ends_at": "2024-01-01T01:00:00Z",
            "partners": [{"organisation_id": "org-1", "role": "ally"}],
        }
        answer = await s.admin.patch(f"/v1/events/{event_id}", json=changes)
        assert answer.json()["local_date"] == "2024-01-01"
        assert answer.json()["year"] == 2024
        (moved,) = await s.it.published(EventRescheduled)
        assert moved.previous_starts_at.isoformat() == "2023-04-19T11:00:00+00:00"
        (joined,) = await s.it.published(PartnerJoined)
        assert joined.organisation_id == "org-1"
        again = await s.register(event_id, 1)
        assert again["id"] == registered["id"], "the person is known under the new year's key"


async def test_an_event_can_still_be_changed_while_it_takes_place(
    make_url: MakeUrl, tmp_path: Path
) -> None:
    """Its place may change after the begin, but it cannot be moved into the past."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published()
        path = f"/v1/events/{event_id}"
        past = await s.admin.patch(path, json={"starts_at": "2023-02-01T11:00:00Z"})
        assert (past.status_code, past.json()["missing"]) == (409, ["starts_at"])
        await s.at(BEGINS)
        before = await s.it.published()
        assert (await s.admin.patch(path, json={"place": "Next door"})).status_code == 200
        assert (await s.admin.patch(path, json={"place": "Next door"})).status_code == 200
        assert [type(m) for m in await s.it.published()][len(before) :] == [EventRescheduled]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_cancelled_event_ends_its_registrations(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Everybody is told once, in order; nobody is promoted; what is pending ends unwritten."""
    async with scene(make_url, tmp_path, dialect) as s:
        event_id = await s.published(capacity=1)
        ids = [(await s.register(event_id, n))["id"] for n in range(3)]
        for _ in range(2):
            await s.ok(s.admin, f"/v1/events/{event_id}/cancellation", {"reason": "a flood"})
        await s.it.quiet()
        (cancelled,) = await s.it.published(EventCancelled)
        assert cancelled.reason == "other"
        ended = await s.it.published(RegistrationCancelled)
        assert [(m.registration_id, m.reason, m.contact_given) for m in ended] == [
            (each, "event-cancelled", True) for each in ids
        ]
        assert [m.was for m in ended] == ["confirmed", "waitlisted", "waitlisted"]
        assert not any(m.promoted for m in await s.it.published(RegistrationConfirmed))
        assert await s.places(event_id) == {"capacity": 1, "taken": 0, "free": 1, "waiting": 0}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_events_are_found(dialect: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """By time, theme, format and language; in pages; changed ones since an instant."""
    async with scene(make_url, tmp_path, dialect) as s:
        theme = await s.ok(s.admin, "/v1/themes", {"year": 2023, "key": "x", "titles": {"sv": "X"}})
        for month in (4, 5, 6):
            await s.published(
                starts_at=f"2023-0{month}-19T11:00:00Z",
                ends_at=f"2023-0{month}-19T12:00:00Z",
                format="kurs" if month == 5 else "seminarium",
                languages=["sv", "ar"] if month == 6 else ["sv"],
                theme_id=theme["id"] if month == 4 else None,
            )
        await s.ok(s.admin, "/v1/events", event_body())

        async def months(query: str) -> list[int]:
            items = (await s.public.get(f"/v1/events?{query}")).json()["items"]
            return [int(each["starts_at"][5:7]) for each in items]

        assert await months("") == [4, 5, 6]
        assert await months("from=2023-04-19T12:00:00Z&to=2023-06-19T11:00:00Z") == [5]
        assert await months("format=kurs") == [5]
        assert await months("language=ar") == [6]
        assert await months(f"theme={theme['id']}") == [4]
        first = (await s.public.get("/v1/events?limit=2")).json()
        assert await months(f"limit=2&cursor={first['next']}") == [6]
        await s.later(minutes=1)
        since = (START.replace(minute=1)).isoformat().replace("+00:00", "Z")
        assert await months(f"changed_since={since}") == []
        assert len((await s.admin.get("/v1/events?status=draft")).json()["items"]) == 1


async def test_partners_are_named_where_they_are_listed(make_url: MakeUrl, tmp_path: Path) -> None:
    """A listed organisation is shown as the directory tells it; staff see of others an id."""
    async with scene(make_url, tmp_path) as s:
        await s.it.hear(
            *(
                OrganisationRegistered(
                    organisation_id=f"org-{listed}",
                    name="En frisk generation" if listed else None,
                    kind=OrganisationKind.ASSOCIATION,
                    listed=listed,
                )
                for listed in (True, False)
            )
        )
        await s.it.quiet()
        partners = [{"organisation_id": f"org-{o}", "role": "ally"} for o in (True, False)]
        event_id = await s.published(partners=partners)
        shown = (await s.public.get(f"/v1/events/{event_id}")).json()["partners"]
        assert [each["name"] for each in shown] == ["En frisk generation"]
        known = (await s.admin.get(f"/v1/events/{event_id}")).json()["partners"]
        assert [each["name"] for each in known] == ["En frisk generation", None]


async def test_availability_is_a_word(make_url: MakeUrl, tmp_path: Path) -> None:
    """Many, few, none; and none while anybody waits, though a place be free."""
    async with scene(make_url, tmp_path) as s:
        event_id = await s.published(capacity=5)

        async def word() -> str:
            async with s.it.client(PUBLIC) as public:
                shown = (await public.get(f"/v1/events/{event_id}")).json()
                return str(shown["availability"])

        assert await word() == "many"
        for n in range(4):
            await s.register(event_id, n)
        assert await word() == "few"
        group = await s.register(event_id, 9, group={"people": 2})
        assert (group["status"], group["position"]) == ("waitlisted", 1)
        assert await word() == "none"
        newcomer = await s.register(event_id, 5)
        assert newcomer["position"] == 2
