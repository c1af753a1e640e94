"""What leaves the house: every type and field is decided on, and nobody is in what leaves."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import text

from services.gateway.app import create_service
from services.gateway.feed.view import (
    KEPT_IN,
    PARTS,
    SHOWN,
    UNSAID,
    WHOLE,
    data_of,
    leaves,
    public_schema,
)
from services.gateway.settings import Settings
from shared.contracts.booking import BookingFact, BookingWish
from shared.contracts.directory import (
    OrganisationChanged,
    OrganisationDissolved,
    OrganisationRegistered,
    ResidencyBegan,
)
from shared.contracts.events import RegistrationCancelled, RegistrationConfirmed
from shared.contracts.events.event import EventDescription
from shared.contracts.events.registration import LineFact
from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message
from shared.contracts.surveys import QuoteApproved, QuoteWithdrawn
from shared.contracts.topics import TOPICS
from shared.testing.fixtures import DIALECTS
from shared.testing.running import Running, running
from tests.architecture.test_subscriptions import in_services, named
from tests.gateway.house import Outside
from tests.gateway.said import every, full

pytestmark = pytest.mark.anyio
MakeUrl = Callable[[str], Awaitable[str]]

WITHHELD: dict[type[Message], str] = {
    BookingWish: "organisation_id starts_at ends_at expected_people for_ contact_given time_zone"
    " people previous_room_id previous_starts_at previous_ends_at conflicts reason",
    EventDescription: "partners",
    LineFact: "registration_id group group_organisation_id sector language contact_given"
    " promoted selected position answer_by reason",
}
"""Fields that were looked at and stay in, by the family of the message."""
OTHERS_WITHHELD = {"organisation_id", "by_sector"}


def undecided(kind: type[Message]) -> set[str]:
    """Return the fields of a message that nobody has decided on."""
    known = set(OTHERS_WITHHELD)
    for family, names in WITHHELD.items():
        if issubclass(kind, family):
            known |= set(names.split())
    return set(kind.model_fields) - PARTS[kind] - known


@pytest.mark.parametrize("kind", CONTRACTS.values(), ids=CONTRACTS)
def test_every_type_is_decided_on(kind: type[Message]) -> None:
    """A message of a public topic stands in exactly one table, one of another topic in none."""
    tables = [kind in table for table in (PARTS, WHOLE, KEPT_IN)]
    assert sum(tables) == TOPICS[kind.topic].public, "decide in services/gateway/feed/view.py"


def test_what_nobody_says_is_decided_on_when_somebody_does() -> None:
    """A message that stays in because nobody says it is named by no service yet."""
    unsaid = {kind.__name__ for kind, reason in KEPT_IN.items() if reason == UNSAID}
    told = [each for each in in_services() if not each.path.startswith("services/gateway/feed/")]
    assert [each.path for each in told if named(each) & unsaid] == []


@pytest.mark.parametrize("kind", PARTS, ids=lambda kind: kind.type)
def test_every_field_is_decided_on(kind: type[Message]) -> None:
    """A new field of a message that is shown in part stays in until somebody has looked at it."""
    assert undecided(kind) == set()
    assert PARTS[kind] <= set(kind.model_fields)


def test_what_is_new_does_not_leave() -> None:
    """A type that stands in no table does not leave."""

    class DoorOpened(LineFact):
        """Somebody came in."""

        type: ClassVar[str] = "se.andan.events.registration.door-opened-for-the-test.v1"

    assert not leaves(full(DoorOpened))


def test_schemas_say_what_leaves() -> None:
    """The public schema of a message has the fields that leave, and no others."""
    for kind in SHOWN.values():
        data = data_of(full(kind))
        if data is not None:
            assert set(json.loads(data)) == set(public_schema(kind)["properties"])


async def feed_of(it: Running) -> list[dict[str, object]]:
    """Return all that the feed shows to a key with every right."""
    await it.quiet()
    outside = Outside(it.service)
    items: list[dict[str, object]] = []
    after = ""
    async with outside.client(await outside.key()) as client:
        while True:
            page = (await client.get("/v1/messages", params={"after": after, "limit": 100})).json()
            items += page["items"]
            after = page["after"]
            if page["next"] is None:
                return items


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nobody_is_in_what_leaves(dialect: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """Planted in every field that names somebody, a canary is in no byte of the feed."""
    canaries = {
        "registration_id": "canary-registration",
        "organisation_id": "canary-organisation",
        "group_organisation_id": "canary-group",
        "sealed": "canary-sealed",
        "delivery_id": "canary-delivery",
        "message_id": "canary-message",
        "starts_at": "2023-03-07T16:59:58Z",
        "ends_at": "2023-03-07T19:59:58Z",
        "sector": "politician",
        "language": "tlh",
        "expected_people": 987_321,
    }
    said = []
    for message in every():
        values = json.loads(message.encode())
        changed = {name: canary for name, canary in canaries.items() if name in values}
        if not isinstance(message, LineFact):  # a material has a language, and may tell it
            changed.pop("language", None)
        if isinstance(message, EventDescription):  # everybody may know when an event is
            changed = {"partners": [{"organisation_id": "canary-partner", "role": "ally"}]}
        if message.topic.startswith("andan.directory"):
            changed |= {"listed": False} if "listed" in values else {}
            changed |= {"name": "canary-name"} if "name" in values else {}
        said.append(type(message).model_validate({**values, **changed}))
    async with running(
        create_service, make_url, tmp_path, dialect=dialect, settings_class=Settings
    ) as it:
        await it.hear(*said)
        items = await feed_of(it)
        async with it.service.store.read() as reader:
            kept = str((await reader.execute(text("SELECT envelope, data FROM feed"))).all())
    directory = {type_ for type_ in SHOWN if ".directory." in type_}
    assert {item["type"] for item in items} == SHOWN.keys() - directory
    everything = json.dumps(items) + kept
    assert [each for each in canaries.values() if str(each) in everything] == []
    assert "canary" not in everything


async def test_a_booking_is_a_room_and_a_day(make_url: MakeUrl, tmp_path: Path) -> None:
    """Of a booking leave its id, its room and its day; of a step its event and what it was."""
    confirmed = next(m for m in every() if m.type == "se.andan.booking.booking.confirmed.v1")
    assert isinstance(confirmed, BookingFact)
    async with running(create_service, make_url, tmp_path, settings_class=Settings) as it:
        ids = await it.hear(confirmed, full(RegistrationConfirmed))
        booking, step = sorted(await feed_of(it), key=lambda item: str(item["type"]))
    assert booking["data"] == {
        "booking_id": confirmed.booking_id,
        "room_id": confirmed.room_id,
        "venue_id": confirmed.venue_id,
        "local_date": str(confirmed.local_date),
    }
    assert (booking["id"], booking["subject"]) == (ids[0], confirmed.booking_id)
    assert booking["dataschema"] == f"/schemas/public/{confirmed.type}.json"
    event = full(RegistrationConfirmed).event_id
    assert step["data"] == {"event_id": event, "year": 2023, "people": 1}
    assert step["subject"] == event


def test_a_pending_registration_ends_as_it_began() -> None:
    """That a link was not clicked tells as much as that it was sent: neither leaves."""
    assert not leaves(full(RegistrationCancelled, was="pending"))
    assert leaves(full(RegistrationCancelled, was="confirmed"))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_an_organisation_is_shown_while_it_is_listed(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """One that was never listed leaves no trace; one that is listed no longer loses its words."""
    hidden = full(OrganisationRegistered, organisation_id="never", listed=False, name=None)
    later = [
        full(ResidencyBegan, organisation_id="never"),
        full(OrganisationChanged, organisation_id="never", listed=False, name=None),
        full(OrganisationDissolved, organisation_id="never"),
    ]
    shown = full(OrganisationRegistered, organisation_id="once", listed=True, name="Once Known")
    moved_in = full(ResidencyBegan, organisation_id="once")
    gone = full(OrganisationChanged, organisation_id="once", listed=False, name=None)
    moved_out = full(OrganisationDissolved, organisation_id="once")
    again = full(OrganisationChanged, organisation_id="once", listed=True, name="Known Again")
    async with running(
        create_service, make_url, tmp_path, dialect=dialect, settings_class=Settings
    ) as it:
        await it.hear(hidden, *later, shown, moved_in)
        assert [item["data"] is None for item in await feed_of(it)] == [False, False]
        await it.hear(gone, moved_out, again)
        items = await feed_of(it)
    assert [item["type"] for item in items] == [
        each.type for each in (shown, moved_in, gone, again)
    ]
    assert [item["data"] for item in items[:3]] == [
        None,
        None,
        {"organisation_id": "once", "listed": False},
    ]
    assert "never" not in str(items)
    assert "Once Known" not in str(items)
    assert "Known Again" in str(items)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("together", [True, False])
async def test_a_withdrawn_quote_loses_its_words(
    dialect: str, together: bool, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Its text is in no stored row any more; that it was withdrawn is told, with no data."""
    kept = full(QuoteApproved, quote_id="kept", text="These stay.")
    taken = full(QuoteApproved, quote_id="taken", text="These go.")
    withdrawal = QuoteWithdrawn(quote_id="taken")
    async with running(
        create_service, make_url, tmp_path, dialect=dialect, settings_class=Settings
    ) as it:
        if together:
            await it.hear(kept, taken, withdrawal)
        else:
            await it.hear(kept, taken)
            assert "These go." in str(await feed_of(it))
            await it.hear(withdrawal)
        items = await feed_of(it)
    assert [(item["type"], item["subject"]) for item in items] == [
        (each.type, each.key()) for each in (kept, taken, withdrawal)
    ]
    assert [item["data"] is None for item in items] == [False, True, True]
    assert "These go." not in str(items)
