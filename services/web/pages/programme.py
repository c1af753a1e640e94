"""Events as lists and pages show them: titles, places, states in words, filters with counts."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlencode

from services.web.page import Page
from services.web.rendering import in_sentence, instant
from services.web.words import titled
from shared import dates

Event = Mapping[str, Any]
State = Literal["open", "line", "not-yet", "full", "closed", "over", "cancelled", "draft"]
KINDS: Final = {"many": "good", "few": "warn", "none": "bad"}
FILTERS: Final = ("theme", "format", "language")


def state_of(event: Event, now: datetime) -> State:
    """Say what can be done about an event now."""
    if event["status"] == "cancelled":
        return "cancelled"
    if event["status"] != "published":
        return "draft"
    if instant(event["ends_at"]) <= now:
        return "over"
    opens, closes = event["registration_opens_at"], event["registration_closes_at"]
    if opens and now < instant(opens):
        return "not-yet"
    if now >= instant(event["starts_at"]) or (closes and now >= instant(closes)):
        return "closed"
    if event["admission"] == "application" or event["availability"] != "none":
        return "open"
    return "line" if event["waiting_list"] else "full"


def place_of(page: Page, event: Event, rooms: Mapping[str, Any]) -> str:
    """Return where an event is, in words."""
    room = rooms.get(event["room_id"] or "")
    words = event["place"] or (room["where"] if room else "")
    online = page.gettext("online") if event["online"] else ""
    if words and online:
        return page.gettext("%(place)s and online", place=words)
    return words or online


def row_of(page: Page, event: Event, rooms: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the macro event_row takes."""
    title, spoken = titled(event["titles"], page.lang)
    zone = event["time_zone"]
    starts_at, ends_at = instant(event["starts_at"]), instant(event["ends_at"])
    times = dates.hours(starts_at, ends_at, zone, page.lang)
    place = place_of(page, event, rooms)
    return {
        "href": f"/{page.lang}/events/{event['id']}",
        "title": title,
        "title_lang": spoken,
        "upper": page.word(event["format"], "format"),
        "when": page.gettext("%(times)s, %(place)s", times=times, place=place) if place else times,
        "tile": tile_of(page, starts_at, zone),
        "pills": pills_of(page, event),
    }


def tile_of(page: Page, at: datetime, zone: str) -> dict[str, Any]:
    """Return what the macro date_tile takes."""
    day = dates.local_day(at, zone)
    return {
        "iso": day.isoformat(),
        "weekday": dates.short_weekday(day, zone, page.lang),
        "day": day.day,
        "month": dates.short_month(day, zone, page.lang),
        "today": day == dates.local_day(page.now, zone),
    }


def pills_of(page: Page, event: Event) -> list[tuple[str, str]]:
    """Return states in words, each with its kind."""
    pills = [_state_pill(page, event)]
    if event["interpreted_to"]:
        names = page.gettext(", ").join(
            page.word(each, "language") for each in event["interpreted_to"]
        )
        pills.append(
            (
                page.gettext(
                    "Interpreted to %(languages)s", languages=in_sentence(names, page.lang)
                ),
                "",
            )
        )
    return [each for each in pills if each is not None]


def _state_pill(page: Page, event: Event) -> tuple[str, str] | None:
    state = state_of(event, page.now)
    told = {
        "cancelled": (page.gettext("Called off"), "bad"),
        "draft": (page.gettext("Draft"), "plain"),
        "over": None,
        "closed": (page.gettext("Registration is closed"), "plain"),
        "line": (page.gettext("Full, with a waiting list"), "bad"),
        "full": (page.gettext("Full"), "bad"),
    }
    if state in told:
        return told[state]
    if state == "not-yet":
        opens = dates.day_in_year(
            instant(event["registration_opens_at"]), event["time_zone"], page.lang
        )
        return page.gettext("Registration opens %(day)s", day=opens), "plain"
    if event["admission"] == "application":
        closes = event["registration_closes_at"]
        if not closes:
            return page.gettext("By application"), ""
        last = dates.day_in_year(instant(closes), event["time_zone"], page.lang)
        return page.gettext("Apply by %(day)s", day=last), ""
    return page.word(event["availability"], "availability"), KINDS[event["availability"]]


@dataclass(frozen=True)
class Choices:
    """A filter: its choices with how many meetings each leaves, and the one that is chosen."""

    options: Sequence[tuple[str, str]]
    chosen: str


@dataclass(frozen=True)
class Chosen:
    """What a reader asked the calendar to show; only what it knows."""

    theme: str = ""
    format: str = ""
    language: str = ""

    def fits(self, event: Event, *, but: str = "") -> bool:
        """Tell whether an event is shown, perhaps leaving one filter aside."""
        return all(
            name == but or not value or value in values_of(event, name)
            for name, value in self.query().items()
        )

    def query(self, **changed: str) -> dict[str, str]:
        """Return the filters as parameters of an address."""
        return {name: changed.get(name, getattr(self, name)) for name in FILTERS}

    def address(self, path: str, extra: Mapping[str, str], **changed: str) -> str:
        """Return the address of the same page with other filters."""
        told = {name: value for name, value in {**self.query(**changed), **extra}.items() if value}
        return f"{path}?{urlencode(told)}" if told else path


def values_of(event: Event, name: str) -> Sequence[str]:
    """Return what an event has of a filter."""
    if name == "language":
        return [*event["languages"], *event["interpreted_to"]]
    value = event["theme_id"] if name == "theme" else event[name]
    return [value] if value else []


def choices(
    page: Page,
    events: Iterable[Event],
    chosen: Chosen,
    name: str,
    words: Callable[[str], str],
) -> Choices:
    """Return a filter's choices that leave something, most first, and the one that is chosen."""
    counts: Counter[str] = Counter()
    for event in events:
        if chosen.fits(event, but=name):
            counts.update(set(values_of(event, name)))
    picked = str(getattr(chosen, name))
    if picked:
        counts.setdefault(picked, 0)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], words(pair[0])))
    told = [
        (value, page.gettext("%(words)s (%(count)s)", words=words(value), count=count))
        for value, count in ordered
    ]
    return Choices([("", page.gettext("All")), *told], picked)
