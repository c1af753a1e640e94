"""The names of figures, sectors and formats, and how a value is read."""

import json
from collections.abc import Callable
from typing import Any

from services.web.pages.speech import Speech

Say = Callable[..., str]
SMALL = "<5"
WITHHELD = "withheld"
BOUNDS = frozenset({"at_least", "at_most"})


def figure_names(_: Say) -> dict[str, str]:
    """Return the name of each figure."""
    return {
        "gatherings": _("Gatherings"),
        "visits_per_month_mean": _("Visits a month, mean"),
        "rooms": _("Rooms"),
        "resident_organisations": _("Resident organisations"),
        "participants": _("Participants"),
        "participants_by_sector": _("Participants by sector"),
        "attendances": _("Attendances"),
        "attendance": _("Attendance"),
        "events_by_format": _("Meetings by format"),
        "learning_lunches": _("Learning lunches"),
        "course_places": _("Course places"),
        "allied_organisations": _("Allied organisations"),
        "evaluation_mean": _("Mean rating"),
        "evaluation_mean_pooled": _("Mean rating over all answers"),
    }


def sector_names(_: Say) -> dict[str, str]:
    """Return the name of each sector, as people of it are counted."""
    return {
        "association": _("Active in associations"),
        "public-official": _("Public officials"),
        "academia": _("Academics"),
        "business": _("Business people"),
        "politician": _("Local and regional politicians"),
        "job-seeker": _("Job seekers"),
        "other": _("Others"),
    }


def most_came_from(_: Say) -> dict[str, str]:
    """Return the finding for the sector that most came from."""
    return {
        "association": _("Most came from associations"),
        "public-official": _("Most were public officials"),
        "academia": _("Most came from universities"),
        "business": _("Most came from business"),
        "politician": _("Most were politicians"),
        "job-seeker": _("Most were looking for work"),
        "other": _("Most came from elsewhere"),
    }


def ratings(_: Say) -> list[str]:
    """Return what the ratings from 1 to 5 mean."""
    return [
        _("Not at all"),
        _("To a small degree"),
        _("To some degree"),
        _("To a high degree"),
        _("Entirely"),
    ]


def cells_of(value: str) -> dict[str, Any] | None:
    """Return the table that a value is, or None where it is a number."""
    if not value.startswith("{"):
        return None
    table = json.loads(value)
    return table if isinstance(table, dict) else None


def bounded(speech: Speech, low: str | None, high: str | None) -> str:
    """Return what bounds say of a mean; empty where there are none."""
    _, number = speech.gettext, speech.number
    if low and high:
        return _("between %(low)s and %(high)s", low=number(low), high=number(high))
    if low:
        return _("%(low)s or more", low=number(low))
    if high:
        return _("%(high)s or less", high=number(high))
    return ""


def cell_words(speech: Speech, value: object) -> str:
    """Return what a cell of a table says."""
    _ = speech.gettext
    hidden = {SMALL: _("fewer than five"), WITHHELD: _("not shown")}
    return hidden.get(str(value)) or speech.number(value)


def value_words(speech: Speech, value: str | None) -> str:
    """Return a figure's value as it is read; a table is named by what it is."""
    if value is None:
        return "–"
    cells = cells_of(value)
    if cells is None:
        return cell_words(speech, value)
    if BOUNDS & cells.keys():
        return bounded(speech, cells.get("at_least"), cells.get("at_most"))
    return "; ".join(f"{key}: {cell_words(speech, cell)}" for key, cell in cells.items()) or "–"


def message_names(_: Say) -> dict[str, str]:
    """Return what the messages that figures rest on say, by type without prefix and version."""
    return {
        "booking.booking.checked-in": _("A gathering took place"),
        "booking.room.opened": _("A room was opened"),
        "booking.room.retired": _("A room was closed for good"),
        "booking.visit.counted": _("A day's visits were counted"),
        "booking.visit.corrected": _("A day's visits were corrected"),
        "directory.organisation.dissolved": _("An organisation was dissolved"),
        "directory.organisation.residency-began": _("An organisation moved in"),
        "directory.organisation.residency-ended": _("An organisation moved out"),
        "events.event.published": _("A meeting was published"),
        "events.event.changed": _("A meeting was changed"),
        "events.event.rescheduled": _("A meeting was moved"),
        "events.event.cancelled": _("A meeting was cancelled"),
        "events.event.partner-joined": _("An organisation joined a meeting"),
        "events.programme.people-counted": _("The people of a year were counted"),
        "events.registration.attended": _("A registered person came"),
        "events.registration.no-show": _("A registered person did not come"),
        "events.registration.cancelled": _("A registration was cancelled"),
        "events.registration.heads-counted": _("Heads were counted without names"),
        "events.registration.selection-made": _("A place was given by selection"),
        "surveys.survey.result-released": _("The result of an evaluation was released"),
    }


def message_name(speech: Speech, type_: str) -> str:
    """Return what a type of message says, or the type itself."""
    short = type_.removeprefix("se.andan.").rpartition(".")[0]
    return message_names(speech.gettext).get(short, type_)
