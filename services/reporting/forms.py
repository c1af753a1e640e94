"""The forms of a year's report: each made once of a year as it is known, outside of the loop."""

import asyncio
from collections.abc import Callable

from services.reporting.accept import Language
from services.reporting.pdf import report_pdf
from services.reporting.queries import KnownYear
from services.reporting.rules import YearShown
from services.reporting.schemas import Report
from services.reporting.tables import figures_table, report_table


async def as_json(known: KnownYear) -> bytes:
    """Return the report as JSON."""
    return await _made(known, "json", lambda shown: Report.of(shown).model_dump_json().encode())


async def as_csv(known: KnownYear) -> bytes:
    """Return the report as CSV."""
    return await _made(known, "csv", lambda shown: report_table(Report.of(shown)))


async def figures_as_csv(known: KnownYear) -> bytes:
    """Return the figures of the year as CSV."""

    def make(shown: YearShown) -> bytes:
        return figures_table(shown.year, Report.of(shown).figures)

    return await _made(known, "figures", make)


async def as_pdf(known: KnownYear, language: Language) -> bytes:
    """Return the report as a tagged PDF in a language."""
    return await _made(
        known, f"pdf-{language}", lambda shown: report_pdf(Report.of(shown), language)
    )


async def _made(known: KnownYear, name: str, make: Callable[[YearShown], bytes]) -> bytes:
    """Return a form of the year; who asks while it is being made waits for the same one."""
    making = known.forms.get(name)
    if making is None or (making.done() and (making.cancelled() or making.exception())):
        making = asyncio.ensure_future(asyncio.to_thread(make, known.shown))
        known.forms[name] = making
    return await asyncio.shield(making)
