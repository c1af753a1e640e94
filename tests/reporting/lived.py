"""A week and two events of the year lived on the real house, and the log that it leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx2

from services.demo.mailbox import Mailbox
from services.demo.opening import ADMIN, BEGINS
from services.demo.player import Player
from services.demo.year import plan
from services.gateway.first_key import ensure_first_key
from services.settings import ProcessSettings
from services.topology import whole_house
from shared.contracts.envelope import Envelope
from shared.messaging.embedded.log import EmbeddedLog
from tests.demo.test_player import nothing, short
from tests.reporting.counter import Record

Figures = dict[tuple[str, str | None], tuple[str, list[str]]]
"""Value and message ids of each figure, by key and event."""


@asynccontextmanager
async def lived_week(data: Path) -> AsyncIterator[Figures]:
    """Live the week through the front door; yield what the house then tells of the year."""
    house = whole_house(
        ProcessSettings.model_validate({"data": data, "replay_from": BEGINS, "PORT": 0})
    )
    await house.start()
    try:
        key = await ensure_first_key(house.front.store, data)
        assert key is not None
        transport = httpx2.ASGITransport(app=house.front.app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            player = Player(client, key, name="week", mailbox=Mailbox(data / "mail"))
            await player.play(short(plan(2023)), nothing)
            client.headers["Authorization"] = f"Bearer {player.known(ADMIN)}"
            yield await told_by(client)
    finally:
        await house.stop()


async def told_by(client: httpx2.AsyncClient) -> Figures:
    """Return every figure of 2023 with its messages, as the house tells them."""
    figures: Figures = {}
    for item in await _every(client, "/v1/years/2023/figures", {}):
        of_event = {"event_id": item["event_id"]} if item["event_id"] else {}
        path = f"/v1/years/2023/figures/{item['key']}/messages"
        ids = [each["message_id"] for each in await _every(client, path, of_event)]
        figures[item["key"], item["event_id"]] = (item["value"], ids)
    return figures


async def _every(
    client: httpx2.AsyncClient, path: str, query: dict[str, str]
) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    more = query
    while True:
        answer = await client.get(path, params={"limit": "100", **more})
        page = cast(dict[str, Any], answer.raise_for_status().json())
        items += page["items"]
        if page["next"] is None:
            return items
        more = {**query, "cursor": page["next"]}


def records_of(path: Path) -> list[Record]:
    """Return every message of a log that nobody writes any more, topic by topic."""
    log = EmbeddedLog(path)
    log.open()
    try:
        found = []
        for name in log.names():
            topic = log.topic(name)
            offset = topic.begin
            while offset < topic.end:
                batch = log.read(topic, offset, 500)
                found += [_record(name, each) for each in batch if each.value is not None]
                offset = batch[-1].offset + 1
        return found
    finally:
        log.close()


def _record(topic: str, record: Any) -> Record:
    envelope = Envelope.from_headers(record.headers)
    return Record(
        id=envelope.id,
        type=envelope.type,
        topic=topic,
        key=record.key.decode(),
        subject=envelope.subject or "",
        sequence=envelope.sequence,
        time=envelope.time,
        body=record.value,
    )
