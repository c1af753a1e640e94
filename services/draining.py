"""How a process that was asked to stop takes leave of whoever sends it requests."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_CLOSE = (b"connection", b"close")


class Draining:
    """Once `begun`, every answer ends its connection, and /readyz says that this process stops.

    So a gateway with another address goes there, before this one takes no connections any more.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.begun = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or have the app answer."""
        if scope["type"] != "http" or not self.begun:
            await self._app(scope, receive, send)
            return

        async def last(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), _CLOSE]
            await send(message)

        if scope["path"] == "/readyz":
            problem = {"title": "Not ready: process stops", "reasons": {"process": "stops"}}
            kind = "application/problem+json"
            body = {"type": "/problems/unavailable", "status": 503, **problem}
            await JSONResponse(body, 503, media_type=kind)(scope, receive, last)
            return
        await self._app(scope, receive, last)
