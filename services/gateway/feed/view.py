"""What of each message leaves the house: the public view, by type and by field."""

from collections.abc import Mapping
from typing import Any, Final

from shared.contracts import booking, directory, events, notifications, reporting, surveys
from shared.contracts.message import Message
from shared.contracts.schemas import schema_of

_BOOKING: Final = ("booking_id", "room_id", "venue_id", "local_date")
_EVENT: Final = (
    "event_id",
    "format",
    "titles",
    "theme_id",
    "capacity",
    "starts_at",
    "ends_at",
    "time_zone",
    "local_date",
    "year",
    "place",
    "online",
    "room_id",
    "languages",
    "sessions",
    "admission",
    "waiting_list",
    "registration_opens_at",
    "registration_closes_at",
)
_STEP: Final = ("event_id", "year", "people")

PARTS: Final[Mapping[type[Message], frozenset[str]]] = {
    **dict.fromkeys(
        (
            booking.BookingRequested,
            booking.BookingConfirmed,
            booking.BookingMoved,
            booking.BookingCancelled,
            booking.BookingCheckedIn,
            booking.BookingNoShow,
        ),
        frozenset(_BOOKING),
    ),
    booking.BookingRejected: frozenset((*_BOOKING, "reason")),
    events.EventPublished: frozenset(_EVENT),
    events.EventChanged: frozenset(_EVENT),
    events.EventRescheduled: frozenset((*_EVENT, "previous_starts_at", "previous_ends_at")),
    events.PartnerJoined: frozenset(("event_id", "role")),
    events.PeopleCounted: frozenset(("year", "persons")),
    **dict.fromkeys(
        (
            events.RegistrationApplied,
            events.RegistrationConfirmed,
            events.RegistrationWaitlisted,
            events.RegistrationDeclined,
            events.RegistrationAttended,
            events.RegistrationNoShow,
        ),
        frozenset(_STEP),
    ),
    events.RegistrationCancelled: frozenset((*_STEP, "was")),
    events.SelectionMade: frozenset((*_STEP, "selected")),
    events.HeadsCounted: frozenset(("event_id", "year", "count_id", "people")),
}
"""Messages of which only the named fields leave.

A booking is a room and a day: not whose, not what for, no hour, no head counted. A step of a
registration is a status and a number of people of an event: without the registration's id nothing
ties one step to another, and without sector and language a step tells whoever watches the door
nothing new about the person. Organisations are named by directory alone, as long as they are
listed; who has a part in an event, and sectors (whose cells may be small), are asked for at the
interface, which knows what may be said today.
"""

WHOLE: Final[frozenset[type[Message]]] = frozenset(
    (
        directory.OrganisationRegistered,
        directory.OrganisationChanged,
        directory.ResidencyBegan,
        directory.ResidencyEnded,
        directory.OrganisationDissolved,
        booking.RoomOpened,
        booking.RoomChanged,
        booking.RoomRetired,
        booking.VisitsCounted,
        booking.VisitsCorrected,
        events.ThemeDecided,
        events.EventCancelled,
        events.AttendanceClosed,
        surveys.SurveyOpened,
        surveys.SurveyClosed,
        surveys.ResultReleased,
        surveys.QuoteApproved,
        surveys.QuoteWithdrawn,
        reporting.FigurePublished,
        reporting.FigureAmended,
        reporting.YearClosed,
    )
)
"""Messages that leave as they are (of directory: those about listed organisations)."""

UNSAID: Final = "Nobody says it yet: what leaves of it is decided when somebody does."
KEPT_IN: Final[Mapping[type[Message], str]] = {
    events.RegistrationPending: (
        "Whether one appears would tell whoever asks for a place with somebody else's address"
        " whether that person is registered already."
    ),
    events.RoomRequested: "A conversation with booking, about events that may not be public yet.",
    events.RoomReleased: "A conversation with booking, about events that may not be public yet.",
    events.RegistrationOffered: UNSAID,
    events.MaterialAdded: UNSAID,
    notifications.DeliverySent: "What becomes of a letter concerns two people.",
    notifications.DeliveryFailed: "What becomes of a letter concerns two people.",
    notifications.DeliveryBounced: "What becomes of a letter concerns two people.",
}
"""Messages of public topics that never leave, each with its reason.

A type that stands in none of the three tables does not leave either; a test asks for a decision.
"""

SHOWN: Final[Mapping[str, type[Message]]] = {
    message.type: message for message in sorted({*PARTS, *WHOLE}, key=lambda each: each.type)
}
"""The messages that leave, by type."""


def service_of(type_: str) -> str:
    """Return the service that publishes a type of message."""
    return type_.split(".")[2]


def leaves(message: Message) -> bool:
    """Tell whether this message may leave at all, whatever of it.

    A pending registration that ends is as silent as it began.
    """
    if isinstance(message, events.RegistrationCancelled):
        return message.was != "pending"
    return message.type in SHOWN


def data_of(message: Message) -> str | None:
    """Return the JSON of what leaves of a message; None for a tombstone, which says no more."""
    if message.tombstone:
        return None
    return message.model_dump_json(include=_include(type(message)))


def dataschema(message: type[Message]) -> str:
    """Return the relative URI of the schema of what leaves."""
    return f"/schemas/public/{message.type}.json" if message in PARTS else message.dataschema()


def public_schema(message: type[Message]) -> dict[str, Any]:
    """Return the JSON Schema of what leaves of a message."""
    schema = schema_of(message)
    fields = PARTS.get(message)
    if fields is None:
        return schema
    for hidden in ("x-key", "x-subject"):
        del schema[hidden]
    properties = {name: each for name, each in schema["properties"].items() if name in fields}
    required = [name for name in schema.get("required", ()) if name in fields]
    schema |= {"$id": dataschema(message), "properties": properties, "required": required}
    schema["x-subject"] = message.keyed_by
    needed = {name: each for name, each in schema.get("$defs", {}).items() if _names(schema, name)}
    schema["$defs"] = needed
    return schema


def _names(schema: dict[str, Any], definition: str) -> bool:
    return f"#/$defs/{definition}'" in str(schema["properties"])


def _include(message: type[Message]) -> set[str] | None:
    fields = PARTS.get(message)
    return None if fields is None else set(fields)
