"""FastAPI dependencies that say who is calling and refuse who may not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from shared.http.problems import NotFound, ScopeMissing, Unauthorised
from shared.security.inner import HEADER, BadInnerToken, InnerKey
from shared.security.principal import Principal


async def current_principal(request: Request) -> Principal:
    """Return the caller whom the inner token names; without a token, the public.

    The key comes from `app.state.inner_key`. Any other header is only somebody's claim and is
    not looked at.
    """
    key: InnerKey = request.app.state.inner_key
    try:
        principal = key.read(request.headers.get(HEADER))
    except BadInnerToken as error:
        raise Unauthorised(str(error), reason="invalid_token") from error
    request.scope["andan.principal_kind"] = principal.kind  # for the request's log line
    return principal


PrincipalDep = Annotated[Principal, Depends(current_principal)]


@dataclass(frozen=True, slots=True)
class Requirement:
    """A dependency that lets through who holds all `scopes`; readable by tests and documents."""

    scopes: tuple[str, ...]

    async def __call__(self, principal: PrincipalDep) -> Principal:
        """Return the caller, or refuse him with 401 (public) or 403 (a scope is missing)."""
        need(principal, *self.scopes)
        return principal


def require(*scopes: str) -> Requirement:
    """Return a dependency for `Depends(...)` that needs every one of `scopes`."""
    return Requirement(scopes)


def need(principal: Principal, *scopes: str) -> None:
    """Refuse `principal` unless he holds every one of `scopes`.

    Raises Unauthorised for the public, ScopeMissing (naming the scope) for anybody else.
    """
    for scope in scopes:
        if principal.may(scope):
            continue
        if principal.kind == "public":
            raise Unauthorised("This needs credentials.")
        bound = " by a key that is not bound" if scope in principal.scopes else ""
        raise ScopeMissing(f"The scope {scope} is needed{bound}.", scope=scope)


def own_organisation(principal: Principal, organisation_id: str | None) -> None:
    """Hide what belongs to another organisation than the one the caller's key is bound to.

    Raises NotFound: somebody else's thing does not exist for a bound key.
    """
    if principal.organisation_id is not None and principal.organisation_id != organisation_id:
        raise NotFound("There is no such thing here.")
