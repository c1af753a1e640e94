"""A process behind the gateway, played: it answers, refuses, breaks off, or says that it stops."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from starlette.types import Message, Scope

from services.gateway.remote import Remote
from shared.testing.ports import free_port

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n%s\r\nok"


@dataclass
class Played:
    """A server at `port` that does to its next requests what `plan` says, then answers all."""

    port: int
    plan: list[str] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take requests of one connection."""
        self.connections += 1
        try:
            while head := await head_of(reader):
                self.requests.append(head)
                is_asked = b"/v1/things" in head  # else it is the gateway that learns the routes
                what = self.plan.pop(0) if self.plan and is_asked else "answer"
                if what == "break":
                    return
                if what == "wait":
                    self.busy.set()
                    await self.release.wait()
                writer.write(ANSWER % (b"connection: close\r\n" if what == "leave" else b""))
                await writer.drain()
                if what in ("leave", "close"):
                    return
        finally:
            writer.close()


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """Read a request; return its head, or nothing where the other side is gone."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.split(b":")[1]))
    return head


@asynccontextmanager
async def played(*plans: Sequence[str]) -> AsyncIterator[list[Played]]:
    """Run a server for each plan."""
    async with AsyncExitStack() as rest:
        servers = []
        for plan in plans:
            one = Played(free_port(), list(plan))
            server = await asyncio.start_server(one.serve, "127.0.0.1", one.port)
            rest.callback(server.close)
            servers.append(one)
        yield servers


async def ask(remote: Remote, method: str = "GET", *, key: str | None = None) -> int:
    """Have a request forwarded; return the status of its answer."""
    headers = [] if key is None else [(b"idempotency-key", key.encode())]
    scope: Scope = {
        "type": "http",
        "method": method,
        "path": "/v1/things",
        "query_string": b"",
        "headers": headers,
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"{}" if method == "POST" else b""}

    async def send(message: Message) -> None:
        sent.append(message)

    await remote.forward(scope, receive, send, headers)
    status: int = sent[0]["status"]
    return status
