"""The page that explains a kind of problem to a person, in Swedish or English."""

import hashlib
from base64 import b64encode
from collections.abc import Sequence
from html import escape
from typing import Final

from shared.problem import ProblemPage

_STYLE: Final = (
    "body{font:1.1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:4rem auto;padding:0 1rem;"
    "color-scheme:light dark}code{font-size:.9em}"
)
POLICY: Final = (
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; style-src 'sha256-"
    + b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)

_SWEDISH: Final[dict[str, tuple[str, str]]] = {
    "invalid-request": (
        "Begäran passar inte det som adressen tar emot",
        "errors namnger varje ställe: en JSON-pekare i innehållet eller namnet på en parameter.",
    ),
    "malformed-json": (
        "Innehållet är inte JSON",
        "Det ska vara UTF-8, ha rimligt djup och tal av rimlig storlek.",
    ),
    "not-found": (
        "Här finns ingenting",
        "Adressen är okänd, eller så är det den namnger inte till för den som frågar.",
    ),
    "method-not-allowed": (
        "Adressen svarar inte på den metoden",
        "Huvudet Allow räknar upp de metoder som den svarar på.",
    ),
    "unsupported-media-type": (
        "Innehållet är av en typ som adressen inte läser",
        "Skicka det som application/json.",
    ),
    "too-large": ("Begäran är för stor", ""),
    "unauthorised": (
        "Detta kräver behörighet, eller så gäller den inte",
        "Skicka Authorization: Bearer med en API-nyckel, en användares eller en länks token.",
    ),
    "scope-missing": (
        "Behörigheten gäller men omfattar inte detta",
        "scope namnger det som saknas.",
    ),
    "precondition-failed": (
        "Saken har ändrats sedan den lästes",
        "Läs den igen och skicka dess nya ETag i If-Match.",
    ),
    "wrong-state": ("Saken är inte i ett läge som tillåter detta", ""),
    "idempotency-key-reused": (
        "Denna Idempotency-Key har använts med en annan begäran",
        "En nyckel står för en begäran från en avsändare i 24 timmar.",
    ),
    "request-in-flight": ("En begäran med samma Idempotency-Key behandlas fortfarande", ""),
    "too-many-requests": (
        "Gränsen för antalet anrop är nådd",
        "Retry-After säger hur många sekunder det är att vänta.",
    ),
    "queue-full": (
        "Fler väntar än vad som hinns med",
        "Ingenting gjordes. Retry-After säger hur många sekunder det är att vänta.",
    ),
    "unavailable": ("En del som behövs är inte tillgänglig just nu", "reasons namnger delarna."),
    "upstream-timeout": (
        "Svaret dröjde för länge",
        "Om något gjordes är inte känt; med samma Idempotency-Key kan det göras om utan skada.",
    ),
    "internal": (
        "Något gick fel hos oss",
        "Begärans id i X-Request-Id hittar det i loggarna.",
    ),
    "feed-began-anew": (
        "Flödet har börjat om sedan markören gavs",
        "Fråga med ett tomt after för att börja från början; det du har sett känns igen på id.",
    ),
    "room-taken": ("Rummet är upptaget", "conflicts säger när."),
    "event-full": ("Evenemanget är fullt", "Det finns ingen väntelista."),
    "registration-closed": ("Anmälan är stängd", ""),
}


def language_of(accepted: str, offered: Sequence[str] = ("sv", "en")) -> str:
    """Return the language that an Accept-Language header wants most; by default the first."""
    wanted = {name.split("-")[0]: weight for name, weight in reversed(_weighted(accepted.lower()))}
    return max(offered, key=lambda each: wanted.get(each, 0))


def prefers_html(accepted: str) -> bool:
    """Tell whether an Accept header names HTML and wants it no less than JSON."""
    wanted = dict(_weighted(accepted.lower()))
    html = wanted.get("text/html", 0.0)
    return html > 0 and html >= wanted.get("application/json", 0.0)


def problem_html(page: ProblemPage, language: str) -> str:
    """Return the page; what is not translated stands in English and says so to a screen reader."""
    swedish = _SWEDISH.get(page.slug) if language == "sv" else None
    title, text = swedish or (page.title, page.explanation.partition("\n")[2].strip())
    spoken = "sv" if swedish else "en"
    kind = "Typ av problem" if language == "sv" else "Kind of problem"
    more = "Alla typer" if language == "sv" else "All kinds"
    paragraph = f"<p lang={spoken}>{escape(text)}</p>" if text else ""
    return (
        f"<!doctype html><html lang={language}><head><meta charset=utf-8>"
        '<meta name=viewport content="width=device-width">'
        f"<title>{escape(title)} – Andan</title><style>{_STYLE}</style></head><body><main>"
        f"<h1 lang={spoken}>{escape(title)}</h1>{paragraph}"
        f"<p>{kind}: <code>{escape(page.slug)}</code>. <a href=/problems>{more}</a></p>"
        "</main></body></html>"
    )


def _weighted(header: str) -> list[tuple[str, float]]:
    found = []
    for part in header[:1_000].split(","):
        name, *parameters = part.split(";")
        weight = 1.0
        for each in parameters:
            key, _, value = each.strip().partition("=")
            if key == "q":
                try:
                    weight = float(value)
                except ValueError:
                    weight = 0.0
        found.append((name.strip(), weight))
    return found
