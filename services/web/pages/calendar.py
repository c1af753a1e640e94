"""The calendar: what comes, by list and by month, with filters, and as a file."""

import asyncio
import calendar
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import Query
from starlette.responses import Response

from services.web.neighbours import written
from services.web.page import Page, PageDep, page_router
from services.web.pages import programme
from services.web.pages.calendars import MEDIA_TYPE, calendar_of
from services.web.pages.events import rooms_by_id
from services.web.pages.programme import Chosen
from services.web.pages.rooms.wall import at_wall
from services.web.rendering import instant
from services.web.words import WORDS, titled
from shared import dates

SHOWN_AT_ONCE: Final = 40
MOST_IN_FILE: Final = 500

router = page_router()

FromDep = Annotated[str, Query(alias="from")]


@router.get("/{lang}/events")
async def show_calendar(
    page: PageDep,
    theme: str = "",
    format: str = "",  # noqa: A002 -- the API's word
    language: str = "",
    view: str = "",
    month: str = "",
    from_: FromDep = "",
) -> Response:
    """The calendar: what comes, by day, with filters that say how much each of them leaves."""
    first, months, odd = _window(page, view, month, from_)
    query = {"from": written(first), "to": written(months.end) if months else ""}
    events, themes, rooms = await asyncio.gather(
        page.api.every("/v1/events", query), _themes(page), rooms_by_id(page)
    )
    chosen, unknown = _chosen(theme, format, language, themes)
    found = [each for each in events if chosen.fits(each)]
    extra = (
        {"view": "month", "month": months.name} if months else {"from": from_ if odd < 2 else ""}
    )
    path = f"/{page.lang}/events"
    return page.render(
        "events/calendar.html",
        count=len(found),
        rows=[
            programme.row_of(page, each, rooms)
            for each in (found if months else found[:SHOWN_AT_ONCE])
        ],
        later=None if months or len(found) <= SHOWN_AT_ONCE else _later(chosen, found, path),
        groups=_groups(page, events, chosen, themes),
        kept=extra,
        removals=[
            (chosen.address(path, extra, **{name: ""}), words(getattr(chosen, name)))
            for name, _heading, words in _filters(page, themes)
            if getattr(chosen, name)
        ],
        everything=chosen.address(path, extra, theme="", format="", language=""),
        is_filtered=any(chosen.query().values()),
        misread=odd > 0 or unknown,
        months=months,
        month_views=(
            chosen.address(path, {}),
            chosen.address(path, {"view": "month", "month": _month_name(page.now, page.zone)}),
        ),
        weeks=_weeks(page, months, found) if months else [],
        month_links=_month_links(page, months, chosen, path) if months else [],
        file=chosen.address(f"{path}.ics", {}),
    )


@router.get("/{lang}/events.ics")
async def subscribe(
    page: PageDep,
    theme: str = "",
    format: str = "",  # noqa: A002 -- the API's word
    language: str = "",
) -> Response:
    """The calendar as a file that calendar programs subscribe to, with the same filters."""
    query = {"from": written(page.now - timedelta(days=30))}
    events, themes, rooms = await asyncio.gather(
        page.api.every("/v1/events", query), _themes(page), rooms_by_id(page)
    )
    chosen, _unknown = _chosen(theme, format, language, themes)
    found = [each for each in events if chosen.fits(each)][:MOST_IN_FILE]
    return page.file(calendar_of(page, found, rooms), MEDIA_TYPE, "andan.ics")


class Month:
    """A month that the calendar shows."""

    def __init__(self, year: int, month: int, zone: str) -> None:
        self.first = date(year, month, 1)
        self.name = f"{year:04}-{month:02}"
        self.next = date(year + month // 12, month % 12 + 1, 1)
        self.previous = (self.first - timedelta(days=1)).replace(day=1)
        self.start = at_wall(self.first, "00:00", ZoneInfo(zone))
        self.end = at_wall(self.next, "00:00", ZoneInfo(zone))


def _window(page: Page, view: str, month: str, from_: str) -> tuple[datetime, Month | None, int]:
    """Return from when on events are shown, the month if one is, and how much was misread."""
    odd = 0 if view in ("", "list", "month") else 1
    if view == "month" or month:
        chosen = _month_of(month, page.zone)
        if chosen is None:
            odd += 1 if month else 0
            now = dates.local_day(page.now, page.zone)
            chosen = Month(now.year, now.month, page.zone)
        return chosen.start, chosen, odd
    if from_:
        try:
            day = date.fromisoformat(from_)
            if 1900 < day.year < 2200:
                return at_wall(day, "00:00", ZoneInfo(page.zone)), None, odd
        except ValueError:
            pass
        return page.now, None, odd + 2
    return page.now, None, odd


def _month_of(text: str, zone: str) -> Month | None:
    year, _, month = text.partition("-")
    if not (text.isascii() and year.isdigit() and month.isdigit() and len(text) <= 7):
        return None
    return Month(int(year), int(month), zone) if _is_month(int(year), int(month)) else None


def _is_month(year: int, month: int) -> bool:
    return 1900 < year < 2200 and 1 <= month <= 12


def _chosen(
    theme: str,
    format: str,  # noqa: A002 -- the API's word
    language: str,
    themes: Mapping[str, str],
) -> tuple[Chosen, bool]:
    """Return the filters that mean something, and whether one did not."""
    is_language = 2 <= len(language) <= 12 and language.replace("-", "").isalnum()
    chosen = Chosen(
        theme=theme if theme in themes else "",
        format=format if format in WORDS["format"] else "",
        language=language if is_language and language.isascii() else "",
    )
    asked = {"theme": theme, "format": format, "language": language}
    return chosen, chosen.query() != asked


async def _themes(page: Page) -> dict[str, str]:
    found = await page.api.every("/v1/themes")
    return {each["id"]: titled(each["titles"], page.lang)[0] for each in found}


def _groups(
    page: Page,
    events: Sequence[Mapping[str, Any]],
    chosen: Chosen,
    themes: Mapping[str, str],
) -> list[tuple[str, str, programme.Choices]]:
    """Return the filters that have something to choose, each with its name and heading."""
    found = [
        (name, heading, programme.choices(page, events, chosen, name, words))
        for name, heading, words in _filters(page, themes)
    ]
    return [each for each in found if len(each[2].options) > 2 or each[2].chosen]


def _filters(page: Page, themes: Mapping[str, str]) -> list[tuple[str, str, Callable[[str], str]]]:
    return [
        ("theme", page.gettext("Theme"), lambda value: themes.get(value, value)),
        ("format", page.gettext("Kind"), lambda value: page.word(value, "format")),
        ("language", page.gettext("Language"), lambda value: page.word(value, "language")),
    ]


def _later(chosen: Chosen, found: Sequence[Mapping[str, Any]], path: str) -> str:
    following = found[SHOWN_AT_ONCE]
    day = dates.local_day(instant(following["starts_at"]), following["time_zone"])
    return chosen.address(path, {"from": day.isoformat()})


def _weeks(
    page: Page, month: Month, events: Sequence[Mapping[str, Any]]
) -> list[list[dict[str, Any]]]:
    """Return the weeks of a month, each day with what is on it."""
    on: dict[date, list[tuple[str, str]]] = {}
    for each in events:
        day = dates.local_day(instant(each["starts_at"]), each["time_zone"])
        title, _lang = titled(each["titles"], page.lang)
        on.setdefault(day, []).append((f"/{page.lang}/events/{each['id']}", title))
    weeks = calendar.Calendar(firstweekday=0).monthdatescalendar(
        month.first.year, month.first.month
    )
    today = dates.local_day(page.now, page.zone)
    return [
        [
            {
                "day": day,
                "inside": day.month == month.first.month,
                "today": day == today,
                "events": on.get(day, []),
            }
            for day in week
        ]
        for week in weeks
    ]


def _month_links(page: Page, month: Month, chosen: Chosen, path: str) -> list[tuple[str, str]]:
    return [
        (
            chosen.address(path, {"view": "month", "month": f"{each:%Y-%m}"}),
            dates.month(each, page.zone, page.lang),
        )
        for each in (month.previous, month.next)
    ]


def _month_name(at: datetime, zone: str) -> str:
    return f"{dates.local_day(at, zone):%Y-%m}"
