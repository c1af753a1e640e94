"""The gateway, wired: its own addresses behind the door, the other services behind it too."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from services.gateway.admission import Admission
from services.gateway.api import router
from services.gateway.documents import documents, serve_documents
from services.gateway.door import Door, Limits
from services.gateway.identity import Identity, KeyCache, KnownKey
from services.gateway.operations import clock as clock_router
from services.gateway.operations import letters
from services.gateway.queries import find_key
from services.gateway.rates import Rate, Rates
from services.gateway.remote import Remote, UpstreamTimeout
from services.gateway.replay import ClockIsAhead, HouseBusy, Replay
from services.gateway.rules import KeyExpired, LastAdminKey
from services.gateway.settings import Settings
from services.gateway.upstreams import InProcess, OverHttp, Upstream
from shared.clock import Clock, ReplayClock
from shared.http.headers import Headers
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

    async def stop(self) -> None:
        """Stop, and close what is open towards other processes."""
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
    services: Mapping[str, Service] | None = None,
    addresses: Mapping[str, str] | None = None,
    upstreams: Mapping[str, Upstream] | None = None,
) -> Service:
    """Return the gateway before `services` of this process and those at `addresses`."""
    inner_key = keyring.inner_key()
    cache = KeyCache(settings.key_cache_seconds)
    gateway = Gateway(
        PARTS,
        settings=settings,
        clock=clock,
        bus=bus,
        inner_key=inner_key,
        metrics=metrics,
        behind_gateway=True,
        provide=[cache],
    )
    behind = gateway.upstreams = {
        **{name: InProcess(each, inner_key) for name, each in (services or {}).items()},
        **{
            name: OverHttp(_remote(name, address, settings), inner_key)
            for name, address in (addresses or {}).items()
        },
        **(upstreams or {}),
    }
    myself = InProcess(gateway, inner_key)
    state = gateway.app.state
    state.upstreams = behind
    state.replay = _replay(settings, clock, [myself, *behind.values()])
    serve_documents(gateway.app, behind)
    gateway.app.add_middleware(
        Door,
        upstreams=behind,
        identity=Identity(clock, cache, partial(_find, gateway.store)),
        inner_key=inner_key,
        limits=None if isinstance(clock, ReplayClock) else _limits(settings),
        admission=Admission(
            settings.admission_in_flight,
            settings.admission_waiting,
            patience_seconds=settings.admission_patience_seconds,
            metrics=metrics,
        ),
    )
    gateway.app.add_middleware(Headers)
    gateway.app.add_middleware(RequestLine, service="gateway", metrics=metrics)
    return gateway


PARTS = Parts(
    name="gateway",
    migrations=Path(__file__).parent / "migrations",
    routers=[router, letters, clock_router, documents],
    problems={
        KeyExpired: 422,
        LastAdminKey: 409,
        ClockIsAhead: 409,
        HouseBusy: 503,
        UpstreamTimeout: 504,
    },
)


def _remote(name: str, address: str, settings: Settings) -> Remote:
    return Remote(
        name,
        address,
        seconds=settings.upstream_seconds,
        connections=settings.upstream_connections,
    )


def _limits(settings: Settings) -> Limits:
    """A replayed year is played as fast as it goes; all else is held to the settings."""
    public, key = settings.rate_public_a_minute, settings.rate_key_a_second
    return Limits(
        Rates(),
        Rate("public", public / 60, public),
        Rate("key", key, settings.rate_key_burst),
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


async def _find(store: Store, key_id: str) -> KnownKey | None:
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
