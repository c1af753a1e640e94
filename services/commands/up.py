"""`up`: the distributed house on this machine, in the foreground, until Ctrl-C."""

import signal
import threading
from pathlib import Path

import typer

from services.supervisor import distributed

FOLDER = Path("var/up")
LOOK_EVERY_SECONDS = 0.5


def up(port: int) -> int:
    """Start everything, say where it answers, and stop it all on a signal; return the status.

    A process that ends by itself ends the house, with status 1.
    """
    asked_to_stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked_to_stop.set())
    typer.echo("Starting Kafka, PostgreSQL and one process per service …", err=True)
    with distributed(FOLDER, port) as house:
        typer.echo(f"Andan answers on {house.gateway}", err=True)
        for process in house.processes.values():
            typer.echo(f"  {process.name:14} {process.address}", err=True)
        typer.echo(f"  {'kafka':14} {house.kafka.bootstrap_servers}", err=True)
        typer.echo(f"  {'postgresql':14} {house.postgres.url()}", err=True)
        typer.echo("Ctrl-C stops everything.", err=True)
        while not asked_to_stop.wait(LOOK_EVERY_SECONDS):
            if ended := house.ended():
                typer.echo(f"{', '.join(ended)} ended by itself; see {FOLDER / 'logs'}", err=True)
                return 1
        typer.echo("Stopping …", err=True)
    return 0
