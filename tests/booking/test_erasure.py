"""Erasing the contact of a booking: on all its bookings, and nothing but the contact."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from services.booking.models import Contact
from shared.contracts.booking import (
    BookingContactErased,
    BookingContactErasureRequested,
    BookingContactGiven,
)
from shared.security.erasure import BOOKING
from shared.store.plumbing import idempotency
from tests.booking.scene import OURS, THEIRS, Scene, at

pytestmark = pytest.mark.anyio

ALEX = {"name": "Alex Ek", "email": "alex@example.org", "language": "sv"}


async def contacts(here: Scene) -> set[str]:
    """Return the bookings that have a contact."""
    async with here.it.service.store.read() as reader:
        return set((await reader.scalars(select(col(Contact.booking_id)))).all())


async def booked(here: Scene, day: int, organisation_id: str, **contact: Any) -> dict[str, Any]:
    """Book a new room with a contact."""
    room = await here.room()
    said = {"organisation_id": organisation_id, "contact": {**ALEX, **contact}}
    return await here.booked(room, at(day, 17), **said)


async def test_the_contact_goes_and_the_bookings_stand(here: Scene) -> None:
    """All bookings of the address lose it, once, with the sealed copy; the others keep theirs."""
    mine = [await booked(here, 7, OURS), await booked(here, 8, OURS, email="ALEX@example.org")]
    other = await booked(here, 9, OURS, email="other@example.org")
    answers = [await here.act(mine[0], "contact-erasure") for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert answers[0].json()["status"] == "confirmed"
    await here.it.quiet()
    assert await contacts(here) == {other["id"]}
    assert (await here.it.service.quiet()).next_due == at(7, 19), "the store was scrubbed"
    key = here.it.keyring.erasure_key()
    names = sorted(key.of(BOOKING, each["id"]) for each in mine)
    asked = await here.it.published(BookingContactErasureRequested)
    assert sorted(each.erasure_id for each in asked) == names
    done = await here.it.published(BookingContactErased)
    assert sorted(each.erasure_id for each in done) == names
    assert all(each.removed == {"contacts": 1, "messages": 1} for each in done)
    given = await here.it.published(BookingContactGiven)
    assert [each.booking_id for each in given] == [other["id"]]


async def test_a_bound_key_reaches_its_own_bookings_only(sqlite_here: Scene) -> None:
    """An organisation erases its contacts, not the same person's at another; staff erases both."""
    here = sqlite_here
    ours, theirs = await booked(here, 7, OURS), await booked(here, 8, THEIRS)
    client = here.of(OURS)
    foreign = await client.post(f"/v1/bookings/{theirs['id']}/contact-erasure")
    assert foreign.status_code == 404
    own = await client.post(f"/v1/bookings/{ours['id']}/contact-erasure")
    assert own.status_code == 200
    assert await contacts(here) == {theirs["id"]}
    again = await booked(here, 10, OURS)
    assert (await here.act(again, "contact-erasure")).status_code == 200
    assert await contacts(here) == set()
    reader = here.of(OURS, "booking:read")
    refused = await reader.post(f"/v1/bookings/{ours['id']}/contact-erasure")
    assert (refused.status_code, refused.json()["scope"]) == (403, "booking:write")
    assert (await here.client.post("/v1/bookings/nobody/contact-erasure")).status_code == 404
    stale = {"If-Match": '"99"'}
    path = f"/v1/bookings/{ours['id']}/contact-erasure"
    assert (await here.client.post(path, headers=stale)).status_code == 412


async def test_a_kept_answer_is_spent(sqlite_here: Scene) -> None:
    """The same request, sent once more after the erasure, books nothing and brings nobody back."""
    here = sqlite_here
    wish = here.wish(await here.room(), at(7, 17), at(7, 19), contact=ALEX)
    made = await here.client.post("/v1/bookings", json=wish, headers={"Idempotency-Key": "k"})
    await here.act(made.json(), "contact-erasure")
    retried = await here.client.post("/v1/bookings", json=wish, headers={"Idempotency-Key": "k"})
    assert retried.status_code in (409, 422)
    assert await contacts(here) == set()
    async with here.it.service.store.read() as reader:
        kept = (await reader.execute(select(idempotency))).one()
    assert (kept.body, kept.fingerprint) == (b"{}", "erased")


async def test_a_store_from_before_is_erased_again(here: Scene) -> None:
    """A contact that the ledger names is removed where a store still has it, and that is told."""
    mine, other = await booked(here, 7, OURS), await booked(here, 8, OURS, email="o@example.org")
    erasure_id = here.it.keyring.erasure_key().of(BOOKING, mine["id"])
    for _ in range(2):
        await here.it.hear(BookingContactErasureRequested(erasure_id=erasure_id))
        await here.it.quiet()
    assert await contacts(here) == {other["id"]}
    assert await here.it.published(BookingContactErasureRequested) == []
    (done,) = await here.it.published(BookingContactErased)
    assert done.erasure_id == erasure_id
    async with here.it.service.store.read() as reader:
        assert await reader.scalar(select(func.count()).select_from(Contact)) == 1
