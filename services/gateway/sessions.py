"""The addresses of signing in: links, and the session of whoever asks."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.gateway.door import FOR_A_PAGE
from services.gateway.rules import lacking
from services.gateway.schemas import Scope
from services.gateway.signing_in import (
    MakeSignInLink,
    SignIn,
    SignInLinkUnknown,
    SignInPage,
    SignOut,
    find_session,
    make_sign_in_link,
    sign_in,
    sign_out,
)
from services.gateway.tokens import LINK_FORM
from shared.http.body import Body
from shared.http.problems import NotFound, ScopeMissing, Unauthorised
from shared.http.work import ReaderDep, WorkDep, api_router
from shared.security.permissions import PrincipalDep, require
from shared.security.principal import SCOPES, Principal

router = api_router("gateway", idempotent=False)
"""No answer is kept: each of them holds a secret."""

AdminDep = Annotated[Principal, Depends(require("gateway:admin"))]
AttemptDep = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="The same key and token again begin no second session.",
    ),
]


class NewSignInLink(Body):
    """A link to be made; without `scopes`, all that its maker holds."""

    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(SCOPES))] | None = None


class SignInLink(BaseModel):
    """A link that signs somebody in, once; it is shown here and nowhere else."""

    url: str
    token: str
    expires_at: datetime
    scopes: list[str]


class NewSession(Body):
    """The token of a link."""

    token: Annotated[str, StringConstraints(pattern=LINK_FORM)]


class Session(BaseModel):
    """Somebody who has signed in."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime


class SessionWithToken(Session):
    """A session that has just begun; `token` is what its holder sends."""

    token: str


@router.post("/v1/sign-in-links", status_code=201)
async def add_sign_in_link(body: NewSignInLink, principal: AdminDep, work: WorkDep) -> SignInLink:
    """Make a link that signs somebody in once, within 15 minutes.

    Nobody can hand on a scope that he lacks.
    """
    scopes = body.scopes or sorted(principal.scopes)
    if missing := lacking(principal.scopes, scopes):
        raise ScopeMissing(f"The scope {missing[0]} is needed to hand it on.", scope=missing[0])
    row, token = await make_sign_in_link(work, MakeSignInLink(scopes, principal.organisation_id))
    url = work.need(SignInPage).address(token)
    return SignInLink(url=url, token=token, expires_at=row.expires_at, scopes=row.scopes)


@router.post("/v1/sessions", status_code=201)
async def begin_session(
    body: NewSession,
    request: Request,
    response: Response,
    work: WorkDep,
    attempt: AttemptDep = None,
) -> SessionWithToken:
    """Spend a link: its holder is signed in for 12 hours."""
    limits = None if request.scope.get(FOR_A_PAGE) else request.app.state.limits
    if limits is not None:
        limits.check_guess(request.scope)
    try:
        opened = await sign_in(work, SignIn(body.token, attempt))
    except SignInLinkUnknown:
        if limits is not None:
            limits.count_guess(request.scope)
        raise
    if opened.is_repeated:
        response.headers["Idempotent-Replayed"] = "true"
    response.headers["Location"] = "/v1/sessions/current"
    shown = Session.model_validate(opened.session).model_dump()
    return SessionWithToken(token=str(opened.token), **shown)


@router.get("/v1/sessions/current")
async def show_session(principal: PrincipalDep, reader: ReaderDep) -> Session:
    """Show the session that the request was made with."""
    row = await find_session(reader, _session_of(principal))
    if row is None:
        raise Unauthorised("This session has ended.", reason="invalid_token")
    return Session.model_validate(row)


@router.delete("/v1/sessions/current", status_code=204)
async def end_session(principal: PrincipalDep, work: WorkDep) -> None:
    """Sign out: the session counts no more from this moment."""
    await sign_out(work, SignOut(_session_of(principal)))


def _session_of(principal: Principal) -> str:
    if principal.kind == "public":
        raise Unauthorised("This needs the credentials of a session.")
    if principal.kind != "user":
        raise NotFound("These credentials are of no session.")
    return principal.id
