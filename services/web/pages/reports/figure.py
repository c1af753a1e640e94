"""One figure's page: what it says, what counts, by which rule, and the messages behind it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import Response
from markupsafe import Markup

from services.web.neighbours import Away, Refused
from services.web.page import Page, PageDep, page_router
from services.web.pages.reports.words import (
    BOUNDS,
    cell_words,
    cells_of,
    figure_names,
    message_name,
    sector_names,
    value_words,
)
from services.web.pages.speech import Speech, speech
from services.web.words import WORDS

router = page_router()


@router.get("/{lang}/figures/{year}/{key}")
async def show_figure(
    page: PageDep, year: str, key: str, event_id: str = "", cursor: str = ""
) -> Response:
    """Show a figure of a year, or of one meeting in it; its messages for who may read them."""
    words = speech(page)
    path = f"/v1/years/{year}/figures/{key}"
    figure = await page.api.get(path, event_id=event_id)
    name = figure_names(words.gettext).get(key) or words.title(figure["titles"])[0]
    title, language = words.title(figure["event_titles"])
    messages, following = await _messages(page, words, path, event_id, cursor)
    cells = cells_of(figure["value"]) or {}
    is_table = bool(cells.keys() - BOUNDS)
    return page.render(
        "reports/figure.html",
        year=year,
        title=name,
        event={"title": title, "language": language} if title else None,
        value=None if is_table else value_words(words, figure["value"]),
        cells=_cells(words, key, cells) if is_table else [],
        facts=_facts(words, figure),
        types=[
            [
                _said(words, each["type"]),
                words.day(each["first_day"]),
                words.day(each["last_day"]),
                words.number(each["count"]),
            ]
            for each in figure["message_types"]
        ],
        versions=_versions(words, figure["versions"]),
        messages=messages,
        following=following,
    )


def _cells(words: Speech, key: str, cells: Mapping[str, Any]) -> list[list[str]]:
    _ = words.gettext
    names = sector_names(_)
    if key == "events_by_format":
        names = {word: _(text) for word, text in WORDS["format"].items()}
    return [[names.get(cell, cell), cell_words(words, count)] for cell, count in cells.items()]


def _facts(words: Speech, figure: Mapping[str, Any]) -> list[tuple[str, Any]]:
    _ = words.gettext
    spoken = words.lang if words.lang in ("sv", "en") else "en"
    definition = Markup('<bdi lang="{}">{}</bdi>').format(spoken, figure[f"definition_{spoken}"])
    found: list[tuple[str, Any]] = [
        (_("What counts"), definition),
        (_("Formula"), Markup('<code dir="ltr">{}</code>').format(figure["formula"])),
        (_("Rule applied"), _rule(words, figure["rule"])),
    ]
    if figure["n"] is not None:
        found.append((_("Rests on"), words.number(figure["n"])))
    if figure["as_of"]:
        found.append((_("Last message counted"), words.day(figure["as_of"])))
    found.append((_("Version of the definition"), str(figure["version"])))
    checksum = Markup('<code dir="ltr">{}</code>').format(figure["checksum"])
    found.append((_("Checksum of the messages"), checksum))
    return found


def _rule(words: Speech, rule: str | None) -> str:
    _ = words.gettext
    told = {
        None: _("Nothing is held back"),
        "mean": _("Ten answers or more: the mean is shown"),
        "band": _("Five to nine answers: only a band is shown"),
        "bound": _("The mean would tell what everybody said: only a bound is shown"),
        "withheld": _("Groups under five are held back, and what they could be worked out from"),
        "too-few": _("Fewer than five answers: nothing is shown"),
    }
    return told.get(rule) or str(rule)


def _versions(words: Speech, versions: list[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [
            str(each["version"]),
            value_words(words, each["value"]),
            words.day(each["published_at"]),
            message_name(words, each["because"]) if each["because"] else "–",
        ]
        for each in versions
    ]


def _said(words: Speech, type_: str) -> Markup:
    return Markup('{} <code class="small muted" dir="ltr">{}</code>').format(
        message_name(words, type_), type_
    )


async def _messages(
    page: Page, words: Speech, path: str, event_id: str, cursor: str
) -> tuple[list[list[Any]] | None, str | None]:
    """Return a page of the messages and the way to the next; None for who may not read them."""
    if not page.signed_in or "reports:read" not in page.signed_in:
        return None, None
    query = {"event_id": event_id, "cursor": cursor, "limit": 100}
    try:
        told = await page.api.get(f"{path}/messages", query)
    except (Refused, Away):
        return None, None
    rows = [
        [
            Markup('<code dir="ltr">{}</code>').format(each["message_id"]),
            message_name(words, each["type"]),
            words.day(each["day"]),
        ]
        for each in told["items"]
    ]
    following = None
    if told["next"]:
        asked = {"event_id": event_id} if event_id else {}
        following = "?" + urlencode({**asked, "cursor": told["next"]})
    return rows, following
