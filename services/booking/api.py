"""Booking's routes: venues, rooms and when they are free, bookings, visits."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request, Response

from services.booking import queries
from services.booking.handlers.acquaintance import Acquaintance
from services.booking.handlers.bookings import (
    Book,
    CancelBooking,
    CheckIn,
    MoveBooking,
    book,
    cancel_booking,
    check_in,
    move_booking,
)
from services.booking.handlers.decisions import (
    ApproveBooking,
    RejectBooking,
    approve_booking,
    reject_booking,
)
from services.booking.handlers.erasure import EraseContact, erase_contact
from services.booking.handlers.places import Caller
from services.booking.handlers.rooms import (
    ChangeRoom,
    CountVisits,
    OpenRoom,
    OpenVenue,
    RetireRoom,
    change_room,
    count_visits,
    open_room,
    open_venue,
    retire_room,
)
from services.booking.rules import LONGEST, EndsBeforeStart, Span, TooLong
from services.booking.schemas import (
    AvailabilityOut,
    BookingIn,
    BookingOut,
    BookingPatch,
    PeopleIn,
    ReasonIn,
    RoomAvailabilityOut,
    RoomIn,
    RoomOut,
    RoomPatch,
    VenueIn,
    VenueOut,
    VisitCountOut,
    VisitsIn,
)
from shared.contracts.booking import BookingContact
from shared.contracts.words import BookingStatus
from shared.http.body import Day, Id, Instant, Line, People
from shared.http.etag import IfMatch, IfMatchDep, set_etag
from shared.http.paging import Page, PagingDep
from shared.http.problems import InvalidRequest
from shared.http.work import ReaderDep, WorkDep, api_router, store_of
from shared.security.permissions import own_organisation, require
from shared.security.principal import Principal

router = api_router("booking")

ADMIN = "booking:admin"
Admin = Annotated[Principal, Depends(require(ADMIN))]
Writer = Annotated[Principal, Depends(require("booking:write"))]
BookingReader = Annotated[Principal, Depends(require("booking:read"))]
From = Annotated[Instant, Query(alias="from")]
To = Annotated[Instant, Query()]


@router.post("/v1/venues", status_code=201)
async def create_venue(body: VenueIn, work: WorkDep, response: Response, caller: Admin) -> VenueOut:
    """Open a venue."""
    venue = await open_venue(work, OpenVenue(body.name, body.time_zone))
    response.headers["Location"] = f"/v1/venues/{venue.id}"
    set_etag(response, venue.revision)
    return VenueOut.model_validate(venue)


@router.get("/v1/venues")
async def list_venues(reader: ReaderDep, paging: PagingDep) -> Page[VenueOut]:
    """List the venues by name."""
    rows, following = await queries.venues(reader, paging)
    return paging.page([VenueOut.model_validate(each) for each in rows], following)


@router.get("/v1/venues/{venue_id}")
async def get_venue(venue_id: Id, reader: ReaderDep, response: Response) -> VenueOut:
    """Show a venue."""
    venue = await queries.one_venue(reader, venue_id)
    set_etag(response, venue.revision)
    return VenueOut.model_validate(venue)


@router.post("/v1/rooms", status_code=201)
async def create_room(body: RoomIn, work: WorkDep, response: Response, caller: Admin) -> RoomOut:
    """Open a room for bookings."""
    room, venue = await open_room(work, OpenRoom(**body.model_dump()))
    response.headers["Location"] = f"/v1/rooms/{room.id}"
    set_etag(response, room.revision)
    return RoomOut.model_validate(queries.room_view(room, venue))


@router.get("/v1/rooms")
async def list_rooms(
    reader: ReaderDep,
    paging: PagingDep,
    venue_id: Annotated[Id | None, Query()] = None,
    changed_since: Annotated[Instant | None, Query()] = None,
) -> Page[RoomOut]:
    """List the rooms by name; with `changed_since`, those retired since too."""
    rows, following = await queries.rooms(reader, paging, venue_id, changed_since)
    return paging.page([RoomOut.model_validate(each) for each in rows], following)


@router.get("/v1/rooms/{room_id}")
async def get_room(room_id: Id, reader: ReaderDep, response: Response) -> RoomOut:
    """Show a room."""
    room = await queries.one_room(reader, room_id)
    set_etag(response, room.revision)
    return RoomOut.model_validate(room)


@router.patch("/v1/rooms/{room_id}")
async def update_room(
    room_id: Id,
    body: RoomPatch,
    work: WorkDep,
    response: Response,
    caller: Admin,
    if_match: IfMatchDep,
) -> RoomOut:
    """Change a room; what is booked in it stays as it was booked."""
    fields = body.model_dump(exclude_unset=True)
    room, venue = await change_room(work, ChangeRoom(room_id, fields, if_match.check))
    set_etag(response, room.revision)
    return RoomOut.model_validate(queries.room_view(room, venue))


@router.post("/v1/rooms/{room_id}/retirement")
async def create_room_retirement(
    room_id: Id, work: WorkDep, response: Response, caller: Admin, if_match: IfMatchDep
) -> RoomOut:
    """Close a room for good, from today; nothing may be booked in it from now on."""
    room, venue = await retire_room(work, RetireRoom(room_id, if_match.check))
    set_etag(response, room.revision)
    return RoomOut.model_validate(queries.room_view(room, venue))


@router.get("/v1/rooms/{room_id}/availability")
async def get_availability(room_id: Id, reader: ReaderDep, from_: From, to: To) -> AvailabilityOut:
    """Show when a room is taken and when it can be had, within at most 31 days."""
    found = await queries.availability(reader, room_id, _window(from_, to))
    return AvailabilityOut.model_validate(found)


@router.get("/v1/availability")
async def list_availability(
    reader: ReaderDep, paging: PagingDep, from_: From, to: To
) -> Page[RoomAvailabilityOut]:
    """Show of every room, by name, when it is taken and when it can be had."""
    found, following = await queries.availabilities(reader, paging, _window(from_, to))
    return paging.page([RoomAvailabilityOut.model_validate(each) for each in found], following)


@router.get("/v1/free-rooms")
async def list_free_rooms(
    reader: ReaderDep,
    paging: PagingDep,
    from_: From,
    to: To,
    people: Annotated[People, Query()] = 1,
    equipment: Annotated[list[Annotated[str, Line(600)]] | None, Query(max_length=50)] = None,
) -> Page[RoomOut]:
    """List the rooms that are free, hold the people and have the equipment; best first.

    `equipment` may be repeated, or name several things with commas between.
    """
    wanted = [word.strip() for text in equipment or [] for word in text.split(",") if word.strip()]
    found = await queries.free_rooms(reader, _window(from_, to), people, wanted)
    return _ranked(paging, [RoomOut.model_validate(each) for each in found])


def _ranked(paging: PagingDep, rooms: list[RoomOut]) -> Page[RoomOut]:
    start = 0
    if paging.cursor is not None:
        ids = [each.id for each in rooms]
        if paging.cursor not in ids:
            places = [{"pointer": "cursor", "message": "Not a cursor of this list"}]
            raise InvalidRequest("The cursor is not one of this list.", places)
        start = ids.index(paging.cursor) + 1
    items = rooms[start : start + paging.limit]
    more = start + paging.limit < len(rooms)
    return paging.page(items, items[-1].id if more else None)


@router.post("/v1/bookings", status_code=201)
async def create_booking(
    body: BookingIn, request: Request, work: WorkDep, response: Response, caller: Writer
) -> BookingOut:
    """Book a room: confirmed at once, or requested where the room needs approval."""
    own_organisation(caller, body.organisation_id)
    store = store_of(request)
    await store.need(Acquaintance).wait_for(store, body.organisation_id)
    contact = None
    if body.contact is not None:
        contact = BookingContact(**body.contact.model_dump(), purpose=body.purpose)
    made = await book(
        work,
        Book(
            room_id=body.room_id,
            organisation_id=body.organisation_id,
            purpose=body.purpose,
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            expected_people=body.expected_people,
            contact=contact,
        ),
    )
    response.headers["Location"] = f"/v1/bookings/{made[0].id}"
    return _shown(made, response)


@router.get("/v1/bookings")
async def list_bookings(
    reader: ReaderDep,
    paging: PagingDep,
    caller: BookingReader,
    room_id: Annotated[Id | None, Query()] = None,
    organisation_id: Annotated[Id | None, Query()] = None,
    from_: Annotated[Instant | None, Query(alias="from")] = None,
    to: Annotated[Instant | None, Query()] = None,
    status: Annotated[BookingStatus | None, Query()] = None,
    changed_since: Annotated[Instant | None, Query()] = None,
) -> Page[BookingOut]:
    """List the bookings that touch a time, by their begin; a bound key sees its own."""
    wanted = queries.BookingFilter(
        room_id=room_id,
        organisation_id=organisation_id,
        from_=from_,
        to=to,
        status=status,
        changed_since=changed_since,
        bound_to=caller.organisation_id,
    )
    rows, following = await queries.bookings(reader, paging, wanted)
    return paging.page([BookingOut.model_validate(each) for each in rows], following)


@router.get("/v1/bookings/{booking_id}")
async def get_booking(
    booking_id: Id, reader: ReaderDep, response: Response, caller: BookingReader
) -> BookingOut:
    """Show a booking."""
    view = await queries.one_booking(reader, booking_id, caller.organisation_id)
    set_etag(response, view.revision)
    return BookingOut.model_validate(view)


@router.patch("/v1/bookings/{booking_id}")
async def update_booking(
    booking_id: Id,
    body: BookingPatch,
    work: WorkDep,
    response: Response,
    caller: Writer,
    if_match: IfMatchDep,
) -> BookingOut:
    """Move a booking to another room or time."""
    command = MoveBooking(
        booking_id, body.room_id, body.starts_at, body.ends_at, _caller(caller, if_match)
    )
    return _shown(await move_booking(work, command), response)


@router.post("/v1/bookings/{booking_id}/cancellation")
async def create_booking_cancellation(
    booking_id: Id, work: WorkDep, response: Response, caller: Writer, if_match: IfMatchDep
) -> BookingOut:
    """Call a booking off."""
    by_staff = caller.may(ADMIN) and caller.organisation_id is None
    command = CancelBooking(
        booking_id, "by-staff" if by_staff else "withdrawn", _caller(caller, if_match)
    )
    return _shown(await cancel_booking(work, command), response)


@router.post("/v1/bookings/{booking_id}/check-in")
async def create_booking_check_in(
    booking_id: Id,
    body: PeopleIn,
    work: WorkDep,
    response: Response,
    caller: Writer,
    if_match: IfMatchDep,
) -> BookingOut:
    """Say that a gathering took place, and how many came."""
    command = CheckIn(booking_id, body.people, _caller(caller, if_match))
    return _shown(await check_in(work, command), response)


@router.post("/v1/bookings/{booking_id}/contact-erasure")
async def create_booking_contact_erasure(
    booking_id: Id, work: WorkDep, response: Response, caller: Writer, if_match: IfMatchDep
) -> BookingOut:
    """Forget who the contact is, here and everywhere, on all its bookings; they stand."""
    command = EraseContact(booking_id, _caller(caller, if_match))
    return _shown(await erase_contact(work, command), response)


@router.post("/v1/bookings/{booking_id}/approval")
async def create_booking_approval(
    booking_id: Id, work: WorkDep, response: Response, caller: Admin, if_match: IfMatchDep
) -> BookingOut:
    """Confirm a request."""
    command = ApproveBooking(booking_id, _caller(caller, if_match))
    return _shown(await approve_booking(work, command), response)


@router.post("/v1/bookings/{booking_id}/rejection")
async def create_booking_rejection(
    booking_id: Id,
    body: ReasonIn,
    work: WorkDep,
    response: Response,
    caller: Admin,
    if_match: IfMatchDep,
) -> BookingOut:
    """Refuse a request."""
    command = RejectBooking(booking_id, body.reason, _caller(caller, if_match))
    return _shown(await reject_booking(work, command), response)


@router.put(
    "/v1/venues/{venue_id}/visit-counts/{day}", dependencies=[Depends(require("visits:write"))]
)
async def put_visit_count(venue_id: Id, day: Day, body: VisitsIn, work: WorkDep) -> VisitCountOut:
    """Say how many visits a venue had on a day of its wall clock; again = corrected."""
    counted = await count_visits(work, CountVisits(venue_id, day, body.visits))
    return VisitCountOut.model_validate(counted)


@router.get("/v1/venues/{venue_id}/visit-counts")
async def list_visit_counts(
    venue_id: Id,
    reader: ReaderDep,
    paging: PagingDep,
    from_: Annotated[Day | None, Query(alias="from")] = None,
    to: Annotated[Day | None, Query()] = None,
) -> Page[VisitCountOut]:
    """List a venue's visits by day, from a day to a day, both included."""
    rows, following = await queries.visit_counts(reader, paging, venue_id, from_, to)
    return paging.page([VisitCountOut.model_validate(each) for each in rows], following)


def _caller(principal: Principal, if_match: IfMatch) -> Caller:
    is_staff = principal.organisation_id is None
    return Caller(
        bound_to=principal.organisation_id,
        is_staff=is_staff,
        may_decide=is_staff and principal.may(ADMIN),
        unchanged=if_match.check,
    )


def _shown(made: tuple[Any, Any], response: Response) -> BookingOut:
    booking, place = made
    set_etag(response, booking.revision)
    view = queries.booking_view(booking, place.venue.id, place.venue.time_zone)
    return BookingOut.model_validate(view)


def _window(from_: Any, to: Any) -> Span:
    if to <= from_:
        raise EndsBeforeStart("`to` must come after `from`.")
    if to - from_ > LONGEST:
        raise TooLong(f"Ask for at most {LONGEST.days} days at once.")
    return Span(from_, to)
