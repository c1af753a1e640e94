"""How often somebody may call: by key, or by network without one."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.rates import Rate, Rates
from services.gateway.rules import network_of
from shared.clock import ReplayClock
from shared.http.problems import TooManyRequests
from tests.gateway.house import START, house


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def spent(rates: Rates, rate: Rate, caller: str, times: int) -> int:
    """Return how many of so many calls are let through."""
    count = 0
    for _ in range(times):
        try:
            rates.spend(rate, caller)
        except TooManyRequests:
            continue
        count += 1
    return count


def test_a_burst_and_then_the_even_rate() -> None:
    """After a silence a whole burst passes, then as many as the rate brings; refusals are free."""
    hand = Hand()
    rates, rate = Rates(hand), Rate("key", 100, 500)
    assert spent(rates, rate, "a", 600) == 500
    assert spent(rates, rate, "b", 1) == 1
    hand.at += 1
    assert spent(rates, rate, "a", 600) == 100
    hand.at += 3_600
    assert spent(rates, rate, "a", 600) == 500


def test_a_refusal_says_when_to_come_back() -> None:
    """Retry-After is true: a second earlier is too early, then it passes."""
    hand = Hand()
    rates, rate = Rates(hand), Rate("public", 0.25, 2)
    spent(rates, rate, "a", 2)
    with pytest.raises(TooManyRequests) as caught:
        rates.spend(rate, "a")
    assert caught.value.headers == {
        "Retry-After": "4",
        "RateLimit": '"public";r=0;t=4',
        "RateLimit-Policy": '"public";q=2;w=8',
    }
    hand.at += 3
    assert spent(rates, rate, "a", 1) == 0
    hand.at += 1
    assert spent(rates, rate, "a", 2) == 1


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 9), st.floats(0.1, 20))
def test_no_window_holds_more_than_it_may(pauses: list[float], burst: int, a_second: float) -> None:
    """In any stretch of time at most the burst and what the rate brings in it are let through."""
    hand = Hand()
    rates, rate = Rates(hand), Rate("key", a_second, burst)
    passed: list[float] = []
    for pause in pauses:
        hand.at += pause
        passed += [hand.at] * spent(rates, rate, "a", 3)
    for i, since in enumerate(passed):
        for j, until in enumerate(passed[i:], 1):
            assert j <= burst + (until - since) * a_second + 1e-3


def test_memory_stays_bounded() -> None:
    """A flood of callers that come once does not fill the memory."""
    hand = Hand()
    rates, rate = Rates(hand), Rate("public", 1, 60)
    for number in range(120_000):
        rates.spend(rate, f"{number}")
    assert len(rates._paid_at) <= 50_000


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.0/24"),
        ("::ffff:192.0.2.9", "192.0.2.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_a_network_shares_its_limit(address: str | None, network: str) -> None:
    """Addresses count by /24 and /64; what is no address counts as one."""
    assert network_of(address) == network


@pytest.mark.anyio
async def test_without_a_key_a_network_has_its_limit(tmp_path: Path) -> None:
    """The 4th of 3 calls is a 429 problem; keys, probes and other networks go on."""
    async with house(tmp_path, rate_public_a_minute=3) as it:
        key = await it.key()
        async with it.client() as client:
            codes = [(await client.get("/v1/rooms")).status_code for _ in range(4)]
            assert codes == [200, 200, 200, 429]
            refused = await client.get("/v1/api-info")
            assert refused.json()["type"] == "/problems/too-many-requests"
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.headers["ratelimit"].startswith('"public";r=0;t=')
            for probe in ("/livez", "/metrics"):
                assert (await client.get(probe)).status_code == 200
        async with it.client(key) as client:
            assert (await client.get("/v1/rooms")).status_code == 200
        async with it.client("link_a.b") as client:
            assert (await client.get("/v1/rooms")).status_code == 429
        async with it.client("andan_nonsense") as client:
            assert (await client.get("/v1/rooms")).status_code == 429


@pytest.mark.anyio
async def test_a_key_has_its_limit_and_guessing_ends(tmp_path: Path) -> None:
    """Each key counts by itself; a network that shows false keys is refused unread."""
    options: dict[str, Any] = {
        "rate_key_a_second": 1,
        "rate_key_burst": 5,
        "rate_public_a_minute": 4,
    }
    async with house(tmp_path, **options) as it:
        one, other = await it.key(), await it.key()
        async with it.client(one) as client:
            codes = [(await client.get("/v1/rooms")).status_code for _ in range(6)]
            assert codes == [200] * 5 + [429]
        false = [f"andan_{'x' * 12}_{'y' * 43}", one[:-1] + ("a" if one[-1] != "a" else "b")]
        codes = []
        for guess in false * 3:
            async with it.client(guess) as client:
                codes.append((await client.get("/v1/rooms")).status_code)
        assert codes == [401] * 4 + [429] * 2
        async with it.client(one) as client:
            assert (await client.get("/v1/rooms")).status_code == 429, "its own limit still"
        async with it.client(other) as client:
            assert (await client.get("/v1/rooms")).status_code == 429, "a stranger next door waits"


@pytest.mark.anyio
async def test_a_replayed_year_has_no_limit(tmp_path: Path) -> None:
    """On the replay clock nobody is held back."""
    clock = ReplayClock(START)
    async with (
        house(tmp_path, clock=clock, rate_public_a_minute=1, rate_key_burst=1) as it,
        it.client() as client,
    ):
        assert {(await client.get("/v1/rooms")).status_code for _ in range(5)} == {200}
