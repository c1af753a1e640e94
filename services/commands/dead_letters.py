"""Dead letters: listed, shown, replayed and dropped through the gateway of a running house."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from services.commands.running_house import ask

app = typer.Typer(help="Look at messages that were put aside, and replay or drop them.")

Service = Annotated[str, typer.Argument(help="The service that parked it.")]
Letter = Annotated[str, typer.Argument(help="The id that `list` shows.")]


@app.command(name="list")
def list_letters() -> None:
    """List what is parked in every service."""
    answer = ask("GET", "/v1/dead-letters")
    table = Table("service", "id", "consumer", "topic", "reason", "attempts", "parked at")
    for item in answer["items"]:
        table.add_row(
            item["service"], item["id"], item["consumer"], item["topic"], item["reason"],
            str(item["attempts"]), item["parked_at"],
        )  # fmt: skip
    Console().print(table if answer["items"] else "Nothing is parked.")


@app.command()
def show(service: Service, letter: Letter) -> None:
    """Show one parked message as it came."""
    typer.echo(json.dumps(ask("GET", _path(service, letter)), indent=2, ensure_ascii=False))


@app.command()
def replay(service: Service, letter: Letter) -> None:
    """Handle one again; it takes effect although its consumer has seen it before."""
    ask("POST", f"{_path(service, letter)}/replay")
    typer.echo("Replayed.")


@app.command()
def drop(service: Service, letter: Letter) -> None:
    """Give one up for good."""
    ask("DELETE", _path(service, letter))
    typer.echo("Dropped.")


def _path(service: str, letter: str) -> str:
    return f"/v1/dead-letters/{service}/{letter}"
