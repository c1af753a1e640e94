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
    ThemeDecided,
)
from shared.contracts.message import Message
from shared.contracts.surveys import ResultReleased

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
    formula: str
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
        formula="|{booking : checked in, local date in the year}|",
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
        formula="Σ visits(venue, day) / 12",
    ),
    "rooms": Definition(
        rests_on=(RoomOpened, RoomRetired),
        unit="rooms",
        unit_sv="rum",
        title_sv="Rum",
        title_en="Rooms",
        definition_sv="Rum som är öppnade och inte avvecklade vid årets slut, den 31 december.",
        definition_en="Rooms opened and not retired at the end of the year, on 31 December.",
        formula="|{room : opened ≤ 31 December < retired}|",
    ),
    "resident_organisations": Definition(
        rests_on=(ResidencyBegan, ResidencyEnded, OrganisationDissolved),
        unit="organisations",
        unit_sv="organisationer",
        title_sv="Organisationer i huset",
        title_en="Resident organisations",
        definition_sv="Organisationer som har sin hemvist i huset vid årets slut, den 31 december.",
        definition_en="Organisations with their home in the house on 31 December of the year.",
        formula="|{organisation : began ≤ 31 December ≤ ended}|",
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
        formula="|persons who attended| + Σ heads and groups counted without a name",
    ),
    "participants_by_sector": Definition(
        rests_on=(PeopleCounted, *_WHO_CAME, *_YEAR_OF_EVENT),
        unit="people-by-sector",
        unit_sv="personer per sektor",
        title_sv="Deltagare per sektor",
        title_en="Participants by sector",
        definition_sv=(
            "Deltagare efter den sektor de uppgett; utan uppgift saknas. Färre än fem visas som "
            "<5, och fler sektorer undantas så att inget kan räknas ut. Sena uppgifter ändrar inte "
            "tabellen för ett avslutat år."
        ),
        definition_en=(
            "Participants by the sector they stated; those who stated none are missing. Under "
            "five reads <5, and more sectors are withheld so that nothing can be worked out. Late "
            "facts leave the table of a closed year as it is."
        ),
        formula="per sector: |persons who attended| + Σ heads and groups of the sector",
    ),
    "attendances": Definition(
        rests_on=(*_WHO_CAME, *_YEAR_OF_EVENT),
        unit="attendances",
        unit_sv="deltaganden",
        title_sv="Deltaganden",
        title_en="Attendances",
        definition_sv="Summan av närvaron vid årets alla evenemang.",
        definition_en="The sum of the attendance of all events of the year.",
        formula="Σ attendance(event)",
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
        formula="|registrations attended| + Σ heads counted",
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
        formula="per format: |{event : published, not cancelled}|",
    ),
    "learning_lunches": Definition(
        rests_on=(*_EVENT, EventCancelled),
        unit="events",
        unit_sv="evenemang",
        title_sv="Lärandeluncher",
        title_en="Learning lunches",
        definition_sv="Publicerade lärandeluncher som inte ställts in.",
        definition_en="Learning lunches published and not cancelled.",
        formula="|{event : larandelunch, published, not cancelled}|",
    ),
    "course_places": Definition(
        rests_on=(*_YEAR_OF_EVENT, RegistrationCancelled, EventCancelled),
        unit="places",
        unit_sv="platser",
        title_sv="Kursplatser",
        title_en="Course places",
        definition_sv="Platser på årets kurser som givits genom urval, minus de återlämnade.",
        definition_en="Places in courses of the year given by selection, less those given back.",
        formula="Σ places selected − Σ places given back",
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
        formula="|{organisation : ally of the event}|",
        of_each_event=True,
    ),
    "evaluation_mean": Definition(
        rests_on=(ResultReleased, *_YEAR_OF_EVENT),
        unit="rating",
        unit_sv="av 5",
        title_sv="Utvärdering, medelvärde",
        title_en="Evaluation, mean",
        definition_sv=(
            "Ett evenemang: medelvärdet av svaren på frågan i vilken grad det levt upp till "
            "förväntningarna, från 1 till 5, så som det släppts när enkäten stängt. Färre än fem "
            "svar redovisas inte, fem till nio bara som intervall, och enstämmiga svar bara som "
            "gräns. Året: medelvärdet av evenemangens släppta medelvärden, en decimal, hälften "
            "avrundas uppåt."
        ),
        definition_en=(
            "An event: the mean of the answers to how far it lived up to expectations, from 1 to "
            "5, as released once its survey had closed. Fewer than five answers are not told, "
            "five to nine only as a band, and unanimous answers only as a bound. The year: the "
            "mean of the released means of its events, one decimal, halves rounded up."
        ),
        formula="Σ mean(event) / |{event : mean released}|",
        of_each_event=True,
    ),
    "evaluation_mean_pooled": Definition(
        rests_on=(ResultReleased, *_YEAR_OF_EVENT),
        unit="rating",
        unit_sv="av 5",
        title_sv="Utvärdering, medelvärde av alla svar",
        title_en="Evaluation, mean of all answers",
        definition_sv=(
            "Evenemangens släppta medelvärden, vägda efter antalet svar; en decimal, hälften "
            "avrundas uppåt."
        ),
        definition_en=(
            "The released means of the events, weighted by their numbers of answers; one "
            "decimal, halves rounded up."
        ),
        formula="Σ answers(event) · mean(event) / Σ answers(event)",
    ),
}
"""Every figure by its key, in the order of the report."""

BESIDE: Messages = (ThemeDecided,)
"""What the report tells beside its figures."""

HEARD: Messages = tuple(
    sorted(
        {*BESIDE, *(message for each in FIGURES.values() for message in each.rests_on)},
        key=lambda message: message.type,
    )
)
"""Every message that is kept as a fact: what a figure rests on or the report tells beside."""
