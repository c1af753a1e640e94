"""The documents of the interface: OpenAPI, and the pages that explain problems."""

import asyncio
import json
from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from services.gateway.openapi import Document, merge
from services.gateway.problem_page import POLICY, language_of, prefers_html, problem_html
from services.gateway.schemas import ProblemKind, ProblemKinds
from services.gateway.upstreams import Upstream
from shared.http.paging import known_parameters
from shared.http.problems import NotFound
from shared.problem import ProblemPage, problem_pages

OPENAPI: Final = "/openapi.json"
documents = APIRouter(tags=["gateway"], dependencies=[Depends(known_parameters)])


def serve_documents(app: FastAPI, upstreams: Mapping[str, Upstream]) -> None:
    """Serve the one document of all services instead of the one of the gateway alone."""
    app.router.routes[:] = [
        route for route in app.router.routes if getattr(route, "path", None) != OPENAPI
    ]

    merged = _Merged()

    async def show_openapi(_: Request) -> Response:
        names = list(upstreams)
        found = await asyncio.gather(*(upstreams[name].document() for name in names))
        told: dict[str, Document] = dict(zip(names, found, strict=True))
        body = merged.of({**told, "gateway": app.openapi()})
        return Response(body, media_type="application/json")

    app.add_route(OPENAPI, show_openapi, include_in_schema=False)


class _Merged:
    """The one document as text, made again only when a service's own is another one."""

    def __init__(self) -> None:
        self._sources: list[Document] = []
        self._body = b""

    def of(self, sources: Mapping[str, Document]) -> bytes:
        """Return the merged document of these."""
        new = list(sources.values())
        if [id(each) for each in new] != [id(each) for each in self._sources]:
            body = json.dumps(merge(sources), ensure_ascii=False, separators=(",", ":"))
            self._sources, self._body = new, body.encode()
        return self._body


@documents.get("/problems")
async def list_problems() -> ProblemKinds:
    """List every kind of problem that this interface answers with."""
    return ProblemKinds(items=[_kind(page) for page in problem_pages().values()])


@documents.get(
    "/problems/{slug}",
    response_model=ProblemKind,
    responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
)
async def explain_problem(slug: str, request: Request) -> Response:
    """Explain a kind of problem: a page for people, JSON for programs."""
    page = problem_pages().get(slug)
    if page is None:
        raise NotFound("There is no problem of this name.")
    vary = {"Vary": "Accept, Accept-Language"}
    if not prefers_html(request.headers.get("accept", "")):
        return JSONResponse(_kind(page).model_dump(), headers=vary)
    language = language_of(request.headers.get("accept-language", ""))
    return HTMLResponse(
        problem_html(page, language),
        headers={
            **vary,
            "Content-Language": language,
            "Content-Security-Policy": POLICY,
        },
    )


def _kind(page: ProblemPage) -> ProblemKind:
    return ProblemKind(
        type=f"/problems/{page.slug}", title=page.title, explanation=page.explanation
    )
