"""Starting the house: all of it, or one service."""

from pathlib import Path

import typer

from services.gateway.first_key import ensure_first_key
from services.process import run, told_plainly
from services.settings import ProcessSettings
from services.topology import House, one_service, whole_house
from shared.observability.logs import configure_logs


async def everything() -> int:
    """Run all services until a signal comes."""
    configure_logs()
    with told_plainly():
        settings = ProcessSettings()
        house = whole_house(settings)

    async def ready() -> bool:
        await tell_first_key(house, settings.data)
        typer.echo(f"Andan answers on http://{settings.host}:{settings.port}", err=True)
        return True

    await run(house, settings, when_ready=ready)
    return 0


async def one(name: str) -> int:
    """Run one service until a signal comes."""
    configure_logs()
    with told_plainly():
        settings = ProcessSettings()
        house = one_service(name, settings)

    async def ready() -> bool:
        if name == "gateway":  # its output is a log, which is no place for a key
            with told_plainly():
                await ensure_first_key(house.front.store, settings.data)
        return True

    await run(house, settings, when_ready=ready)
    return 0


async def tell_first_key(house: House, data: Path) -> None:
    """At the first start, make the administrator's key and show it this once."""
    with told_plainly():
        key = await ensure_first_key(house.front.store, data)
    if key is not None:
        typer.echo(f"The administrator's key, shown this once: {key}", err=True)
