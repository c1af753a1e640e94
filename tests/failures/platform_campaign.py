"""The embedded platform under traffic: what clients ask of it, and what it holds at the end."""

import asyncio
import json
import random
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from tests.failures.checkers import (
    Booked,
    Held,
    Step,
    each_acknowledged_once,
    each_effect_has_a_cause,
    letters_as_caused,
    no_overlaps,
    one_effect_per_intent,
    the_line_is_strict,
)
from tests.failures.history import Attempt, History, Outcome
from tests.failures.processes import Child
from tests.journeys.house import House

BEGIN = datetime(2023, 2, 1, 8, tzinfo=UTC)
STARTS = datetime(2023, 3, 8, 16, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=2)
CAPACITIES = (100_000, 25, 8)
SHARES = (0.5, 0.3, 0.2)
"""How much of the traffic goes to the event of each capacity."""
WORKERS = 4
REGISTER, CANCEL, BOOK, ATTEND = "register", "cancel", "book", "attend"
FACT = "se.andan.events.registration."
FIRST = "seq IN (SELECT min(seq) FROM outbox GROUP BY message_id)"
"""What a relay has made good stands in the outbox once more, under the id it had."""
TOLD = (
    "SELECT headers, body FROM outbox WHERE topic = 'andan.events.registration.v1'"
    f" AND {FIRST} ORDER BY seq"
)
LEFT = {"outbox": "sent_at IS NULL", "waiting": "true", "dead_letter": "true"}
"""Of each plumbing table, the rows that a platform at rest has none of."""


@dataclass
class Scenery:
    """What there is before the traffic: events with their capacities, rooms, an organisation."""

    events: dict[str, int]
    rooms: list[str]
    organisation: str


async def scenery(house: House) -> Scenery:
    """Build the scenery through the gateway."""
    organisation = await house.admin.post(
        "/v1/organisations", {"name": "Kören", "kind": "association", "sector": "association"}
    )
    venue = await house.admin.post("/v1/venues", {"name": "Huset", "time_zone": "Europe/Stockholm"})
    rooms = []
    for name in ("Salen", "Loftet"):
        wish = {"venue_id": venue["id"], "name": name, "capacity": 40}
        rooms.append((await house.admin.post("/v1/rooms", wish))["id"])
    events = {}
    for capacity in CAPACITIES:
        event = await house.admin.post(
            "/v1/events",
            {"format": "seminarium", "titles": {"sv": f"Om {capacity} platser"}}
            | {"capacity": capacity, "time_zone": "Europe/Stockholm", "place": "Huset"}
            | {"starts_at": STARTS.isoformat(), "ends_at": ENDS.isoformat()},
        )
        await house.admin.post(f"/v1/events/{event['id']}/publication", expect=200)
        events[event["id"]] = capacity
    await house.rest()
    return Scenery(events, rooms, organisation["id"])


@dataclass
class Wish:
    """One thing that somebody wants, and how to ask for it."""

    intent: str
    action: str
    path: str
    body: dict[str, Any]
    key: str | None


@dataclass
class Traffic:
    """Clients that register, cancel and book, and repeat under their key what stayed unknown."""

    scenery: Scenery
    random: random.Random
    history: History = field(default_factory=History)
    unsure: dict[str, Wish] = field(default_factory=dict)
    registered: list[str] = field(default_factory=list)
    wanted: dict[str, str] = field(default_factory=dict)
    """Of each cancellation, the registration it ends."""
    acknowledged: int = 0
    pause_seconds: float = 0.02
    """How long a client waits at most before it asks for the next thing."""

    async def drive(self, client: httpx2.AsyncClient, stop: asyncio.Event) -> None:
        """Ask from several sides at once until told to stop."""
        await asyncio.gather(*(self._work(client, stop) for _ in range(WORKERS)))

    async def settle(self, client: httpx2.AsyncClient) -> None:
        """Repeat what is unknown and has a key, once."""
        for wish in list(self.unsure.values()):
            await self.send(client, wish)

    async def send(self, client: httpx2.AsyncClient, wish: Wish) -> Attempt:
        """Send a wish and note what came of it."""
        attempt = await self.history.post(
            client, wish.path, wish.body, intent=wish.intent, action=wish.action, key=wish.key
        )
        self.acknowledged += attempt.outcome is Outcome.OK
        if attempt.outcome is Outcome.OK and wish.action == REGISTER:
            self.registered.append(attempt.answer["id"])
        if attempt.outcome is not Outcome.UNKNOWN and self.random.random() < 0.8:
            self.unsure.pop(wish.intent, None)
        return attempt

    async def _work(self, client: httpx2.AsyncClient, stop: asyncio.Event) -> None:
        while not stop.is_set():
            if self.unsure and self.random.random() < 0.2:
                wish = self.random.choice(list(self.unsure.values()))
            else:
                wish = self._something()
            attempt = await self.send(client, wish)
            is_away = attempt.outcome is Outcome.UNKNOWN
            pause = max(self.pause_seconds, 0.05) if is_away else self.pause_seconds
            await asyncio.sleep(self.random.uniform(0, pause))

    def _something(self) -> Wish:
        intent = f"i{len(self.history.attempts)}"
        dice = self.random.random()
        if dice < 0.15 and self.registered:
            chosen = self.random.choice(self.registered)
            self.wanted[intent] = chosen
            return Wish(intent, CANCEL, f"/v1/registrations/{chosen}/cancellation", {}, None)
        key = intent if self.random.random() < 0.7 else None
        wish = self._booking(intent, key) if dice < 0.35 else self._registration(intent, key)
        if key is not None:
            self.unsure[intent] = wish
        return wish

    def _registration(self, intent: str, key: str | None) -> Wish:
        (event,) = self.random.choices(list(self.scenery.events), SHARES)
        body = {
            "name": intent,
            "contact": {"email": f"{intent}@example.org"},
            "sector": self.random.choice(["academia", "business", "association"]),
            "language": self.random.choice(["sv", "en"]),
        }
        return Wish(intent, REGISTER, f"/v1/events/{event}/registrations", body, key)

    def _booking(self, intent: str, key: str | None) -> Wish:
        starts = BEGIN + timedelta(days=self.random.randrange(1, 25))
        starts += timedelta(hours=self.random.randrange(12))
        ends = starts + timedelta(hours=self.random.randrange(1, 4))
        body = {
            "room_id": self.random.choice(self.scenery.rooms),
            "organisation_id": self.scenery.organisation,
            "purpose": intent,
            "expected_people": 10,
            "contact": {"name": intent, "email": f"{intent}@example.org", "language": "sv"},
            "starts_at": starts.isoformat(),
            "ends_at": ends.isoformat(),
        }
        return Wish(intent, BOOK, "/v1/bookings", body, key)


@dataclass
class Seen:
    """What the gateway shows when all is quiet."""

    registrations: dict[str, list[dict[str, Any]]]
    bookings: list[dict[str, Any]]
    places: dict[str, dict[str, int]]
    letters: Counter[tuple[str, str]]
    unnoted: list[str]
    parked: list[dict[str, Any]]


async def look(house: House, scene: Scenery) -> Seen:
    """Ask for everything there is."""
    return Seen(
        {e: await house.admin.every(f"/v1/events/{e}/registrations") for e in scene.events},
        await house.admin.every("/v1/bookings"),
        {e: (await house.admin.get(f"/v1/events/{e}"))["places"] for e in scene.events},
        *await house.letters_and_unnoted(),
        await house.admin.every("/v1/dead-letters"),
    )


def violations(traffic: Traffic, seen: Seen, folder: Path) -> list[str]:
    """Return everything that is wrong with what the platform shows and what its files hold."""
    return judged(traffic, seen, told(folder), unsettled(folder))


def judged(
    traffic: Traffic, seen: Seen, facts: Mapping[str, list[Step]], left: list[str]
) -> list[str]:
    """Return everything that is wrong with what the platform shows, given what it told and left."""
    history, scene = traffic.history, traffic.scenery
    everybody = [each for rows in seen.registrations.values() for each in rows]
    people = [Held(each["id"], each["name"]) for each in everybody]
    bookings = [Held(each["id"], each["purpose"]) for each in seen.bookings]
    wrong = [*left, *(f"parked: {each}" for each in seen.parked)]
    wrong += [f"unnoted: letter {each} is not both there and noted" for each in seen.unnoted]
    for action, held in ((REGISTER, people), (BOOK, bookings)):
        wrong += each_acknowledged_once(history, action, held)
        wrong += each_effect_has_a_cause(history, action, held)
        wrong += one_effect_per_intent(history, action, held)
    for event, capacity in scene.events.items():
        wrong += the_line_is_strict(capacity, facts.get(event, []))
        wrong += _counted(event, seen, capacity)
    ended = {each["id"] for each in everybody if each["status"] == "cancelled"}
    wrong += [
        f"lost: the cancellation of {traffic.wanted[each.intent]}"
        for each in history.ok(CANCEL)
        if traffic.wanted[each.intent] not in ended
    ]
    wrong += no_overlaps(_booked(each) for each in seen.bookings if each["status"] == "confirmed")
    return wrong + letters_as_caused(_letters(facts, people, bookings), seen.letters)


def _counted(event: str, seen: Seen, capacity: int) -> list[str]:
    """The counter of places, the list of registrations and the positions in line agree."""
    rows, places = seen.registrations[event], seen.places[event]
    confirmed = sum(each["status"] == "confirmed" for each in rows)
    line = sorted(each["position"] for each in rows if each["status"] == "waitlisted")
    wrong = []
    if not places["taken"] == confirmed <= capacity:
        wrong.append(f"over: {places['taken']} taken, {confirmed} confirmed of {capacity}")
    if line != list(range(1, len(line) + 1)) or places["waiting"] != len(line):
        wrong.append(f"position: the line of {event} is {line}, {places['waiting']} counted")
    return wrong


def _booked(each: dict[str, Any]) -> Booked:
    starts, ends = (datetime.fromisoformat(each[name]) for name in ("starts_at", "ends_at"))
    return Booked(each["id"], each["room_id"], starts, ends)


def _letters(
    facts: Mapping[str, list[Step]], people: list[Held], bookings: list[Held]
) -> Counter[tuple[str, str]]:
    """Return which letters should be there: one for each fact, to whom it concerns."""
    address = {each.id: f"{each.intent}@example.org" for each in people}
    letters = Counter((f"{each.intent}@example.org", "booking-confirmed") for each in bookings)
    for steps in facts.values():
        for step in steps:
            kind = "promoted" if step.promoted else step.fact
            letters[address.get(step.id, step.id), f"registration-{kind}"] += 1
    return letters


def told(folder: Path) -> dict[str, list[Step]]:
    """Return, per event, what a stopped store has said of its registrations."""
    with closing(sqlite3.connect(folder / "stores" / "events.sqlite")) as store:
        return steps(store.execute(TOLD).fetchall())


def steps(rows: Iterable[tuple[str, bytes]]) -> dict[str, list[Step]]:
    """Return, per event, the steps of its registrations, from the rows that TOLD finds."""
    found: dict[str, list[Step]] = defaultdict(list)
    for headers, text in rows:
        fact = dict(json.loads(headers))["ce_type"].removeprefix(FACT).removesuffix(".v1")
        body = json.loads(text)
        if fact in ("confirmed", "waitlisted", "cancelled"):
            step = Step(
                fact, body["registration_id"], body.get("position"), bool(body.get("promoted"))
            )
            found[body["event_id"]].append(step)
    return found


def unsettled(folder: Path) -> list[str]:
    """Say what the stopped stores have unsent, waiting or parked."""
    wrong = []
    for path in sorted((folder / "stores").glob("*.sqlite")):
        with closing(sqlite3.connect(path)) as store:
            for table, where in LEFT.items():
                (count,) = store.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()
                wrong += left_over(path.stem, table, count)
    return wrong


def left_over(service: str, table: str, count: int) -> list[str]:
    """Say that a service has so many rows left of what a platform at rest has none of."""
    return [f"unsettled: {count} rows of {table} in {service}"] if count else []


async def counted(house: House, expected: int) -> list[str]:
    """Say where the year's figures differ from what happened; each attendance is told once."""
    items: list[dict[str, Any]] = await house.admin.every("/v1/years/2023/figures")
    figures = {each["key"]: each["value"] for each in items if each["event_id"] is None}
    wrong = [
        f"counted: {name} is {figures[name]}, not {expected}"
        for name in ("attendances", "participants")
        if figures[name] != str(expected)
    ]
    behind = await house.admin.every("/v1/years/2023/figures/attendances/messages")
    marks = [each["message_id"] for each in behind if each["type"].endswith(".attended.v1")]
    if not len(marks) == len(set(marks)) == expected:
        wrong.append(f"counted: {len(marks)} messages behind {expected} attendances")
    return wrong


async def kill_under(child: Child, traffic: Traffic, client: httpx2.AsyncClient) -> None:
    """Let the traffic run, kill the process at a random instant of it, and end the traffic."""
    stop = asyncio.Event()
    driving = asyncio.create_task(traffic.drive(client, stop))
    try:
        before = len(traffic.history.ok())
        async with asyncio.timeout(60):
            while len(traffic.history.ok()) < before + 20:
                await asyncio.sleep(0.01)
        await asyncio.sleep(traffic.random.uniform(0, 0.8))
        await asyncio.to_thread(child.kill)
        await asyncio.sleep(0.05)
    finally:
        stop.set()
        await driving
