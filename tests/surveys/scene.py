"""A surveys service at work: events it has heard of, ballots as notifications would open them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from services.surveys.app import create_service
from shared.clock import ReplayClock
from shared.contracts.events import AttendanceClosed, EventPublished
from shared.contracts.surveys import Ballots, BallotsMade, SurveyOpened
from shared.contracts.words import EventFormat
from shared.security.principal import PUBLIC, Principal
from shared.testing.fixtures import MakeUrl
from shared.testing.running import ADMIN, Running, running

START = datetime(2023, 4, 22, 11, 0, tzinfo=UTC)
EVENT = "event-1"
TITLES = {"sv": "Jämlik hälsa"}


def published(event_id: str = EVENT) -> EventPublished:
    """Return the news that an event is open to the public."""
    return EventPublished(
        event_id=event_id,
        format=EventFormat.DIALOGFORUM,
        titles=TITLES,
        capacity=80,
        starts_at=START - timedelta(days=3),
        ends_at=START - timedelta(days=3, hours=-2),
        time_zone="Europe/Stockholm",
        local_date=date(2023, 4, 19),
        year=2023,
    )


@dataclass
class Scene:
    """What a test of surveys speaks to."""

    it: Running
    clock: ReplayClock
    client: httpx2.AsyncClient
    anybody: httpx2.AsyncClient
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    def as_(self, principal: Principal) -> httpx2.AsyncClient:
        """Return a client of any caller."""
        self.clients.append(self.it.client(principal))
        return self.clients[-1]

    async def hear(self, *messages: Any, sequence: int | None = None) -> None:
        """Hear messages and be done with them."""
        await self.it.hear(*messages, sequence=sequence)
        await self.it.quiet()

    async def opened(self, attended: int, event_id: str = EVENT) -> str:
        """Have the attendance of an event closed and return the id of its survey."""
        await self.hear(published(event_id), sequence=1)
        await self.hear(AttendanceClosed(event_id=event_id, year=2023, attended=attended))
        [survey_id] = [
            each.survey_id
            for each in await self.it.published(SurveyOpened)
            if each.event_id == event_id
        ]
        return str(survey_id)

    async def tokens(self, survey_id: str) -> list[str]:
        """Return the tokens of a survey as notifications reads them."""
        opener = self.it.keyring.opener()
        found: list[str] = []
        for made in await self.it.published(BallotsMade):
            if made.survey_id == survey_id:
                found += Ballots.model_validate_json(opener.open(made.sealed)).tokens
        return found

    async def answer(self, survey_id: str, ballot: str, rating: Any) -> httpx2.Response:
        """Rate the event as anybody."""
        body = {"ballot": ballot, "rating": rating}
        return await self.anybody.post(f"/v1/surveys/{survey_id}/answers", json=body)

    async def write(
        self, survey_id: str, ballot: str, text: str, *, may_quote: bool = False
    ) -> httpx2.Response:
        """Say it in words as anybody."""
        body = {"ballot": ballot, "text": text, "may_quote": may_quote}
        return await self.anybody.post(f"/v1/surveys/{survey_id}/words", json=body)

    async def answered(self, ratings: list[int], attended: int | None = None) -> str:
        """Open a survey, have it answered, and return its id."""
        survey_id = await self.opened(attended or len(ratings))
        for token, rating in zip(await self.tokens(survey_id), ratings, strict=False):
            answer = await self.answer(survey_id, token, rating)
            assert answer.status_code == 204, answer.text
        return survey_id

    async def close(self, survey_id: str) -> httpx2.Response:
        """Close a survey by hand and be done with what follows."""
        answer = await self.client.post(f"/v1/surveys/{survey_id}/closing")
        await self.it.quiet()
        return answer

    async def result(self, survey_id: str) -> httpx2.Response:
        """Ask for the result as anybody."""
        return await self.anybody.get(f"/v1/surveys/{survey_id}/result")


@asynccontextmanager
async def scene(make_url: MakeUrl, folder: Path, dialect: str) -> AsyncIterator[Scene]:
    """Run surveys on a clock that stands at START."""
    clock = ReplayClock(START)
    async with running(create_service, make_url, folder, dialect=dialect, clock=clock) as it:
        here = Scene(it, clock, it.client(ADMIN), it.client(PUBLIC))
        try:
            yield here
        finally:
            for each in (here.client, here.anybody, *here.clients):
                await each.aclose()
