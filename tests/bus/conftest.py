"""The suite's two sides: each test runs on the embedded bus and on a real Kafka."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.messaging.broker import Bus, EmbeddedBus, KafkaBus
from shared.messaging.embedded import EmbeddedLog
from tests.bus.scene import Scene


@pytest.fixture(params=["embedded", pytest.param("kafka", marks=pytest.mark.kafka)])
def unstarted(request: pytest.FixtureRequest, tmp_path: Path) -> Bus:
    """A bus of either kind, not yet started."""
    if request.param == "embedded":
        return EmbeddedBus(EmbeddedLog(tmp_path / "bus.sqlite"))
    return KafkaBus(request.getfixturevalue("kafka_bootstrap"), request_timeout_seconds=2)


@pytest.fixture
async def scene(unstarted: Bus) -> AsyncIterator[Scene]:
    """A started bus of either kind, with names of its own."""
    await unstarted.start()
    kind = "embedded" if isinstance(unstarted, EmbeddedBus) else "kafka"
    try:
        yield Scene(unstarted, kind)
    finally:
        await unstarted.stop()


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Scene]:
    """A started embedded bus, for what only it promises."""
    bus = EmbeddedBus(EmbeddedLog(tmp_path / "bus.sqlite"))
    await bus.start()
    try:
        yield Scene(bus, "embedded")
    finally:
        await bus.stop()


@pytest.fixture
async def kafka(kafka_bootstrap: str) -> AsyncIterator[Scene]:
    """A started Kafka bus, for what only it promises."""
    bus = KafkaBus(kafka_bootstrap, request_timeout_seconds=2)
    await bus.start()
    try:
        yield Scene(bus, "kafka")
    finally:
        await bus.stop()
