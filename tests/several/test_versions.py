"""The version before beside the next one, on one store and one bus: expand, migrate, contract."""

import random
from collections import Counter
from pathlib import Path

import asyncpg
import pytest

from shared.testing.postgres import Databases
from tests.failures.checkers import agree
from tests.failures.toy_campaign import Traffic
from tests.several.fleet import Fleet, driven, fleet
from tests.several.test_members import moved_on

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.failures,
    pytest.mark.slow,
    pytest.mark.kafka,
    pytest.mark.postgres,
]

ENTRIES = "SELECT loan_id, holder, shade FROM entry"
LOANS = "SELECT id, shade FROM loan"
MOODS = """
    SELECT body->>'loan_id' AS loan_id, body->>'mood' AS mood
    FROM (SELECT convert_from(body, 'UTF8')::json AS body FROM outbox) AS told
    WHERE body->>'mood' IS NOT NULL
"""
NAMES = "SELECT loan_id, name FROM name"


async def rows(it: Fleet, store: str, query: str) -> list[asyncpg.Record]:
    """Return what a query to a store finds."""
    connection = await asyncpg.connect(it.urls[store])
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def replaced(it: Fleet, traffic: Traffic, old: list[str], new: dict[str, str]) -> None:
    """Start the new processes beside the old ones, let both work, and stop the old ones."""
    for name, step in new.items():
        it.add(name.partition("-")[0], name, step=step)
    await it.start(*new)
    traffic.urls = [it.all[name].url for name in it.named("lender")]
    await moved_on(it)
    traffic.urls = [it.all[name].url for name in it.named("lender") if name not in old]
    for name in old:
        assert it.all[name].terminate() == 0
    await moved_on(it)


@pytest.mark.timeout(400)
async def test_the_version_before_and_the_next_work_side_by_side(
    tmp_path: Path, kafka_bootstrap: str, postgres_server: Databases, seed: int
) -> None:
    """A column gets another name and a message another field, while traffic goes on: nothing is
    lost, doubled or refused, and at the end no line lacks what the old column held.
    """
    async with fleet(tmp_path, kafka_bootstrap, postgres_server) as it:
        before = ["lender-before", "ledger-before"]
        for name in before:
            it.add(name.partition("-")[0], name)
        await it.start()
        traffic = Traffic([it.all["lender-before"].url], random.Random(seed))
        async with driven(traffic):
            await moved_on(it)
            both = {"lender-both": "expand", "ledger-both": "expand"}
            await replaced(it, traffic, before, both)
            await replaced(it, traffic, ["ledger-both"], {"ledger-settled": "migrate"})
            it.add("ledger", "ledger-last", step="contract")
            await it.start("ledger-last")
            await moved_on(it)
        wrong = await it.rest(traffic)
        wrong += await unlike(it)
        parked = [await it.ask(each, "SELECT count(*) FROM dead_letter") for each in it.urls]
    refused = Counter(each.status for each in traffic.history.attempts if (each.status or 0) >= 400)
    wrong += [f"refused: {n} times {status}" for status, n in refused.items() if status != 409]
    agree(seed, wrong, [f"parked: {parked}"] if any(parked) else [])


async def unlike(it: Fleet) -> list[str]:
    """Say which lines have another shade than their loan, or lack the holder that was named.

    A line that the version before wrote of the next one's message has no shade: it passed it over.
    """
    shades = {row["id"]: row["shade"] for row in await rows(it, "lender", LOANS)}
    names = {row["loan_id"]: row["name"] for row in await rows(it, "ledger", NAMES)}
    entries = await rows(it, "ledger", ENTRIES)
    moods = {row["loan_id"]: row["mood"] for row in await rows(it, "lender", MOODS)}
    held = {each: names[each] if mood == "named" else None for each, mood in moods.items()}
    told = [row for row in entries if row["shade"] is not None]
    assert sum(name is not None for name in held.values()) > 20, "too few lines have a holder"
    assert 20 < len(told) < len(entries), "only one version's messages are there"
    wrong = [f"holder: {row}" for row in entries if row["holder"] != held[row["loan_id"]]]
    return wrong + [f"shade: {row}" for row in told if row["shade"] != shades[row["loan_id"]]]
