"""The demo: the house on a replay clock, the year played through its front door."""

import shutil
from pathlib import Path
from typing import TextIO

import httpx2
import typer
from rich.console import Console

from services import demo
from services.commands.start import tell_first_key
from services.process import bind, run
from services.settings import ProcessSettings
from services.topology import whole_house
from shared.observability.logs import configure_logs

FOLDER = Path("var/demo")


def _fresh_folder() -> TextIO:
    """Empty the demo's folder and open its log."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    return (FOLDER / "log.jsonl").open("w", encoding="utf-8")


async def play(port: int | None, *, leave: bool) -> int:
    """Play the year in a fresh folder; return 0 only where every figure agrees.

    Unless `leave`, the house goes on living from 1 March 2024 until a signal comes.
    """
    settings = ProcessSettings.model_validate(
        {"data": FOLDER, "replay_from": demo.BEGINS, **({} if port is None else {"PORT": port})}
    )
    bind(settings).close()  # refuse before the folder of a running demo is emptied
    with _fresh_folder() as log:
        configure_logs(stream=log, json_lines=True)
        house = whole_house(settings)
        agrees = False
        console = Console()

        async def year() -> bool:
            nonlocal agrees
            await tell_first_key(house, FOLDER)
            key = (FOLDER / "admin-key").read_text().strip()
            address = f"http://{settings.host}:{settings.port}"
            async with httpx2.AsyncClient(base_url=address, timeout=60) as client:
                figures = await demo.play(client, key, mail_folder=FOLDER / "mail", console=console)
                demo.write_figures(FOLDER / "figures.json", figures)
                demo.show(console, figures)
                agrees = all(figure.agrees for figure in figures)
                if leave:
                    return False
                await demo.move_in(client, key)
                (
                    await client.put("/v1/clock", json={"running": True}, headers=_with(key))
                ).raise_for_status()
            typer.echo(f"The house lives on: {address} (Ctrl-C ends it)")
            return True

        try:
            await run(house, settings, when_ready=year)
        except (demo.UnexpectedAnswer, httpx2.HTTPError) as error:
            typer.echo(f"The year could not be played. {error}", err=True)
            return 1
    return 0 if agrees else 1


def _with(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
