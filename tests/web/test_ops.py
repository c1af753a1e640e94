"""What operators see: letters, the rehearsal's inbox, parked messages without the personal."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from services.web.pages.ops import masked, masked_text
from shared.store.plumbing import dead_letter
from tests.web.browsing import City, city, event_body

pytestmark = pytest.mark.anyio


async def registered(it: City) -> None:
    """Have somebody registered, with the letter that follows."""
    event = await it.ok("/v1/events", event_body())
    await it.ok(f"/v1/events/{event['id']}/publication")
    body = {"name": "Åsa Ek", "contact": {"email": "asa@example.org"}, "language": "sv"}
    await it.ok(f"/v1/events/{event['id']}/registrations", body)
    await it.rest()


async def test_letters_are_told_of_without_their_address(tmp_path: Path) -> None:
    """Each with its state and tries; a state that nothing has is empty."""
    async with city(tmp_path) as it:
        me = await it.staff()
        assert "Nothing has been sent yet" in (await me.open("/en/ops/deliveries")).text
        await registered(it)
        page = await me.open("/en/ops/deliveries")
        assert "Sent" in page.text
        assert "asa@example.org" not in page.html
        page = await me.open("/en/ops/deliveries?state=bounced")
        assert "No letter is in this state" in page.text


async def test_the_inbox_of_the_rehearsal(tmp_path: Path) -> None:
    """A mail opens as text and, in a frame that can do nothing, as it looks."""
    async with city(tmp_path) as it:
        me = await it.staff()
        assert "Nothing has been sent yet" in (await me.open("/en/ops/mail")).text
        await registered(it)
        page = await me.open("/en/ops/mail")
        assert "asa@example.org" in page.text
        path = page.html.partition('href="/en/ops/mail/')[2].partition('"')[0]
        mail = await me.open(f"/en/ops/mail/{path}")
        assert "Åsa Ek" in mail.text
        if "<iframe" in mail.html:
            frame = mail.html.partition("<iframe")[2].partition(">")[0]
            assert "sandbox" in frame
            assert "sandbox=" not in frame
        letter = await me.open(f"/en/ops/mail/{path}/html")
        policy = letter.answer.headers["content-security-policy"]
        assert {"sandbox", "default-src 'none'"} <= {each.strip() for each in policy.split(";")}
        assert "script-src" not in policy


async def parked(it: City, body: dict[str, Any] | bytes) -> str:
    """Park a message in events' store; return its id."""
    events = next(each for each in it.house.services if each.name == "events")
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    values = {
        "id": "01890000-0000-7000-8000-000000000001",
        "consumer": "andan.events.organisations",
        "message_id": "01890000-0000-7000-8000-0000000000aa",
        "topic": "andan.directory.organisation.v1",
        "key": b"o1",
        "headers": json.dumps({"ce_type": "se.andan.directory.organisation.registered.v1"}),
        "body": content,
        "reason": "KeyError",
        "attempts": 5,
        "parked_at": datetime(2023, 3, 1, 8, tzinfo=UTC),
    }
    async with events.store.work() as work:
        known = {name: value for name, value in values.items() if name in dead_letter.c}
        await work.execute(insert(dead_letter).values(**known))
    return str(values["id"])


async def test_a_parked_message(tmp_path: Path) -> None:
    """Listed, shown masked, dropped only by who says that he is sure."""
    async with city(tmp_path) as it:
        me = await it.staff()
        assert "Nothing is parked" in (await me.open("/en/ops/parked")).text
        letter = await parked(it, {"organisation_id": "o1", "name": "Stilla hjälpen"})
        assert "Parked messages (1)" in (await me.open("/en/desk")).text
        page = await me.open("/en/ops/parked")
        assert "andan.directory.organisation.v1" in page.text
        page = await me.open(f"/en/ops/parked/events/{letter}")
        assert "o1" in page.text
        assert "Stilla hjälpen" not in page.html
        unsure = await me.press(page, "Drop the message")
        assert unsure.status == 422
        done = await me.press(page, "Drop the message", {"sure": "yes"})
        assert "The message is dropped" in done.text
        assert "Nothing is parked" in done.text
        late = await me.press(page, "Drop the message", {"sure": "yes"})
        assert late.status == 200
        assert (await me.open(f"/en/ops/parked/events/{letter}")).status == 404


def test_what_is_personal_is_masked() -> None:
    """Names, addresses and free text are, at any depth; ids, words and numbers are not."""
    shown = masked(
        {
            "event_id": "e1",
            "name": "Åsa",
            "people": 3,
            "at": "2023-03-01T08:00:00Z",
            "who": {"email": "a@example.org", "language": "sv"},
            "said": ["two words", "word", "b@example.org"],
            "contact": {"phone": "040"},
            "sealed": "eyJ",
            "long": "x" * 65,
            "none": None,
        }
    )
    mask = "•••"
    assert shown == {
        "event_id": "e1",
        "name": mask,
        "people": 3,
        "at": "2023-03-01T08:00:00Z",
        "who": {"email": mask, "language": "sv"},
        "said": [mask, "word", mask],
        "contact": mask,
        "sealed": mask,
        "long": mask,
        "none": None,
    }


@pytest.mark.parametrize("body", [None, "", "not json", '"a name"', "[1]", "12"])
def test_what_nobody_can_read_is_not_shown(body: str | None) -> None:
    """A body that is no object may hold anything, so nothing of it is shown."""
    assert masked_text(body) == ""
