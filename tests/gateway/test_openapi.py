"""One document describes everything that is public, and hides the rest."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.gateway.openapi import merge
from tests.gateway.house import MODES, house

pytestmark = pytest.mark.anyio


def document(schema: dict[str, Any], path: str = "/v1/a", name: str = "show_a") -> dict[str, Any]:
    """Return a small document of a service."""
    reference = {"$ref": "#/components/schemas/Thing"}
    answer = {"200": {"content": {"application/json": {"schema": reference}}}, "422": {}}
    return {
        "paths": {path: {"get": {"operationId": name, "responses": answer}}},
        "components": {"schemas": {"Thing": schema, "HTTPValidationError": {}}},
    }


def references(node: Any) -> list[str]:
    """Return every reference in a document."""
    if isinstance(node, list):
        return [found for each in node for found in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for each in node.values() for found in references(each)]


def test_schemas_of_one_name_are_told_apart() -> None:
    """A schema that differs gets its service's name, with its references; a like one is shared."""
    merged = merge(
        {
            "booking": document({"type": "string"}),
            "events": document({"type": "integer"}, "/v1/b", "show_b"),
            "surveys": document({"type": "string"}, "/v1/c", "show_c"),
        }
    )
    schemas = merged["components"]["schemas"]
    assert schemas["Thing"] == {"type": "string"}
    assert schemas["EventsThing"] == {"type": "integer"}
    assert set(schemas) == {"Problem", "Thing", "EventsThing"}
    told = references(merged["paths"]["/v1/b"])
    assert "#/components/schemas/EventsThing" in told
    assert "#/components/schemas/Thing" in references(merged["paths"]["/v1/c"])


def test_operations_of_one_name_are_told_apart() -> None:
    """OperationIds are unique over all services; two in one service are a mistake."""
    merged = merge(
        {"booking": document({}), "events": document({}, "/v1/b"), "surveys": document({}, "/v1/c")}
    )
    names = [each["get"]["operationId"] for each in merged["paths"].values()]
    assert names == ["show_a", "events_show_a", "surveys_show_a"]


def test_merging_leaves_its_sources_alone_and_hides_inner_paths() -> None:
    """The services' own documents do not change, and /internal is not told of."""
    source = {"booking": document({"type": "string"}), "x": document({}, "/internal/quiet", "q")}
    before = json.dumps(source)
    merged = merge(source)
    assert json.dumps(source) == before
    assert list(merged["paths"]) == ["/v1/a"]


@pytest.mark.parametrize("mode", MODES)
async def test_the_document_is_whole(mode: str, tmp_path: Path) -> None:
    """References lead somewhere, ids are unique, problems and the keys that count are told of."""
    async with house(tmp_path, mode) as it, it.client() as client:
        answer = await client.get("/openapi.json")
    merged = answer.json()
    assert answer.status_code == 200
    assert merged["openapi"].startswith("3.1")
    assert {"/v1/bookings/{booking_id}", "/v1/api-keys", "/v1/clock"} <= set(merged["paths"])
    assert not [path for path in merged["paths"] if path.startswith("/internal")]
    for reference in references(merged):
        node = merged
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]
    operations = [each for path in merged["paths"].values() for each in path.values()]
    names = [each["operationId"] for each in operations]
    assert len(names) == len(set(names))
    assert all("default" in each["responses"] for each in operations)
    assert "HTTPValidationError" not in json.dumps(merged)
    keys = merged["paths"]["/v1/api-keys"]["post"]
    assert keys["security"] == [{"bearer": ["gateway:admin"]}]
    told = {
        path: [each["name"] for each in merged["paths"][path]["post"].get("parameters", [])]
        for path in ("/v1/api-keys", "/v1/sessions", "/v1/sign-in-links")
    }
    assert [names.count("Idempotency-Key") for names in told.values()] == [1, 1, 0]
    assert {"401", "403", "422", "429"} <= set(keys["responses"])
