"""Asks the house that runs on this machine, with the administrator's key of its folder."""

from typing import Any

import httpx2
import typer

from services.settings import ProcessSettings


def ask(method: str, path: str, body: object = None) -> Any:
    """Return the gateway's answer; end with a sentence where none runs or it refuses."""
    settings = ProcessSettings()
    address = f"http://{settings.host}:{settings.port}"
    try:
        key = (settings.data / "admin-key").read_text().strip()
        answer = httpx2.request(
            method,
            f"{address}{path}",
            headers={"Authorization": f"Bearer {key}"},
            json=body,
            timeout=30,
            trust_env=False,  # the key goes to this machine, never by way of a proxy
        )
    except OSError as error:
        typer.echo(f"There is no house in {settings.data}: {error}", err=True)
        raise typer.Exit(1) from None
    except httpx2.HTTPError as error:
        typer.echo(f"Andan does not answer on {address}. Is it running? {error}", err=True)
        raise typer.Exit(1) from None
    if answer.is_error:
        typer.echo(_sentence(answer), err=True)
        raise typer.Exit(1)
    return answer.json() if answer.content else None


def _sentence(answer: httpx2.Response) -> str:
    try:
        problem = answer.json()
        return f"{problem['title']}. {problem.get('detail', '')}".rstrip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"Andan answered {answer.status_code}."
