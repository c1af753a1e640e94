"""The table of figures: what each counts, in which unit, and on exactly which messages it rests."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.contracts.booking import (
    BookingCheckedIn,
    RoomOpened,
    RoomRetired,
    VisitsCorrected,
    VisitsCounted,
)
from shared.contracts.directory import OrganisationDissolved, ResidencyBegan, ResidencyEnded
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
)
from shared.contracts.message import Message

Messages = tuple[type[Message], ...]

_EVENT: Messages = (EventPublished, EventChanged, EventRescheduled)
_YEAR_OF_EVENT: Messages = (*_EVENT, SelectionMade)
_WHO_CAME: Messages = (RegistrationAttended, RegistrationNoShow, HeadsCounted)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a figure is. `version` grows by one whenever what it counts changes."""

    rests_on: Messages
    unit: str
    unit_sv: str
    title_sv: str
    title_en: str
    definition_sv: str
    definition_en: str
    version: int = 1
    of_each_event: bool = False


FIGURES: Mapping[str, Definition] = {
    "gatherings": Definition(
        rests_on=(BookingCheckedIn,),
        unit="gatherings",
        unit_sv="sammankomster",
        title_sv="Sammankomster",
        title_en="Gatherings",
        definition_sv="Bokningar som checkats in, var och en en gång, efter lokalt datum.",
        definition_en="Bookings that were checked in, each once, by local date.",
    ),
    "visits_per_month_mean": Definition(
        rests_on=(VisitsCounted, VisitsCorrected),
        unit="visits-a-month",
        unit_sv="besök per månad",
        title_sv="Besök per månad, medelvärde",
        title_en="Visits a month, mean",
        definition_sv=(
            "Årets besök enligt dörrräknarna, senaste uppgift per lokal och dag, delat med tolv; "
            "heltal om det går jämnt upp, annars två decimaler, hälften avrundas uppåt."
        ),
        definition_en=(
            "Visits of the year by the door counters, last count of each venue and day, divided "
            "by twelve; a whole number where it is one, else two decimals, halves rounded up."
        ),
    ),
    "rooms": Definition(
        rests_on=(RoomOpened, RoomRetired),
        unit="rooms",
        unit_sv="rum",
        title_sv="Rum",
        title_en="Rooms",
        definition_sv="Rum som är öppnade och inte avvecklade vid årets slut, den 31 december.",
        definition_en="Rooms opened and not retired at the end of the year, on 31 December.",
    ),
    "resident_organisations": Definition(
        rests_on=(ResidencyBegan, ResidencyEnded, OrganisationDissolved),
        unit="organisations",
        unit_sv="organisationer",
        title_sv="Organisationer i huset",
        title_en="Resident organisations",
        definition_sv="Organisationer som har sin hemvist i huset vid årets slut, den 31 december.",
        definition_en="Organisations with their home in the house on 31 December of the year.",
    ),
    "participants": Definition(
        rests_on=(PeopleCounted, *_WHO_CAME, *_YEAR_OF_EVENT),
        unit="people",
        unit_sv="personer",
        title_sv="Deltagare",
        title_en="Participants",
        definition_sv=(
            "Personer som deltagit i minst ett evenemang, var och en en gång, samt de som räknats "
            "utan namn (huvuden och grupper), en gång per evenemang."
        ),
        definition_en=(
            "Persons who attended at least one event, each once, and those counted without a "
            "name (heads and groups), once per event."
        ),
    ),
    "participants_by_sector": Definition(
        rests_on=(PeopleCounted, *_WHO_CAME, *_YEAR_OF_EVENT),
        unit="people-by-sector",
        unit_sv="personer per sektor",
        title_sv="Deltagare per sektor",
        title_en="Participants by sector",
        definition_sv=(
            "Deltagare efter den sektor de uppgett; utan uppgift saknas. Färre än fem visas som "
            "<5, och fler sektorer undantas så att inget kan räknas ut."
        ),
        definition_en=(
            "Participants by the sector they stated; those who stated none are missing. Under "
            "five reads <5, and more sectors are withheld so that nothing can be worked out."
        ),
    ),
    "attendances": Definition(
        rests_on=(*_WHO_CAME, *_YEAR_OF_EVENT),
        unit="attendances",
        unit_sv="deltaganden",
        title_sv="Deltaganden",
        title_en="Attendances",
        definition_sv="Summan av närvaron vid årets alla evenemang.",
        definition_en="The sum of the attendance of all events of the year.",
    ),
    "attendance": Definition(
        rests_on=(*_WHO_CAME, *_YEAR_OF_EVENT),
        unit="attendances",
        unit_sv="deltaganden",
        title_sv="Närvaro",
        title_en="Attendance",
        definition_sv=(
            "De som enligt senaste uppgift kom till evenemanget, och huvuden räknade utan namn."
        ),
        definition_en="Those who came by the last word on each, and heads counted without a name.",
        of_each_event=True,
    ),
    "events_by_format": Definition(
        rests_on=(*_YEAR_OF_EVENT, EventCancelled),
        unit="events-by-format",
        unit_sv="evenemang per form",
        title_sv="Evenemang per form",
        title_en="Events by format",
        definition_sv=(
            "Publicerade evenemang som inte ställts in, efter lokalt datum för start; en kurs "
            "räknas det år då dess första plats gavs genom urval."
        ),
        definition_en=(
            "Events published and not cancelled, by the local date they start; a course counts "
            "in the year in which its first place was given by selection."
        ),
    ),
    "learning_lunches": Definition(
        rests_on=(*_EVENT, EventCancelled),
        unit="events",
        unit_sv="evenemang",
        title_sv="Lärandeluncher",
        title_en="Learning lunches",
        definition_sv="Publicerade lärandeluncher som inte ställts in.",
        definition_en="Learning lunches published and not cancelled.",
    ),
    "course_places": Definition(
        rests_on=(*_YEAR_OF_EVENT, RegistrationCancelled, EventCancelled),
        unit="places",
        unit_sv="platser",
        title_sv="Kursplatser",
        title_en="Course places",
        definition_sv="Platser på årets kurser som givits genom urval, minus de återlämnade.",
        definition_en="Places in courses of the year given by selection, less those given back.",
    ),
    "allied_organisations": Definition(
        rests_on=(*_YEAR_OF_EVENT, PartnerJoined),
        unit="organisations",
        unit_sv="organisationer",
        title_sv="Allierade aktörer",
        title_en="Allied organisations",
        definition_sv=(
            "Organisationer som är allierade i ett evenemang som inte ställts in, var och en en "
            "gång."
        ),
        definition_en="Organisations that are allies of an event not cancelled, each once.",
        of_each_event=True,
    ),
}
"""Every figure by its key, in the order of the report."""

HEARD: Messages = tuple(
    sorted(
        {message for each in FIGURES.values() for message in each.rests_on},
        key=lambda message: message.type,
    )
)
"""Every message that a figure rests on: what reporting hears, and nothing else."""
