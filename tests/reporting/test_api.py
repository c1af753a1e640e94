"""Reporting's routes, on a running service on both databases."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from services.reporting.app import create_service
from shared.clock import ReplayClock
from shared.security.principal import PUBLIC
from shared.testing.fixtures import DIALECTS, MakeUrl
from shared.testing.running import Running, key_with, running
from tests.reporting.counter import count
from tests.reporting.logs import interleaved, invented
from tests.reporting.projection import received
from tests.reporting.said import checked_in, heads, published

NOW = datetime(2023, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(params=DIALECTS)
async def reporting(
    request: pytest.FixtureRequest, make_url: MakeUrl, tmp_path: Path
) -> AsyncIterator[Running]:
    options = {"dialect": request.param, "clock": ReplayClock(NOW)}
    async with running(create_service, make_url, tmp_path, **options) as it:
        yield it


async def every_item(client: httpx2.AsyncClient, path: str, limit: int = 5) -> list[dict[str, Any]]:
    """Walk through all pages of a list."""
    items: list[dict[str, Any]] = []
    cursor = None
    while True:
        params = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = await client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        items += answer.json()["items"]
        cursor = answer.json()["next"]
        assert ("Link" in answer.headers) is (cursor is not None)
        if cursor is None:
            return items


@pytest.mark.anyio
async def test_a_year_becomes_figures(reporting: Running) -> None:
    """What another service says is a figure once the service is quiet, also out of order."""
    await reporting.hear(heads("e1", 80), sequence=1)
    await reporting.hear(published("e1", "Jämlik hälsa"), sequence=1)
    await reporting.hear(checked_in("b1"), checked_in("b2"), checked_in("b1", 14))
    await reporting.quiet()
    async with reporting.client(PUBLIC) as client:
        items = await every_item(client, "/v1/years/2023/figures")
        told = {(each["key"], each["event_id"]): each for each in items}
        assert told["gatherings", None]["value"] == "2"
        assert told["attendance", "e1"]["value"] == "80"
        assert told["allied_organisations", "e1"]["value"] == "1"
        assert told["events_by_format", None]["value"] == '{"dialogforum":1}'
        assert told["participants_by_sector", None]["value"] == '{"business":80}'
        assert told["gatherings", None]["as_of"] == "2023-06-01T12:00:00Z"
        assert told["rooms", None]["as_of"] is None
        assert [each["key"] for each in items] == sorted(each["key"] for each in items)
        years = await every_item(client, "/v1/years", limit=1)
        assert years == [{"year": 2023, "status": "open", "closed_at": None}]
        other = await every_item(client, "/v1/years/2022/figures")
        assert {each["value"] for each in other} == {"0", "{}"}


@pytest.mark.anyio
async def test_a_figure_lists_its_messages(reporting: Running) -> None:
    """Who may read reports sees id, type and day of each message of a figure, in pages."""
    ids = await reporting.hear(*(checked_in(f"b{number}") for number in range(7)))
    last = await reporting.hear(heads("e1", 80), published("e1", "Hälsa"))
    await reporting.quiet()
    path = "/v1/years/2023/figures/gatherings/messages"
    async with reporting.client(key_with("reports:read")) as client:
        items = await every_item(client, path)
        assert sorted(each["message_id"] for each in items) == sorted(ids)
        assert {each["type"] for each in items} == {"se.andan.booking.booking.checked-in.v1"}
        assert {each["day"] for each in items} == {"2023-06-01"}
        event = "/v1/years/2023/figures/attendance/messages"
        answer = await client.get(event, params={"event_id": "e1"})
        assert sorted(each["message_id"] for each in answer.json()["items"]) == sorted(last)
        unknown = [(event, {}), (event, {"event_id": "e2"}), (path, {"event_id": "e1"})]
        for address, params in unknown:
            assert (await client.get(address, params=params)).status_code == 404
    async with reporting.client(PUBLIC) as client:
        assert (await client.get(path)).status_code == 401
    async with reporting.client(key_with("events:admin")) as client:
        assert (await client.get(path)).status_code == 403


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/years/1899/figures", 422),
        ("/v1/years/2201/figures", 422),
        ("/v1/years/now/figures", 422),
        ("/v1/years/99999999999999999999/report", 422),
        ("/v1/years/2023/figures?cursor=x", 422),
        ("/v1/years/2023/figures?cursor=WzEsMl0", 422),
        ("/v1/years/2023/figures?limit=101", 422),
        ("/v1/years/2023/figures?since=1", 422),
        ("/v1/years/2023/figures/evaluation/messages", 404),
        ("/v1/years/2023/figures/x%00/messages", 404),
        ("/v1/years/2023/figures/X/messages", 422),
        ("/v1/years/2023/figures/attendance/messages?event_id=%20", 422),
        ("/v1/years/1900/figures", 200),
        ("/v1/years/2200/report", 200),
        ("/v1/years/2023/report?language=ar", 422),
        ("/v1/years/2023/figures/gatherings", 200),
        ("/v1/years/2023/figures/gatherings?event_id=e1", 404),
        ("/v1/years/2023/figures/evaluation_mean", 404),
        ("/v1/years/2023/figures/Gatherings", 422),
        ("/v1/years/2023/figures/gatherings?year=1", 422),
        ("/v1/years", 200),
        ("/v1/years?cursor=x", 422),
    ],
)
async def test_bad_addresses_are_refused(
    make_url: MakeUrl, tmp_path: Path, path: str, status: int
) -> None:
    """What no year, figure, page or cursor can be is refused with a problem document."""
    async with (
        running(create_service, make_url, tmp_path) as it,
        it.client() as client,
    ):
        answer = await client.get(path)
        assert answer.status_code == status, answer.text
        if status != 200:
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.anyio
async def test_the_report_comes_in_the_type_that_is_asked_for(reporting: Running) -> None:
    """JSON unless something else is liked better; what there is none of is said to be so."""
    await reporting.hear(published("e1", "<b>Jämlik</b> hälsa"), heads("e1", 1080))
    await reporting.quiet()
    path = "/v1/years/2023/report"
    async with reporting.client(PUBLIC) as client:
        for accept in ("application/json", "*/*", "application/*;q=0.3, text/html;q=0.2"):
            answer = await client.get(path, headers={"accept": accept})
            assert answer.headers["content-type"] == "application/json", accept
        figures = {(each["key"], each["event_id"]): each for each in answer.json()["figures"]}
        assert figures["attendance", "e1"]["event_titles"]["en"] == "Equal health"
        assert figures["gatherings", None]["titles"]["sv"] == "Sammankomster"
        assert answer.headers["vary"] == "Accept"
        for accept in ("application/xml", "image/png", "application/pdf;q=0", "text/csv;q=x"):
            answer = await client.get(path, headers={"accept": accept})
            assert answer.status_code == 406, accept
            assert answer.json()["type"] == "/problems/not-acceptable"


@pytest.mark.anyio
async def test_what_has_changed_has_another_etag(reporting: Running) -> None:
    """The report in each type, and a figure, tell whether they are as they were."""
    figure, report = "/v1/years/2023/figures/gatherings", "/v1/years/2023/report"
    wishes = [(figure, "*/*"), *((report, each) for each in ("application/json", "text/csv"))]

    async def tags() -> list[str]:
        async with reporting.client(PUBLIC) as client:
            answers = [await client.get(path, headers={"accept": each}) for path, each in wishes]
        return [answer.headers["etag"] for answer in answers]

    before = await tags()
    assert len(set(before)) == 3
    assert await tags() == before
    await reporting.hear(checked_in("b1"))
    await reporting.quiet()
    assert not set(before) & set(await tags())


@pytest.mark.anyio
async def test_the_running_service_agrees_with_the_counter(reporting: Running) -> None:
    """A whole invented log over the bus gives the counter's figures, on either database."""
    records = invented(23, size=4)
    consumer = reporting.service.consumers[0]
    shuffled = interleaved(records, 5)
    for start in range(0, len(shuffled), 100):
        await consumer.take([received(each) for each in shuffled[start : start + 100]])
    async with reporting.client(PUBLIC) as client:
        items = await every_item(client, "/v1/years/2023/figures", limit=100)
    told = {(each["key"], each["event_id"]): each["value"] for each in items}
    counted = count(records, 2023)
    assert told.keys() == counted.keys()
    numbers = {place: value for place, value in counted.items() if isinstance(value, str)}
    assert {place: told[place] for place in numbers} == numbers
