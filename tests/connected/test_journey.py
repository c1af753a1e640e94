"""The journey, and the README's quick start, with every service its own process."""

from collections.abc import AsyncIterator

import pytest

from services.supervisor import Distributed
from tests.connected.house import MARKS, Servers, connected
from tests.journeys.house import House
from tests.journeys.journey import BEGIN, travel
from tests.journeys.test_readme import type_quick_start

pytestmark = MARKS


@pytest.fixture(scope="module")
async def both(module_servers: Servers) -> AsyncIterator[tuple[Distributed, House]]:
    """One house for both; the quick start is in another year than the journey."""
    async with connected(module_servers, BEGIN) as found:
        yield found


async def test_the_journey_in_a_process_for_each_service(both: tuple[Distributed, House]) -> None:
    """From a booked room to the year's figures, step by step."""
    await travel(both[1])


async def test_the_quick_start_in_a_process_for_each_service(
    both: tuple[Distributed, House],
) -> None:
    """What the README says to type does the same where every service is a process."""
    fleet, _ = both
    type_quick_start(fleet.gateway, fleet.folder.parent)
