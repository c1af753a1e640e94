"""The report of a year and its figures as pages."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from services.web.assets import Assets
from services.web.pages.reports.story import Story
from services.web.pages.reports.words import value_words
from services.web.pages.speech import Speech
from services.web.rendering import Rendering
from services.web.words import Language
from tests.web.lived import Lived, lived_house

ZONE = "Europe/Stockholm"
HOUR = {"sv": "Malmötimmen: Jämlik hälsa", "en": "Malmö Hour: Equal health"}


def figure(key: str, value: str, event_id: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a figure as the API tells it."""
    return {
        "key": key,
        "event_id": event_id,
        "value": value,
        "rule": None,
        "n": None,
        "event_titles": HOUR if event_id else None,
        **more,
    }


def evaluation(rule: str, bars: list[tuple[int, int, int]], **more: Any) -> dict[str, Any]:
    """Return a released evaluation as the API tells it."""
    return {
        "event_id": "event",
        "event_titles": HOUR,
        "format": "dialogforum",
        "rule": rule,
        "answered": sum(bar[2] for bar in bars) or None,
        "attended": 60,
        "mean": None,
        "at_least": None,
        "at_most": None,
        "bars": [dict(zip(("lowest", "highest", "answers"), bar, strict=True)) for bar in bars],
        **more,
    }


def report(**more: Any) -> dict[str, Any]:
    """Return the report of a year as the API tells it."""
    sectors = {"association": 148, "public-official": 112, "job-seeker": "<5", "other": "withheld"}
    return {
        "year": 2023,
        "status": "closed",
        "closed_at": "2024-02-15T10:00:00Z",
        "as_of": "2023-12-31T20:00:00Z",
        "figures": [
            figure("gatherings", "1226"),
            figure("visits_per_month_mean", "2406"),
            figure("rooms", "8"),
            figure("participants", "400"),
            figure("participants_by_sector", json.dumps(sectors)),
            figure("evaluation_mean", "4.3", rule="mean", n=3),
            figure("evaluation_mean", '{"at_least":"4.0","at_most":"5.0"}', "event", rule="band"),
        ],
        "evaluations": [evaluation("mean", [(1, 3, 7), (4, 4, 9), (5, 5, 24)], mean="4.4")],
        "months": [{"month": month, "visits": 2000 + month} for month in range(1, 13)],
        "quotes": [
            {
                "quote_id": "1",
                "text": "En <b>härlig</b> morgon",
                "language": "sv",
                "event_titles": None,
            }
        ],
        "themes": [{"key": "halsa", "titles": {"sv": "Jämlik hälsa"}}],
        "amendments": [
            {
                "key": "gatherings",
                "event_id": None,
                "event_titles": None,
                "old": "1225",
                "new": "1226",
                "why": "se.andan.booking.booking.checked-in.v1",
                "at": "2024-03-01T09:00:00Z",
            }
        ],
        **more,
    }


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    """Return the templates in every language."""
    return Rendering(Assets(), ZONE)


def told(rendering: Rendering, told_of: dict[str, Any], lang: str = "en") -> str:
    """Return the page of a report."""
    language = Language(lang)
    view = Story(told_of, Speech(rendering.catalogues[language], ZONE)).view()
    more: dict[str, Any] = {"errors": {}, "values": {}, "private": False, "signed_in": None}
    path = "/reports/2023"
    return rendering.render(
        language, "reports/report.html", **view, **more, path=path, pdf="#pdf", csv="#csv"
    )


def test_the_report_says_what_the_year_was(rendering: Rendering) -> None:
    """The headline figures, the finding of each chart and every number stand in words."""
    page = told(rendering, report(), "sv")
    for words in (
        "Årsrapport 2023",
        "400 personer var delaktiga",
        "4,3 av 5",
        "1\u202f226",
        "Flest kom från föreningslivet",
        "färre än fem",
        "Det utvärderade mötet fick 4,4 eller mer",
        "Dialogforum: Malmötimmen",
        "betyg 1 till 3 står ihop",
        "Fullast i huset var det i december",
        "Deltagare, 2023",
        "1\u202f225",
        "En sammankomst ägde rum",
        "mellan 4,0 och 5,0",
    ):
        assert words in page, words
    assert "hittills" not in page
    assert "&lt;b&gt;härlig&lt;/b&gt;" in page


def test_the_same_report_is_the_same_page(rendering: Rendering) -> None:
    """Nothing but the report decides the bytes: no clock, no token, no order of a set."""
    for language in Language:
        once = told(rendering, report(), language)
        assert once == told(Rendering(Assets(), ZONE), json.loads(json.dumps(report())), language)
        assert "_form" not in once


def test_charts_are_mirrored_for_arabic(rendering: Rendering) -> None:
    """A bar that begins at the left edge in Swedish ends at the right edge in Arabic."""
    bars = re.compile(r'<rect class="fill" x="([\d.]+)%" width="([\d.]+)%"')
    swedish, arabic = (bars.findall(told(rendering, report(), lang)) for lang in ("sv", "ar"))
    assert [start for start, _width in swedish[:2]] == ["0.00", "0.00"]
    for (_left, width), (start, same) in zip(swedish[:2], arabic[:2], strict=True):
        assert width == same
        assert float(start) + float(width) == pytest.approx(100)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (evaluation("too-few", []), "Of 1 meeting nothing is shown: fewer than five answered."),
        (evaluation("band", [], at_least="4.0", at_most="5.0"), "Mean between 4.0 and 5.0"),
        (evaluation("bound", [], at_least="4.8", answered=10), "Mean 4.8 or more"),
        (evaluation("bound", [], at_most="1.2", answered=10), "Mean 1.2 or less"),
    ],
)
def test_what_may_not_be_told_is_said_in_words(
    rendering: Rendering, one: dict[str, Any], words: str
) -> None:
    """An evaluation whose numbers are held back says so, and draws no bar."""
    page = told(rendering, report(evaluations=[one]))
    assert words in page
    assert '<svg class="parts"' not in page


def test_a_year_that_nothing_is_known_of_says_what_will_stand_there(rendering: Rendering) -> None:
    """An open year without figures is an empty page with a sentence, not a page of noughts."""
    empty: dict[str, Any] = {
        "status": "open",
        "closed_at": None,
        "as_of": None,
        "figures": [figure("gatherings", "0"), figure("participants_by_sector", "{}")],
        **{key: [] for key in ("evaluations", "quotes", "themes", "amendments")},
        "months": [{"month": month, "visits": 0} for month in range(1, 13)],
    }
    page = told(rendering, report(**empty))
    assert "so far" in page
    assert "Nothing has been counted of this year yet" in page
    assert "<figure" not in page


def test_values_are_read_in_words(rendering: Rendering) -> None:
    """Numbers, bounds and hidden cells each read as a person would say them."""
    speech = Speech(rendering.catalogues[Language.SWEDISH], ZONE)
    assert value_words(speech, "2406.25") == "2\u202f406,25"
    assert value_words(speech, '{"at_least":"4.8"}') == "4,8 eller mer"
    assert value_words(speech, '{"at_most":"1.2"}') == "1,2 eller mindre"
    assert value_words(speech, None) == "–"
    assert value_words(speech, "withheld") == "visas inte"


@pytest.fixture
async def lived(tmp_path: Path) -> AsyncIterator[Lived]:
    """Return a house that is running."""
    async with lived_house(tmp_path) as house:
        yield house


@pytest.mark.anyio
async def test_a_reader_goes_from_the_report_to_a_figure_and_its_files(lived: Lived) -> None:
    """The years lead to a report, the report to a figure with its messages, a PDF and a CSV."""
    visitor = lived.visitor()
    assert "No year has been counted yet" in await visitor.reads("/reports")
    venue = (await lived.room())["venue_id"]
    await lived.does("PUT", f"/v1/venues/{venue}/visit-counts/2023-10-09", {"visits": 2400})
    event = await lived.event()
    await lived.survey(event, 12)
    assert "/en/reports/2023" in await visitor.reads("/reports")
    page = await visitor.reads("/reports/2023")
    answer = await visitor.client.get("/en/reports/2023")
    assert "set-cookie" not in answer.headers
    assert answer.text == page
    link = re.search(r'href="(/en/figures/2023/visits_per_month_mean)"', page)
    assert link
    detail = (await visitor.client.get(link[1])).text
    assert "200" in detail
    assert "A day&#39;s visits were counted" in detail
    assert "signed in" in detail
    reader = await lived.signed_in("reports:read")
    assert "Every message, by time" in (await reader.client.get(link[1])).text
    await visitor.reads(f"/figures/2023/attendance?event_id={event}")
    pdf = await visitor.client.get("/en/reports/2023/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert 'filename="andan-2023-en.pdf"' in pdf.headers["content-disposition"]
    csv = await visitor.client.get("/sv/reports/2023/csv")
    assert csv.headers["content-type"].startswith("text/csv")
    for language in ("sv", "ar"):
        await lived.visitor(language).reads("/reports/2023")


@pytest.mark.anyio
async def test_what_no_report_has_is_a_page_that_says_so(lived: Lived) -> None:
    """Unknown years, figures and events are pages of their own, never a stack trace."""
    visitor = lived.visitor()
    for path in ("/reports/x", "/figures/2023/nothing", "/figures/x/rooms", "/figures/2023/A"):
        answer = await visitor.client.get(f"/en{path}")
        assert answer.status_code in (404, 422), path
        assert answer.text.startswith("<!doctype html>")
    await visitor.reads("/figures/2023/attendance?event_id=nobody", 404)
