"""What the databases of a distributed house hold, read beside its services."""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.topology import WITH_STORE
from shared.testing.postgres import Databases
from tests.failures.checkers import Step
from tests.failures.platform_campaign import LEFT, TOLD, left_over, steps


@dataclass(frozen=True)
class Said:
    """A message as it was committed to an outbox, or as it stands in a topic."""

    id: str
    topic: str
    key: str
    type: str
    subject: str
    sequence: int | None

    @property
    def line(self) -> tuple[str, str]:
        """What order holds within: the topic and the key."""
        return self.topic, self.key


def said(topic: str, key: bytes | None, headers: Mapping[str, str]) -> Said:
    """Return the message with these headers."""
    name = (key or b"").decode()
    sequence = headers.get("ce_sequence")
    return Said(
        headers["ce_id"],
        topic,
        name,
        headers["ce_type"],
        headers.get("ce_subject", name),
        None if sequence is None else int(sequence),
    )


@dataclass(frozen=True)
class Stores:
    """The databases of all services; `names` are other names of single ones."""

    postgres: Databases

    async def rows(self, service: str, query: str) -> list[tuple[Any, ...]]:
        """Return what a query finds in the database of a service."""
        connection = await asyncpg.connect(self.postgres.url(service))
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    async def committed(self) -> list[Said]:
        """Return every outbox row there is, in the order of the commits of each key."""
        found = []
        for service in WITH_STORE:
            query = "SELECT topic, key, headers FROM outbox ORDER BY seq"
            for topic, key, headers in await self.rows(service, query):
                found.append(said(topic, key, dict(json.loads(headers))))
        return found

    async def told(self) -> dict[str, list[Step]]:
        """Return, per event, the steps of its registrations."""
        return steps([(headers, body) for headers, body in await self.rows("events", TOLD)])

    async def unsettled(self) -> list[str]:
        """Say what the stores have unsent, waiting or parked."""
        wrong = []
        for service in WITH_STORE:
            for table, where in LEFT.items():
                query = f"SELECT count(*) FROM {table} WHERE {where}"
                ((count,),) = await self.rows(service, query)
                wrong += left_over(service, table, count)
        return wrong

    async def taken(self) -> dict[str, set[str]]:
        """Return which messages each consumer has taken."""
        found: dict[str, set[str]] = defaultdict(set)
        for service in WITH_STORE:
            for consumer, id_ in await self.rows(service, "SELECT consumer, message_id FROM inbox"):
                found[consumer].add(id_)
        return found

    async def states(self, service: str, table: str) -> dict[str, str]:
        """Return the status of each row of a table."""
        return dict(await self.rows(service, f"SELECT id, status FROM {table}"))
