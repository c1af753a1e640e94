"""Facts: the little that reporting keeps of a message, and where it belongs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.contracts.booking import (
    BookingCheckedIn,
    RoomOpened,
    RoomRetired,
    VisitsCorrected,
    VisitsCounted,
)
from shared.contracts.directory import OrganisationDissolved, ResidencyBegan, ResidencyEnded
from shared.contracts.envelope import Envelope
from shared.contracts.events import (
    EventCancelled,
    EventChanged,
    EventPublished,
    EventRescheduled,
    HeadsCounted,
    PartnerJoined,
    PeopleCounted,
    RegistrationAttended,
    RegistrationCancelled,
    RegistrationNoShow,
    SelectionMade,
    ThemeDecided,
)
from shared.contracts.message import Message
from shared.contracts.surveys import ResultReleased
from shared.contracts.words import PartnerRole

ROOMS = "rooms"
RESIDENCIES = "residencies"
STANDING = (ROOMS, RESIDENCIES)
"""Scopes whose facts hold from a day on, for every later year."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is kept of one message.

    Facts of one `slot` replace one another: the one of the greatest `rank` holds. Facts of one
    `scope` are told together (an event, a booking, a venue's day). `year` is the year that the
    message itself names, where it decides one.
    """

    message_id: str
    type: str
    scope: str
    slot: str
    sequence: int
    at: datetime
    year: int | None
    data: Mapping[str, Any] = field(compare=False)

    @property
    def rank(self) -> tuple[int, datetime, str]:
        """What orders the facts of one aggregate, whatever order they came in.

        Its revision; where two share one (or none was said) the time, then the id.
        """
        return self.sequence, self.at, self.message_id

    @property
    def kind(self) -> str:
        """The word that the slot begins with."""
        return self.slot.partition("/")[0]


Place = tuple[str, str, int | None, dict[str, Any]]
"""Scope, slot, year and data."""


def fact_of(message: Message, envelope: Envelope) -> Fact:
    """Return the fact that a message is; pure, so that a replay makes the same one."""
    scope, slot, year, data = _PLACES[type(message)](message)
    return Fact(
        message_id=envelope.id,
        type=envelope.type,
        scope=scope,
        slot=slot,
        sequence=envelope.sequence or 0,
        at=envelope.time,
        year=year,
        data=data,
    )


def _gathering(message: BookingCheckedIn) -> Place:
    place = f"gathering/{message.booking_id}"
    return place, place, message.local_date.year, {}


def _visits(message: VisitsCounted | VisitsCorrected) -> Place:
    place = f"visits/{message.venue_id}/{message.day.isoformat()}"
    return place, place, message.day.year, {"visits": message.visits}


def _room_opened(message: RoomOpened) -> Place:
    return ROOMS, f"opened/{message.room_id}", None, {"on": message.on.isoformat()}


def _room_retired(message: RoomRetired) -> Place:
    return ROOMS, f"retired/{message.room_id}", None, {"on": message.on.isoformat()}


def _residency_began(message: ResidencyBegan) -> Place:
    day = {"began_on": message.began_on.isoformat()}
    return RESIDENCIES, f"residency/{message.organisation_id}", None, day


def _residency_ended(message: ResidencyEnded) -> Place:
    day = {"ended_on": message.ended_on.isoformat()}
    return RESIDENCIES, f"residency/{message.organisation_id}", None, day


def _dissolved(message: OrganisationDissolved) -> Place:
    day = {"ended_on": message.dissolved_on.isoformat()}
    return RESIDENCIES, f"residency/{message.organisation_id}", None, day


def _people(message: PeopleCounted) -> Place:
    place = f"people/{message.year}"
    by_sector = {sector.value: people for sector, people in sorted(message.by_sector.items())}
    return place, place, message.year, {"persons": message.persons, "by_sector": by_sector}


def _event(event_id: str) -> str:
    return f"event/{event_id}"


def _description(message: EventPublished | EventChanged | EventRescheduled) -> Place:
    allies = {each.organisation_id for each in message.partners if each.role is PartnerRole.ALLY}
    data = {
        "format": message.format.value,
        "allies": sorted(allies),
        "titles": dict(sorted(message.titles.items())),
        "on": message.local_date.isoformat(),
    }
    slot = f"description/{message.event_id}"
    return _event(message.event_id), slot, message.local_date.year, data


def _cancellation(message: EventCancelled) -> Place:
    return _event(message.event_id), f"cancellation/{message.event_id}", None, {}


def _partner(message: PartnerJoined) -> Place:
    data = {"organisation_id": message.organisation_id, "role": message.role.value}
    slot = f"partner/{message.event_id}/{message.organisation_id}/{message.role.value}"
    return _event(message.event_id), slot, None, data


def _selection(message: SelectionMade) -> Place:
    data = {"selected": message.selected, "people": message.people}
    slot = f"selection/{message.registration_id}"
    return _event(message.event_id), slot, message.year, data


def _withdrawal(message: RegistrationCancelled) -> Place:
    return _event(message.event_id), f"withdrawal/{message.registration_id}", None, {}


def _presence(message: RegistrationAttended | RegistrationNoShow) -> Place:
    came = isinstance(message, RegistrationAttended)
    data = {
        "people": message.people if came else 0,
        "unnamed": message.group,
        "sector": message.sector,
    }
    return _event(message.event_id), f"presence/{message.registration_id}", None, data


def _heads(message: HeadsCounted) -> Place:
    data = {"people": message.people, "unnamed": True, "sector": message.sector}
    slot = f"presence/{message.event_id}/{message.count_id}"
    return _event(message.event_id), slot, None, data


def _theme(message: ThemeDecided) -> Place:
    data = {"key": message.theme_key, "titles": dict(sorted(message.titles.items()))}
    return f"themes/{message.year}", f"theme/{message.theme_id}", message.year, data


def _evaluation(message: ResultReleased) -> Place:
    data = {
        "rule": message.rule,
        "answered": message.answered,
        "attended": message.attended,
        "mean": message.mean,
        "at_least": message.at_least,
        "at_most": message.at_most,
        "bars": [bar.model_dump() for bar in message.bars],
    }
    return _event(message.event_id), f"evaluation/{message.event_id}", None, data


_PLACES: Mapping[type[Message], Callable[[Any], Place]] = {
    BookingCheckedIn: _gathering,
    VisitsCounted: _visits,
    VisitsCorrected: _visits,
    RoomOpened: _room_opened,
    RoomRetired: _room_retired,
    ResidencyBegan: _residency_began,
    ResidencyEnded: _residency_ended,
    OrganisationDissolved: _dissolved,
    PeopleCounted: _people,
    ThemeDecided: _theme,
    ResultReleased: _evaluation,
    EventPublished: _description,
    EventChanged: _description,
    EventRescheduled: _description,
    EventCancelled: _cancellation,
    PartnerJoined: _partner,
    SelectionMade: _selection,
    RegistrationCancelled: _withdrawal,
    RegistrationAttended: _presence,
    RegistrationNoShow: _presence,
    HeadsCounted: _heads,
}
