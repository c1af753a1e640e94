"""A TCP proxy that cuts, delays and silences connections, where a fault asks it to.

It lives in a thread with a loop of its own, so that nothing a test waits for makes it wait.
"""

import asyncio
import contextlib
import random
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from shared.testing.ports import free_port

CHUNK = 1 << 20
FIRST_PRODUCE = b"\x00\x00"
"""The number of Kafka's request Produce, in the fifth and sixth byte of its frame."""


Match = Callable[[bytes], bool]
"""Says whether this is what a client sends when it should be struck."""


def is_commit(chunk: bytes) -> bool:
    """Say whether a client of PostgreSQL asks for a commit here."""
    return b"COMMIT;\x00" in chunk


def is_produce(chunk: bytes) -> bool:
    """Say whether a client of Kafka sends records here."""
    return len(chunk) > 60 and chunk[4:6] == FIRST_PRODUCE


def is_anything(chunk: bytes) -> bool:
    """Say whether anything is said here, whatever it is."""
    return bool(chunk)


@dataclass
class Fault:
    """What happens to one connection, once: `strike` decides at each chunk the client sends.

    `struck` is done with the words that say what was done, as soon as it was.
    """

    name: str
    matches: Match
    act: "Act"
    skip: int = 0
    """So many matching chunks pass before it strikes."""
    struck: "Future[str]" = field(default_factory=Future)

    def takes(self, chunk: bytes) -> bool:
        """Say whether this is the chunk to strike at."""
        if not self.matches(chunk):
            return False
        self.skip -= 1
        return self.skip < 0


async def cut_before(link: "Link", chunk: bytes) -> None:
    """Cut before the server gets it: nothing was done, and the client cannot know."""
    del chunk
    link.cut()


async def cut_after_answer(link: "Link", chunk: bytes) -> None:
    """Let the server get it and answer, and cut before the client learns: it was done."""
    link.is_deaf = True
    await link.to_server(chunk)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(5):
            await link.heard.wait()
    link.cut()


async def cut_at_once(link: "Link", chunk: bytes) -> None:
    """Send it on and cut without waiting: the server may get it or not."""
    await link.to_server(chunk)
    link.cut()


def cut_within(dice: random.Random) -> "Act":
    """Cut after some of its bytes: the server sees a torn request."""

    async def act(link: "Link", chunk: bytes) -> None:
        await link.to_server(chunk[: dice.randrange(len(chunk))])
        link.cut()

    return act


def hold_back(seconds: float) -> "Act":
    """Send it on late; what the server says meanwhile is late as well."""

    async def act(link: "Link", chunk: bytes) -> None:
        link.quiet_until = asyncio.get_running_loop().time() + seconds
        await asyncio.sleep(seconds)
        await link.to_server(chunk)

    return act


def fall_silent(seconds: float) -> "Act":
    """Swallow all of it from here on, both ways, and cut only after so long: half open."""

    async def act(link: "Link", chunk: bytes) -> None:
        del chunk
        link.is_deaf = link.is_dumb = True
        link.later(seconds, link.cut)

    return act


class Link:
    """One client's connection and the one that was made for it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._client = client
        self._server = server
        self.heard = asyncio.Event()
        self.is_deaf = False
        """What the server says does not reach the client."""
        self.is_dumb = False
        """What the client says does not reach the server."""
        self.quiet_until = 0.0

    async def to_server(self, chunk: bytes) -> None:
        """Send on what the client said."""
        if not self.is_dumb:
            self._server.write(chunk)
            await self._server.drain()

    async def to_client(self, chunk: bytes) -> None:
        """Send on what the server said."""
        self.heard.set()
        left = self.quiet_until - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
        if not self.is_deaf:
            self._client.write(chunk)
            await self._client.drain()

    def cut(self) -> None:
        """End both connections without a farewell."""
        for writer in (self._client, self._server):
            writer.transport.abort()

    def later(self, seconds: float, do: Callable[[], None]) -> None:
        """Do something after a while, whatever else happens."""
        asyncio.get_running_loop().call_later(seconds, do)


Act = Callable[[Link, bytes], Coroutine[Any, Any, None]]
"""What is done to a connection at the chunk that a client sends."""


class Proxy:
    """Listens on a port of 127.0.0.1 and sends everything on to `target`, which may come later."""

    def __init__(self, target: int = 0) -> None:
        self.port = free_port()
        self.target = target
        self._links: set[Link] = set()
        self._faults: list[Fault] = []
        self._serving: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        self._run(self._listen())
        return self

    def stop(self) -> None:
        """Cut everything and end."""
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def arm(self, fault: Fault) -> Fault:
        """Let a fault strike the next connection it fits."""
        self._loop.call_soon_threadsafe(self._faults.append, fault)
        return fault

    def cut_all(self) -> None:
        """Cut every connection there is."""
        self._run(self._cut_all())

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def _end(self) -> None:
        self._server.close()
        await self._cut_all()
        serving = [task for task in self._serving if not task.done()]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _cut_all(self) -> None:
        for link in list(self._links):
            link.cut()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (task := asyncio.current_task()) is not None:
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        try:
            from_server, to_server = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        link = Link(writer, to_server)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._upstream(reader, link))
                both.create_task(_downstream(from_server, link))
        except* OSError:
            pass
        finally:
            self._links.discard(link)
            link.cut()

    async def _upstream(self, reader: asyncio.StreamReader, link: Link) -> None:
        while chunk := await reader.read(CHUNK):
            for fault in self._faults:
                if fault.takes(chunk):
                    self._faults.remove(fault)
                    fault.struck.set_result(f"{fault.name} at {len(chunk)} bytes")
                    await fault.act(link, chunk)
                    break
            else:
                await link.to_server(chunk)
        raise ConnectionResetError  # the other direction ends with this one


async def _downstream(reader: asyncio.StreamReader, link: Link) -> None:
    while chunk := await reader.read(CHUNK):
        await link.to_client(chunk)
    raise ConnectionResetError
