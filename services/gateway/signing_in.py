"""Signing in: one-time links are made and spent, sessions begin and end."""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlmodel import col

from services.gateway.identity import KeyCache
from services.gateway.models import SessionRow, SignInLinkRow
from services.gateway.tokens import (
    SessionToken,
    hash_attempt,
    new_sign_in_token,
    session_secret,
)
from shared.ids import new_id
from shared.problem import Problem
from shared.security.api_keys import hash_secret
from shared.security.principal import SCOPES
from shared.store import Reader, Store, Work
from shared.store.scheduler import Due

LINK_LASTS: Final = timedelta(minutes=15)
SESSION_LASTS: Final = timedelta(hours=12)
LINK_OVER: Final = "sign-in-link-over"
SESSION_OVER: Final = "session-over"


class SignInLinkUnknown(Problem):
    """This sign-in link does not count.

    It has been used, is more than 15 minutes old, or was never made here. Ask for a new one.
    """


@dataclass(frozen=True)
class MakeSignInLink:
    """Somebody shall be able to sign in once, with these scopes."""

    scopes: list[str]
    organisation_id: str | None = None


async def make_sign_in_link(work: Work, command: MakeSignInLink) -> tuple[SignInLinkRow, str]:
    """Make a link that can be spent once; its token is in what this returns and nowhere else."""
    token = new_sign_in_token()
    row = SignInLinkRow(
        token_hash=hash_secret(token),
        scopes=sorted(set(command.scopes)),
        organisation_id=command.organisation_id,
        created_at=work.now,
        expires_at=work.now + LINK_LASTS,
    )
    work.add(row)
    await work.later(LINK_OVER, row.token_hash, row.expires_at)
    return row, token


@dataclass(frozen=True)
class SignIn:
    """Spend a link; `attempt` is the key by which a repeated try is known."""

    token: str
    attempt: str | None = None


@dataclass(frozen=True)
class Opened:
    """A session that has begun, with its token."""

    session: SessionRow
    token: SessionToken
    is_repeated: bool


async def sign_in(work: Work, command: SignIn) -> Opened:
    """Spend a link and begin a session. Raises SignInLinkUnknown.

    The same attempt again is answered with the same session, any other one is refused.
    """
    attempt = command.attempt or secrets.token_urlsafe(32)
    statement = select(SignInLinkRow).where(
        col(SignInLinkRow.token_hash) == hash_secret(command.token)
    )
    link: SignInLinkRow | None = await work.scalar(statement.with_for_update())
    if link is None or link.expires_at <= work.now:
        raise SignInLinkUnknown("Ask for a new link.")
    secret = session_secret(command.token, attempt)
    if link.session_id is not None:
        return await _repeated(work, link, attempt, secret)
    session = SessionRow(
        id=new_id(),
        secret_hash=hash_secret(secret),
        scopes=link.scopes,
        organisation_id=link.organisation_id,
        created_at=work.now,
        expires_at=work.now + SESSION_LASTS,
    )
    work.add(session)
    link.session_id, link.attempt_hash = session.id, hash_attempt(attempt)
    await work.later(SESSION_OVER, session.id, session.expires_at)
    return Opened(session, SessionToken(session.id, secret), is_repeated=False)


async def _repeated(work: Work, link: SignInLinkRow, attempt: str, secret: str) -> Opened:
    session = await find_session(work, link.session_id or "")
    if session is None or link.attempt_hash != hash_attempt(attempt):
        raise SignInLinkUnknown("Ask for a new link.")
    return Opened(session, SessionToken(session.id, secret), is_repeated=True)


@dataclass(frozen=True)
class SignOut:
    """A session shall count no more."""

    session_id: str


async def sign_out(work: Work, command: SignOut) -> None:
    """End a session; again changes nothing."""
    await work.execute(delete(SessionRow).where(col(SessionRow.id) == command.session_id))
    await work.drop(SESSION_OVER, command.session_id)
    cache = work.need(KeyCache)
    work.after_commit(lambda: cache.forget(command.session_id))


async def find_session(reader: Reader | Work, session_id: str) -> SessionRow | None:
    """Return a session that was not ended, or None; it may have expired."""
    statement = select(SessionRow).where(col(SessionRow.id) == session_id)
    row: SessionRow | None = await reader.scalar(statement)
    return row


async def forget_link(work: Work, due: Due) -> None:
    """Drop a link that is over."""
    await work.execute(delete(SignInLinkRow).where(col(SignInLinkRow.token_hash) == due.key))


async def forget_session(work: Work, due: Due) -> None:
    """Drop a session that is over."""
    await sign_out(work, SignOut(due.key))


class SignInPage:
    """Where links lead to: the page of this installation that spends them."""

    def __init__(self, source: str) -> None:
        self._source = source.rstrip("/")

    def address(self, token: str) -> str:
        """Return the address of the page for a link's token."""
        return f"{self._source}/sv/sign-in/{token}"


async def first_link(store: Store) -> str:
    """Make a link for whoever runs this house, with every scope, and return its address."""
    async with store.work() as work:
        _, token = await make_sign_in_link(work, MakeSignInLink(list(SCOPES)))
    return store.need(SignInPage).address(token)
