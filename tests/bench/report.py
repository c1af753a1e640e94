"""How long the report of a year of 100,000 messages takes: told anew, and as it is known."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx2

from services.reporting.app import create_service
from services.reporting.handlers import KeepFact, keep_fact
from services.reporting.rules import fact_of
from shared.contracts import booking, events
from shared.contracts.envelope import Envelope
from shared.contracts.message import Message
from shared.contracts.words import EventFormat, Sector
from shared.ids import new_id
from shared.security.principal import PUBLIC
from shared.testing.running import Running, running
from tests.bench.results import Result
from tests.reporting.said import checked_in, published, released

MESSAGES = 100_000
EVENTS = 200
PEOPLE = 300
BATCH = 1_000
WARM = 20
REPORT = "/v1/years/2023/report"


async def measure(store: str, environment: Mapping[str, str]) -> list[Result]:
    """Keep the facts of a year, and read its report in each form, first and again."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        on_sqlite = f"sqlite:///{folder / 'reporting.sqlite'}"

        async def url(_: str) -> str:
            return environment.get("DATABASE_URL", on_sqlite).replace("{service}", "reporting")

        async with running(create_service, url, folder) as it:
            await _keep(it)
            async with it.client(PUBLIC) as client:
                cold = await _read(client, "application/json")
                warm = sorted([await _read(client, "application/json") for _ in range(WARM)])
                pdf = await _read(client, "application/pdf")
                again = sorted([await _read(client, "application/pdf") for _ in range(WARM)])
    return [
        Result("report of 100,000 messages, told anew", cold, "ms", 2_000.0, store, 1),
        Result("report of 100,000 messages, known, p95", warm[-2], "ms", 50.0, store, 1),
        Result("report as PDF of a known year, written anew", pdf, "ms", 2_000.0, store, 1),
        Result("report as PDF, known, p95", again[-2], "ms", 50.0, store, 1),
    ]


async def _read(client: httpx2.AsyncClient, kind: str) -> float:
    began = time.perf_counter()
    answer = await client.get(REPORT, headers={"accept": kind})
    answer.raise_for_status()
    return (time.perf_counter() - began) * 1e3


async def _keep(it: Running) -> None:
    said = datetime(2023, 1, 1, tzinfo=UTC)
    messages = list(_year())
    for start in range(0, MESSAGES, BATCH):
        async with it.service.store.work() as work:
            for number, message in enumerate(messages[start : start + BATCH], start):
                envelope = Envelope(
                    id=new_id(),
                    source="https://bench.example",
                    type=message.type,
                    time=said + timedelta(minutes=number * 5),
                    subject=message.subject(),
                )
                await keep_fact(work, KeepFact(fact_of(message, envelope)))


def _year() -> Iterator[Message]:
    """Yield a year: the people of its events, its door counters, and gatherings for the rest."""
    sectors = list(Sector)
    count = 0
    for number in range(EVENTS):
        event_id = f"e{number}"
        format_ = list(EventFormat)[number % len(EventFormat)]
        yield published(event_id, f"Träff {number}").model_copy(update={"format": format_})
        yield released(event_id)
        for person in range(PEOPLE):
            yield events.RegistrationAttended(
                event_id=event_id,
                registration_id=f"{event_id}-{person}",
                year=2023,
                people=1,
                sector=sectors[person % len(sectors)],
            )
        count += PEOPLE + 2
    for venue in range(4):
        for number in range(365):
            day = date(2023, 1, 1) + timedelta(days=number)
            yield booking.VisitsCounted(venue_id=f"v{venue}", day=day, visits=80 + number % 40)
            count += 1
    for number in range(MESSAGES - count):
        yield checked_in(f"b{number}")
