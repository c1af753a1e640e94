"""The demo: the house on a replay clock, the year played through its front door."""

import asyncio
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


class Year:
    """The year, played through the gateway at `address`, and whether its figures agree."""

    def __init__(self, address: str, *, leave: bool) -> None:
        self.agrees = False
        self._address = address
        self._leave = leave
        self._console = Console()

    async def play(self) -> bool:
        """Play it, show its figures; unless it is to be left then, move in and return True."""
        key = (FOLDER / "admin-key").read_text().strip()
        async with httpx2.AsyncClient(
            base_url=self._address, timeout=60, trust_env=False
        ) as client:
            figures = await demo.play(
                client, key, mail_folder=FOLDER / "mail", console=self._console
            )
            demo.write_figures(FOLDER / "figures.json", figures)
            demo.show(self._console, figures)
            await demo.keep_report(client, FOLDER)
            self.agrees = all(figure.agrees for figure in figures)
            if self._leave:
                return False
            await demo.move_in(client, key)
            client.headers["Authorization"] = f"Bearer {key}"
            (await client.put("/v1/clock", json={"running": True})).raise_for_status()
            link = (
                (await client.post("/v1/sign-in-links", json={})).raise_for_status().json()["url"]
            )
        report = f"{self._address}/sv/reports/{demo.YEAR}"
        typer.echo(f"The report of the year:  {report}  (as files in {FOLDER})")
        typer.echo(f"The house lives on:      {self._address}  (Ctrl-C ends it)")
        typer.echo(f"Work in it, signed in:   {link}  (once)")
        if self._console.is_terminal:
            typer.launch(report)
        return True


async def play(port: int | None, *, leave: bool) -> int:
    """Play the year embedded, in a fresh folder; return 0 only where every figure agrees.

    Unless `leave`, the house goes on living from 1 March 2024 until a signal comes.
    """
    settings = _settings(port)
    with _fresh_folder() as log:
        configure_logs(stream=log, json_lines=True)
        house = whole_house(settings)
        year = Year(f"http://{settings.host}:{settings.port}", leave=leave)

        async def ready() -> bool:
            await tell_first_key(house, FOLDER)
            return await year.play()

        try:
            await run(house, settings, when_ready=ready)
        except (demo.UnexpectedAnswer, httpx2.HTTPError) as error:
            return _could_not(error)
    return 0 if year.agrees else 1


def play_distributed(port: int | None, *, leave: bool) -> int:
    """Play the same year with every service a process of its own, on Kafka and PostgreSQL."""
    # It needs what only the development install brings.
    from services.commands.up import tell
    from services.supervisor import planned, running, signals, until_stopped

    settings = _settings(port)
    _fresh_folder().close()
    house = planned(FOLDER)
    with (
        signals(house) as taken,
        running(house, settings.port, replay_from=demo.BEGINS, tell=tell),
    ):
        year = Year(house.gateway, leave=leave)
        try:
            if asyncio.run(year.play()):
                taken.is_starting = False
                until_stopped(house, taken.asked, tell)
        except (demo.UnexpectedAnswer, httpx2.HTTPError) as error:
            return _could_not(error)
    return 0 if year.agrees else 1


def _settings(port: int | None) -> ProcessSettings:
    settings = ProcessSettings.model_validate(
        {"data": FOLDER, "replay_from": demo.BEGINS, **({} if port is None else {"PORT": port})}
    )
    bind(settings).close()  # refuse before the folder of a running demo is emptied
    return settings


def _fresh_folder() -> TextIO:
    """Empty the demo's folder and open its log."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    return (FOLDER / "log.jsonl").open("w", encoding="utf-8")


def _could_not(error: Exception) -> int:
    what = str(error) or type(error).__name__  # a connection that breaks says nothing more
    typer.echo(f"The year could not be played. {what}", err=True)
    return 1
