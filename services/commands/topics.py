"""Topics as code: made and compared on the bus of this installation."""

import typer

from services.process import CannotStart
from services.settings import ProcessSettings
from services.topology import every_topic, whole_house
from shared.messaging.declaration import TopicDiffers


async def declare() -> int:
    """Make or alter all topics, dead-letter topics too; print each change."""
    house = whole_house(ProcessSettings())
    await house.bus.start()
    try:
        changes = await house.bus.declare(every_topic(house.services))
    except TopicDiffers as error:
        raise CannotStart(str(error)) from error
    finally:
        await house.bus.stop()
    for change in changes:
        typer.echo(f"{change.topic}: {change.did}")
    typer.echo(f"{len(changes)} topics changed")
    return 0
