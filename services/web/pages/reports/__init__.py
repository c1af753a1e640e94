"""The reports of the years, and the page of every figure in them."""

from fastapi import Response

from services.web.page import Page, PageDep, page_router
from services.web.pages.reports import figure
from services.web.pages.reports.story import Story
from services.web.pages.speech import speech

router = page_router()
router.include_router(figure.router)

_CSV = "text/csv"
_PDF = "application/pdf"


@router.get("/{lang}/reports")
async def show_reports(page: PageDep) -> Response:
    """Show the years that there is a report of, the latest first."""
    years = await page.api.every("/v1/years")
    told = [{"year": each["year"], "is_open": each["status"] != "closed"} for each in years]
    return page.render("reports/list.html", years=told)


@router.get("/{lang}/reports/{year}")
async def show_report(page: PageDep, year: str) -> Response:
    """Show the report of a year: the same page for the same report."""
    report = await page.api.get(f"/v1/years/{year}/report")
    here = f"/{page.lang}/reports/{year}"
    story = Story(report, speech(page))
    return page.render("reports/report.html", **story.view(), pdf=f"{here}/pdf", csv=f"{here}/csv")


@router.get("/{lang}/reports/{year}/pdf")
async def send_pdf(page: PageDep, year: str) -> Response:
    """Send the report as a PDF, in Swedish or English."""
    spoken = page.lang if page.lang in ("sv", "en") else "en"
    return await _file(page, year, _PDF, f"andan-{year}-{spoken}.pdf", language=str(spoken))


@router.get("/{lang}/reports/{year}/csv")
async def send_csv(page: PageDep, year: str) -> Response:
    """Send everything that is published of a year as CSV."""
    return await _file(page, year, _CSV, f"andan-{year}.csv")


async def _file(page: Page, year: str, media_type: str, name: str, **query: str) -> Response:
    found = await page.api.fetch(f"/v1/years/{year}/report", query, accept=media_type)
    return page.file(found.content, found.headers.get("content-type", media_type), name)
