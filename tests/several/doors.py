"""A client that knows several gateways, and goes to the next where one takes no connection."""

from collections.abc import Sequence

import httpx2


class Doors(httpx2.AsyncBaseTransport):
    """Sends each request to the first address that takes the connection, and never twice.

    What breaks later is told as it is: nothing is repeated that may have been done.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = [httpx2.URL(each) for each in addresses]
        self._http = httpx2.AsyncHTTPTransport(
            limits=httpx2.Limits(keepalive_expiry=1.0), trust_env=False
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Try the addresses, the one that took the last request first."""
        refusal: httpx2.ConnectError | None = None
        for address in list(self._addresses):
            request.url = request.url.copy_with(host=address.host, port=address.port)
            try:
                return await self._http.handle_async_request(request)
            except httpx2.ConnectError as error:
                refusal = error
                self._addresses.remove(address)
                self._addresses.append(address)
        assert refusal is not None
        raise refusal

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()
