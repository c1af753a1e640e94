"""Messages that were put aside are reached through the gateway, by operators alone."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from shared.ids import new_id
from shared.store.plumbing import dead_letter, outbox
from tests.gateway.house import MODES, House, house

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("mode", MODES)]


async def parked(it: House) -> str:
    """Put a message aside in the toy booking, as its relay would."""
    letter_id = new_id()
    async with it.behind.store.work() as work:
        await work.execute(
            insert(dead_letter).values(
                id=letter_id,
                consumer="andan.booking.relay",
                message_id=new_id(),
                topic="andan.booking.room.v1",
                key=b"k",
                headers="[]",
                body=b"\xff{}",
                reason="too large",
                attempts=1,
                parked_at=datetime(2023, 5, 4, tzinfo=UTC),
            )
        )
    return letter_id


async def test_dead_letters_are_listed_shown_and_dropped(mode: str, tmp_path: Path) -> None:
    """An operator sees them in pages, one as it came, and drops it; then it is gone."""
    async with house(tmp_path, mode) as it, it.holder("operations:admin") as client:
        ids = [await parked(it) for _ in range(3)]
        page = (await client.get("/v1/dead-letters?limit=2")).json()
        rest = (await client.get(f"/v1/dead-letters?cursor={page['next']}")).json()
        assert [item["id"] for item in page["items"] + rest["items"]] == ids
        assert rest["next"] is None
        assert "body" not in page["items"][0]
        assert len((await client.get("/v1/dead-letters?service=booking")).json()["items"]) == 3
        assert (await client.get("/v1/dead-letters?service=x")).status_code == 422
        where = f"/v1/dead-letters/booking/{ids[0]}"
        shown = (await client.get(where)).json()
        assert (shown["body"], shown["reason"]) == ("\\xff{}", "too large")
        assert (await client.delete(where)).status_code == 204
        assert (await client.get(where)).status_code == 404
        assert (await client.delete(where)).status_code == 404
        assert (await client.get(f"/v1/dead-letters/nobody/{ids[1]}")).status_code == 404


async def test_a_dead_letter_is_replayed(mode: str, tmp_path: Path) -> None:
    """What the relay gave up goes into the outbox again, and is parked no more."""
    async with house(tmp_path, mode) as it, it.holder("operations:admin") as client:
        letter_id = await parked(it)
        answer = await client.post(f"/v1/dead-letters/booking/{letter_id}/replay")
        assert answer.status_code == 204
        async with it.behind.store.read() as reader:
            assert len((await reader.execute(select(outbox.c.seq))).all()) == 1
        assert (await client.get("/v1/dead-letters")).json()["items"] == []


async def test_only_operators_see_dead_letters(mode: str, tmp_path: Path) -> None:
    """Without a key 401, with every other scope but theirs 403."""
    async with house(tmp_path, mode) as it:
        async with it.client() as client:
            assert (await client.get("/v1/dead-letters")).status_code == 401
        async with it.holder("gateway:admin", "booking:admin") as client:
            for path in ("/v1/dead-letters", "/v1/dead-letters/booking/x"):
                assert (await client.get(path)).status_code == 403
            assert (await client.delete("/v1/dead-letters/booking/x")).status_code == 403
            assert (await client.post("/v1/dead-letters/booking/x/replay")).status_code == 403
