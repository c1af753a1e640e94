"""A mail server that fails on purpose: each mailbox has a mood, and what it took is counted."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

GOOD: Final = "good"
REFUSES_FOR_NOW: Final = "refuses for now"
REFUSES_TEXT_FOR_NOW: Final = "refuses the text for now"
REFUSES_FOR_GOOD: Final = "refuses for good"
REFUSES_TEXT_FOR_GOOD: Final = "refuses the text for good"
DROPS_BEFORE_TEXT: Final = "drops before the text"
DROPS_IN_TEXT: Final = "drops in mid text"
DROPS_AFTER_TEXT: Final = "drops after the text, before its answer"
HANGS_BEFORE_TEXT: Final = "hangs before the text"
HANGS_AFTER_TEXT: Final = "hangs after the text"
SLOW: Final = "slow"

MOODS: Final[Mapping[str, tuple[str, ...]]] = {
    GOOD: ("sent",),
    SLOW: ("sent",),
    REFUSES_FOR_NOW: ("sent",),
    REFUSES_TEXT_FOR_NOW: ("sent",),
    DROPS_BEFORE_TEXT: ("sent",),
    HANGS_BEFORE_TEXT: ("sent",),
    REFUSES_FOR_GOOD: ("refused",),
    REFUSES_TEXT_FOR_GOOD: ("refused",),
    DROPS_IN_TEXT: ("in-doubt",),
    DROPS_AFTER_TEXT: ("in-doubt",),
    HANGS_AFTER_TEXT: ("in-doubt",),
}
"""How a letter to a mailbox of each mood must end; the passing moods pass after two tries."""

_PASSING = {REFUSES_FOR_NOW, REFUSES_TEXT_FOR_NOW, DROPS_BEFORE_TEXT, HANGS_BEFORE_TEXT}
_TRIES = 2
_ADDRESS = re.compile(rb"<([^>]*)>")


@dataclass
class MailServer:
    """Mailboxes named by their address; one that has no mood is good."""

    moods: dict[str, str] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    """How many mails were taken for good, by mailbox: what a person would find there."""
    seen: Counter[str] = field(default_factory=Counter)
    """How often a mailbox was asked for."""
    slow_seconds: float = 0.1
    when_taken: Callable[[str], Awaitable[None]] | None = None
    """Called for each mail between taking it and saying so."""
    port: int = 0
    _server: asyncio.Server | None = None
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.WriteTransport] = field(default_factory=set)

    async def listen(self) -> None:
        """Begin to listen, again on the same port."""
        self._closing.clear()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse connections, and cut those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._closing.set()
        for transport in self._open:
            transport.abort()
        self._open.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer.transport)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, _Cut):
                await self._talk(reader, writer)
        finally:
            self._open.discard(writer.transport)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(words: str) -> None:
            writer.write(words.encode() + b"\r\n")
            await writer.drain()

        await say("220 mx")
        box, mood = "", GOOD
        while line := await reader.readline():
            word = line[:4].upper()
            if word == b"RCPT":
                found = _ADDRESS.search(line)
                assert found is not None
                box = found[1].decode()
                mood = self._mood(box)
                await say(await self._recipient(mood))
            elif word == b"DATA":
                if mood == DROPS_BEFORE_TEXT:
                    return
                if mood == HANGS_BEFORE_TEXT:
                    await self._closing.wait()
                    return
                await say("354 go on")
                if mood == DROPS_IN_TEXT:
                    await reader.readline()
                    return
                await reader.readuntil(b"\r\n.\r\n")
                await say(await self._text(box, mood))
            elif word == b"QUIT":
                await say("221 bye")
                return
            else:
                await say("250 ok")

    def _mood(self, box: str) -> str:
        self.seen[box] += 1
        mood = self.moods.get(box, GOOD)
        return GOOD if mood in _PASSING and self.seen[box] > _TRIES else mood

    async def _recipient(self, mood: str) -> str:
        if mood == SLOW:
            await asyncio.sleep(self.slow_seconds)
        if mood == REFUSES_FOR_NOW:
            return "450 4.2.0 later"
        if mood == REFUSES_FOR_GOOD:
            return "550 5.7.1 not here"
        return "250 ok"

    async def _text(self, box: str, mood: str) -> str:
        if mood == REFUSES_TEXT_FOR_NOW:
            return "451 4.3.0 later"
        if mood == REFUSES_TEXT_FOR_GOOD:
            return "554 5.6.0 no"
        self.taken[box] += 1
        if self.when_taken is not None:
            await self.when_taken(box)
        if mood == SLOW:
            await asyncio.sleep(self.slow_seconds)
        if mood == DROPS_AFTER_TEXT:
            raise _Cut
        if mood == HANGS_AFTER_TEXT:
            await self._closing.wait()
        return "250 taken"


class _Cut(Exception):
    """The connection is to be cut now"""


@asynccontextmanager
async def mail_server(**options: object) -> AsyncIterator[MailServer]:
    """Run a mail server on this loop."""
    server = MailServer(**options)  # type: ignore[arg-type]  # its own fields
    await server.listen()
    try:
        yield server
    finally:
        await server.close()
