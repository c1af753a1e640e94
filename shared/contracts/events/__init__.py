"""What events says: the programme, its events, registrations by event, sealed contacts."""

from shared.contracts.events.contacts import EventContact, EventContactGiven, ManageLink
from shared.contracts.events.erasure import RegistrationErased, RegistrationErasureRequested
from shared.contracts.events.event import (
    EventCancelled,
    EventChanged,
    EventPublished,
    EventRescheduled,
    MaterialAdded,
    Partner,
    PartnerJoined,
    RoomReleased,
    RoomRequested,
    SessionPart,
)
from shared.contracts.events.programme import PeopleCounted, ThemeDecided
from shared.contracts.events.registration import (
    AttendanceClosed,
    HeadsCounted,
    RegistrationApplied,
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationConfirmed,
    RegistrationDeclined,
    RegistrationNoShow,
    RegistrationOffered,
    RegistrationPending,
    RegistrationWaitlisted,
    SelectionMade,
)

__all__ = [
    "AttendanceClosed",
    "EventCancelled",
    "EventChanged",
    "EventContact",
    "EventContactGiven",
    "EventPublished",
    "EventRescheduled",
    "HeadsCounted",
    "ManageLink",
    "MaterialAdded",
    "Partner",
    "PartnerJoined",
    "PeopleCounted",
    "RegistrationApplied",
    "RegistrationAttended",
    "RegistrationCancelled",
    "RegistrationConfirmed",
    "RegistrationDeclined",
    "RegistrationErased",
    "RegistrationErasureRequested",
    "RegistrationNoShow",
    "RegistrationOffered",
    "RegistrationPending",
    "RegistrationWaitlisted",
    "RoomReleased",
    "RoomRequested",
    "SelectionMade",
    "SessionPart",
    "ThemeDecided",
]
