"""The report of the year as the house tells it to anybody, kept beside the figures."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx2

from services.demo.player import UnexpectedAnswer
from services.demo.programme import YEAR

REPORT: Final = f"/v1/years/{YEAR}/report"
_KINDS: Final = {"html": "text/html", "pdf": "application/pdf"}
_LANGUAGES: Final = ("sv", "en")


async def keep_report(client: httpx2.AsyncClient, folder: Path) -> None:
    """Write `report.json`, `report.csv`, and `report.<language>.html` and `.pdf` into the folder.

    Raises UnexpectedAnswer where the house does not tell it.
    """
    async for name, content in _told(client):
        (folder / name).write_bytes(content)


async def _told(client: httpx2.AsyncClient) -> AsyncIterator[tuple[str, bytes]]:
    yield "report.json", await _get(client, "application/json", "sv")
    yield "report.csv", await _get(client, "text/csv", "sv")
    for language in _LANGUAGES:
        for ending, kind in _KINDS.items():
            yield f"report.{language}.{ending}", await _get(client, kind, language)


async def _get(client: httpx2.AsyncClient, kind: str, language: str) -> bytes:
    answer = await client.get(REPORT, headers={"Accept": kind, "Accept-Language": language})
    if answer.status_code != 200 or not answer.headers["content-type"].startswith(kind):
        raise UnexpectedAnswer(f"GET {REPORT} as {kind}: {answer.status_code}")
    return answer.content
