"""The end of a round: people come, killed under their feet, and reporting is built anew."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg

from tests.failures.checkers import copies_agree
from tests.failures.distributed.faults import Fault, Faults
from tests.failures.distributed.house import Standing
from tests.failures.distributed.traffic import Errands
from tests.failures.history import Outcome
from tests.failures.platform_campaign import ATTEND, ENDS, STARTS, Wish, counted

COME = 60
"""How many people come."""
STRIKES = 2
YEAR = "/v1/years/2023"
FACTS = "SELECT message_id, type, scope, slot, data FROM fact"


async def live_on(standing: Standing, traffic: Errands, faults: Faults) -> list[str]:
    """Live on to after the events: each attendance is counted once, also in what is rebuilt."""
    rows = await standing.stores.rows(
        "events", "SELECT id FROM registration WHERE status = 'confirmed' ORDER BY id"
    )
    came = [id_ for (id_,) in rows][:COME]
    wrong = await standing.move(STARTS + timedelta(minutes=30))
    if wrong:
        return wrong
    marking = asyncio.create_task(_mark(standing, traffic, came))
    await faults.strike(Fault.KILL, STRIKES)
    await marking
    await standing.until_ready()
    wrong = await standing.move(ENDS + timedelta(days=4))
    wrong += await counted(standing.house, len(came))
    standing.checks["I5"] += len(came)
    return wrong + await _rebuild(standing)


async def _mark(standing: Standing, traffic: Errands, ids: list[str]) -> None:
    """Mark everybody as attended, a few at once, asking again where the answer was cut."""
    waiting = [
        Wish(f"a{id_}", ATTEND, f"/v1/registrations/{id_}/attendance", {"attended": True}, None)
        for id_ in ids
    ]

    async def mark() -> None:
        while waiting:
            wish = waiting.pop()
            attempt = await traffic.send(standing.house.admin.client, wish)
            if attempt.outcome is Outcome.UNKNOWN:
                waiting.append(wish)
            await asyncio.sleep(0.1)

    await asyncio.gather(*(mark() for _ in range(3)))


async def _rebuild(standing: Standing) -> list[str]:
    """Take reporting's database away; what it builds from the topics is what it had."""
    lived, told = await _projection(standing)
    names = [each for each, of in standing.services().items() if of == "reporting"]
    for name in names:
        await asyncio.to_thread(standing.run.stop_one, name)
    connection = await asyncpg.connect(standing.run.postgres.url())
    try:
        await connection.execute("DROP DATABASE reporting WITH (FORCE)")
        await connection.execute("CREATE DATABASE reporting")
    finally:
        await connection.close()
    for name in names:
        await standing.launch(name)
    await standing.until_ready(*names)
    wrong = await standing.move(standing.now)
    rebuilt, tells = await _projection(standing)
    standing.checks["I12"] += len(lived)
    wrong += copies_agree("reporting built anew", lived, rebuilt)
    return wrong + copies_agree("its figures", told, tells)


async def _projection(standing: Standing) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the facts of reporting, and the figures that it shows."""
    rows = await standing.stores.rows("reporting", FACTS)
    figures = await standing.house.admin.every(f"{YEAR}/figures")
    return (
        {id_: rest for id_, *rest in rows},
        {f"{each['key']} {each['event_id']}": each for each in figures},
    )
