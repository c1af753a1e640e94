"""Which scopes a route needs, as its OpenAPI document says it."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from shared.security.permissions import Requirement

Document = dict[str, Any]


def with_scopes(app: FastAPI) -> None:
    """Have `app.openapi()` say which scopes its routes need (`security`, OpenAPI 3.1)."""
    plain: Callable[[], Document] = app.openapi

    def openapi() -> Document:
        document = plain()
        for path, method, scopes in scopes_of(app):
            operation = document.get("paths", {}).get(path, {}).get(method)
            if operation is not None and scopes:
                operation["security"] = [{"bearer": scopes}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # the way FastAPI documents


def scopes_of(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Return path, method and needed scopes of every route of `app`."""
    for route in iter_route_contexts(app.router.routes):
        dependant = getattr(route, "dependant", None)
        path = getattr(route, "path_format", None)
        if dependant is None or path is None:
            continue
        scopes = sorted(set(_required(dependant)))
        for method in getattr(route, "methods", None) or ():
            yield path, method.lower(), scopes


def _required(dependant: Dependant) -> Iterator[str]:
    for each in dependant.dependencies:
        if isinstance(each.call, Requirement):
            yield from each.call.scopes
        yield from _required(each)
