"""The form of an event: from what is typed to what the API takes, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.web.forms import Form
from services.web.words import WORDS

MODES: Final = tuple(WORDS["mode"])
ROLES: Final = ("organiser", "partner", "ally", "panel")
ZONE: Final = "Europe/Stockholm"
ROWS: Final = 40
"""Parts and partners that the form takes at most."""

_TRANSLATED: Final = {"titles": "title", "summaries": "summary"}


@dataclass
class Typed:
    """What a form says as the API takes it, and what cannot be said so, by field."""

    body: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)
    """Fields that are wrong, and how: missing, number, day, time or order."""


def typed(form: Form, *, zone: str = ZONE, known: Mapping[str, Any] | None = None) -> Typed:
    """Read the form; `known` is the event that changes, whose other languages are kept."""
    it = Typed()
    known = known or {}
    if not known:
        it.body["format"] = form.get("format") or "ovrigt"
        it.body["admission"] = form.get("admission") or "first-come"
        it.body["time_zone"] = zone
    _texts(it, form, known)
    _times(it, form, ZoneInfo(zone))
    it.body["capacity"] = _number(it, form, "capacity")
    for name in ("theme_id", "place", "room_id", "online_url", "accessibility"):
        it.body[name] = form.text(name) or None
    it.body["languages"] = list(form.getlist("languages")) or ["sv"]
    it.body["interpreted_to"] = list(form.getlist("interpreted_to"))
    it.body["waiting_list"] = form.get("waiting_list") == "yes"
    quotas = {each: _number(it, form, f"quota_{each}", needed=False) for each in WORDS["sector"]}
    it.body["sector_quotas"] = {each: number for each, number in quotas.items() if number}
    it.body["sessions"] = list(_sessions(it, form, ZoneInfo(zone)))
    it.body["partners"] = [
        {"organisation_id": form.get(f"partner_{n}"), "role": form.get(f"role_{n}") or "partner"}
        for n in range(ROWS)
        if form.get(f"partner_{n}")
    ]
    return it


def _texts(it: Typed, form: Form, known: Mapping[str, Any]) -> None:
    for name, control in _TRANSLATED.items():
        texts = dict(known.get(name) or {})
        for language in ("sv", "en"):
            said = form.text(f"{control}_{language}")
            texts.pop(language, None)
            if said:
                texts[language] = said
        it.body[name] = texts
    if "sv" not in it.body["titles"]:
        it.wrong["title_sv"] = "missing"


def _times(it: Typed, form: Form, zone: ZoneInfo) -> None:
    starts_at = _instant(it, form, "day", "from", zone)
    last = "last_day" if form.get("last_day") else "day"
    ends_at = _instant(it, form, last, "to", zone)
    if starts_at and ends_at and ends_at <= starts_at:
        it.wrong["to"] = "order"
    it.body["starts_at"], it.body["ends_at"] = _sent(starts_at), _sent(ends_at)
    for name in ("opens", "closes"):
        at = None
        if form.get(f"{name}_day"):
            at = _instant(it, form, f"{name}_day", f"{name}_time", zone, otherwise="00:00")
        it.body[f"registration_{name}_at"] = _sent(at)


def _sessions(it: Typed, form: Form, zone: ZoneInfo) -> Iterable[dict[str, Any]]:
    for n in range(ROWS):
        if not form.get(f"part_{n}_day"):
            continue
        begins = _instant(it, form, f"part_{n}_day", f"part_{n}_from", zone)
        ends = _instant(it, form, f"part_{n}_day", f"part_{n}_to", zone)
        if begins and ends and ends <= begins:
            it.wrong[f"part_{n}_to"] = "order"
        mode = form.get(f"part_{n}_mode") or "on-site"
        yield {"starts_at": _sent(begins), "ends_at": _sent(ends), "mode": mode}


def _instant(
    it: Typed, form: Form, day: str, hour: str, zone: ZoneInfo, *, otherwise: str = ""
) -> datetime | None:
    on, at = form.text(day), form.text(hour) or otherwise
    if not on or not at:
        it.wrong.setdefault(day if not on else hour, "missing")
        return None
    try:
        date_ = date.fromisoformat(on)
    except ValueError:
        it.wrong.setdefault(day, "day")
        return None
    try:
        return datetime.combine(date_, time.fromisoformat(at), zone)
    except ValueError:
        it.wrong.setdefault(hour, "time")
        return None


def _number(it: Typed, form: Form, name: str, *, needed: bool = True) -> int | None:
    said = form.text(name)
    if not said and not needed:
        return None
    if said.isascii() and said.isdigit() and len(said) < 7 and (int(said) > 0 or not needed):
        return int(said)
    it.wrong[name] = "number" if said else "missing"
    return None


def _sent(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat(timespec="seconds")


def values_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands in the form of an event."""
    zone = ZoneInfo(event["time_zone"])
    begin, end = _wall(event["starts_at"], zone), _wall(event["ends_at"], zone)
    values: dict[str, Any] = {
        "format": event["format"],
        "admission": event["admission"],
        "capacity": str(event["capacity"]),
        "day": begin[0],
        "from": begin[1],
        "to": end[1],
        "last_day": end[0] if end[0] != begin[0] else "",
        "waiting_list": "yes" if event["waiting_list"] else "",
        "languages": event["languages"],
        "interpreted_to": event["interpreted_to"],
    }
    for name, control in _TRANSLATED.items():
        for language in ("sv", "en"):
            values[f"{control}_{language}"] = event[name].get(language, "")
    for name in ("theme_id", "place", "room_id", "online_url", "accessibility"):
        values[name] = event.get(name) or ""
    for name in ("opens", "closes"):
        if at := event.get(f"registration_{name}_at"):
            values[f"{name}_day"], values[f"{name}_time"] = _wall(at, zone)
    for sector, places in (event.get("sector_quotas") or {}).items():
        values[f"quota_{sector}"] = str(places)
    for n, part in enumerate(event["sessions"]):
        day, begins = _wall(part["starts_at"], zone)
        values |= {
            f"part_{n}_day": day,
            f"part_{n}_from": begins,
            f"part_{n}_to": _wall(part["ends_at"], zone)[1],
            f"part_{n}_mode": part["mode"],
        }
    for n, partner in enumerate(event["partners"]):
        values[f"partner_{n}"] = partner["organisation_id"]
        values[f"role_{n}"] = partner["role"]
    return values


def says_so(event: Mapping[str, Any], typed_values: Mapping[str, Any]) -> bool:
    """Tell whether an event is already as it was typed: the form was sent twice."""
    kept = {**values_of(event), "format": "", "admission": ""}
    return all(typed_values.get(name, "") == value for name, value in kept.items())


def _wall(instant: str, zone: ZoneInfo) -> tuple[str, str]:
    at = datetime.fromisoformat(instant).astimezone(zone)
    return at.date().isoformat(), at.strftime("%H:%M")


_FIELDS: Final = {
    "starts_at": "from",
    "ends_at": "to",
    "registration_opens_at": "opens_day",
    "registration_closes_at": "closes_day",
    "sector_quotas": "quota_public-official",
    "titles": "title_sv",
    "summaries": "summary_sv",
}


def control_of(pointer: str) -> str:
    """Return the control that a JSON pointer of the API's answer is about."""
    name, _, rest = pointer.strip("/").partition("/")
    if name in _TRANSLATED and rest:
        return f"{_TRANSLATED[name]}_{rest.partition('/')[0]}"
    if name == "sessions" and rest:
        n, _, part = rest.partition("/")
        return f"part_{n}_{'to' if part == 'ends_at' else 'day'}"
    if name == "partners" and rest:
        return f"partner_{rest.partition('/')[0]}"
    return _FIELDS.get(name, name or "form")


def rows_to_show(values: Mapping[str, Any], name: str) -> int:
    """Return how many rows of parts (`part_{}_day`) or partners are shown: two more than filled."""
    filled = [n for n in range(ROWS) if values.get(name.format(n))]
    return min(ROWS, (max(filled) + 1 if filled else 0) + 2)


def lacking(event: Mapping[str, Any], now: datetime) -> list[str]:
    """Return what an event lacks before it can be published, as the API will say it."""
    modes = {part["mode"] for part in event["sessions"]} or {"on-site"}
    lacks = []
    if "sv" not in event["titles"]:
        lacks.append("titles.sv")
    if datetime.fromisoformat(event["starts_at"]) <= now:
        lacks.append("starts_at")
    if modes - {"online"} and not (event["place"] or event["room_id"]):
        lacks.append("place")
    if modes - {"on-site"} and not event.get("online_url"):
        lacks.append("online_url")
    return lacks


def worth_adding(event: Mapping[str, Any]) -> list[str]:
    """Return what people look for and an event does not say yet; it can be published without."""
    lacks = []
    if not event["summaries"].get("sv"):
        lacks.append("summary")
    if not event["accessibility"]:
        lacks.append("accessibility")
    if "en" not in event["titles"]:
        lacks.append("titles.en")
    if not any(each["role"] == "organiser" for each in event["partners"]):
        lacks.append("organiser")
    return lacks
