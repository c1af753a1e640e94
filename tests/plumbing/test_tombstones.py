"""A message that is a tombstone: from a unit of work over either bus to its typed handler."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy import select

from shared.clock import SystemClock
from shared.contracts.message import Message
from shared.contracts.topics import Topic
from shared.messaging.subscription import Subscription, received
from shared.quiet import until_quiet
from shared.store import Work
from shared.store.plumbing import outbox
from shared.testing.fixtures import MakeUrl
from tests.toy.house import make_bus, make_service, unique
from tests.toy.ledger.service import parts as ledger_parts
from tests.toy.lender.service import PARTS as LENDER

pytestmark = pytest.mark.anyio

BUSES = ["embedded", pytest.param("kafka", marks=[pytest.mark.kafka, pytest.mark.postgres])]


class PoemFact(Message):
    """A fact about a poem that its reader may take back."""

    topic: ClassVar[str] = "andan.toy.poem.v1"
    keyed_by: ClassVar[str] = "poem_id"
    about: ClassVar[str] = "poem_id"
    unlinkable: ClassVar[bool] = True

    poem_id: str


class PoemRead(PoemFact):
    """Somebody read a poem."""

    type: ClassVar[str] = "se.andan.toy.poem.read.v1"

    text: str


class PoemTakenBack(PoemFact):
    """The poem is gone."""

    type: ClassVar[str] = "se.andan.toy.poem.taken-back.v1"
    tombstone: ClassVar[bool] = True


@dataclass
class Heard:
    """What a handler was given, with the envelope's type."""

    messages: list[tuple[str, Message]] = field(default_factory=list)


def ears() -> Subscription:
    """Return a subscription that keeps what it hears, in a group of its own."""
    hears = Subscription("ledger", unique("poems"))

    @hears.on(PoemRead, PoemTakenBack)
    async def keep(work: Work, message: Message) -> None:
        work.need(Heard).messages.append((received().type, message))

    return hears


@pytest.mark.parametrize("kind", BUSES)
async def test_a_tombstone_arrives_as_its_message(
    request: pytest.FixtureRequest, tmp_path: Path, make_url: MakeUrl, kind: str
) -> None:
    """Outbox and bus carry a body of none; the handler gets the message, read from its key."""
    PoemFact.topic = PoemRead.topic = PoemTakenBack.topic = unique("andan.toy.poem.v1")
    topic = Topic(PoemFact.topic, "poem", "poems read", "a test", partitions=3, compacted=True)
    dialect = "sqlite" if kind == "embedded" else "postgresql"
    bus = make_bus(
        kind if kind == "embedded" else request.getfixturevalue("kafka_bootstrap"), tmp_path
    )
    hears, heard, clock = ears(), Heard(), SystemClock()
    lender = make_service(LENDER, await make_url(dialect), bus, clock)
    ledger = make_service(ledger_parts(hears), await make_url(dialect), bus, clock, heard)
    await bus.start()
    try:
        await bus.declare([topic, hears.dead_letters])
        await asyncio.gather(lender.start(), ledger.start())
        said = [PoemRead(poem_id="a", text="Ord"), PoemTakenBack(poem_id="a")]
        async with lender.store.work() as work:
            for message in said:
                work.publish(message)
        async with lender.store.read() as reader:
            rows = await reader.execute(select(outbox.c.key, outbox.c.body).order_by(outbox.c.seq))
            assert rows.all() == [(b"a", said[0].encode()), (b"a", None)]
        await until_quiet([lender.quiet, ledger.quiet], seconds=30)
        assert heard.messages == [(each.type, each) for each in said]
        assert all(each.counts["parked"] == 0 for each in ledger.consumers)
    finally:
        await asyncio.gather(lender.stop(), ledger.stop())
        await bus.stop()
