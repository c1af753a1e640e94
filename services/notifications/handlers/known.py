"""Knowing events and rooms: the slim copies that letters are written from."""

from sqlalchemy import JSON, BigInteger, Boolean, bindparam, text
from sqlmodel import UTCDateTime

from shared.contracts.booking import RoomDescription
from shared.contracts.events.event import EventDescription, EventRescheduled
from shared.store import Work

_KNOW_EVENT = text(
    "INSERT INTO known_event (event_id, revision, titles, starts_at, ends_at, time_zone, place,"
    " online, room_id, calendar_sequence) VALUES (:event_id, :revision, :titles, :starts_at,"
    " :ends_at, :time_zone, :place, :online, :room_id, :moved)"
    " ON CONFLICT (event_id) DO UPDATE SET revision = excluded.revision, titles = excluded.titles,"
    " starts_at = excluded.starts_at, ends_at = excluded.ends_at, time_zone = excluded.time_zone,"
    " place = excluded.place, online = excluded.online, room_id = excluded.room_id,"
    " calendar_sequence = known_event.calendar_sequence + excluded.calendar_sequence"
    " WHERE known_event.revision < excluded.revision"
).bindparams(
    bindparam("revision", type_=BigInteger()),
    bindparam("titles", type_=JSON()),
    bindparam("starts_at", type_=UTCDateTime()),
    bindparam("ends_at", type_=UTCDateTime()),
    bindparam("online", type_=Boolean()),
)
_KNOW_ROOM = text(
    "INSERT INTO known_room (room_id, revision, name, venue_name)"
    " VALUES (:room_id, :revision, :name, :venue_name)"
    " ON CONFLICT (room_id) DO UPDATE SET revision = excluded.revision, name = excluded.name,"
    " venue_name = excluded.venue_name WHERE known_room.revision < excluded.revision"
).bindparams(bindparam("revision", type_=BigInteger()))


async def know_event(work: Work, event: EventDescription, revision: int) -> None:
    """Keep an event as `revision` tells it, unless a later one is known; count its moves."""
    moved = isinstance(event, EventRescheduled)
    values = {
        "event_id": event.event_id,
        "revision": revision,
        "titles": dict(event.titles),
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "time_zone": event.time_zone,
        "place": event.place,
        "online": event.online,
        "room_id": event.room_id,
        "moved": int(moved),
    }
    await work.execute(_KNOW_EVENT, values)


async def know_room(work: Work, room: RoomDescription, revision: int) -> None:
    """Keep a room as `revision` tells it, unless a later one is known."""
    await work.execute(
        _KNOW_ROOM,
        {
            "room_id": room.room_id,
            "revision": revision,
            "name": room.name,
            "venue_name": room.venue_name,
        },
    )
