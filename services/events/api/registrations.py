"""Registrations: asked for, confirmed by link, cancelled, erased, selected, listed."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Response
from starlette.requests import Request

from services.events.contacts import Contacts
from services.events.handlers import arrivals, cancellations, erasure, registrations, selections
from services.events.handlers.registrations import Register, Registered
from services.events.handlers.unchanged import Unchanged, check_registration
from services.events.queries.registrations import (
    organisation_of,
    registration_of,
    registrations_named,
    registrations_of,
)
from services.events.schemas.registrations import (
    LinksWanted,
    NewRegistration,
    RegistrationAnswer,
    RegistrationShown,
    Selection,
    Settled,
)
from shared.contracts.words import RegistrationStatus
from shared.http.body import Id
from shared.http.etag import IfMatchDep, set_etag
from shared.http.paging import Page, PagingDep
from shared.http.problems import InvalidRequest, NotFound, Unauthorised
from shared.http.work import ReaderDep, WorkDep, api_router, store_of
from shared.security.permissions import (
    PrincipalDep,
    need,
    own_organisation,
    require,
)
from shared.security.principal import Principal

router = api_router("events")
WRITE = "registrations:write"
_CODE = re.compile(r"link_[0-9A-Za-z_.-]+")
SETTLED: dict[str, Any] = {"response_model": Settled, "response_model_exclude_none": True}


@dataclass(frozen=True)
class Holder:
    """Who may act on a registration: its holder by link, or staff."""

    registration_id: str
    is_staff: bool


async def holder(registration_id: Id, request: Request, principal: PrincipalDep) -> Holder:
    """Let through the holder of the registration's link, and staff.

    401 without credentials or with a bad link, 404 with the link of another registration.
    """
    if principal.link_token is not None:
        held = store_of(request).need(Contacts).read(principal.link_token)
        if held is None:
            raise Unauthorised("This is not a link of ours.", reason="invalid_token")
        if held != registration_id:
            raise NotFound("There is no such registration.")
        return Holder(registration_id, is_staff=False)
    need(principal, WRITE)
    if principal.organisation_id is not None:
        async with store_of(request).read() as reader:
            own_organisation(principal, await organisation_of(reader, registration_id))
    return Holder(registration_id, is_staff=True)


HolderDep = Annotated[Holder, Depends(holder)]


@router.post(
    "/v1/events/{event_id}/registrations",
    status_code=201,
    response_model=RegistrationAnswer,
    response_model_exclude_none=True,
)
async def register(
    event_id: Id, body: NewRegistration, work: WorkDep, principal: PrincipalDep, response: Response
) -> dict[str, Any]:
    """Ask for a place: pending until the link in the mail is clicked; at once with a key."""
    command = _command(event_id, body)
    response.headers["Location"] = f"/v1/registrations/{command.id}"
    if not principal.may(WRITE):
        _refuse_incomplete(body, principal)
        confirm_by = await arrivals.knock(work, command)
        return {"id": command.id, "status": "pending", "confirm_by": confirm_by}
    own_organisation(principal, body.group.organisation_id if body.group else None)
    done = await registrations.register(work, command)
    response.headers["Location"] = f"/v1/registrations/{done.id}"
    url = work.need(Contacts).manage_url(done.id, command.language)
    return {"id": done.id, "status": done.status, "position": done.position, "manage_url": url}


def _command(event_id: str, body: NewRegistration) -> Register:
    return Register(
        event_id=event_id,
        name=body.name,
        email=body.contact.email if body.contact else None,
        language=body.language,
        sector=body.sector.value if body.sector else None,
        people=body.group.people if body.group else 1,
        is_group=body.group is not None,
        organisation_id=body.group.organisation_id if body.group else None,
        needs=tuple((each.kind, each.detail) for each in body.needs),
    )


def _refuse_incomplete(body: NewRegistration, principal: Principal) -> None:
    """Hold the public to what only a key may leave out, or add."""
    if body.group is not None:
        need(principal, WRITE)
    errors = [
        {"pointer": f"/{name}", "message": "Field required"}
        for name in ("contact", "sector")
        if getattr(body, name) is None
    ]
    if errors:
        raise InvalidRequest("The request does not fit; see errors.", errors)


@router.post("/v1/registrations/{registration_id}/confirmation", **SETTLED)
async def confirm_registration(
    holder: HolderDep, work: WorkDep, response: Response, if_match: IfMatchDep
) -> Any:
    """Take the place, or the place in line."""
    if if_match.is_given:
        await check_registration(work, Unchanged(holder.registration_id, if_match.check))
    done = await registrations.confirm(work, registrations.Confirm(holder.registration_id))
    return _settled(done, response)


@router.post("/v1/registrations/{registration_id}/cancellation", **SETTLED)
async def cancel_registration(
    holder: HolderDep, work: WorkDep, response: Response, if_match: IfMatchDep
) -> Any:
    """Give the place back; whoever is next in line gets it."""
    if if_match.is_given:
        await check_registration(work, Unchanged(holder.registration_id, if_match.check))
    command = cancellations.CancelRegistration(
        holder.registration_id, "by-staff" if holder.is_staff else "by-participant"
    )
    return _settled(await cancellations.cancel_registration(work, command), response)


@router.post("/v1/registrations/{registration_id}/erasure", **SETTLED)
async def erase_registration(
    holder: HolderDep, work: WorkDep, response: Response, if_match: IfMatchDep
) -> Any:
    """Forget who it is, here and everywhere, with all else of the same address; counts stay."""
    if if_match.is_given:
        await check_registration(work, Unchanged(holder.registration_id, if_match.check))
    command = erasure.ErasePerson(holder.registration_id)
    return _settled(await erasure.erase_person(work, command), response)


@router.post(
    "/v1/registrations/{registration_id}/selection",
    dependencies=[Depends(require("events:admin"))],
    **SETTLED,
)
async def select_applicant(
    registration_id: Id, body: Selection, work: WorkDep, response: Response, if_match: IfMatchDep
) -> Any:
    """Give an applicant a place, or decline."""
    if if_match.is_given:
        await check_registration(work, Unchanged(registration_id, if_match.check))
    command = selections.Select(registration_id, body.selected)
    return _settled(await selections.select_applicant(work, command), response)


@router.get("/v1/registrations/{registration_id}")
async def get_registration(
    holder: HolderDep, reader: ReaderDep, response: Response
) -> RegistrationShown:
    """Show a registration to its holder, or to staff."""
    seen = await registration_of(reader, holder.registration_id)
    set_etag(response, seen.revision)
    return RegistrationShown.of(seen)


@router.get(
    "/v1/events/{event_id}/registrations", dependencies=[Depends(require("registrations:read"))]
)
async def list_registrations(
    event_id: Id,
    reader: ReaderDep,
    paging: PagingDep,
    principal: PrincipalDep,
    request: Request,
    status: Annotated[RegistrationStatus | None, Query(description="only these")] = None,
    search: Annotated[
        str | None,
        Query(min_length=1, max_length=600, description="a name, or what a code at the door says"),
    ] = None,
) -> Page[RegistrationShown]:
    """List an event's registrations in the order they came; a bound key sees its own groups.

    With `search`, at most 20 of that name, or the one whose code it is. What people need is
    shown to who may act on registrations.
    """
    wanted = status.value if status else None
    if search is not None:
        named = await registrations_named(
            reader,
            event_id,
            search,
            registration_id=_code(request, search),
            status=wanted,
            organisation_id=principal.organisation_id,
        )
        return paging.page([RegistrationShown.of(seen) for seen in named], None)
    found, following = await registrations_of(
        reader,
        event_id,
        paging,
        status=wanted,
        organisation_id=principal.organisation_id,
        with_needs=principal.may(WRITE),
    )
    return paging.page([RegistrationShown.of(seen) for seen in found], following)


def _code(request: Request, search: str) -> str | None:
    """Return the registration that a scanned code is for; "" for a code that is not ours."""
    found = _CODE.search(search)
    if found is None:
        return None
    return store_of(request).need(Contacts).read(found[0]) or ""


@router.post("/v1/registration-links", status_code=202)
async def ask_for_links(body: LinksWanted, work: WorkDep) -> dict[str, str]:
    """Have the links of an address mailed to it, if it has any; the answer does not tell."""
    await arrivals.ask_for_links(work, arrivals.AskForLinks(body.email))
    return {"status": "accepted"}


def _settled(done: Registered, response: Response) -> dict[str, Any]:
    set_etag(response, done.revision)
    return {"id": done.id, "status": done.status, "position": done.position}
