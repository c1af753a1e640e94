"""The gateway, wired: its own addresses behind the door, the other services behind it too."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from services.gateway.admission import Admission
from services.gateway.api import router
from services.gateway.documents import documents, serve_documents
from services.gateway.door import Door, Limits
from services.gateway.feed.api import router as messages
from services.gateway.feed.api import schemas
from services.gateway.feed.bell import Bell
from services.gateway.feed.cursors import FeedBeganAnew
from services.gateway.feed.messages import feed
from services.gateway.feed.streams import Streams
from services.gateway.identity import Identity, KeyCache, KnownKey, Shown
from services.gateway.operations import clock as clock_router
from services.gateway.operations import letters
from services.gateway.pages import InWords, Pages
from services.gateway.queries import find_key
from services.gateway.rates import Rate, Rates
from services.gateway.remote import Remote, UpstreamTimeout
from services.gateway.replay import ClockIsAhead, HouseBusy, Replay
from services.gateway.rules import KeyExpired, LastAdminKey, is_alive, is_page
from services.gateway.sessions import router as sessions
from services.gateway.settings import Settings
from services.gateway.signing_in import (
    LINK_OVER,
    SESSION_OVER,
    SignInLinkUnknown,
    SignInPage,
    find_session,
    forget_link,
    forget_session,
)
from services.gateway.tokens import SessionToken
from services.gateway.upstreams import InProcess, OverHttp, Upstream
from shared.clock import Clock, ReplayClock
from shared.http.headers import Headers
from shared.member import Member
from shared.messaging.broker import Bus
from shared.observability.metrics import Metrics
from shared.observability.requests import RequestLine
from shared.security.keyring import Keyring
from shared.security.principal import Principal
from shared.service import Parts, Service
from shared.store import Store


class Gateway(Service):
    """The gateway at run time; `upstreams` are the services behind it, by name."""

    upstreams: Mapping[str, Upstream]
    streams: Streams

    def drain(self) -> None:
        """End the streams, which would go on for ever."""
        self.streams.close()

    async def stop(self) -> None:
        """Stop, and close what is open towards other processes."""
        self.drain()
        await super().stop()
        for upstream in self.upstreams.values():
            await upstream.close()


def create_service(
    settings: Settings,
    clock: Clock,
    bus: Bus,
    keyring: Keyring,
    metrics: Metrics,
    *,
    services: Mapping[str, Member] | None = None,
    addresses: Mapping[str, str | Sequence[str]] | None = None,
    upstreams: Mapping[str, Upstream] | None = None,
) -> Service:
    """Return the gateway before `services` of this process and those at `addresses`.

    `web` among them has the pages; without it there is only the API.
    """
    inner_key = keyring.inner_key()
    cache, bell = KeyCache(settings.key_cache_seconds), Bell()
    gateway = Gateway(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=inner_key,
        metrics=metrics,
        behind_gateway=True,
        provide=[cache, bell, SignInPage(settings.source)],
    )
    everybody: dict[str, Upstream] = {
        **{name: InProcess(each, inner_key) for name, each in (services or {}).items()},
        **{
            name: OverHttp(_remote(name, each, settings), inner_key)
            for name, each in (addresses or {}).items()
        },
        **(upstreams or {}),
    }
    gateway.upstreams = everybody
    pages = everybody.get("web")
    behind = {name: each for name, each in everybody.items() if each is not pages}
    myself = InProcess(gateway, inner_key)
    state = gateway.app.state
    state.upstreams = behind
    state.streams = gateway.streams = _streams(settings, clock, gateway.store, bell)
    state.replay = _replay(settings, clock, [myself, *everybody.values()])
    state.mail = settings.mail
    state.limits = None if isinstance(clock, ReplayClock) else _limits(settings)
    serve_documents(gateway.app, behind)
    gateway.app.add_middleware(
        Door,
        upstreams=everybody,
        identity=Identity(clock, cache, partial(_find, gateway.store)),
        inner_key=inner_key,
        limits=state.limits,
        admission=Admission(
            settings.admission_in_flight,
            settings.admission_waiting,
            patience_seconds=settings.admission_patience_seconds,
            metrics=metrics,
        ),
    )
    if pages is not None:
        gateway.app.add_middleware(Pages, pages=pages, limits=state.limits)
    gateway.app.add_middleware(Headers, is_page=is_page)
    if pages is not None:
        gateway.app.add_middleware(InWords, pages=pages)
    gateway.app.add_middleware(RequestLine, service="gateway", metrics=metrics, begins_traces=True)
    return gateway


PARTS = Parts(
    name="gateway",
    migrations=Path(__file__).parent / "migrations",
    routers=[router, sessions, letters, clock_router, documents, messages, schemas],
    subscriptions=[feed],
    tasks={LINK_OVER: forget_link, SESSION_OVER: forget_session},
    problems={
        SignInLinkUnknown: 404,
        KeyExpired: 422,
        LastAdminKey: 409,
        ClockIsAhead: 409,
        FeedBeganAnew: 410,
        HouseBusy: 503,
        UpstreamTimeout: 504,
    },
)


def _remote(name: str, addresses: str | Sequence[str], settings: Settings) -> Remote:
    return Remote(
        name,
        addresses,
        seconds=settings.upstream_seconds,
        connections=settings.upstream_connections,
    )


def _limits(settings: Settings) -> Limits:
    """A replayed year is played as fast as it goes; all else is held to the settings."""
    public, key = settings.rate_public_a_minute, settings.rate_key_a_second
    page = settings.rate_page_a_minute
    return Limits(
        Rates(),
        Rate("public", public / 60, public),
        Rate("key", key, settings.rate_key_burst),
        Rate("pages", page / 60, page),
    )


def _streams(settings: Settings, clock: Clock, store: Store, bell: Bell) -> Streams:
    return Streams(
        store,
        bell,
        partial(_still_counts, store, clock),
        per_key=settings.streams_per_key,
        at_once=settings.streams_at_once,
        proof=settings.stream_proof_seconds,
    )


async def _still_counts(store: Store, clock: Clock, principal: Principal) -> bool:
    find = _find_session if principal.kind == "user" else _find_key
    known = await find(store, principal.id)
    return known is not None and is_alive(
        clock.now(), revoked=known.revoked, expires_at=known.expires_at
    )


def _replay(settings: Settings, clock: Clock, house: list[Upstream]) -> Replay | None:
    if not isinstance(clock, ReplayClock):
        return None
    return Replay(
        clock,
        asks=[each.quiet for each in house],
        moves=[each.move for each in house],
        run_ons=[partial(each.move, None, running=True) for each in house],
        patience_seconds=settings.clock_patience_seconds,
    )


async def _find(store: Store, shown: Shown) -> KnownKey | None:
    find = _find_session if isinstance(shown, SessionToken) else _find_key
    return await find(store, shown.id)


async def _find_key(store: Store, key_id: str) -> KnownKey | None:
    async with store.read() as reader:
        row = await find_key(reader, key_id)
    if row is None:
        return None
    principal = Principal(
        kind="key",
        id=row.id,
        scopes=frozenset(row.scopes),
        organisation_id=row.organisation_id,
    )
    return KnownKey(principal, row.secret_hash, row.expires_at, row.revoked)


async def _find_session(store: Store, session_id: str) -> KnownKey | None:
    async with store.read() as reader:
        row = await find_session(reader, session_id)
    if row is None:
        return None
    principal = Principal(
        kind="user",
        id=row.id,
        scopes=frozenset(row.scopes),
        organisation_id=row.organisation_id,
    )
    return KnownKey(principal, row.secret_hash, row.expires_at, revoked=False)
