"""Dead letters: listed, shown, replayed and dropped through the gateway of a running house."""

import json
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.table import Table

from services.settings import ProcessSettings

app = typer.Typer(help="Look at messages that were put aside, and replay or drop them.")

Service = Annotated[str, typer.Argument(help="The service that parked it.")]
Letter = Annotated[str, typer.Argument(help="The id that `list` shows.")]


@app.command(name="list")
def list_letters() -> None:
    """List what is parked in every service."""
    answer = _ask("GET", "/v1/dead-letters")
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
    typer.echo(json.dumps(_ask("GET", _path(service, letter)), indent=2, ensure_ascii=False))


@app.command()
def replay(service: Service, letter: Letter) -> None:
    """Handle one again; it takes effect although its consumer has seen it before."""
    _ask("POST", f"{_path(service, letter)}/replay")
    typer.echo("Replayed.")


@app.command()
def drop(service: Service, letter: Letter) -> None:
    """Give one up for good."""
    _ask("DELETE", _path(service, letter))
    typer.echo("Dropped.")


def _path(service: str, letter: str) -> str:
    return f"/v1/dead-letters/{service}/{letter}"


def _ask(method: str, path: str) -> Any:
    settings = ProcessSettings()
    try:
        key = (settings.data / "admin-key").read_text().strip()
        answer = httpx2.request(
            method,
            f"http://{settings.host}:{settings.port}{path}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=30,
        )
    except (OSError, httpx2.HTTPError) as error:
        typer.echo(f"Andan does not answer: {error}", err=True)
        raise typer.Exit(1) from None
    if answer.is_error:
        problem = answer.json()
        typer.echo(f"{problem['title']}. {problem['detail']}", err=True)
        raise typer.Exit(1)
    return answer.json() if answer.content else None
