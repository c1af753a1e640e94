"""A replay writes to nobody: neither from an empty store nor from one that lost its inbox."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.contracts.events import RegistrationCancelled, RegistrationConfirmed
from shared.testing.fixtures import MakeUrl
from tests.notifications.scene import NOON, Scene, event, fact, rewind, scene

pytestmark = pytest.mark.anyio


async def live(it: Scene) -> None:
    """Live through a few letters."""
    people = [f"r{number}" for number in range(5)]
    await it.hear(event(), *(it.contact(each) for each in people))
    await it.hear(*(fact(RegistrationConfirmed, each) for each in people))
    await it.hear(fact(RegistrationCancelled, "r0", was="confirmed", reason="erased"))
    assert len(it.mails()) == 5


async def test_an_empty_store_sends_nothing(make_url: MakeUrl, tmp_path: Path) -> None:
    """A new store hears the whole log, learns the events and writes no letter."""
    async with scene(make_url, tmp_path) as first:
        await live(first)
    for mail in (tmp_path / "mail").glob("*.eml"):
        mail.unlink()
    rewind(tmp_path)
    async with scene(make_url, tmp_path, at=NOON + timedelta(minutes=1)) as second:
        await second.it.quiet()
        letters, programme, ballots, *_ = second.it.service.consumers
        assert programme.counts["handled"] == 1
        assert letters.counts["ignored"] >= 12
        assert ballots.counts["handled"] == 0
        assert second.mails() == []
        assert await second.deliveries() == []
        assert await second.contacts() == []
        later = [second.contact("r9"), fact(RegistrationConfirmed, "r9")]
        await second.hear(*later)
        assert len(second.mails()) == 1


async def test_a_lived_store_sends_nothing_again(make_url: MakeUrl, tmp_path: Path) -> None:
    """Its own deliveries hold a second letter back, and who was erased stays so."""
    same = await _the_same(make_url)
    async with scene(same, tmp_path) as first:
        await live(first)
        await first.forget_inbox()
    for mail in (tmp_path / "mail").glob("*.eml"):
        mail.unlink()
    rewind(tmp_path)
    async with scene(same, tmp_path, at=NOON + timedelta(minutes=1)) as second:
        await second.it.quiet()
        assert second.it.service.consumers[0].counts["handled"] >= 12
        assert second.mails() == []
        assert len(await second.deliveries()) == 5
        (erased,) = [each for each in await second.contacts() if each.id == "r0"]
        assert (erased.email, erased.name, erased.manage_token) == (None, None, None)


async def test_what_is_old_causes_no_letter(make_url: MakeUrl, tmp_path: Path) -> None:
    """A message that is more than two days late is not acted on."""
    async with scene(make_url, tmp_path) as it:
        await it.hear(event(), it.contact("r1"))
        late = fact(RegistrationConfirmed)
        it.clock.move(NOON + timedelta(days=3))
        await it.hear(late, told_at=NOON)
        assert it.mails() == []


async def _the_same(make_url: MakeUrl) -> Callable[[str], Awaitable[str]]:
    url = await make_url("sqlite")

    async def again(_: str) -> str:
        return url

    return again
