"""Invented logs of two years: per key in order, with corrections, moves and noise."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from shared.contracts import booking, directory, events, surveys
from shared.contracts.message import Message
from shared.contracts.words import EventFormat, PartnerRole, RegistrationStatus, Sector
from tests.reporting.counter import Record

YEARS = (2023, 2024)
ZONE = "Europe/Stockholm"
ORGANISATIONS = [f"o{n}" for n in range(6)]
START = datetime(2023, 1, 1, tzinfo=UTC)


class Log:
    """Writes messages as services would, some with revisions, some topics without.

    What one unit of work says of one thing shares revision and time, and only its ids grow.

    `plain`: nothing is corrected, moved or said twice.
    """

    def __init__(self, seed: int, *, plain: bool = False) -> None:
        self.draw = random.Random(seed)
        self.plain = plain
        self.records: list[Record] = []
        self._last: dict[str, tuple[int, datetime, str]] = {}
        self._unsaid = {topic for topic in range(7) if self.draw.random() < 0.2}

    def say(self, *messages: Message) -> None:
        """Append messages."""
        for message in messages:
            number = len(self.records)
            subject = f"{message.topic}/{message.subject()}"
            unsaid = sum(message.topic.encode()) % 7 in self._unsaid
            step = self.draw.randint(0, 2)
            revision, time, start = self._last.get(subject, (0, START, ""))
            if step or not start:  # otherwise one unit of work says both
                revision += step
                time = START + timedelta(minutes=number * 7 + self.draw.randint(0, 5))
                if not unsaid and self.draw.random() < 0.1:
                    time -= timedelta(days=3)  # a clock was set back; the revisions know better
                start = f"{self.draw.getrandbits(32):08x}"
            self._last[subject] = revision, time, start
            self.records.append(
                Record(
                    id=f"{start}-7d3e-7c11-9a55-{number:012d}",
                    type=message.type,
                    topic=message.topic,
                    key=message.key(),
                    subject=message.subject(),
                    sequence=None if unsaid else revision,
                    time=time,
                    body=message.body(),
                )
            )

    def sometimes(self, chance: float) -> bool:
        """Say yes that often; never in a plain log."""
        return not self.plain and self.draw.random() < chance

    def day(self) -> date:
        """Return a day of the two years."""
        return date(YEARS[0], 1, 1) + timedelta(days=self.draw.randrange(730))


def invented(seed: int, *, plain: bool = False, size: int = 1) -> list[Record]:
    """Return the messages of two invented years; the same for the same seed."""
    log = Log(seed, plain=plain)
    _house(log)
    for number in range(log.draw.randint(0, 12 * size)):
        _booking(log, f"b{number}")
    for number in range(log.draw.randint(0, 6 * size)):
        _visits(log, log.day() if size == 1 else date(2023, 1, 1) + timedelta(days=number))
    for number in range(log.draw.randint(1, 5 * size)):
        _event(log, f"e{number}", size)
    for year in YEARS:
        for _ in range(log.draw.randint(0, 1 if plain else 2)):
            sectors = {each: log.draw.randint(1, 40) for each in log.draw.sample(list(Sector), 3)}
            persons = sum(sectors.values()) + log.draw.randint(0, 9)
            log.say(events.PeopleCounted(year=year, persons=persons, by_sector=sectors))
        _theme(log, year)
    for number in range(log.draw.randint(0, 3)):
        _quote(log, f"q{number}")
    return log.records


def _house(log: Log) -> None:
    for number in range(log.draw.randint(0, 4)):
        room: dict[str, Any] = {"room_id": f"r{number}", "venue_id": "v0"}
        about: dict[str, Any] = {
            "name": "Salen",
            "venue_name": "Huset",
            "capacity": 70,
            "time_zone": ZONE,
        }
        log.say(booking.RoomOpened(**room, **about, on=log.day() - timedelta(days=200)))
        if log.draw.random() < 0.3:
            log.say(booking.RoomChanged(**room, **about, on=log.day()))
        if log.draw.random() < 0.4:
            log.say(booking.RoomRetired(**room, on=log.day()))
    for organisation in log.draw.sample(ORGANISATIONS, 4):
        stays = sorted(log.day() - timedelta(days=100) for _ in range(4))
        home = {"organisation_id": organisation}
        said = [
            directory.ResidencyBegan(**home, began_on=stays[0]),
            directory.ResidencyEnded(**home, ended_on=stays[1]),
            directory.ResidencyBegan(**home, began_on=stays[2]),
            directory.OrganisationDissolved(**home, dissolved_on=stays[3]),
        ]
        log.say(*said[: log.draw.randint(0, 2 if log.plain else 4)])


def _booking(log: Log, booking_id: str) -> None:
    day = log.day()
    fact: dict[str, Any] = {
        "booking_id": booking_id,
        "room_id": "r0",
        "venue_id": "v0",
        "time_zone": ZONE,
        "expected_people": 9,
    }

    def at(day: date) -> dict[str, Any]:
        starts_at = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)
        return {
            **fact,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(hours=2),
            "local_date": day,
        }

    log.say(booking.BookingConfirmed(**at(day)))
    if log.draw.random() < 0.8:
        log.say(booking.BookingCheckedIn(**at(day), people=log.draw.randint(0, 40)))
        if log.sometimes(0.3):
            log.say(booking.BookingCheckedIn(**at(log.day()), people=7))
    else:
        log.say(booking.BookingNoShow(**at(day)))


def _visits(log: Log, day: date) -> None:
    visit: dict[str, Any] = {"venue_id": f"v{log.draw.randrange(2)}", "day": day}
    log.say(booking.VisitsCounted(**visit, visits=log.draw.randint(1, 400)))
    if log.sometimes(0.4):
        log.say(booking.VisitsCorrected(**visit, visits=log.draw.randint(0, 400)))


def _event(log: Log, event_id: str, size: int) -> None:
    format_ = log.draw.choice([*EventFormat, EventFormat.KURS, EventFormat.LARANDELUNCH])
    day = log.day()

    def description(kind: type[Any], day: date, format_: EventFormat, **more: Any) -> Message:
        starts_at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        partners = [
            events.Partner(organisation_id=each, role=log.draw.choice(list(PartnerRole)))
            for each in log.draw.sample(ORGANISATIONS, log.draw.randint(0, 3))
        ]
        message: Message = kind(
            event_id=event_id,
            format=format_,
            titles={"sv": f"Träff {event_id}", "en": f"Meeting {event_id}"},
            capacity=80,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(hours=1),
            time_zone=ZONE,
            local_date=day,
            year=day.year,
            partners=partners,
            **more,
        )
        return message

    def join() -> None:
        if log.draw.random() < 0.5:
            log.say(
                events.PartnerJoined(
                    event_id=event_id,
                    organisation_id=log.draw.choice(ORGANISATIONS),
                    role=log.draw.choice([PartnerRole.ALLY, PartnerRole.PANEL]),
                )
            )

    log.say(description(events.EventPublished, day, format_))
    join()
    if log.sometimes(0.4):
        other = log.draw.choice(list(EventFormat)) if log.draw.random() < 0.3 else format_
        log.say(description(events.EventChanged, day, other))
    if log.sometimes(0.4):
        day = log.day()
        before = {"previous_starts_at": START, "previous_ends_at": START}
        log.say(description(events.EventRescheduled, day, format_, **before))
        join()
    if log.draw.random() < 0.2:
        log.say(events.EventCancelled(event_id=event_id, year=day.year))
    for number in range(log.draw.randint(0, 6 * size)):
        _registration(log, event_id, f"{event_id}-p{number}", day.year)
    for number in range(log.draw.randint(0, 2)):
        _heads(log, event_id, f"{event_id}-c{number}", day.year)
    if log.draw.random() < 0.5:
        log.say(events.AttendanceClosed(event_id=event_id, year=day.year, attended=3))
    for _ in range(log.draw.randint(0, 1 if log.plain else 2)):
        log.say(_released(log, event_id, day.year))


def _released(log: Log, event_id: str, year: int) -> Message:
    about: dict[str, Any] = {
        "survey_id": f"s-{event_id}",
        "event_id": event_id,
        "year": year,
        "attended": log.draw.randint(10, 80),
        "rule": log.draw.choice(["too-few", "band", "bound", "mean", "mean", "mean"]),
    }
    if about["rule"] == "band":
        about |= {"at_least": "3.5", "at_most": log.draw.choice(["4.0", "4.5"])}
    if about["rule"] == "bound":
        about |= {"answered": log.draw.randint(10, 30), "at_least": "4.8"}
    if about["rule"] == "mean":
        low, high = log.draw.randint(5, 20), log.draw.randint(5, 30)
        about |= {
            "answered": low + high,
            "mean": f"{log.draw.randint(12, 48) / 10:.1f}",
            "bars": [
                surveys.RatingBar(lowest=1, highest=3, answers=low),
                surveys.RatingBar(lowest=4, highest=5, answers=high),
            ],
        }
    return surveys.ResultReleased(**about)


def _theme(log: Log, year: int) -> None:
    for _ in range(log.draw.randint(0, 2)):
        key = log.draw.choice(["equal-health", "hate-and-threats"])
        titles = {"sv": log.draw.choice(["Jämlik hälsa", "Hat och hot"])}
        log.say(events.ThemeDecided(year=year, theme_id=f"t-{key}", theme_key=key, titles=titles))


def _quote(log: Log, quote_id: str) -> None:
    year, event_id = log.draw.choice(YEARS), log.draw.choice([None, "e0"])
    words = {"text": f"Tack för {quote_id}!", "language": "sv"}
    log.say(surveys.QuoteApproved(quote_id=quote_id, year=year, event_id=event_id, **words))
    if log.draw.random() < 0.4:
        log.say(surveys.QuoteWithdrawn(quote_id=quote_id))


def compacted(records: Sequence[Record]) -> list[Record]:
    """Return the records with nothing left of quotes but the last word on each that stands."""
    last = {each.key: each for each in records if each.topic == surveys.QuoteApproved.topic}
    return [
        each
        for each in records
        if each.topic != surveys.QuoteApproved.topic or (last[each.key] is each and each.body)
    ]


def _registration(log: Log, event_id: str, registration_id: str, year: int) -> None:
    is_group = log.draw.random() < 0.2
    whose: dict[str, Any] = {
        "event_id": event_id,
        "registration_id": registration_id,
        "year": year,
        "group": is_group,
        "people": log.draw.randint(2, 30) if is_group else 1,
        "sector": log.draw.choice([None, *Sector]),
    }
    if log.draw.random() < 0.4:
        log.say(events.RegistrationApplied(**whose))
        for _ in range(2 if log.sometimes(0.3) else 1):
            chosen = {**whose, "year": year if log.plain else log.draw.choice(YEARS)}
            log.say(events.SelectionMade(**chosen, selected=log.draw.random() < 0.7))
    else:
        log.say(events.RegistrationConfirmed(**whose))
    if log.draw.random() < 0.2:
        log.say(events.RegistrationCancelled(**whose, was=RegistrationStatus.CONFIRMED))
        return
    outcome = (events.RegistrationAttended, events.RegistrationNoShow)
    for _ in range(log.draw.randint(0, 1 if log.plain else 3)):
        log.say(log.draw.choice(outcome)(**whose))


def _heads(log: Log, event_id: str, count_id: str, year: int) -> None:
    sector = log.draw.choice([None, *Sector])
    for _ in range(2 if log.sometimes(0.4) else 1):
        log.say(
            events.HeadsCounted(
                event_id=event_id,
                year=year,
                count_id=count_id,
                people=log.draw.randint(1 if log.plain else 0, 40),
                sector=sector,
            )
        )


def interleaved(records: Sequence[Record], seed: int) -> list[Record]:
    """Return the records with another order across keys, and some delivered again."""
    draw = random.Random(seed)
    queues: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        queues[record.topic, record.key].append(record)
    waiting = [list(reversed(queue)) for _, queue in sorted(queues.items())]
    out: list[Record] = []
    while waiting:
        queue = draw.choice(waiting)
        out.append(queue.pop())
        if not queue:
            waiting.remove(queue)
        if draw.random() < 0.1:
            out.append(draw.choice(out))
    return out


def batches(records: Sequence[Record], draw: Callable[[], int]) -> Iterator[Sequence[Record]]:
    """Cut the records into batches of drawn sizes."""
    start = 0
    while start < len(records):
        end = start + max(1, draw())
        yield records[start:end]
        start = end


def gathering(booking_id: str, year: int) -> Message:
    """Return a check-in on the seventh of March."""
    starts_at = datetime(year, 3, 7, 17, tzinfo=UTC)
    return booking.BookingCheckedIn(
        booking_id=booking_id,
        room_id="r1",
        venue_id="v1",
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=2),
        time_zone=ZONE,
        local_date=date(year, 3, 7),
        expected_people=10,
        people=12,
    )


def meeting(kind: type[Any], year: int) -> Message:
    """Return a description of the event `e1`, on the seventh of March."""
    starts_at = datetime(year, 3, 7, 17, tzinfo=UTC)
    before = {"previous_starts_at": START, "previous_ends_at": START}
    message: Message = kind(
        event_id="e1",
        format=EventFormat.SEMINARIUM,
        titles={"sv": "Träff"},
        capacity=80,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(hours=1),
        time_zone=ZONE,
        local_date=date(year, 3, 7),
        year=year,
        **(before if kind is events.EventRescheduled else {}),
    )
    return message
