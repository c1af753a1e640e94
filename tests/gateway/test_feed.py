"""The feed pulled: one cursor over everything, by scopes and types, whatever happens meanwhile."""

import asyncio
import itertools
import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from services.gateway.app import create_service
from services.gateway.feed import keeping, reading
from services.gateway.feed.bell import Bell
from services.gateway.feed.cursors import Cursor, NotACursor, parse_cursor
from services.gateway.feed.keeping import KeepInFeed, keep_in_feed
from services.gateway.feed.messages import GATHER_SECONDS
from services.gateway.feed.view import SHOWN, service_of
from services.gateway.models import FeedHead
from services.gateway.settings import Settings
from shared.contracts.booking import RoomOpened, VisitsCounted
from shared.contracts.envelope import Envelope
from shared.contracts.events import (
    EventContactGiven,
    RegistrationAttended,
    RegistrationConfirmed,
    RegistrationPending,
)
from shared.contracts.message import Message
from shared.contracts.reporting import YearClosed
from shared.ids import new_id
from shared.store import Store
from shared.testing.fixtures import DIALECTS
from shared.testing.running import Running, running
from tests.conftest import Rounds
from tests.gateway.house import START, Outside
from tests.gateway.said import full

pytestmark = pytest.mark.anyio
MakeUrl = Callable[[str], Awaitable[str]]

TYPES = "/v1/messages?types="


def house(make_url: MakeUrl, folder: Path, dialect: str = "sqlite", **options: Any) -> Any:
    """Return a gateway that runs alone."""
    return running(
        create_service, make_url, folder, dialect=dialect, settings_class=Settings, **options
    )


async def get(it: Running, where: str = "/v1/messages", *scopes: str) -> httpx2.Response:
    """Ask with a new key of these scopes (all, where none is named)."""
    outside = Outside(it.service)
    async with outside.client(await outside.key(*scopes)) as client:
        return await client.get(where)


async def pulled(it: Running, after: str = "", limit: int = 100, **params: Any) -> list[Any]:
    """Return everything after a place, page by page."""
    outside = Outside(it.service)
    items: list[Any] = []
    where = {"after": after, "limit": limit, **params}
    async with outside.client(await outside.key()) as client:
        while True:
            page = (await client.get("/v1/messages", params=where)).json()
            items += page["items"]
            if page["next"] is None:
                return items
            where["after"] = page["next"]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_reader_goes_on_where_it_was(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Each message is on one page exactly, in one order, also after the process began again."""
    url = await make_url(dialect)

    async def same(_: str) -> str:
        return url

    said = [full(VisitsCounted, visits=number) for number in range(25)]
    async with house(same, tmp_path, dialect) as it:
        ids = await it.hear(*said[:15])
        await it.quiet()
        first = (await get(it, "/v1/messages?limit=10")).json()
        assert [item["id"] for item in first["items"]] == ids[:10]
        assert first["next"] == first["after"]
    async with house(same, tmp_path, dialect) as it:
        ids += await it.hear(*said[15:])
        await it.quiet()
        rest = await pulled(it, first["after"], limit=4)
        assert [item["id"] for item in rest] == ids[10:]
        assert [item["data"]["visits"] for item in rest] == list(range(10, 25))
        last = (await get(it, "/v1/messages?after=now")).json()
        assert (last["items"], last["next"]) == ([], None)
        assert await pulled(it, last["after"]) == []
        new = await it.hear(said[0])
        await it.quiet()
        assert [item["id"] for item in await pulled(it, last["after"])] == new


async def test_a_message_is_a_cloud_event(make_url: MakeUrl, tmp_path: Path) -> None:
    """All attributes are there, the id is that of the bus, and the next page has a link."""
    async with house(make_url, tmp_path) as it:
        ids = await it.hear(full(RoomOpened), full(RoomOpened, name='Salen "2" \\ ö'))
        await it.quiet()
        answer = await get(it, "/v1/messages?limit=1")
        item = answer.json()["items"][0]
        second = (await get(it, f"/v1/messages?after={answer.json()['next']}")).json()["items"][0]
        schema = await get(it, item["dataschema"])
    assert answer.headers["link"].startswith("</v1/messages?limit=1&after=")
    assert item.pop("time").endswith("Z")
    data = item.pop("data")
    assert item == {
        "specversion": "1.0",
        "id": ids[0],
        "source": "https://test.example",
        "type": RoomOpened.type,
        "subject": full(RoomOpened).room_id,
        "dataschema": f"/schemas/{RoomOpened.type}.json",
        "datacontenttype": "application/json",
    }
    assert RoomOpened.model_validate(data) == full(RoomOpened)
    assert second["data"]["name"] == 'Salen "2" \\ ö'
    assert schema.json()["properties"].keys() == data.keys()


async def test_a_key_reads_what_its_scopes_cover(make_url: MakeUrl, tmp_path: Path) -> None:
    """Types of other services are left out, or refused by name; without any scope nothing is."""
    confirmed = full(RegistrationConfirmed)
    async with house(make_url, tmp_path) as it:
        await it.hear(full(VisitsCounted), confirmed, full(YearClosed))
        await it.quiet()
        seen = (await get(it, "/v1/messages", "messages:read:events")).json()["items"]
        assert [item["type"] for item in seen] == [confirmed.type]
        refused = await get(it, TYPES + YearClosed.type, "messages:read:events")
        assert (refused.status_code, refused.json()["scope"]) == (403, "messages:read:reporting")
        for scope in ("messages:read:gateway", "messages:read:notifications", "events:admin"):
            assert (await get(it, "/v1/messages", scope)).status_code == 403
            assert (await get(it, "/v1/messages/stream", scope)).status_code == 403
        outside = Outside(it.service)
        async with outside.client() as client:
            for where in ("/v1/messages", "/v1/messages/stream"):
                assert (await client.get(where)).status_code == 401
        bound = await outside.key("messages:read:events", organisation_id="o1")
        async with outside.client(bound) as client:
            assert (await client.get("/v1/messages")).json()["items"] == seen


async def test_only_the_types_that_are_asked_for(make_url: MakeUrl, tmp_path: Path) -> None:
    """`types` is one text with commas or several; pages are by what is asked for."""
    async with house(make_url, tmp_path) as it:
        await it.hear(*[full(VisitsCounted)] * 9, full(RegistrationConfirmed), full(YearClosed))
        await it.hear(full(RegistrationAttended))
        await it.quiet()
        two = {RegistrationConfirmed.type, RegistrationAttended.type}
        for types in (",".join(two), list(two)):
            assert {item["type"] for item in await pulled(it, limit=1, types=types)} == two
        assert len(await pulled(it, limit=2, types=VisitsCounted.type)) == 9


@pytest.mark.parametrize(
    "query",
    [
        f"types={EventContactGiven.type}",
        f"types={RegistrationPending.type}",
        "types=se.andan.events.registration.invented.v1",
        "types=%00",
        "types=<script>",
        "types=" + "a" * 4_000,
        "&".join(["types=a"] * 101),
        "after=yesterday",
        "after=" + "A" * 65,
        "after=%C3%85" + "A" * 17,
        "after=" + "_" * 19,
        "limit=0",
        "limit=101",
        "limit=x",
        "cursor=AAAA",
    ],
)
async def test_what_does_not_fit_is_refused(query: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """A type that never leaves, a cursor that is none, a limit out of bounds: 422, no more."""
    async with house(make_url, tmp_path) as it:
        for path in ("/v1/messages", "/v1/messages/stream"):
            answer = await get(it, f"{path}?{query}")
            assert answer.status_code == 422, answer.text
            assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_place_of_another_store_is_gone(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """A cursor of a store that is no more, or ahead of this one, is a 410 that says what to do."""
    async with house(make_url, tmp_path, dialect) as it:
        await it.hear(full(VisitsCounted))
        await it.quiet()
        after = (await get(it)).json()["after"]
        ahead = str(Cursor(parse_cursor(after).epoch, 2))
        for path in ("/v1/messages", "/v1/messages/stream"):
            assert (await get(it, f"{path}?after={ahead}")).status_code == 410
        async with it.service.store.work() as work:
            await work.execute(update(FeedHead).values(epoch="0123456789ab"))
        for path in ("/v1/messages", "/v1/messages/stream"):
            gone = await get(it, f"{path}?after={after}")
            assert gone.status_code == 410
            assert gone.json()["type"] == "/problems/feed-began-anew"
            assert "empty `after`" in gone.json()["detail"]
        assert len((await get(it, "/v1/messages?after=")).json()["items"]) == 1


async def test_two_stores_never_share_a_place(make_url: MakeUrl, tmp_path: Path) -> None:
    """Every new store numbers under an epoch of its own."""
    places = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        async with house(make_url, tmp_path / name) as it:
            places.append((await get(it)).json()["after"])
    assert places[0] != places[1]


def test_a_cursor_comes_back_as_it_was() -> None:
    """What a client kept is read as the place that was meant; other texts are none."""
    for position in (0, 1, 255, 2**63 - 1):
        cursor = Cursor("00ff00ff00ff", position)
        assert parse_cursor(str(cursor)) == cursor
    for wrong in ("", "x", "A" * 18, "A" * 20, "=" * 19, str(Cursor("00" * 6, 2**63))):
        with pytest.raises(NotACursor):
            parse_cursor(wrong)


async def test_rare_types_are_found_in_a_long_feed(
    make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look goes through so many rows at most: pages may be empty, but nothing is missed."""
    monkeypatch.setattr(reading, "WINDOW", 3)
    async with house(make_url, tmp_path) as it:
        await it.hear(*[full(VisitsCounted)] * 40, full(YearClosed), *[full(VisitsCounted)] * 40)
        await it.quiet()
        assert len(await pulled(it, types=VisitsCounted.type)) == 80
        assert len(await pulled(it, types=YearClosed.type)) == 1
        page = (await get(it, TYPES + YearClosed.type)).json()
        assert page["next"] is not None or page["items"], "the first look ends early"


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_message_is_kept_once(dialect: str, make_url: MakeUrl, tmp_path: Path) -> None:
    """Taken again (an inbox that forgot, a group that began anew), it is in the feed once."""
    async with house(make_url, tmp_path, dialect) as it:
        store = it.service.store
        one, two = envelope(full(VisitsCounted)), envelope(full(VisitsCounted))
        for batch in ([one], [one, two], [two]):
            await keep(store, full(VisitsCounted), batch)
        assert [item["id"] for item in await pulled(it)] == [one.id, two.id]


async def test_what_comes_closely_is_written_together(
    make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commits are kept apart: what comes in between is one of them, and nothing is lost."""
    commits: list[float] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(Bell, "ring", lambda _: commits.append(loop.time()))
    async with house(make_url, tmp_path) as it:
        began = loop.time()
        for _ in range(100):
            await it.hear(full(VisitsCounted))
            await asyncio.sleep(0.002)
        await it.quiet()
        assert len(await pulled(it)) == 100
        most = (commits[-1] - began) / GATHER_SECONDS + 2
        assert len(commits) <= most


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_nobody_misses_what_commits_late(
    dialect: str, make_url: MakeUrl, tmp_path: Path, rounds: Rounds, seed: int
) -> None:
    """Writers of several processes at once: a reader that goes on at its cursor sees every row."""
    chance = random.Random(seed)
    async with house(make_url, tmp_path, dialect) as it:
        for _ in range(rounds(sample=2, whole=40)):
            said, seen = await written_and_read(it.service.store, chance)
            assert sorted(seen) == sorted(said)


@pytest.mark.postgres
async def test_a_planted_gap_is_found(
    make_url: MakeUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Where positions are given out before their turn to commit, the reader misses some."""
    numbers = itertools.count(1)

    def write_too_early(session: Session) -> None:
        batch = session.info.pop("gateway.feed")
        for row in batch.rows:
            row["position"] = next(numbers)
        session.execute(text("SELECT pg_sleep(random() * 0.02)"))
        session.execute(keeping._KEEP, batch.rows)
        last = {"last": batch.rows[-1]["position"]}
        session.execute(text("UPDATE feed_head SET position = greatest(position, :last)"), last)

    monkeypatch.setattr(keeping, "_write", write_too_early)
    chance = random.Random(seed)
    async with house(make_url, tmp_path, "postgresql") as it:
        for _ in range(5):
            said, seen = await written_and_read(it.service.store, chance)
            if sorted(seen) != sorted(said):
                return
    raise AssertionError("nothing was missed")


async def written_and_read(store: Store, chance: random.Random) -> tuple[list[str], list[str]]:
    """Keep thirty batches, six at a time, and read meanwhile; return the ids of both."""
    async with store.read() as reader:
        begin = await reading.head_of(reader)
    batches = [
        [envelope(full(VisitsCounted)) for _ in range(chance.randint(1, 9))] for _ in range(30)
    ]
    written = asyncio.Event()
    watching = asyncio.create_task(watched(store, begin, written))

    async def write(some: list[list[Envelope]]) -> None:
        for batch in some:
            await keep(store, full(VisitsCounted), batch, chance.random() / 300)

    await asyncio.gather(*(write(batches[start::6]) for start in range(6)))
    written.set()
    return [each.id for batch in batches for each in batch], await watching


async def watched(store: Store, place: Cursor, written: asyncio.Event) -> list[str]:
    """Read on and on from a place, until all is written and read; return the ids."""
    seen: list[str] = []
    while True:
        is_last = written.is_set()
        async with store.read() as reader:
            found = await reading.look(reader, place, {VisitsCounted.type}, 7)
        seen += [json.loads(each.text)["id"] for each in found.items]
        place = found.after
        if is_last and not found.more:
            return seen
        await asyncio.sleep(0)


def envelope(message: Message) -> Envelope:
    """Return a new envelope for a message."""
    return Envelope(id=new_id(), source="https://t", type=message.type, time=START)


async def keep(store: Store, message: Message, batch: list[Envelope], pause: float = 0) -> None:
    """Keep a batch in one unit of work, which takes its time before it commits."""
    async with store.work() as work:
        for each in batch:
            await keep_in_feed(work, KeepInFeed(message, each))
        await asyncio.sleep(pause)


def test_scopes_are_by_publisher() -> None:
    """Every type that is shown belongs to a service that has a scope."""
    assert {service_of(type_) for type_ in SHOWN} == {
        "directory",
        "booking",
        "events",
        "surveys",
        "reporting",
    }
