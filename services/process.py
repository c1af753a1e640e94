"""One process of the house: binds its port, starts its services, serves, and stops cleanly."""

import asyncio
import contextlib
import errno
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import structlog
import uvicorn
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from services.draining import Draining
from services.gateway.first_key import FirstKeyUnreadable
from services.settings import ProcessSettings
from services.topology import House, Pages
from shared.messaging.away import bus_is_away
from shared.messaging.credentials import LoginRefused
from shared.messaging.declaration import TopicDiffers
from shared.messaging.embedded.errors import LogInUse
from shared.security.keyring import KeyExposed, KeyMissing
from shared.store.away import AWAY, sqlstate
from shared.store.engines import StoreUnusable

DRAIN_SECONDS = 15
KEPT_SECONDS = 75
"""How long an idle connection is kept: longer than clients keep theirs, so that no request is sent
on one that is being closed."""
GARBAGE_AFTER = 20_000
"""Net allocations between two looks for garbage in cycles; Python's own choice is 700."""
LONGEST_PAUSE_SECONDS = 5.0
"""Between two tries to start while a server is away."""
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR}

_TOLD_BY_THEMSELVES = (
    LogInUse,
    StoreUnusable,
    KeyExposed,
    KeyMissing,
    FirstKeyUnreadable,
    LoginRefused,
    TopicDiffers,
)

log = structlog.get_logger()


class CannotStart(Exception):
    """The process cannot start

    The text is a sentence for the person who started it.
    """


@contextlib.contextmanager
def told_plainly() -> Iterator[None]:
    """Turn what keeps a process from starting into CannotStart, a sentence for a person."""
    try:
        yield
    except _TOLD_BY_THEMSELVES as error:
        raise CannotStart(
            f"{str(error)[:1].upper()}{str(error)[1:]}.".replace("..", ".")
        ) from error
    except ValidationError as error:
        places = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise CannotStart(f"A setting cannot be used ({places}).") from error
    except DBAPIError as error:
        raise CannotStart(f"A store cannot be used: {error.orig}.") from error
    except OSError as error:
        if error.errno in _DISK:
            named = f"{error.filename}: " if error.filename else ""
            raise CannotStart(
                f"The data cannot be written ({named}{error.strerror}); ANDAN_DATA=… chooses "
                "another folder."
            ) from error
        what = str(error) or type(error).__name__
        raise CannotStart(f"Something that Andan needs does not answer: {what}") from error


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: the process stops its services after it."""

    def __init__(self, config: uvicorn.Config, draining: Callable[[], None]) -> None:
        super().__init__(config)
        self._draining = draining

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Have what would go on for ever ended, then let every answer be finished."""
        self._draining()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return the maker of the event loop that uvicorn would choose: uvloop's where it is there."""
    return uvicorn.Config(None).get_loop_factory()  # type: ignore[arg-type]  # no app is needed


def bind(settings: ProcessSettings) -> socket.socket:
    """Take the port; raise CannotStart where another process has it."""
    # Named as TCP: asyncio sets TCP_NODELAY on no other, and each answer would wait 40 ms.
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((settings.host, settings.port))
    except OSError as error:
        taken.close()
        raise CannotStart(
            f"Port {settings.port} of {settings.host} cannot be used ({error.strerror}); "
            "is Andan running already? PORT=… chooses another."
        ) from error
    return taken


async def run(
    house: House | Pages,
    settings: ProcessSettings,
    *,
    when_ready: Callable[[], Awaitable[bool]] | None = None,
) -> None:
    """Start the house, serve until a signal comes, and stop it; raises CannotStart.

    `when_ready` is awaited once the port answers; if it returns False the process ends.
    """
    with contextlib.closing(bind(settings)) as port:
        await _start(house)
        # What was made at the start lives as long as the process: nobody need look at it again.
        gc.freeze()
        gc.set_threshold(GARBAGE_AFTER)
        draining = Draining(house.front.app)
        server = _Server(
            uvicorn.Config(
                draining,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
                timeout_keep_alive=KEPT_SECONDS,
            ),
            house.front.drain,
        )
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, _exit, server)
        leave = partial(_leave, server, draining, 0 if _is_whole(house) else settings.drain_seconds)
        loop.add_signal_handler(signal.SIGTERM, leave)
        try:
            serving = asyncio.create_task(server.serve(sockets=[port]))
            if when_ready is not None:
                await _until_started(server, serving)
                if not await _or_ended(when_ready(), serving):
                    server.should_exit = True
            await serving
        finally:
            await house.stop()


async def _start(house: House | Pages) -> None:
    """Start the house; while its database or its Kafka is away, wait for it and say so."""
    pause = 1.0
    with told_plainly():
        while True:
            try:
                await house.start()
                return
            except Exception as error:
                if (missing := _missing(error)) is None:
                    raise
                log.warning("process.waits", until=f"{missing} answers", error=type(error).__name__)
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)


def _missing(error: Exception) -> str | None:
    """Return which server it was that did not answer a start, None where it was no such thing."""
    if bus_is_away(error):
        return "Kafka"
    if isinstance(error, ConnectionError) or (sqlstate(error) or "").startswith(AWAY):
        return "PostgreSQL"
    return None


def _is_whole(house: House | Pages) -> bool:
    return isinstance(house, House) and house.is_whole


def _exit(server: uvicorn.Server) -> None:
    server.should_exit = True


def _leave(server: uvicorn.Server, draining: Draining, seconds: float) -> None:
    """Say for `seconds` that this process stops, and then stop; told again, stop at once."""
    if draining.begun:
        seconds = 0
    draining.begun = True
    asyncio.get_running_loop().call_later(seconds, _exit, server)


async def _until_started(server: uvicorn.Server, serving: asyncio.Task[None]) -> None:
    while not server.started and not serving.done():  # noqa: ASYNC110 -- uvicorn has no event
        await asyncio.sleep(0.005)


async def _or_ended(work: Awaitable[bool], serving: asyncio.Task[None]) -> bool:
    """Return what `work` returns; cancel it and return False if the server ends before."""
    task = asyncio.ensure_future(work)
    await asyncio.wait([task, serving], return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait([task])
    return False
