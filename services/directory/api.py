"""Directory's routes: organisations, for everybody who may know them."""

from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.directory.handlers import (
    ChangeOrganisation,
    DissolveOrganisation,
    RegisterOrganisation,
    change_organisation,
    dissolve_organisation,
    register_organisation,
)
from services.directory.queries import organisation_view, organisation_views
from services.directory.rules import City
from services.directory.schemas import OrganisationIn, OrganisationOut, OrganisationPatch
from shared.http.body import Id, Instant
from shared.http.etag import IfMatchDep, set_etag
from shared.http.paging import Page, PagingDep
from shared.http.work import ReaderDep, WorkDep, api_router, store_of
from shared.security.permissions import PrincipalDep, require
from shared.security.principal import Principal

router = api_router("directory")
Admin = Depends(require("directory:admin"))


@router.post("/v1/organisations", status_code=201, dependencies=[Admin])
async def create_organisation(
    body: OrganisationIn, work: WorkDep, response: Response
) -> OrganisationOut:
    """Register an organisation."""
    made = await register_organisation(
        work,
        RegisterOrganisation(
            name=body.name,
            kind=body.kind,
            sector=body.sector,
            resident=body.resident,
            unlisted=body.unlisted,
        ),
    )
    response.headers["Location"] = f"/v1/organisations/{made.id}"
    return await _shown(work, made.id, response)


@router.patch("/v1/organisations/{organisation_id}", dependencies=[Admin])
async def update_organisation(
    organisation_id: Id,
    body: OrganisationPatch,
    work: WorkDep,
    response: Response,
    if_match: IfMatchDep,
) -> OrganisationOut:
    """Change an organisation: its name, kind, sector, listing or residency."""
    fields = body.model_dump(exclude_unset=True, exclude={"resident"})
    command = ChangeOrganisation(organisation_id, fields, body.resident, if_match.check)
    await change_organisation(work, command)
    return await _shown(work, organisation_id, response)


@router.post("/v1/organisations/{organisation_id}/dissolution", dependencies=[Admin])
async def create_organisation_dissolution(
    organisation_id: Id, work: WorkDep, response: Response, if_match: IfMatchDep
) -> OrganisationOut:
    """Say that an organisation no longer exists, from today."""
    command = DissolveOrganisation(organisation_id, if_match.check)
    await dissolve_organisation(work, command)
    return await _shown(work, organisation_id, response)


@router.get("/v1/organisations")
async def list_organisations(
    request: Request,
    reader: ReaderDep,
    paging: PagingDep,
    principal: PrincipalDep,
    changed_since: Annotated[Instant | None, Query()] = None,
) -> Page[OrganisationOut]:
    """List the organisations that are listed, by name; all of them for who administers them."""
    store = store_of(request)
    views, following = await organisation_views(
        reader,
        paging,
        store.need(City).today(store.clock.now()),
        listed_only=_listed_only(principal),
        changed_since=changed_since,
    )
    return paging.page([OrganisationOut.model_validate(each) for each in views], following)


@router.get("/v1/organisations/{organisation_id}")
async def get_organisation(
    organisation_id: Id,
    request: Request,
    response: Response,
    reader: ReaderDep,
    principal: PrincipalDep,
) -> OrganisationOut:
    """Show an organisation."""
    store = store_of(request)
    view = await organisation_view(
        reader,
        organisation_id,
        store.need(City).today(store.clock.now()),
        listed_only=_listed_only(principal),
    )
    set_etag(response, view.revision)
    return OrganisationOut.model_validate(view)


def _listed_only(principal: Principal) -> bool:
    return not principal.may("directory:admin")


async def _shown(work: WorkDep, organisation_id: str, response: Response) -> OrganisationOut:
    await work.flush()
    today = work.need(City).today(work.now)
    view = await organisation_view(work, organisation_id, today, listed_only=False)
    set_etag(response, view.revision)
    return OrganisationOut.model_validate(view)
