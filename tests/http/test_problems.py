"""Every error of an app is a problem document."""

import json
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends, FastAPI
from hypothesis import given
from hypothesis import strategies as st

from shared.http.body import Body, Email, Line
from shared.http.headers import Headers
from shared.http.paging import known_parameters
from shared.http.problems import (
    MEDIA_TYPE,
    STATUSES,
    NotFound,
    Problem,
    QueueFull,
    TooManyRequests,
    WrongState,
    install_problems,
    pointer,
    problem_pages,
)
from shared.security.inner import HEADER, InnerKey
from shared.security.permissions import PrincipalDep, own_organisation, require
from shared.security.principal import Principal

pytestmark = pytest.mark.anyio
KEY = InnerKey(b"k" * 32)


class ShelfTaken(Problem):
    """The shelf is taken.

    Somebody else put something there.
    """


class SpoonBent(WrongState):
    """The spoon is bent."""


class Contact(Body):
    email: Email
    name: Annotated[str, Line(100)]


class Shelf(Body):
    people: int
    contact: Contact | None = None
    tags: list[str] = []


def build() -> FastAPI:
    router = APIRouter(prefix="/shelves")

    @router.get("/{id}")
    async def show_shelf(id: str) -> dict[str, str]:  # noqa: A002 -- the address's word
        if id == "unlucky":
            raise RuntimeError("eva@example.org is not in the database postgresql://u:secret@h")
        raise NotFound("There is no such shelf.")

    @router.post("/{id}", dependencies=[Depends(require("booking:write"))])
    async def take_shelf(id: str, body: Shelf, principal: PrincipalDep) -> dict[str, str]:  # noqa: A002 -- as above
        own_organisation(principal, id)
        raise ShelfTaken("Two are in the way.", conflicts=[{"starts_at": "x"}])

    @router.put("/{id}")
    async def bend_spoon(id: str) -> None:  # noqa: A002 -- as above
        raise {"queue": QueueFull(), "limit": TooManyRequests("", retry_after_seconds=7)}.get(
            id, SpoonBent("It is.")
        )

    @router.post("/links/{token}")
    async def follow_link(token: str) -> None:
        raise NotFound("No such link.")

    @router.get("/whole/{part}")
    async def show_part(part: int, wide: bool = False) -> dict[str, int]:
        return {"part": part}

    app = FastAPI(redirect_slashes=False, dependencies=[Depends(known_parameters)])
    app.state.inner_key = KEY
    install_problems(app)
    install_problems(app, {ShelfTaken: 423})
    app.include_router(router, prefix="/v1")
    app.add_middleware(Headers, max_body_bytes=10_000)
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(build())
    async with httpx2.AsyncClient(transport=transport, base_url="http://andan") as client:
        yield client


def as_caller(*scopes: str, organisation_id: str | None = None) -> dict[str, str]:
    principal = Principal("key", "k1", frozenset(scopes), organisation_id)
    return {HEADER: KEY.mint(principal), "content-type": "application/json"}


def is_problem(answer: httpx2.Response, status: int, slug: str) -> dict[str, Any]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, MEDIA_TYPE), answer.text
    document: dict[str, Any] = answer.json()
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["title"]
    assert {"detail", "instance"} <= document.keys()
    return document


@pytest.mark.parametrize(
    ("method", "path", "status", "slug"),
    [
        ("GET", "/v1/shelves/1", 404, "not-found"),
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/shelves/1/", 404, "not-found"),
        ("GET", "/v1/shelves/%00", 404, "not-found"),
        ("GET", "/v1/shelves/%0d%0aSet-Cookie", 404, "not-found"),
        ("DELETE", "/v1/shelves/1", 405, "method-not-allowed"),
        ("PUT", "/v1/shelves/1", 409, "spoon-bent"),
        ("PUT", "/v1/shelves/queue", 503, "queue-full"),
        ("PUT", "/v1/shelves/limit", 429, "too-many-requests"),
        ("POST", "/v1/shelves/1", 401, "unauthorised"),
        ("GET", "/v1/shelves/unlucky", 500, "internal"),
        ("GET", "/v1/shelves/whole/x", 422, "invalid-request"),
        ("GET", "/v1/shelves/whole/" + "9" * 5_000, 422, "invalid-request"),
        ("GET", "/v1/shelves/whole/1?wide=perhaps", 422, "invalid-request"),
        ("GET", "/v1/shelves/whole/1?wide=true&high=true", 422, "invalid-request"),
        ("GET", "/v1/shelves/1?" + "a" * 5_000, 413, "too-large"),
        ("GET", "/v1/shelves/1?%00=%ff", 422, "invalid-request"),
    ],
)
async def test_errors_are_problem_documents(
    client: httpx2.AsyncClient, method: str, path: str, status: int, slug: str
) -> None:
    """Whoever raises it, the router, the framework or the domain: one form."""
    is_problem(await client.request(method, path), status, slug)


async def test_a_problem_carries_its_own_members(client: httpx2.AsyncClient) -> None:
    """Title and slug come from the class, detail and members from where it was raised."""
    answer = await client.post(
        "/v1/shelves/1?", content='{"people": 1}', headers=as_caller("booking:write")
    )
    assert is_problem(answer, 423, "shelf-taken") == {
        "type": "/problems/shelf-taken",
        "title": "The shelf is taken",
        "status": 423,
        "detail": "Two are in the way.",
        "instance": "/v1/shelves/1",
        "conflicts": [{"starts_at": "x"}],
    }


async def test_headers_go_with_their_problem(client: httpx2.AsyncClient) -> None:
    """Allow lists every method of the address; Retry-After and WWW-Authenticate stand there."""
    assert (await client.delete("/v1/shelves/1")).headers["allow"] == "GET, POST, PUT"
    assert (await client.put("/v1/shelves/limit")).headers["retry-after"] == "7"
    assert (await client.put("/v1/shelves/queue")).headers["retry-after"] == "1"
    assert (await client.post("/v1/shelves/1")).headers["www-authenticate"].startswith("Bearer")


async def test_an_unforeseen_error_says_nothing_of_itself(client: httpx2.AsyncClient) -> None:
    """A 500 shows neither message nor trace, and carries the request id to look for."""
    answer = await client.get("/v1/shelves/unlucky", headers={"x-request-id": "r-1"})
    is_problem(answer, 500, "internal")
    assert answer.headers["x-request-id"] == "r-1"
    assert not {"eva", "secret", "Runtime", "Traceback"} & set(
        answer.text.replace("@", " ").split()
    )
    assert "secret" not in answer.text


async def test_a_token_in_the_path_is_not_repeated(client: httpx2.AsyncClient) -> None:
    """The instance of such an address is its template."""
    answer = await client.post("/v1/shelves/links/link_sesame?x=1")
    assert "link_sesame" not in answer.text
    answer = await client.post("/v1/shelves/links/link_sesame")
    assert is_problem(answer, 404, "not-found")["instance"] == "/v1/shelves/links/%7Btoken%7D"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "slug"),
    [
        (b"people=1", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
        (b'{"people": 1}', "text/plain", 415, "unsupported-media-type"),
        (b'{"people": 1}', "", 415, "unsupported-media-type"),
        (b"<people/>", "application/xml; charset=utf-8", 415, "unsupported-media-type"),
        (b"", "application/json", 422, "invalid-request"),
        (b"", "text/plain", 422, "invalid-request"),
        (b"{", "application/json", 400, "malformed-json"),
        (b'{"people": 1} x', "application/json", 400, "malformed-json"),
        (b'{"people": \xff}', "application/json", 400, "malformed-json"),
        (b"[" * 9_000, "application/json", 400, "malformed-json"),
        (b'{"people": ' + b"9" * 6_000 + b"}", "application/json", 400, "malformed-json"),
        (b"x" * 10_001, "application/json", 413, "too-large"),
        (b"null", "application/json", 422, "invalid-request"),
        (b"[]", "application/json", 422, "invalid-request"),
        (b'"people"', "application/json", 422, "invalid-request"),
        (b'{"people": NaN}', "application/json", 422, "invalid-request"),
        (b'{"people": 1e400}', "application/json", 422, "invalid-request"),
        (b'{"people": "1"}', "application/json", 422, "invalid-request"),
        (b'{"people": true}', "application/json", 422, "invalid-request"),
        (b'{"people": 1.0}', "application/json", 422, "invalid-request"),
        (b'{"people": 3000000000}', "application/json", 422, "invalid-request"),
        (b'{"people": 1, "\\ud800": 1}', "application/json", 422, "invalid-request"),
        (b'{"people": 1, "tags": ["\\ud800"]}', "application/json", 422, "invalid-request"),
        (b'{"people": 1, "tags": ["a\\u0000"]}', "application/json", 422, "invalid-request"),
        (b'{"people": 1, "tags": [1]}', "application/json", 422, "invalid-request"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_bad_bodies_are_told_apart(
    client: httpx2.AsyncClient, content: bytes, media_type: str, status: int, slug: str
) -> None:
    """Wrong type 415, not JSON 400, too large 413, JSON that does not fit 422."""
    headers = as_caller("booking:write") | {"content-type": media_type}
    if not media_type:
        del headers["content-type"]
    is_problem(await client.post("/v1/shelves/1", content=content, headers=headers), status, slug)


async def test_a_body_in_pieces_is_limited_too(client: httpx2.AsyncClient) -> None:
    """Leaving out the Content-Length does not lift the limit."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b" " * 1_000

    answer = await client.post(
        "/v1/shelves/1", content=pieces(), headers=as_caller("booking:write")
    )
    is_problem(answer, 413, "too-large")


async def test_every_wrong_place_is_named(client: httpx2.AsyncClient) -> None:
    """Errors carry a JSON pointer into the body."""
    body = {"people": "x", "contact": {"email": "no", "name": "", "a/b~c": 1}}
    answer = await client.post(
        "/v1/shelves/1", content=json.dumps(body), headers=as_caller("booking:write")
    )
    errors = is_problem(answer, 422, "invalid-request")["errors"]
    assert {error["pointer"] for error in errors} == {
        *("/people", "/contact/email", "/contact/name", "/contact/a~1b~0c")
    }
    assert all(error["message"] for error in errors)


async def test_a_missing_scope_is_named(client: httpx2.AsyncClient) -> None:
    """Good credentials that do not cover the call: 403 with the scope, before the body counts."""
    answer = await client.post(
        "/v1/shelves/1", content='{"people": "x"}', headers=as_caller("booking:read")
    )
    assert is_problem(answer, 403, "scope-missing")["scope"] == "booking:write"


async def test_a_bound_key_does_not_see_others(client: httpx2.AsyncClient) -> None:
    """Another organisation's thing is 404 for a key that is bound, its own is not."""
    other = as_caller("booking:write", organisation_id="2")
    own = as_caller("booking:write", organisation_id="1")
    body = '{"people": 1}'
    is_problem(await client.post("/v1/shelves/1", content=body, headers=other), 404, "not-found")
    is_problem(await client.post("/v1/shelves/1", content=body, headers=own), 423, "shelf-taken")


@pytest.mark.parametrize(
    "headers",
    [
        {HEADER: "x.y.z"},
        {HEADER: InnerKey(b"x" * 32).mint(Principal("key", "k1", frozenset(["booking:write"])))},
        {HEADER: '{"scopes": ["booking:write"]}'},
        {"x-principal": "admin", "x-scopes": "booking:write", "authorization": "Bearer x"},
    ],
)
async def test_a_claim_that_is_not_signed_is_worth_nothing(
    client: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    """Without the gateway's signature every caller is the public, whatever he says."""
    answer = await client.post("/v1/shelves/1", content='{"people": 1}', headers=headers)
    is_problem(answer, 401, "unauthorised")
    assert "www-authenticate" in answer.headers


def test_every_kind_has_a_page() -> None:
    """Whatever `type` an answer names can be looked up."""
    pages = problem_pages()
    assert {kind.slug for kind in STATUSES} <= pages.keys()
    assert pages["shelf-taken"].explanation.endswith("Somebody else put something there.")


@given(st.lists(st.text(max_size=20) | st.integers(0, 99), min_size=1, max_size=4))
def test_a_pointer_finds_the_place(path: list[str | int]) -> None:
    """A pointer is one step per part, whatever characters the part holds."""
    written = pointer(["body", *path])
    assert written.count("/") == len(path)
    assert written.isprintable()
