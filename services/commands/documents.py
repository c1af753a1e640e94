"""The generated documents: what the public address and the topics promise, as files in docs/."""

import difflib
import json
import tempfile
from pathlib import Path

import typer

from services.gateway.openapi import merge
from services.settings import ProcessSettings
from services.topology import whole_house
from shared.messaging.asyncapi import describe

DOCS = Path(__file__).resolve().parents[2] / "docs"


def generate(*, check: bool) -> int:
    """Write the documents, or (`check`) print what differs and return 1 if anything does."""
    with tempfile.TemporaryDirectory() as folder:
        settings = ProcessSettings.model_validate(
            {"data": folder, "source": "https://andan.example"}
        )
        house = whole_house(settings)
        openapi = merge({each.name: each.app.openapi() for each in house.services})
        asyncapi = describe(house.services)
    texts = {
        DOCS / "openapi.json": json.dumps(openapi, indent=1, ensure_ascii=False) + "\n",
        DOCS / "asyncapi.yaml": asyncapi,
    }
    if not check:
        for path, text in texts.items():
            path.write_text(text, encoding="utf-8")
            typer.echo(f"wrote {path.name}")
        return 0
    status = 0
    for path, text in texts.items():
        present = path.read_text(encoding="utf-8") if path.exists() else ""
        if present != text:
            status = 1
            lines = difflib.unified_diff(
                present.splitlines(), text.splitlines(), path.name, "generated", lineterm="", n=1
            )
            typer.echo("\n".join(list(lines)[:40]))
            typer.echo(f"{path.name} is not what the code says: run `python -m services documents`")
    return status
