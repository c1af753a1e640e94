"""The gateway's own addresses: about the interface, and API keys."""

from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

from fastapi import Depends, Request, Response
from starlette.responses import RedirectResponse

from services.gateway.handlers import MakeApiKey, RevokeApiKey
from services.gateway.handlers import make_api_key as make
from services.gateway.handlers import revoke_api_key as revoke
from services.gateway.queries import find_key, list_keys
from services.gateway.rules import lacking
from services.gateway.schemas import ApiInfo, ApiKey, ApiKeyPage, ApiKeyWithSecret, NewApiKey
from shared.http.body import Id
from shared.http.etag import set_etag
from shared.http.paging import PagingDep
from shared.http.problems import NotFound, ScopeMissing
from shared.http.work import ReaderDep, WorkDep, api_router
from shared.security.permissions import own_organisation, require
from shared.security.principal import Principal

router = api_router("gateway")

AdminDep = Annotated[Principal, Depends(require("gateway:admin"))]


def _version() -> str:
    try:
        return version("andan")
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "0.1.0"


VERSION = _version()


@router.get("/", include_in_schema=False)
async def show_landing() -> RedirectResponse:
    """Send whoever comes without an address to what this is."""
    return RedirectResponse("/v1/api-info")


@router.get("/v1/api-info")
async def show_api_info(request: Request) -> ApiInfo:
    """Tell what this interface is, in which version, and where its documents are."""
    return ApiInfo(
        name="Andan",
        version=VERSION,
        state="active",
        mail=request.app.state.mail,
        links={
            "self": "/v1/api-info",
            "documentation": "/openapi.json",
            "problems": "/problems",
            "health": "/readyz",
        },
    )


@router.post("/v1/api-keys", status_code=201)
async def make_api_key(
    body: NewApiKey, principal: AdminDep, work: WorkDep, response: Response
) -> ApiKeyWithSecret:
    """Make a key for an application; its secret is in this answer and nowhere else.

    Nobody can hand on a scope that he lacks, and who is bound to an organisation makes keys for
    that one only.
    """
    if missing := lacking(principal.scopes, body.scopes):
        raise ScopeMissing(f"The scope {missing[0]} is needed to hand it on.", scope=missing[0])
    own_organisation(principal, body.organisation_id)
    command = MakeApiKey(body.name, list(body.scopes), body.organisation_id, body.expires_at)
    row, key = await make(work, command)
    response.headers["Location"] = f"/v1/api-keys/{row.id}"
    set_etag(response, row.revision)
    shown = ApiKey.model_validate(row).model_dump()
    return ApiKeyWithSecret(key=str(key), **shown)


@router.get("/v1/api-keys")
async def list_api_keys(principal: AdminDep, reader: ReaderDep, paging: PagingDep) -> ApiKeyPage:
    """List the keys, oldest first, without their secrets."""
    rows, following = await list_keys(
        reader, principal.organisation_id, limit=paging.limit, cursor=paging.cursor
    )
    page = paging.page([ApiKey.model_validate(row) for row in rows], following)
    return ApiKeyPage(items=page.items, next=page.next)


@router.get("/v1/api-keys/{key_id}")
async def show_api_key(
    key_id: Id, principal: AdminDep, reader: ReaderDep, response: Response
) -> ApiKey:
    """Show one key without its secret."""
    row = await find_key(reader, key_id, principal.organisation_id)
    if row is None:
        raise NotFound("There is no such key.")
    set_etag(response, row.revision)
    return ApiKey.model_validate(row)


@router.delete("/v1/api-keys/{key_id}", status_code=204)
async def revoke_api_key(key_id: Id, principal: AdminDep, work: WorkDep) -> None:
    """Revoke a key: it counts no more from this moment; again changes nothing."""
    await revoke(work, RevokeApiKey(key_id, principal.organisation_id))
