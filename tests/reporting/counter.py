"""An independent counter: the figures of a year straight from a list of messages, naively."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Record:
    """A message as it lies on the bus."""

    id: str
    type: str
    topic: str
    key: str
    subject: str
    sequence: int | None
    time: datetime
    body: bytes | None

    @property
    def said(self) -> dict[str, Any]:
        """Its body, read; nothing of a tombstone."""
        read: dict[str, Any] = json.loads(self.body or b"{}")
        return read


def count(records: Sequence[Record], year: int) -> dict[tuple[str, str | None], Any]:
    """Return every figure of the year; numbers as text, tables as dictionaries."""
    days = [(word(record), record.said) for record in records]
    figures: dict[tuple[str, str | None], Any] = {
        ("gatherings", None): gatherings(days, year),
        ("visits_per_month_mean", None): visits(days, year),
        ("rooms", None): rooms(days, year),
        ("resident_organisations", None): residents(days, year),
    }
    events = described(days)
    of_the_year = [event for event in events if counted_year(days, event, events[event]) == year]
    on_stage = [event for event in of_the_year if not cancelled(days, event)]
    formats: dict[str, int] = defaultdict(int)
    for event in on_stage:
        formats[events[event]["format"]] += 1
    figures["events_by_format", None] = dict(formats)
    figures["learning_lunches", None] = str(formats.get("larandelunch", 0))
    courses = [event for event in on_stage if events[event]["format"] == "kurs"]
    figures["course_places", None] = str(sum(places(days, event) for event in courses))
    for event in on_stage:
        if allies := allied(days, event):
            figures["allied_organisations", event] = str(len(allies))
    figures |= evaluations(days, of_the_year)
    everybody = 0
    people, sectors = people_counted(days, year)
    for event in of_the_year:
        came = who_came(days, event)
        total = sum(each["people"] for each in came)
        everybody += total
        if total:
            figures["attendance", event] = str(total)
        for each in came:
            if each["unnamed"]:
                people += each["people"]
                if each["sector"]:
                    sectors[each["sector"]] = sectors.get(each["sector"], 0) + each["people"]
    figures["attendances", None] = str(everybody)
    figures["participants", None] = str(people)
    figures["participants_by_sector", None] = {key: n for key, n in sectors.items() if n}
    return figures


Days = Sequence[tuple[str, dict[str, Any]]]


def word(record: Record) -> str:
    """Return aggregate and fact of a type."""
    parts = record.type.split(".")
    return f"{parts[3]} {parts[4]}"


def gatherings(days: Days, year: int) -> str:
    """Bookings checked in, each once, by the date last said."""
    dates = {
        said["booking_id"]: said["local_date"] for w, said in days if w == "booking checked-in"
    }
    return str(sum(1 for date in dates.values() if date[:4] == str(year)))


def visits(days: Days, year: int) -> str:
    """All visits of the year over twelve."""
    last = {}
    for w, said in days:
        if w in ("visit counted", "visit corrected"):
            last[said["venue_id"], said["day"]] = said["visits"]
    total = sum(number for (_, day), number in last.items() if day.startswith(str(year)))
    if total % 12 == 0:
        return str(total // 12)
    hundredths = (total * 200 + 12) // 24
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def rooms(days: Days, year: int) -> str:
    """Rooms there are on New Year's Eve."""
    eve = f"{year}-12-31"
    opened = {said["room_id"]: said["on"] for w, said in days if w == "room opened"}
    retired = {said["room_id"]: said["on"] for w, said in days if w == "room retired"}
    return str(
        sum(1 for room, on in opened.items() if on <= eve and retired.get(room, "9999") > eve)
    )


def residents(days: Days, year: int) -> str:
    """Organisations at home on New Year's Eve."""
    eve = f"{year}-12-31"
    stays: dict[str, list[list[str]]] = defaultdict(list)
    for w, said in days:
        if w == "organisation residency-began":
            mine = stays[said["organisation_id"]]
            if mine and mine[-1][1] == "":
                mine[-1][0] = said["began_on"]
            else:
                mine.append([said["began_on"], ""])
        ends = {
            "organisation residency-ended": "ended_on",
            "organisation dissolved": "dissolved_on",
        }
        if w in ends and stays[said["organisation_id"]]:
            stays[said["organisation_id"]][-1][1] = said[ends[w]]
    return str(
        sum(
            any(began <= eve and (ended == "" or ended >= eve) for began, ended in mine)
            for mine in stays.values()
        )
    )


def described(days: Days) -> dict[str, dict[str, Any]]:
    """The last description of each event."""
    facts = ("event published", "event changed", "event rescheduled")
    return {said["event_id"]: said for w, said in days if w in facts}


def cancelled(days: Days, event: str) -> bool:
    """Whether the event was called off."""
    return any(w == "event cancelled" and said["event_id"] == event for w, said in days)


def chosen(days: Days, event: str) -> dict[str, dict[str, Any]]:
    """The applicants last said to be selected."""
    last = {
        said["registration_id"]: said
        for w, said in days
        if w == "registration selection-made" and said["event_id"] == event
    }
    return {applicant: said for applicant, said in last.items() if said["selected"]}


def counted_year(days: Days, event: str, description: dict[str, Any]) -> int:
    """The year of the date, or of a course's first selection."""
    selections = chosen(days, event)
    if description["format"] == "kurs" and selections:
        return min(int(said["year"]) for said in selections.values())
    return int(description["local_date"][:4])


def places(days: Days, event: str) -> int:
    """Places given by selection and not given back."""
    back = {said["registration_id"] for w, said in days if w == "registration cancelled"}
    given = chosen(days, event)
    return sum(said["people"] for applicant, said in given.items() if applicant not in back)


def allied(days: Days, event: str) -> set[str]:
    """Allies in the last description, and those that joined after it."""
    allies: set[str] = set()
    for w, said in days:
        if said.get("event_id") != event:
            continue
        if w in ("event published", "event changed", "event rescheduled"):
            allies = {p["organisation_id"] for p in said["partners"] if p["role"] == "ally"}
        if w == "event partner-joined" and said["role"] == "ally":
            allies.add(said["organisation_id"])
    return allies


def who_came(days: Days, event: str) -> list[dict[str, Any]]:
    """The last word on each registration and each count."""
    last: dict[str, dict[str, Any]] = {}
    for w, said in days:
        if said.get("event_id") != event:
            continue
        if w == "registration attended":
            last[said["registration_id"]] = {**said, "unnamed": said["group"]}
        if w == "registration no-show":
            last.pop(said["registration_id"], None)
        if w == "registration heads-counted":
            last[said["count_id"]] = {**said, "unnamed": True}
    return list(last.values())


def evaluations(days: Days, of_the_year: Sequence[str]) -> dict[tuple[str, str | None], Any]:
    """What was last released of each event, and the two means of the year."""
    told: dict[tuple[str, str | None], Any] = {}
    means: list[tuple[int, int]] = []
    for event in of_the_year:
        last = released(days, event)
        if last is None or last["rule"] == "too-few":
            continue
        if last["rule"] == "mean":
            told["evaluation_mean", event] = last["mean"]
            means.append((int(last["mean"].replace(".", "")), last["answered"]))
        else:
            told["evaluation_mean", event] = {
                bound: last[bound] for bound in ("at_least", "at_most") if last.get(bound)
            }
    if means:
        tenths = sum(mean for mean, _ in means)
        told["evaluation_mean", None] = rounded(tenths, len(means))
        answers = sum(answered for _, answered in means)
        weighed = sum(mean * answered for mean, answered in means)
        told["evaluation_mean_pooled", None] = rounded(weighed, answers)
    return told


def released(days: Days, event: str) -> dict[str, Any] | None:
    """The last result released of an event."""
    last = None
    for w, said in days:
        if w == "survey result-released" and said["event_id"] == event:
            last = said
    return last


def rounded(tenths: int, many: int) -> str:
    """The mean of so many tenths, to a tenth, halves up."""
    mean = (2 * tenths + many) // (2 * many)
    return f"{mean // 10}.{mean % 10}"


def people_counted(days: Days, year: int) -> tuple[int, dict[str, int]]:
    """The last sums of the persons of the year."""
    sums = [said for w, said in days if w == "programme people-counted" and said["year"] == year]
    if not sums:
        return 0, {}
    return sums[-1]["persons"], dict(sums[-1]["by_sector"])
