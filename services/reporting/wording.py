"""The words of the printed report in Swedish and English, and how each writes numbers and days."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from services.reporting.accept import Language
from shared import dates

WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    "sv": {
        "title": "Året {year}",
        "subtitle": "Vad det blev av stadens gemensamma mötesplatser",
        "description": "Årets siffror, utvärderingar och röster, och hur allt räknats.",
        "closed": "Avslutat {day}. Senaste uppgift som räknats: {as_of}.",
        "open": "Hittills. Senaste uppgift som räknats: {as_of}.",
        "nothing": "Hittills. Ännu finns inga uppgifter om året.",
        "page": "sida {page} av {pages}",
        "months": "Besök månad för månad",
        "months_alt": "Stapeldiagram över besök per månad: {rows}.",
        "most": "Flest besök gjordes i {month}: {visits}.",
        "sectors": "Deltagare per sektor",
        "sectors_alt": "Liggande staplar över deltagare per sektor: {rows}.",
        "sectors_note": (
            "De som inte uppgett någon sektor saknas. Färre än fem visas inte som tal, och fler "
            "sektorer undantas så att inget kan räknas ut."
        ),
        "formats": "Evenemang per form",
        "formats_alt": "Liggande staplar över evenemang per form: {rows}.",
        "evaluations": "Vad deltagarna tyckte",
        "question": "I vilken grad har aktiviteten levt upp till dina förväntningar?",
        "scale": "1 = inte alls, 5 = helt och hållet. Under varje stapel: antal svar och betyg.",
        "evaluation_alt": "{title}: {said}.",
        "mean": "{mean} av 5",
        "mean_of": "{answered} svar av {attended}",
        "bar": "{answers} svar gav {rating}",
        "band": "mellan {at_least} och {at_most}",
        "band_note": "fem till nio svar",
        "at_least": "{at_least} eller mer",
        "at_most": "{at_most} eller mindre",
        "too_few": "Evenemang med färre än fem svar, av vilka inget visas: {number}.",
        "events": "Evenemangen",
        "event": "Evenemang",
        "attendance": "Deltagande",
        "allies": "Allierade",
        "evaluation": "Betyg",
        "themes": "Årets teman",
        "quotes": "Röster",
        "participant": "Deltagare, {year}",
        "counted": "Så räknades det",
        "counted_lead": (
            "Varje siffra vilar på meddelanden som sparats. Samma meddelanden ger samma siffror, "
            "och samma rapport på byten när, på vilken maskin som helst."
        ),
        "amendments": "Ändrat efter att året avslutades",
        "figure": "Uppgift",
        "old": "Förut",
        "new": "Nu",
        "why": "På grund av",
        "when": "Ändrat",
        "small": "färre än fem",
        "withheld": "undantas",
        "hidden": "Tabellen undantas: för få i varje sektor.",
        "of_event": "{title}: {event}",
    },
    "en": {
        "title": "The year {year}",
        "subtitle": "What became of the city's shared places to meet",
        "description": "The figures, evaluations and voices of a year, and how all was counted.",
        "closed": "Closed on {day}. Last message counted: {as_of}.",
        "open": "So far. Last message counted: {as_of}.",
        "nothing": "So far. Nothing is known of the year yet.",
        "page": "page {page} of {pages}",
        "months": "Visits month by month",
        "months_alt": "Column chart of visits by month: {rows}.",
        "most": "Most visits were made in {month}: {visits}.",
        "sectors": "Participants by sector",
        "sectors_alt": "Bar chart of participants by sector: {rows}.",
        "sectors_note": (
            "Those who stated no sector are missing. Fewer than five are not shown as a number, "
            "and more sectors are withheld so that nothing can be worked out."
        ),
        "formats": "Events by format",
        "formats_alt": "Bar chart of events by format: {rows}.",
        "evaluations": "What participants thought",
        "question": "To what degree did the activity live up to your expectations?",
        "scale": "1 = not at all, 5 = entirely. Under each bar: number of answers, and rating.",
        "evaluation_alt": "{title}: {said}.",
        "mean": "{mean} of 5",
        "mean_of": "{answered} answers of {attended}",
        "bar": "{answers} answers gave {rating}",
        "band": "between {at_least} and {at_most}",
        "band_note": "five to nine answers",
        "at_least": "{at_least} or more",
        "at_most": "{at_most} or less",
        "too_few": "Events with fewer than five answers, of which nothing is shown: {number}.",
        "events": "The events",
        "event": "Event",
        "attendance": "Attendance",
        "allies": "Allies",
        "evaluation": "Rating",
        "themes": "Themes of the year",
        "quotes": "Voices",
        "participant": "Participant, {year}",
        "counted": "How it was counted",
        "counted_lead": (
            "Every figure rests on messages that are kept. The same messages give the same "
            "figures, and the same report to the byte, on any machine."
        ),
        "amendments": "Changed since the year was closed",
        "figure": "Figure",
        "old": "Before",
        "new": "Now",
        "why": "Because of",
        "when": "Changed",
        "small": "fewer than five",
        "withheld": "withheld",
        "hidden": "The table is withheld: too few in every sector.",
        "of_event": "{title}: {event}",
    },
}

DOMAIN: Final[Mapping[Language, Mapping[str, str]]] = {
    "sv": {
        "public-official": "Tjänstepersoner",
        "politician": "Politiker",
        "job-seeker": "Arbetssökande",
        "association": "Föreningslivet",
        "business": "Näringslivet",
        "academia": "Akademin",
        "other": "Övriga",
        "malmotimmen": "Malmötimmen",
        "dialogforum": "Dialogforum",
        "larandelunch": "Lärandelunch",
        "seminarium": "Seminarium",
        "workshop": "Workshop",
        "kurs": "Kurs",
        "studiebesok": "Studiebesök",
        "konferens": "Konferens",
        "ovrigt": "Övrigt",
    },
    "en": {
        "public-official": "Public officials",
        "politician": "Politicians",
        "job-seeker": "Job seekers",
        "association": "Associations",
        "business": "Business",
        "academia": "Academia",
        "other": "Others",
        "malmotimmen": "Malmötimmen",
        "dialogforum": "Dialogue forum",
        "larandelunch": "Learning lunch",
        "seminarium": "Seminar",
        "workshop": "Workshop",
        "kurs": "Course",
        "studiebesok": "Study visit",
        "konferens": "Conference",
        "ovrigt": "Other",
    },
}

MONTHS: Final[Mapping[Language, tuple[str, ...]]] = {
    "sv": (
        "januari",
        "februari",
        "mars",
        "april",
        "maj",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}


def number(text: str, language: Language) -> str:
    """Return a number as the language writes it; what is none stands as it is."""
    whole, point, decimals = text.partition(".")
    if not whole.isascii() or not whole.isdigit() or (point and not decimals.isdigit()):
        return text
    return dates.number(Decimal(text), language)


def day(on: date, language: Language) -> str:
    """Return a day as the language writes it: 19 oktober 2023, 19 October 2023."""
    if isinstance(on, datetime):
        on = on.date()
    return f"{on.day} {MONTHS[language][on.month - 1]} {on.year}"


def titled(titles: Mapping[str, str], language: Language) -> str:
    """Return the title in the language, else in Swedish, else in whichever there is."""
    return titles.get(language) or titles.get("sv") or next(iter(titles.values()), "")
