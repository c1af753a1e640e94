"""Signing in: a link is spent once, a session counts until it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from services.gateway.app import create_service
from services.gateway.models import SessionRow, SignInLinkRow
from services.gateway.settings import Settings
from services.gateway.signing_in import first_link
from shared.clock import ReplayClock
from shared.security.inner import PAGES, VISITOR
from shared.security.keyring import Keyring
from shared.security.principal import SCOPES, Principal
from shared.store.plumbing import due, idempotency
from shared.testing.fixtures import DIALECTS
from shared.testing.running import running
from tests.gateway.house import START, House, Outside, house

pytestmark = pytest.mark.anyio

MakeUrl = Callable[[str], Awaitable[str]]
QUARTER = timedelta(minutes=15)


async def token_of(it: Outside) -> str:
    """Make the link of the first start and return its token."""
    return (await first_link(it.gateway.store)).rpartition("/")[2]


async def spend(it: Outside, token: str, **headers: str) -> Any:
    """Spend a link's token as anybody would."""
    async with it.client(**headers) as client:
        return await client.post("/v1/sessions", json={"token": token})


async def session_of(it: Outside) -> str:
    """Sign in and return the session's token."""
    answer = await spend(it, await token_of(it))
    assert answer.status_code == 201
    return str(answer.json()["token"])


async def status(it: Outside, token: str, path: str = "/v1/sessions/current") -> int:
    """Return how a request with these credentials is answered."""
    async with it.client(token) as client:
        return int((await client.get(path)).status_code)


async def test_a_link_signs_in_once(tmp_path: Path) -> None:
    """The first to spend it is signed in with all its scopes; the next one is told it is over."""
    async with house(tmp_path) as it:
        link = await first_link(it.gateway.store)
        assert link.startswith("https://test.example/sv/sign-in/")
        token = link.rpartition("/")[2]
        first, second = await spend(it, token), await spend(it, token)
        assert (first.status_code, second.status_code) == (201, 404)
        assert second.json()["type"] == "/problems/sign-in-link-unknown"
        assert first.json()["scopes"] == sorted(SCOPES)
        async with it.client(first.json()["token"]) as client:
            seen = (await client.get("/v1/bookings/b1")).json()
            current = (await client.get("/v1/sessions/current")).json()
        assert (seen["kind"], seen["who"]) == ("user", first.json()["id"])
        assert current == {k: v for k, v in first.json().items() if k != "token"}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_of_many_who_spend_a_link_one_is_signed_in(
    dialect: str, make_url: MakeUrl, tmp_path: Path
) -> None:
    """However many spend it at once, one session begins, on both databases."""
    async with running(
        create_service, make_url, tmp_path, dialect=dialect, settings_class=Settings
    ) as it:
        outside = Outside(it.service)
        token = await token_of(outside)
        answers = await asyncio.gather(*(spend(outside, token) for _ in range(8)))
        assert sorted(each.status_code for each in answers) == [201] + [404] * 7
        async with it.service.store.read() as reader:
            assert len((await reader.scalars(select(SessionRow))).all()) == 1


async def test_a_double_click_is_one_session(tmp_path: Path) -> None:
    """The same attempt again is answered alike; after signing out it opens nothing any more."""
    async with house(tmp_path) as it:
        token = await token_of(it)
        same = {"Idempotency-Key": "a" * 32}
        first, again = await spend(it, token, **same), await spend(it, token, **same)
        assert (first.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        async with it.client(first.json()["token"]) as client:
            assert (await client.delete("/v1/sessions/current")).status_code == 204
        assert (await spend(it, token, **same)).status_code == 404


async def test_a_link_lasts_a_quarter_of_an_hour(tmp_path: Path) -> None:
    """A moment before the end it counts, at the end it does not, and nothing of it is left."""
    clock = ReplayClock(START)
    async with house(tmp_path, clock=clock) as it:
        early, late = await token_of(it), await token_of(it)
        clock.move(START + QUARTER - timedelta(seconds=1))
        assert (await spend(it, early)).status_code == 201
        clock.move(START + QUARTER)
        assert (await spend(it, late)).status_code == 404
        async with it.gateway.store.read() as reader:
            for _ in range(100):
                if not (await reader.scalars(select(SignInLinkRow))).all():
                    break
                await reader.rollback()
                await asyncio.sleep(0.02)
            else:
                pytest.fail("links that are over stay in the store")


async def test_a_session_lasts_twelve_hours(tmp_path: Path) -> None:
    """It counts until its end by the domain's clock, then 401, and its row goes."""
    clock = ReplayClock(START)
    async with house(tmp_path, clock=clock) as it:
        token = await session_of(it)
        clock.move(START + timedelta(hours=12) - timedelta(seconds=1))
        assert await status(it, token) == 200
        clock.move(START + timedelta(hours=12))
        assert await status(it, token) == 401
        assert await status(it, token, "/v1/rooms") == 401


async def test_signing_out_ends_the_session_at_once(tmp_path: Path) -> None:
    """Its token counts nowhere any more, and nothing is left that would be done later."""
    async with house(tmp_path) as it:
        token, other = await session_of(it), await session_of(it)
        assert await status(it, token, "/v1/rooms") == 200
        async with it.client(token) as client:
            assert (await client.delete("/v1/sessions/current")).status_code == 204
        assert await status(it, token) == 401
        assert await status(it, token, "/v1/rooms") == 401
        assert await status(it, other) == 200
        async with it.gateway.store.read() as reader:
            later = select(due.c.key).where(due.c.kind == "session-over")
            assert (await reader.scalars(later)).all() == [other.split("_")[1]]


async def test_the_store_holds_no_secret(tmp_path: Path) -> None:
    """Neither the link's token nor the session's stands in any row, kept answers included."""
    async with house(tmp_path) as it:
        token = await token_of(it)
        answer = await spend(it, token, **{"Idempotency-Key": "attempt-1"})
        session = answer.json()["token"].split("_", 2)[2]
        async with it.gateway.store.read() as reader:
            rows = [
                *(await reader.execute(select(*SignInLinkRow.__table__.c))).all(),  # type: ignore[attr-defined]  # SQLModel adds it
                *(await reader.execute(select(*SessionRow.__table__.c))).all(),  # type: ignore[attr-defined]  # as above
                *(await reader.execute(select(due))).all(),
                *(await reader.execute(select(idempotency))).all(),
            ]
        told = str(rows)
        assert answer.json()["id"] in told
        assert not [secret for secret in (token, session, "attempt-1") if secret in told]


@pytest.mark.parametrize(
    "token",
    [
        "session_0198a000-0000-7000-8000-000000000000_" + "a" * 43,
        "session_",
        "session_x_y",
        "session_" + "a" * 3_000,
    ],
)
async def test_what_is_no_session_is_refused(token: str, tmp_path: Path) -> None:
    """A session that never was, or is malformed, is a 401, never somebody."""
    async with house(tmp_path) as it:
        assert await status(it, token, "/v1/rooms") == 401


async def test_another_secret_is_another_session(tmp_path: Path) -> None:
    """A session's id with any other secret is a 401."""
    async with house(tmp_path) as it:
        token = await session_of(it)
        assert await status(it, token) == 200
        wrong = token[:-1] + ("a" if token[-1] != "a" else "b")
        assert await status(it, wrong) == 401


async def test_guesses_are_limited(tmp_path: Path) -> None:
    """Who tries too many links is told to wait, also with a right one; others are not."""
    async with house(tmp_path, rate_public_a_minute=5) as it:
        token = await token_of(it)
        assert [(await spend(it, "a" * 43)).status_code for _ in range(6)] == [404] * 5 + [429]
        refused = await spend(it, token)
        assert (refused.status_code, "retry-after" in refused.headers) == (429, True)


async def made(it: House, key: str, **body: Any) -> Any:
    """Ask for a link over the public address."""
    async with it.client(key) as client:
        return await client.post("/v1/sign-in-links", json=body)


async def test_an_administrator_makes_links(tmp_path: Path) -> None:
    """With all that he holds, or with less; nobody hands on what he lacks."""
    async with house(tmp_path) as it:
        admin = await it.key("gateway:admin", "attendance:write")
        whole = (await made(it, admin)).json()
        assert whole["scopes"] == ["attendance:write", "gateway:admin"]
        assert whole["url"] == f"https://test.example/sv/sign-in/{whole['token']}"
        door = (await made(it, admin, scopes=["attendance:write"])).json()
        session = (await spend(it, door["token"])).json()
        assert session["scopes"] == ["attendance:write"]
        assert (await made(it, session["token"])).status_code == 403
        refused = await made(it, admin, scopes=["booking:admin"])
        assert (refused.status_code, refused.json()["scope"]) == (403, "booking:admin")
        assert (await made(it, await it.key("booking:read"))).status_code == 403


async def test_only_a_session_is_current(tmp_path: Path) -> None:
    """Without credentials 401; a key has no session to show or end."""
    async with house(tmp_path) as it, it.client() as nobody, it.client(await it.key()) as key:
        for client, expected in ((nobody, 401), (key, 404)):
            assert (await client.get("/v1/sessions/current")).status_code == expected
            assert (await client.delete("/v1/sessions/current")).status_code == expected


async def test_dead_sessions_of_one_sign_out_no_other(tmp_path: Path) -> None:
    """What pages ask for was counted as pages: their old cookies are no guesses of one network."""
    async with house(tmp_path, rate_public_a_minute=5, key_cache_seconds=0) as it:
        token = await session_of(it)
        inner = Keyring.open(tmp_path / "keys").inner_key()
        page = {VISITOR: inner.mint(Principal(kind="key", id=PAGES))}
        dead = "session_0198a000-0000-7000-8000-000000000000_" + "a" * 43
        for _ in range(10):
            async with it.client(dead, **page) as client:
                assert (await client.get("/v1/sessions/current")).status_code == 401
            async with it.client(**page) as client:
                answer = await client.post("/v1/sessions", json={"token": "a" * 43})
                assert answer.status_code == 404
        async with it.client(token, **page) as client:
            assert (await client.get("/v1/sessions/current")).status_code == 200
