"""One OpenAPI document out of those of all services."""

import copy
from collections.abc import Mapping
from typing import Any, Final

from services.gateway.api import VERSION
from shared.security.principal import SCOPES

Document = dict[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options")
_INVALID: Final = frozenset(("HTTPValidationError", "ValidationError"))
_SCHEMAS: Final = "#/components/schemas/"
_EVERYWHERE: Final = {"429": "TooManyRequests", "503": "Unavailable"}

INFO: Final = {
    "title": "Andan",
    "version": VERSION,
    "description": (
        "The shared life of a city and its associations: rooms, events, registrations, figures."
    ),
    "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
}

PROBLEM: Final = {
    "type": "object",
    "description": "What stands in the way (RFC 9457); kinds of problems have members of their own",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "examples": ["/problems/not-found"]},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {"pointer": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}

_RESPONSES: Final = {
    "Invalid": "The request does not fit; `errors` names each place.",
    "Unauthorised": "This needs credentials, or those given are not valid.",
    "ScopeMissing": "The credentials do not cover this; `scope` names what they lack.",
    "NotFound": "There is nothing here, or nothing for this caller.",
    "TooManyRequests": "The limit of requests is reached; Retry-After tells how long to wait.",
    "Unavailable": "A part is away or a queue is full; Retry-After tells how long to wait.",
    "Problem": "Something else stands in the way.",
}


def merge(documents: Mapping[str, Document]) -> Document:
    """Return one document for everything that is public in the `documents` of the services.

    Schemas of one name that differ are told apart by the service's name, and so are operations.
    What the documents say of problems and credentials is said once and alike for all.
    """
    paths: dict[str, Any] = {}
    schemas: dict[str, Any] = {"Problem": PROBLEM}
    taken: set[str] = set()
    for service, document in documents.items():
        document = copy.deepcopy(document)
        own = document.get("components", {}).get("schemas", {})
        names = _names(service, own, schemas)
        for path, operations in document.get("paths", {}).items():
            if not path.startswith(("/v1/", "/problems")):
                continue
            for method, operation in operations.items():
                if method in _METHODS:
                    _describe(operation, path)
                    operation["operationId"] = _unique(service, operation["operationId"], taken)
            paths.setdefault(path, {}).update(_renamed(operations, names))
        for name, schema in own.items():
            if name not in _INVALID:
                schemas[names[name]] = _renamed(schema, names)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "responses": {name: _response(text) for name, text in _RESPONSES.items()},
            "securitySchemes": {"bearer": _bearer()},
        },
    }


def _names(service: str, own: Document, schemas: Document) -> dict[str, str]:
    """Return under which name each schema of a service goes into the one document."""
    names = {name: name for name in own}
    prefix = service.capitalize()
    while True:
        clashing = [
            name
            for name, told in names.items()
            if told in schemas and schemas[told] != _renamed(own[name], names)
        ]
        if not clashing:
            return names
        for name in clashing:
            names[name] = f"{prefix}{names[name]}"


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    if isinstance(node, list):
        return [_renamed(each, names) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _SCHEMAS + names.get(value.removeprefix(_SCHEMAS), value.removeprefix(_SCHEMAS))
        if key == "$ref" and isinstance(value, str) and value.startswith(_SCHEMAS)
        else _renamed(value, names)
        for key, value in node.items()
    }


def _describe(operation: Document, path: str) -> None:
    """Add the problems that can be met, and drop the framework's own form of them."""
    responses = operation.setdefault("responses", {})
    told = dict(_EVERYWHERE)
    if responses.pop("422", None) is not None:
        told["422"] = "Invalid"
    if "{" in path:
        told["404"] = "NotFound"
    if operation.get("security"):
        told |= {"401": "Unauthorised", "403": "ScopeMissing"}
    for status, name in told.items():
        responses.setdefault(status, {"$ref": f"#/components/responses/{name}"})
    responses.setdefault("default", {"$ref": "#/components/responses/Problem"})
    operation["responses"] = dict(sorted(responses.items()))


def _unique(service: str, name: str, taken: set[str]) -> str:
    unique = name if name not in taken else f"{service}_{name}"
    if unique in taken:
        raise ValueError(f"two operations of {service} are called {name}")
    taken.add(unique)
    return unique


def _response(text: str) -> Document:
    schema = {"$ref": f"{_SCHEMAS}Problem"}
    return {"description": text, "content": {"application/problem+json": {"schema": schema}}}


def _bearer() -> Document:
    scopes = "\n".join(f"- `{scope}`: {text}" for scope, text in SCOPES.items())
    return {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "An API key (`andan_…`), the token of a session (`session_…`) or of a link (`link_…`)."
            f" Scopes:\n{scopes}"
        ),
    }
