"""Closing a year: its figures are published, and what comes late amends them visibly."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.reporting.app import PARTS, create_service
from services.reporting.handlers import NothingUnread, amending
from services.reporting.queries import YearBook
from shared.clock import ReplayClock
from shared.contracts.reporting import FigureAmended, FigurePublished, YearClosed
from shared.contracts.words import Sector
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.security.principal import PUBLIC
from shared.service import Service
from shared.settings import ServiceSettings
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import Running, key_with, running
from tests.reporting.said import checked_in, heads, published, quoted, released, rescheduled

NOW = datetime(2024, 1, 15, 12, tzinfo=UTC)
CLOSING = "/v1/years/2023/closing"
REPORT = "/v1/years/2023/report"
CHECKED_IN = "se.andan.booking.booking.checked-in.v1"

pytestmark = pytest.mark.anyio


@pytest.fixture
def clock() -> ReplayClock:
    return ReplayClock(NOW)


@pytest.fixture(params=DIALECTS)
async def closed(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path, clock: ReplayClock
) -> AsyncIterator[Running]:
    """A year with three gatherings and a dialogue, closed at noon; an hour passed since."""
    options = {"dialect": request.param, "clock": clock}
    async with running(create_service, make_url, tmp_path, **options) as it:
        await it.hear(*(checked_in(f"b{number}") for number in range(3)))
        await it.hear(published("e1", "Jämlik hälsa"), heads("e1", 80), released("e1"))
        await it.quiet()
        async with it.client(key_with("reports:admin")) as client:
            answer = await client.post(CLOSING)
            assert answer.status_code == 200
            assert answer.json() == {
                "year": 2023,
                "status": "closed",
                "closed_at": "2024-01-15T12:00:00Z",
            }
        await it.quiet()
        clock.move(NOW + timedelta(hours=1))
        yield it


async def report_of(it: Running) -> dict[str, Any]:
    """Return the report as anybody sees it."""
    async with it.client(PUBLIC) as client:
        answer = await client.get(REPORT)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report


def values(report: dict[str, Any]) -> dict[tuple[str, str | None], str]:
    """Return the figures that a report shows."""
    return {(each["key"], each["event_id"]): each["value"] for each in report["figures"]}


async def test_a_closed_year_is_published(closed: Running) -> None:
    """Closing publishes every figure in its first version, then that the year is closed."""
    shown = values(await report_of(closed))
    said = await closed.published()
    assert {(each.figure_key, each.event_id): each.value for each in said[:-1]} == shown
    assert {each.version for each in said[:-1]} == {1}
    assert {type(each) for each in said[:-1]} == {FigurePublished}
    assert said[-1] == YearClosed(year=2023)
    async with closed.client(key_with("reports:admin")) as client:
        again = await client.post(CLOSING)
        assert again.json()["closed_at"] == "2024-01-15T12:00:00Z"
        years = (await client.get("/v1/years")).json()["items"]
        assert years == [again.json()]
    await closed.quiet()
    assert await closed.published() == said


async def test_a_late_fact_amends_visibly(closed: Running) -> None:
    """A check-in heard later changes its figure, with the old value and the reason beside it."""
    before = await report_of(closed)
    await closed.hear(checked_in("late"))
    await closed.quiet()
    after = await report_of(closed)
    changed = {place for place, value in values(after).items() if values(before)[place] != value}
    assert changed == {("gatherings", None)}
    (amendment,) = after["amendments"]
    assert amendment["titles"]["sv"] == "Sammankomster"
    told = {key: amendment[key] for key in ("key", "event_id", "old", "new", "why", "at")}
    assert told == {
        "key": "gatherings",
        "event_id": None,
        "old": "3",
        "new": "4",
        "why": CHECKED_IN,
        "at": "2024-01-15T13:00:00Z",
    }
    (message,) = await closed.published(FigureAmended)
    assert (message.value, message.previous, message.version) == ("4", "3", 2)
    assert message.because == CHECKED_IN
    async with closed.client(PUBLIC) as client:
        detail = (await client.get("/v1/years/2023/figures/gatherings")).json()
        versions = [
            (each["version"], each["value"], each["because"]) for each in detail["versions"]
        ]
        assert versions == [(1, "3", None), (2, "4", CHECKED_IN)]
        assert detail["value"] == "4"


async def test_late_facts_are_amended_together(closed: Running) -> None:
    """Twenty check-ins that come at once are one amendment, not twenty."""
    await closed.hear(*(checked_in(f"late{number}") for number in range(20)))
    await closed.quiet()
    messages = await closed.published(FigureAmended)
    assert messages[-1].value == "23"
    assert len(messages) <= 3


async def test_nothing_is_amended_while_messages_are_unread(
    closed: Running, clock: ReplayClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A closed year keeps what it shows until all that was said is read, and is amended then."""

    async def something_unread() -> bool:
        return False

    unread = closed.service.store.need(NothingUnread)
    monkeypatch.setattr(amending, "LOOKS", 1)
    with monkeypatch.context() as patched:
        patched.setattr(unread, "ask", something_unread)
        await closed.hear(checked_in("late"))
        await closed.quiet()
        assert await closed.published(FigureAmended) == []
        assert values(await report_of(closed))["gatherings", None] == "3"
    clock.move(clock.now() + timedelta(minutes=1))
    await closed.quiet()
    assert [each.value for each in await closed.published(FigureAmended)] == ["4"]


async def test_what_leaves_and_enters_a_closed_year_is_amended(closed: Running) -> None:
    """An event moved out leaves noughts behind; a new event's figures are amendments from none."""
    await closed.hear(rescheduled("e1", 2024))
    await closed.hear(published("e2", "Hat och hot"), heads("e2", 30), released("e2"))
    await closed.quiet()
    report = await report_of(closed)
    amended = {(e["key"], e["event_id"]): (e["old"], e["new"]) for e in report["amendments"]}
    assert amended["attendance", "e1"] == ("80", "0")
    assert amended["evaluation_mean", "e1"] == ("4.0", "{}")
    assert amended["attendance", "e2"] == (None, "30")
    assert amended["attendances", None] == ("80", "30")
    why = {(e["key"], e["event_id"]): e["why"] for e in report["amendments"]}
    assert why["attendance", "e1"] == "se.andan.events.event.rescheduled.v1"
    assert {each["event_id"] for each in report["evaluations"]} == {"e2"}


async def test_the_table_of_sectors_is_published_once(closed: Running) -> None:
    """Late heads change totals of a closed year, not its sectors or their rule: that would tell."""
    path = "/v1/years/2023/figures/participants_by_sector"
    async with closed.client(PUBLIC) as client:
        before = (await client.get(path)).json()
        await closed.hear(heads("e1", 2, Sector.ACADEMIA, "late"))
        await closed.quiet()
        after = (await client.get(path)).json()
    assert values(await report_of(closed))["participants", None] == "82"
    assert (after["value"], after["rule"]) == (before["value"], before["rule"])


async def test_a_quote_withdrawn_later_is_no_amendment(closed: Running) -> None:
    """Words come and go in a closed year without a trace among the amendments."""
    await closed.hear(quoted("q1", "Tack!"))
    await closed.quiet()
    report = await report_of(closed)
    assert [each["text"] for each in report["quotes"]] == ["Tack!"]
    assert report["amendments"] == []


async def test_a_rebuilt_store_learns_closings_and_publishes_nothing(
    make_url: MakeUrl, tmp_path: Path, clock: ReplayClock
) -> None:
    """A new store reads what was published from the topic, tells the same, and amends nothing."""
    async with running(create_service, make_url, tmp_path, clock=clock) as lived:
        await lived.hear(published("e1", "Jämlik hälsa"), heads("e1", 80), released("e1"))
        await lived.quiet()
        async with lived.client() as client:
            await client.post(CLOSING)
        clock.move(NOW + timedelta(hours=1))
        await lived.hear(*(checked_in(f"b{number}") for number in range(300)))
        await lived.quiet()
        report = await report_of(lived)
        assert len(report["amendments"]) == 1
        again = [replace(each, purpose="figures-again") for each in PARTS.subscriptions]

        async def nothing_unread() -> bool:
            return not any((await lived.bus.lag(again[0].group, again[0].topics)).values())

        rebuilt = Service(
            replace(PARTS, subscriptions=again),
            settings=ServiceSettings.model_validate({"DATABASE_URL": await make_url("sqlite")}),
            clock=clock,
            bus=lived.bus,
            inner_key=lived.inner_key,
            metrics=Metrics(with_process=False),
            provide=[YearBook(), NothingUnread(nothing_unread)],
        )
        await lived.bus.declare([each.dead_letters for each in again])
        await rebuilt.start()
        try:
            await until_quiet([rebuilt.quiet])
            other = replace(lived, service=rebuilt)
            assert await report_of(other) == report
            assert await other.published() == []
        finally:
            await rebuilt.stop()


@pytest.mark.parametrize(
    ("path", "scopes", "status"),
    [
        (CLOSING, ("reports:read",), 403),
        ("/v1/years/2025/closing", ("reports:admin",), 409),
        ("/v1/years/1899/closing", ("reports:admin",), 422),
        ("/v1/years/2024/closing", ("reports:admin",), 200),
        ("/v1/years/1950/closing", ("reports:admin",), 200),
    ],
)
async def test_who_may_close_what(
    make_url: MakeUrl,
    tmp_path: Path,
    clock: ReplayClock,
    path: str,
    scopes: tuple[str, ...],
    status: int,
) -> None:
    """A year that has begun can be closed by whoever may, also one that nothing is known of."""
    async with running(create_service, make_url, tmp_path, clock=clock) as it:
        async with it.client(key_with(*scopes)) as client:
            answer: httpx2.Response = await client.post(path)
        assert answer.status_code == status, answer.text
        async with it.client(PUBLIC) as client:
            assert (await client.post(path)).status_code == 401
