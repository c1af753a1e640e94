"""The JSON Schemas of all messages: made from the models, committed, and only ever grown."""

import json
from pathlib import Path
from typing import Any

from shared.contracts.every import CONTRACTS
from shared.contracts.growth import violations
from shared.contracts.message import Message

COMMITTED = Path(__file__).parent / "schema"


def schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON Schema (2020-12) of every message, by type."""
    return {type_: schema_of(CONTRACTS[type_]) for type_ in sorted(CONTRACTS)}


def schema_of(message: type[Message]) -> dict[str, Any]:
    """Return the schema of one message; `x-` members say its topic and what key and subject are."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": message.dataschema(),
        "x-topic": message.topic,
        "x-key": message.keyed_by,
        "x-subject": message.about,
        **message.model_json_schema(by_alias=True, mode="validation"),
    }


def as_text(schema: dict[str, Any]) -> str:
    """Return a schema as it is committed: the same text for the same schema."""
    return json.dumps(schema, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def broken_promises(directory: Path = COMMITTED) -> list[str]:
    """Return a sentence for every way in which the models break the committed schemas."""
    current = schemas()
    found = []
    for path in sorted(directory.glob("*.json")):
        if path.stem not in current:
            found.append(f"{path.stem}: the message was dropped or renamed.")
            continue
        old = json.loads(path.read_text(encoding="utf-8"))
        found += [f"{path.stem}: {each}" for each in violations(old, current[path.stem])]
    return found


def out_of_date(directory: Path = COMMITTED) -> list[str]:
    """Return the types whose committed schema is missing or not what the model says."""
    texts = {type_: as_text(schema) for type_, schema in schemas().items()}
    return [
        type_
        for type_, text in texts.items()
        if not (path := directory / f"{type_}.json").exists()
        or path.read_text(encoding="utf-8") != text
    ]


def write(directory: Path = COMMITTED) -> None:
    """Write every schema to its file."""
    directory.mkdir(parents=True, exist_ok=True)
    for type_, schema in schemas().items():
        (directory / f"{type_}.json").write_text(as_text(schema), encoding="utf-8")
