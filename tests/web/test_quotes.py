"""Quotes at the desk: read before anybody else, cut, approved."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.web.browsing import START, City, city, event_body

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

WORDS = "Vi pratade länge. Anna Ek hjälpte mig. Tack!"


async def asked(it: City) -> None:
    """Have twelve people come and say what they thought; one of them may be quoted."""
    body = event_body(starts_at="2023-03-01T10:00:00Z", ends_at="2023-03-01T12:00:00Z")
    event = await it.ok("/v1/events", body)
    await it.ok(f"/v1/events/{event['id']}/publication")
    await it.move(START + timedelta(hours=2))
    await it.ok(f"/v1/events/{event['id']}/walk-ins", {"people": 12})
    await it.ok(f"/v1/events/{event['id']}/attendance-closing")
    await it.rest()
    survey = (await it.admin.get(f"/v1/surveys?event_id={event['id']}")).json()["items"][0]
    sheets = await it.ok("/v1/ballot-sheets", {"survey_id": survey["id"], "count": 12})
    secrets = [url.rpartition("/")[2] for url in sheets["links"]]
    path = f"/v1/surveys/{survey['id']}"
    for ballot in secrets:
        answer = await it.admin.post(f"{path}/answers", json={"ballot": ballot, "rating": 5})
        assert answer.status_code == 204, answer.text
    words = {"ballot": secrets[0], "text": WORDS, "may_quote": True}
    assert (await it.admin.post(f"{path}/words", json=words)).status_code == 204
    await it.ok(f"{path}/closing")
    await it.rest()


async def test_a_quote_is_cut_and_approved(tmp_path: Path) -> None:
    """It waits with what to look at; a changed word is refused and kept; a cut is approved."""
    async with city(tmp_path) as it:
        me = await it.staff()
        assert "No quote waits" in (await me.open("/en/desk/quotes")).text
        await asked(it)
        me = await it.staff()
        assert "Quotes to read (1)" in (await me.open("/en/desk")).text
        page = await me.open("/en/desk/quotes")
        assert "Perhaps a name" in page.text
        assert dict(page.sheet("Approve").fields)["text"] == WORDS
        wrong = await me.press(page, "Approve", {"text": ""})
        assert wrong.status == 422
        reworded = WORDS.replace("Anna Ek", "Någon")
        wrong = await me.press(page, "Approve", {"text": reworded})
        assert wrong.status == 422
        assert "never changed" in wrong.text
        assert dict(wrong.sheet("Approve").fields)["text"] == reworded
        cut = WORDS.replace("Anna Ek hjälpte mig.", "[…]")
        done = await me.press(wrong, "Approve", {"text": cut})
        assert "The quote is approved" in done.text
        assert "No quote waits" in done.text
        again = await me.press(wrong, "Approve", {"text": cut})
        assert again.status == 200
        assert cut in (await me.open("/en/desk/quotes?state=approved")).text
