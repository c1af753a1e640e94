"""One service running alone in a test, with a client for each kind of caller."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import select

from shared.clock import Clock, SystemClock
from shared.contracts.envelope import Envelope
from shared.contracts.every import CONTRACTS
from shared.contracts.message import Message, decode
from shared.contracts.topics import TOPICS
from shared.ids import new_id
from shared.messaging.appender import OutboxRecord
from shared.messaging.broker import EmbeddedBus
from shared.messaging.embedded.log import EmbeddedLog
from shared.observability.metrics import Metrics
from shared.quiet import until_quiet
from shared.security.inner import HEADER, InnerKey
from shared.security.keyring import Keyring
from shared.security.principal import PUBLIC, SCOPES, Principal
from shared.service import Service
from shared.settings import ServiceSettings
from shared.store.plumbing import outbox
from shared.store.work import decode_headers

ADMIN = Principal(kind="key", id="admin", scopes=frozenset(SCOPES))
"""A caller that may do everything."""


def key_with(*scopes: str, organisation_id: str | None = None, id: str = "key") -> Principal:  # noqa: A002 -- the principal's word
    """Return the holder of a key with these scopes."""
    return Principal(kind="key", id=id, scopes=frozenset(scopes), organisation_id=organisation_id)


@dataclass
class Running:
    """A service that runs on a store and an embedded bus of its own."""

    service: Service
    bus: EmbeddedBus
    keyring: Keyring
    inner_key: InnerKey

    def client(self, principal: Principal = ADMIN) -> httpx2.AsyncClient:
        """Return a client whose requests come from `principal`, as the gateway would pass them."""
        headers = {} if principal is PUBLIC else {HEADER: self.inner_key.mint(principal)}
        transport = httpx2.ASGITransport(app=self.service.app)
        return httpx2.AsyncClient(transport=transport, base_url="http://service", headers=headers)

    async def published(self, kind: type[Message] | None = None) -> list[Any]:
        """Return the messages of the outbox in order, all or those of one kind."""
        return [message for _, message in await self.told() if kind in (None, type(message))]

    async def told(self) -> list[tuple[Envelope, Message]]:
        """Return the messages of the outbox in order, with their envelopes."""
        async with self.service.store.read() as reader:
            rows = (await reader.execute(select(outbox).order_by(outbox.c.seq))).all()
        envelopes = [Envelope.from_headers(decode_headers(row.headers)) for row in rows]
        return [
            (envelope, decode(envelope.type, row.body, row.key))
            for envelope, row in zip(envelopes, rows, strict=True)
        ]

    async def hear(self, *messages: Message, sequence: int | None = None) -> list[str]:
        """Put messages on the bus as another service would; return their ids."""
        rows = []
        ids = [new_id() for _ in messages]
        for message, message_id in zip(messages, ids, strict=True):
            envelope = Envelope(
                id=message_id,
                source="https://test.example",
                type=message.type,
                time=self.service.clock.now(),
                subject=message.subject(),
                dataschema=message.dataschema(),
                sequence=sequence,
            )
            rows.append(
                OutboxRecord(
                    message.topic, message.key().encode(), message.body(), envelope.to_headers()
                )
            )
        appender = await self.bus.appender("test")
        await appender.append(rows)
        return ids

    async def quiet(self, seconds: float = 15) -> None:
        """Wait until the service has nothing left to do."""
        await until_quiet([self.service.quiet], seconds=seconds)


CreateService = Callable[..., Service]


@asynccontextmanager
async def running(
    create_service: CreateService,
    make_url: Callable[[str], Awaitable[str]],
    folder: Path,
    *,
    dialect: str = "sqlite",
    clock: Clock | None = None,
    settings_class: type[ServiceSettings] = ServiceSettings,
    **options: Any,
) -> AsyncIterator[Running]:
    """Start a service with new keys, a new store of `dialect` and a new bus; stop it at the end.

    `options` go into its settings.
    """
    assert CONTRACTS  # importing it fills the registry that messages are decoded by
    keyring = Keyring.open(folder / "keys")
    bus = EmbeddedBus(EmbeddedLog(folder / "log.sqlite"))
    values = {"DATABASE_URL": await make_url(dialect), "source": "https://test.example"}
    settings = settings_class.model_validate({"data": folder, **values, **options})
    service = create_service(
        settings, clock or SystemClock(), bus, keyring, Metrics(with_process=False)
    )
    await bus.start()
    await bus.declare(
        [*TOPICS.values(), *(each.dead_letters for each in service.parts.subscriptions)]
    )
    await service.start()
    try:
        yield Running(service, bus, keyring, keyring.inner_key())
    finally:
        await service.stop()
        await bus.stop()
