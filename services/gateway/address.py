"""Where a process of a service answers, how busy it is, and whether to pass it over for now."""

import time
from collections.abc import Sequence
from typing import Any, Final

import httpx2

_REFUSED_SECONDS: Final = 1.0
LEAVING_SECONDS: Final = 3.0
"""Longer than a process that was asked to stop goes on serving (`ANDAN_DRAIN_SECONDS`)."""
KEPT_SECONDS: Final = 1.0
"""How long a connection without a request is kept: shorter than the other side keeps it, and than
a process that was asked to stop goes on serving, so that none is used that is being closed."""


class Address:
    """One address and the connections to it."""

    def __init__(self, url: str, *, timeout: httpx2.Timeout, connections: int) -> None:
        self.url = httpx2.URL(url)
        self.http = httpx2.AsyncClient(
            base_url=url,
            timeout=timeout,
            limits=httpx2.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=KEPT_SECONDS,
            ),
            follow_redirects=False,
            trust_env=False,
        )
        self.in_flight = 0
        self.served = 0
        self._over_until = 0.0

    @property
    def is_over(self) -> bool:
        """Whether it is passed over where there is another."""
        return time.monotonic() < self._over_until

    def refused(self) -> None:
        """Pass it over for a second: it did not take a connection."""
        self._over_until = time.monotonic() + _REFUSED_SECONDS

    def leaving(self) -> None:
        """Pass it over until it has stopped: it said that it is about to."""
        self._over_until = time.monotonic() + LEAVING_SECONDS


def in_turn(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses in the order to try them: the least busy first, those passed over last.

    Of those that are equally busy, the one that has served least.
    """
    return sorted(addresses, key=lambda each: (each.is_over, each.in_flight, each.served))


class Sending:
    """What is seen of a request on its way, by httpx2's trace: whether its connection was new."""

    def __init__(self) -> None:
        self.is_new = False
        self.has_begun = False

    async def __call__(self, event: str, _: dict[str, Any]) -> None:
        """Note what happens."""
        if event == "connection.connect_tcp.started":
            self.is_new = True
        elif event == "http11.send_request_headers.started":
            self.has_begun = True
