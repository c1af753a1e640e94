"""`up`: the distributed house on this machine, in the foreground, until Ctrl-C."""

from pathlib import Path

import typer

from services.supervisor import distributed, until_stopped

FOLDER = Path("var/up")


def up(port: int) -> int:
    """Start everything, say where it answers, and stop it all on a signal; return the status.

    A process that ends by itself ends the house, with status 1.
    """
    typer.echo("Starting Kafka, PostgreSQL and one process per service …", err=True)
    with distributed(FOLDER, port) as house:
        typer.echo(f"Andan answers on {house.gateway}", err=True)
        for process in house.processes.values():
            typer.echo(f"  {process.name:14} {process.address}", err=True)
        typer.echo(f"  {'kafka':14} {house.kafka.bootstrap_servers}", err=True)
        typer.echo(f"  {'postgresql':14} {house.postgres.url()}", err=True)
        typer.echo(f"The administrator's key is in {FOLDER / 'admin-key'}.", err=True)
        typer.echo("Ctrl-C stops everything.", err=True)
        if ended := until_stopped(house):
            typer.echo(f"{', '.join(ended)} ended by itself; see {FOLDER / 'logs'}", err=True)
            return 1
        typer.echo("Stopping …", err=True)
    return 0
