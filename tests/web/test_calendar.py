"""The calendar and the landing page: what comes, filtered, by month, and what is lit now."""

import re

import icalendar
import pytest

from shared.security.links import Links, claimed_id
from tests.web.house import Opened

pytestmark = pytest.mark.anyio


def _titles(html: str) -> list[str]:
    return re.findall(r"<h3><a [^>]*><bdi>([^<]*)</bdi>", html)


def _count(html: str) -> str:
    found = re.search(r"(\d+) möten?<", html)
    assert found is not None
    return found[1]


async def test_the_calendar_lists_what_comes_by_its_begin(house: Opened) -> None:
    """All that has not ended, first things first, counted in the heading."""
    html = (await house.visitor().get("/sv/events")).text
    assert _titles(html) == [
        "Barnens Karta",
        "Jämlik hälsa – rörelse och kost i ökningen av diabetes typ 2",
        "Medskapa förändring",
        "Bulltofta SIF: ungas ledarskap",
    ]
    assert _count(html) == "4"
    assert "i dag" in html


async def test_a_filter_says_how_many_it_leaves(house: Opened) -> None:
    """Each choice tells its count under the other filters, and the chosen one can be taken away."""
    visitor = house.visitor()
    html = (await visitor.get("/sv/events")).text
    assert '<option value="larandelunch">Lärandelunch (2)</option>' in html
    assert '<option value="ar">Arabiska (1)</option>' in html
    chosen = (await visitor.get("/sv/events?format=larandelunch")).text
    assert _titles(chosen) == ["Barnens Karta", "Bulltofta SIF: ungas ledarskap"]
    assert 'value="larandelunch" selected' in chosen
    assert 'href="/sv/events">Lärandelunch: ta bort' in chosen
    assert '<option value="kurs">Kurs (1)</option>' in chosen


async def test_a_filter_that_leaves_nothing_offers_all(house: Opened) -> None:
    """An empty list says so and leads back; the file goes with the filter."""
    html = (await house.visitor().get("/sv/events?format=konferens")).text
    assert "Inget möte passar." in html
    assert 'href="/sv/events">Visa alla' in html
    assert "/sv/events.ics?format=konferens" in html


@pytest.mark.parametrize(
    "query", ["format=x", "theme=nobody", "view=year", "view=month&month=2023-13", "from=tomorrow"]
)
async def test_what_is_misread_is_left_out_and_told(house: Opened, query: str) -> None:
    """A wrong parameter shows the calendar without it, and says that something was left out."""
    html = (await house.visitor().get(f"/sv/events?{query}")).text
    assert "En del av adressen gick inte att läsa. Den är utelämnad." in html
    assert "Barnens Karta" in html


async def test_a_month_is_a_table_and_a_list(house: Opened) -> None:
    """The month has all its days from Monday on, its neighbours, and its meetings in both."""
    html = (await house.visitor().get("/sv/events?view=month&month=2023-11")).text
    assert "November 2023" in html
    assert re.findall(r'<th scope="col">(\w+)</th>', html) == [
        *("mån", "tis", "ons", "tors", "fre", "lör", "sön")
    ]
    assert html.count('<time datetime="2023-11-') >= 30
    assert "month=2023-10" in html
    assert "month=2023-12" in html
    assert _titles(html) == ["Bulltofta SIF: ungas ledarskap"]


async def test_the_file_holds_the_same_meetings(house: Opened) -> None:
    """A calendar program reads each meeting with its zone, under an id that never changes."""
    visitor = house.visitor()
    answers = [await visitor.get("/sv/events.ics?format=larandelunch") for _ in range(2)]
    calendars = [icalendar.Calendar.from_ical(each.content) for each in answers]
    entries = [list(each.walk("VEVENT")) for each in calendars]
    assert [str(each["summary"]) for each in entries[0]] == [
        "Barnens Karta",
        "Bulltofta SIF: ungas ledarskap",
    ]
    assert [each["uid"] for each in entries[0]] == [each["uid"] for each in entries[1]]
    assert str(entries[0][0]["dtstart"].params["TZID"]) == "Europe/Stockholm"
    assert len(calendars[0].walk("VTIMEZONE")) == 1


async def test_the_windows_are_lit_where_rooms_are_in_use(house: Opened) -> None:
    """A room that is booked now is lit and says until when; the sentence counts them."""
    html = (await house.visitor().get("/sv/")).text
    lit = re.findall(r'class="window lit".*?<bdi>([^<]*)</bdi></b> <span>([^<]*)<', html)
    assert lit == [("Kirseberg", "Upptaget till 13.30"), ("Möllan", "Upptaget till 13.30")]
    assert html.count('class="window"') == 6
    assert "Just nu lyser det i 2 av 8 rum." in html
    assert "Språkkafé" not in html


async def test_places_are_told_in_words_to_all_and_in_numbers_to_staff(house: Opened) -> None:
    """The public never reads how many are registered."""
    path = f"/sv/events/{house.events['dialogue']['id']}"
    html = (await house.visitor().get(path)).text
    assert "Gott om platser" in html
    assert "platser är tagna" not in html


async def test_a_title_of_another_language_says_which(house: Opened) -> None:
    """A reader of Arabic hears a Swedish title as Swedish, and an Arabic one without a mark."""
    html = (await house.visitor().get("/ar/events")).text
    assert '<a href="/ar/events/' in html
    assert re.search(r'lang="sv"><bdi>Barnens Karta', html)
    assert re.search(r'"><bdi>المساواة', html)
    assert "من 9.00 إلى 12.00" in html


def test_a_token_names_what_it_is_for() -> None:
    """The id stands in the token for whoever must ask about it, and nothing else is one."""
    token = Links(b"s" * 32).make("registration", "01a20db6-3481-75b6-85dc-5c074ea09ead")
    assert claimed_id(token) == "01a20db6-3481-75b6-85dc-5c074ea09ead"
    for wrong in ("", "link_", "link_.x", "x" + token, token + "x" * 300, "link_å.x", "link_a/b.x"):
        assert claimed_id(wrong) is None
