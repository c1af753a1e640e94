"""Surveys under kills: events that close, ballots that are spent, surveys that close."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2

from tests.journeys.house import House

BEGIN = datetime(2023, 2, 1, 8, tzinfo=UTC)
STARTS = datetime(2023, 2, 8, 16, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=2)
LOOKED_IN = ENDS + timedelta(hours=1)
PEOPLE = 12
PATIENCE_SECONDS = 60.0
REQUESTS = 3 * PEOPLE
"""Fewer than an event takes from its first mark to the result of its survey: 40 at the least."""


@dataclass
class Asked:
    """An event, who came, and what they are going to say of it."""

    event: str
    people: dict[str, str]
    """Address of each registration."""
    ratings: list[int]
    survey: str = ""
    result: dict[str, Any] = field(default_factory=dict)


async def scenery(house: House, events: int, dice: random.Random) -> list[Asked]:
    """Publish events and register people for them."""
    made = []
    for number in range(events):
        event = await house.admin.post(
            "/v1/events",
            {"format": "seminarium", "titles": {"sv": f"Om fråga {number}"}, "capacity": PEOPLE}
            | {"time_zone": "Europe/Stockholm", "place": "Huset"}
            | {"starts_at": STARTS.isoformat(), "ends_at": ENDS.isoformat()},
        )
        await house.admin.post(f"/v1/events/{event['id']}/publication", expect=200)
        people = {}
        for each in range(PEOPLE):
            address = f"p{each}.{number}@example.org"
            body = {"name": f"P {each}", "contact": {"email": address}}
            body |= {"sector": "academia", "language": dice.choice(["sv", "en"])}
            path = f"/v1/events/{event['id']}/registrations"
            people[(await house.admin.post(path, body))["id"]] = address
        ratings = [dice.randint(1, 5) for _ in range(PEOPLE)]
        made.append(Asked(event["id"], people, ratings))
    return made


class Client:
    """Asks until it is answered, through any number of kills."""

    def __init__(self, house: House) -> None:
        self._client = house.admin.client
        self.asked = 0
        self.cut = 0

    async def ask(self, method: str, path: str, body: Any = None) -> httpx2.Response:
        """Return the first answer that is none of a process that is about to end."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                self.asked += 1
                try:
                    answer = await self._client.request(method, path, json=body)
                    if answer.status_code < 500:
                        return answer
                except httpx2.HTTPError:
                    pass
                self.cut += 1  # a 5xx too leaves open whether it was done
                await asyncio.sleep(0.05)

    async def until(self, what: str, look: Callable[[], Awaitable[Any]]) -> Any:
        """Return what `look` finds, once it finds something; `what` names it if it never does."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while not (found := await look()):
            assert time.monotonic() < ends, f"there is still no {what}"
            await asyncio.sleep(0.02)
        return found


async def through(client: Client, house: House, asked: Asked, wrong: list[str]) -> None:
    """Take one event from those who came to the result of its survey."""
    for registration in asked.people:
        path = f"/v1/registrations/{registration}/attendance"
        await client.ask("POST", path, {"attended": True})
    await client.ask("POST", f"/v1/events/{asked.event}/attendance-closing")

    async def survey() -> Any:
        path = f"/v1/surveys?event_id={asked.event}"
        return (await client.ask("GET", path)).json()["items"]

    asked.survey = (await client.until(f"survey of {asked.event}", survey))[0]["id"]

    async def ballots() -> list[str]:
        found = [each.token for each in house.ballots() if each.survey == asked.survey]
        return found if len(found) >= PEOPLE else []

    tokens = await client.until(f"full set of ballots of {asked.survey}", ballots)
    for token, rating in zip(tokens, asked.ratings, strict=False):
        await _spend(client, asked, "answers", {"ballot": token, "rating": rating}, wrong)
        words = {"ballot": token, "text": f"Om {rating}", "may_quote": False}
        await _spend(client, asked, "words", words, wrong)
    await client.ask("POST", f"/v1/surveys/{asked.survey}/closing")
    asked.result = (await client.ask("GET", f"/v1/surveys/{asked.survey}/result")).json()


async def _spend(
    client: Client, asked: Asked, what: str, body: dict[str, Any], wrong: list[str]
) -> None:
    """Spend a ballot; that it is spent already is an answer only to what was cut before."""
    before = client.cut
    answer = await client.ask("POST", f"/v1/surveys/{asked.survey}/{what}", body)
    kind = answer.json().get("type", "") if answer.content else ""
    cut = client.cut > before
    if answer.status_code != 204 and not (kind.endswith("/ballot-spent") and cut):
        wrong.append(f"refused: {what} of {asked.event}: {answer.status_code} {kind}")


async def kill_within(
    kill: Callable[[], Awaitable[None]], client: Client, dice: random.Random
) -> None:
    """Have something killed, and started again, at a random request of a flow."""
    last = client.asked + dice.randrange(REQUESTS)
    while client.asked < last:
        await asyncio.sleep(0.001)
    await asyncio.sleep(dice.uniform(0, 0.02))
    await kill()


def miscounted(asked: Asked) -> list[str]:
    """Say where the result is not exactly what was said, each ballot once."""
    told = asked.result
    mean = f"{(sum(asked.ratings) * 20 + PEOPLE) // (2 * PEOPLE) / 10:.1f}"
    wrong = []
    if told.get("answered") != PEOPLE:
        wrong.append(f"counted: {told.get('answered')} answers of {PEOPLE} to {asked.event}")
    if told.get("rule") == "mean" and told["mean"] != mean:
        wrong.append(f"counted: {asked.event} has the mean {told['mean']}, not {mean}")
    return wrong


def invitations(asked: list[Asked], letters: Counter[tuple[str, str]]) -> list[str]:
    """Say who was not invited exactly once, or reminded of a survey that closed before its half."""
    wanted = {"survey-invitation": 1, "survey-reminder": 0}
    return [
        f"letters: {letters[address, kind]} of {kind} to {address}"
        for each in asked
        for address in each.people.values()
        for kind, times in wanted.items()
        if letters[address, kind] != times
    ]


def doubled_ballots(house: House, asked: list[Asked]) -> list[str]:
    """Say which ballots lie in two mailboxes, and who got more than one of a survey."""
    mailed = house.ballots()
    seen = Counter(each.token for each in mailed)
    boxes = Counter((each.address, each.survey) for each in mailed)
    wrong = [f"doubled: a ballot lies in {count} letters" for count in seen.values() if count > 1]
    wrong += [f"doubled: {n} ballots to {box[0]}" for box, n in boxes.items() if n > 1]
    if len(seen) != sum(len(each.people) for each in asked):
        wrong.append(f"ballots: {len(seen)} lie in mailboxes")
    return wrong
