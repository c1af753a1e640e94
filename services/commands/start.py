"""Starting the house: all of it, or one service."""

from pathlib import Path

import typer

from services.gateway.first_key import ensure_first_key
from services.gateway.signing_in import first_link
from services.process import run, told_plainly
from services.settings import ProcessSettings
from services.topology import House, one_service, whole_house
from shared.observability.logs import configure_logs
from shared.observability.tracing import tracing


async def everything() -> int:
    """Run all services until a signal comes."""
    configure_logs()
    with tracing():
        await _everything()
    return 0


async def one(name: str) -> int:
    """Run one service until a signal comes."""
    configure_logs()
    with tracing():
        await _one(name)
    return 0


async def _everything() -> None:
    with told_plainly():
        settings = ProcessSettings()
        house = whole_house(settings)

    async def ready() -> bool:
        if await tell_first_key(house, settings.data):
            await tell_sign_in_link(house)
        typer.echo(f"Andan answers on http://{settings.host}:{settings.port}", err=True)
        return True

    await run(house, settings, when_ready=ready)


async def _one(name: str) -> None:
    with told_plainly():
        settings = ProcessSettings()
        house = one_service(name, settings)

    async def ready() -> bool:
        if name == "gateway":  # its output is a log, which is no place for a key
            assert isinstance(house, House)
            with told_plainly():
                await ensure_first_key(house.front.store, settings.data)
        return True

    await run(house, settings, when_ready=ready)


async def tell_first_key(house: House, data: Path) -> bool:
    """At the first start, make the administrator's key and show it this once; tell whether."""
    with told_plainly():
        key = await ensure_first_key(house.front.store, data)
    if key is not None:
        typer.echo(f"The administrator's key, shown this once: {key}", err=True)
    return key is not None


async def tell_sign_in_link(house: House) -> None:
    """Show a link that signs whoever runs this house in, once."""
    link = await first_link(house.front.store)
    typer.echo(f"Sign in with this link, once, within 15 minutes: {link}", err=True)
